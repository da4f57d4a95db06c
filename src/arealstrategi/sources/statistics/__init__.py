"""Statistics Norway (SSB): residents in grid cells, by age, projected; settlements and centres."""

from arealstrategi.sources.statistics.ages import population_by_age, projection
from arealstrategi.sources.statistics.grid import read_grid
from arealstrategi.sources.statistics.statbank import read_statbank_csv
from arealstrategi.sources.statistics.zones import distance_to_zones, read_zones

__all__ = [
    "distance_to_zones",
    "population_by_age",
    "projection",
    "read_grid",
    "read_statbank_csv",
    "read_zones",
]
