"""The result of a run: the tables, the map, explanations, and writing them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi import reach as reaching
from arealstrategi.area import StudyArea
from arealstrategi.comparison import Comparison
from arealstrategi.criteria import WalkCriterion
from arealstrategi.evidence import NO_HIT
from arealstrategi.explanation import Explanation, ScoreModel, explain_named, side_by_side
from arealstrategi.export import labels
from arealstrategi.export.explanation_text import explanation_text
from arealstrategi.export.geopackage import write_geopackage
from arealstrategi.export.table import write_ranking, write_side_by_side
from arealstrategi.provenance import SourceReport, sha256
from arealstrategi.quality import NETWORK, UNKNOWN_GRADIENT, extreme_detours
from arealstrategi.reach import Reach
from arealstrategi.result.facts import all_facts
from arealstrategi.result.layers import about, all_layers, all_tables, all_told, project_of
from arealstrategi.result.mapping import map_tables
from arealstrategi.result.reporting import report_outputs
from arealstrategi.result.surface import surface_outputs
from arealstrategi.result.tables import parcel_table, service_table, zone_table
from arealstrategi.result.workbook import write_workbook_of
from arealstrategi.result.writing import write_all
from arealstrategi.robustness import Robustness
from arealstrategi.strategy import Strategy, Weights

if TYPE_CHECKING:
    import folium

__all__ = ["Result", "Scenario", "Sites", "parcel_table", "service_table", "zone_table"]


@dataclass(frozen=True)
class Sites:
    """The given sites, judged as parcels are.

    Parameters
    ----------
    parcels
        GeoDataFrame with the columns of the contract, index ``parcel_id``; ``rank`` is among the
        sites, ``place_among_parcels`` the rank that the site would have among the parcels.
    constraints, constraint_shares
        As in `Result`.
    reach
        As in `Result`, from the sites.
    """

    parcels: gpd.GeoDataFrame
    constraints: pd.DataFrame
    constraint_shares: pd.DataFrame
    reach: Reach | None = field(default=None, repr=False)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """As `Result.findings`."""
        return _findings(self.constraints, self.constraint_shares)


@dataclass(frozen=True)
class Scenario:
    """What becomes of the parcels when something changes.

    Parameters
    ----------
    name
        As the strategy calls it.
    parcels
        GeoDataFrame with the columns of the contract.
    comparison
        With the result of the strategy itself.
    weights
        Those of the scenario.
    closed, opened
        Ids of the services that close and open.
    """

    name: str
    parcels: gpd.GeoDataFrame
    comparison: Comparison
    weights: Weights
    closed: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a run gives. Tables are in the analysis CRS.

    Parameters
    ----------
    strategy
        The strategy as run.
    area
        The study area.
    weights
        What every criterion weighs, and by whom.
    parcels
        GeoDataFrame with the columns of the contract, index ``parcel_id``.
    services
        Services table with ``reason``: empty, or why the place is not connected.
    constraints
        Index ``parcel_id``; per constraint name ``hit``, ``no_hit``, ``not_mapped`` or
        ``below_share``.
    constraint_shares
        Index ``parcel_id``; per constraint name the share of the parcel's area hit, 0–1.
    deduction
        Index ``parcel_id``; points taken off each parcel's score.
    zones
        The constraints' zones, for the map and the GeoPackage.
    backdrop
        What the map draws below the parcels.
    areas
        Recommended areas, as `areas.recommend_areas` gives them; empty where there are none.
    robustness
        How sure the order is; None where that is switched off or no parcel is assessed.
    sites
        The given sites; None where there are none.
    scenarios
        What becomes of the parcels in each scenario.
    population
        Cells with residents and how far they have it; None where no grid was given.
    in_reach, access
        Residents within reach of each category, and supply per resident, by district; empty where
        no grid was given, or no service tells its capacity.
    reach
        The distances, and what is needed to draw a route.
    reports
        What was read.
    warnings
        What the reader should know about the whole.
    notes
        Sentences that every output shows, such as that the municipality is invented.
    timings_s
        Seconds by stage.
    """

    strategy: Strategy
    area: StudyArea
    weights: Weights
    parcels: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    constraints: pd.DataFrame
    constraint_shares: pd.DataFrame
    deduction: pd.Series = field(repr=False)
    zones: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    areas: gpd.GeoDataFrame
    robustness: Robustness | None
    sites: Sites | None
    scenarios: tuple[Scenario, ...]
    population: gpd.GeoDataFrame | None
    in_reach: pd.DataFrame
    access: pd.DataFrame
    reach: Reach = field(repr=False)
    reports: tuple[SourceReport, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def criteria(self) -> pd.DataFrame:
        """The criteria in use, index ``key``: label, group, weight (sum 1), anchors, found."""
        return self.criteria_in(self.strategy.language)

    def criteria_in(self, language: str) -> pd.DataFrame:
        """Return `criteria` with the labels in a language."""
        weights = self.weights.weight
        here = set(self.services["category"])
        rows = [
            {
                "key": c.key,
                "label": c.name(language),
                "group": c.group,
                "weight": float(weights[c.key]),
                "full_m": c.full_m if isinstance(c, WalkCriterion) else np.nan,
                "zero_m": c.zero_m if isinstance(c, WalkCriterion) else np.nan,
                "walk": isinstance(c, WalkCriterion),
                "found": not isinstance(c, WalkCriterion) or c.key in here,
            }
            for c in self.strategy.criteria
        ]
        return pd.DataFrame(rows).set_index("key")

    @property
    def top(self) -> pd.DataFrame:
        """The best parcels, as many as ``top`` under [robustness], with their rank bands."""
        columns = ["label", "class", "score", "rank", "rank_p05", "rank_p95", "top_share"]
        known = [name for name in columns if name in self.parcels]
        leading = (self.parcels["rank"] <= self.strategy.robustness.top).fillna(value=False)
        best = self.parcels.loc[leading.to_numpy(dtype=bool), known]
        return pd.DataFrame(best.sort_values("rank", kind="stable"))

    def model(self, language: str) -> ScoreModel:
        """Return how values became scores, for explanations."""
        score = self.strategy.score
        return ScoreModel(
            self.criteria_in(language).assign(
                critical=[c.critical for c in self.strategy.criteria]
            ),
            score.method,
            score.alpha,
            score.floor,
            score.missing,
            {rule.name: rule.effect for rule in self.strategy.constraint},
        )

    def explain(self, parcel: str, language: str | None = None) -> Explanation:
        """Explain the score of a parcel or of a given site.

        Parameters
        ----------
        parcel
            Its id, cadastral number or label; a site goes before a parcel of that name.
        language
            Of the criteria's labels, ``nb`` or ``en``; None: the strategy's.

        Raises
        ------
        InputError
            There is none of that name; the message names the nearest.
        """
        sites = None if self.sites is None else (self.sites.parcels, self.sites.findings)
        model = self.model(language or self.strategy.language)
        return explain_named(parcel, model, (self.parcels, self.findings), sites)

    def explain_text(self, parcel: str, language: str | None = None) -> str:
        """Return the explanation of `explain` as text, ``nb`` or ``en``."""
        spoken = language or self.strategy.language
        return explanation_text(self.explain(parcel, spoken), spoken)

    @cached_property
    def side_by_side(self) -> pd.DataFrame:
        """The given sites, one column each, one row per fact; empty where there are none."""
        if self.sites is None:
            return pd.DataFrame()
        return side_by_side([self.explain(site) for site in self.sites.parcels.index])

    def route(self, parcel_id: str, category: str) -> shapely.LineString | None:
        """Draw the least-effort route to the nearest service of a category (analysis CRS).

        Returns
        -------
        None where there is no way.

        Raises
        ------
        KeyError
            There is no such parcel or no service of that category.
        """
        return reaching.route(self.reach, category, parcel_id)

    def route_pieces(self, parcel_id: str, category: str) -> gpd.GeoDataFrame:
        """Return that route piece by piece: metres, seconds and what hinders on each.

        Returns
        -------
        GeoDataFrame in the analysis CRS, in the order of walking; empty where there is no way.

        Raises
        ------
        KeyError
            There is no such parcel or no service of that category.
        """
        return reaching.route_pieces(self.reach, category, parcel_id)

    def catchment(
        self,
        minutes: Sequence[float] = (5, 10, 15),
        *,
        parcel_id: str | None = None,
        category: str | None = None,
        service_id: str | None = None,
    ) -> gpd.GeoDataFrame:
        """Return the area within some minutes' walk of a parcel, a service or a whole category.

        Parameters
        ----------
        minutes
            One polygon for each.
        parcel_id
            Where people set out from.
        category, service_id
            Where people walk to: the nearest service of a category, or one service.

        Returns
        -------
        GeoDataFrame in the analysis CRS: ``minutes``, ``street_m`` and polygons that follow the
        streets.

        Raises
        ------
        KeyError
            There is no such parcel, category or service.
        ValueError
            Not one of the three is given, or minutes are not above 0.
        """
        asked = [name for name in (parcel_id, category, service_id) if name is not None]
        if len(asked) != 1:
            raise ValueError("give one of parcel_id, category and service_id")
        reach = self.reach
        if parcel_id is not None:
            rows = np.atleast_1d(cast("int", self.parcels.index.get_loc(parcel_id)))
            return reaching.catchments(reach.network, reach.parcels, rows, minutes, leaving=True)
        column = "category" if category is not None else "service_id"
        chosen = (self.services[column] == asked[0]).to_numpy()
        if not chosen.any():
            raise KeyError(asked[0])
        doors = np.flatnonzero(chosen[reach.services.owner])
        return reaching.catchments(reach.network, reach.services, doors, minutes)

    @cached_property
    def barriers(self) -> pd.DataFrame:
        """What every route is like, one row per parcel and category; see `reach.barrier_table`."""
        return reaching.barrier_table(self.reach, self.walked)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What the constraints found, one row per parcel and constraint but for ``no_hit``.

        ``parcel_id``, ``constraint``, ``answer`` (``hit``, ``not_mapped`` or ``below_share``),
        ``share`` of the parcel's area hit, 0–1.
        """
        return _findings(self.constraints, self.constraint_shares)

    @property
    def detours(self) -> pd.DataFrame:
        """The extreme detours among `barriers`, one per parcel: hints for a missing footpath."""
        return extreme_detours(self.barriers_that_count)

    @cached_property
    def barriers_that_count(self) -> pd.DataFrame:
        """Walks that give points, and those that steps alone make impossible."""
        told = self.barriers["status"] == "no_step_free_way"
        return self.barriers[self.gives_points.ravel() | told.to_numpy()]

    @property
    def gives_points(self) -> NDArray[np.bool_]:
        """(c, p) whether the walk of each category and parcel, as in `barriers`, gives points."""
        return np.array([self.parcels[f"{key}_value"].to_numpy() > 0 for key in self.walked])

    @property
    def walked(self) -> list[str]:
        """Keys of the criteria that are walks."""
        return self.criteria.index[self.criteria["walk"]].tolist()

    def map(self) -> folium.Map:
        """Return the interactive map; it shows itself in a notebook."""
        from arealstrategi.export.map import suitability_map

        title, language = self.strategy.title, self.strategy.language
        return suitability_map(map_tables(self), title=title, language=language)

    def write(self, folder: str | Path) -> list[Path]:
        """Write every output; one that fails does not lose the others.

        Parameters
        ----------
        folder
            Made if it is not there. Each file is written beside its place and renamed.

        Returns
        -------
        The files written.

        Raises
        ------
        OutputError
            The folder cannot be used, or some file failed; the message says which and why, and
            which were written.
        """
        language = self.strategy.language
        names = {c.key: c.name(language) for c in self.strategy.criteria}
        outputs: dict[str, Callable[[Path], None]] = {
            "suitability.gpkg": self._write_geopackage,
            "ranking.csv": lambda p: write_ranking(p, self.parcels, language=language),
            "ranking.xlsx": lambda p: write_workbook_of(self, p),
            **surface_outputs(self),
            "map.html": self._write_map,
            "run.json": self._write_run,
        }
        if self.sites is not None:
            outputs["sites.csv"] = lambda p: write_side_by_side(
                p, self.side_by_side, names, language=language
            )
        return write_all(Path(folder), outputs | report_outputs(self))

    def _write_geopackage(self, path: Path) -> None:
        layers, tables = all_layers(self), all_tables(self)
        told = all_told(self, layers, tables)
        project = project_of(told, layers, file=path.name, title=self.strategy.title)
        write_geopackage(path, layers, tables, told=told, about=about(self), project=project)

    def _write_map(self, path: Path) -> None:
        from arealstrategi.export.map import write_map

        write_map(self.map(), path)

    def _write_run(self, path: Path) -> None:
        text = json.dumps(self.facts(), ensure_ascii=False, indent=2, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8", errors="replace")

    def facts(self) -> dict[str, Any]:
        """Return all that ``run.json`` holds: strategy, inputs, versions, timings, warnings."""
        return all_facts(self)

    def all_notes(self, language: str | None = None) -> tuple[str, ...]:
        """Return what every output says of the whole, in a language; None: the strategy's."""
        words = labels.words(language or self.strategy.language)
        network = next(r for r in self.reports if r.role == NETWORK)
        unknown = network.facts[UNKNOWN_GRADIENT]
        if not self.strategy.terrain.elevation:
            return (*self.notes, words["note.flat"])
        if unknown:
            return (*self.notes, words["note.partly_flat"].format(pct=unknown))
        return self.notes

    @cached_property
    def checksums(self) -> dict[Path, str]:
        """SHA-256 of every file that was read: large extracts are not to be hashed twice."""
        return {path: sha256(path) for path in {p for r in self.reports for p in r.files}}


def _findings(answers: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    told = {
        "answer": answers.melt(ignore_index=False, var_name="constraint"),
        "share": shares.melt(ignore_index=False, var_name="constraint"),
    }
    found = told["answer"].rename(columns={"value": "answer"})
    found = found.assign(share=told["share"]["value"].round(4)).rename_axis("parcel_id")
    return found[found["answer"] != NO_HIT].reset_index()
