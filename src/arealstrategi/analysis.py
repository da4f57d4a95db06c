"""The order of the work: read, then analyse. The only place that knows it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from arealstrategi import constraints as rules
from arealstrategi import criteria as judging
from arealstrategi import scoring
from arealstrategi.criteria import NumberCriterion, WalkCriterion
from arealstrategi.errors import ArealstrategiError
from arealstrategi.inputs import Inputs, Progress, read, stages
from arealstrategi.network import Snapped, WalkNetwork, build_network, snap, snap_services
from arealstrategi.provenance import SourceReport, with_origin
from arealstrategi.quality import network_report
from arealstrategi.reach import Reach, further_effort_m, measure_reach, reach_table
from arealstrategi.reach.barriers import way_statuses
from arealstrategi.result import Result, parcel_table, service_table, zone_table
from arealstrategi.strategy import Strategy

__all__ = ["Inputs", "analyse", "check", "read", "run", "walk_network"]


def run(strategy: Strategy, *, progress: Progress | None = None) -> Result:
    """Read the inputs of a strategy and analyse them.

    Parameters
    ----------
    strategy
        What to do.
    progress
        Called with the name of each stage as it begins.

    Raises
    ------
    ArealstrategiError
        Something that the user can mend.
    """
    return analyse(strategy, read(strategy, progress=progress), progress=progress)


def analyse(strategy: Strategy, inputs: Inputs, *, progress: Progress | None = None) -> Result:
    """Score the parcels of `inputs` as `strategy` asks."""
    timings = dict(inputs.timings_s)
    stage = stages(timings, progress)
    parcels, services, criteria = inputs.parcels, inputs.services, strategy.criteria
    with stage("network"):
        network = walk_network(strategy, inputs)
        at_parcels, at_services = _snapped(strategy, network, inputs)
    with stage("reach"):
        walked = {c.key: c.k for c in criteria if isinstance(c, WalkCriterion)}
        reach = measure_reach(
            network, at_parcels, at_services, services["category"], parcels.index, k=walked
        )
        distances = reach_table(reach, _shown_names(services), list(walked))
        choices = {key: further_effort_m(reach, key, k) for key, k in walked.items() if k > 1}
    with stage("score"):
        measured = judging.measure(criteria, distances, inputs.evidence)
        values = judging.to_values(criteria, measured, choices)
        method = strategy.score
        total = scoring.aggregate(values, strategy.weights, method.method, method.alpha)
        hits, shares = rules.find_all(parcels, inputs.constraints)
        unseen = ~at_parcels.connected & ~_covered(inputs, strategy.osm.snap_m)
        verdict = _judge(strategy, inputs, values, total, hits, reach, unseen)
    return Result(
        strategy=strategy,
        area=inputs.area,
        parcels=parcel_table(parcels, verdict, distances, measured, values, inputs.details),
        services=service_table(services, at_services.thing_connected),
        constraints=hits,
        constraint_shares=shares,
        zones=zone_table(inputs.constraints, inputs.area.crs),
        backdrop=inputs.backdrop,
        population=inputs.population,
        reach=reach,
        reports=(
            *inputs.reports,
            _network_report(strategy, inputs, network, at_parcels, at_services),
        ),
        warnings=inputs.warnings + _warnings(inputs, at_parcels, at_services, unseen),
        timings_s=timings,
    )


def walk_network(strategy: Strategy, inputs: Inputs) -> WalkNetwork:
    """Build the network of the strategy's walker."""
    asked = strategy.walker
    return build_network(
        inputs.ways, asked.walker, direction=asked.direction, ferries=asked.ferries
    )


def check(
    strategy: Strategy, *, progress: Progress | None = None
) -> tuple[list[SourceReport], list[ArealstrategiError]]:
    """Read every input as a run would, and go on after one that cannot be used.

    Parameters
    ----------
    strategy
        What to read.
    progress
        Called with the name of each stage as it begins.

    Returns
    -------
    What was understood of each input and of the network, and what would stop a run.
    """
    reports: list[SourceReport] = []
    problems: list[ArealstrategiError] = []
    try:
        inputs = read(
            strategy, progress=progress, backdrop=False, reports=reports, problems=problems
        )
        network = walk_network(strategy, inputs)
        snapped = _snapped(strategy, network, inputs)
        reports.append(_network_report(strategy, inputs, network, *snapped))
    except ArealstrategiError as error:
        problems.append(error)
    return [with_origin(report) for report in reports], problems


def _network_report(
    strategy: Strategy,
    inputs: Inputs,
    network: WalkNetwork,
    parcels: Snapped,
    services: Snapped,
) -> SourceReport:
    places = inputs.services
    names = (places["category"] + " " + _shown_names(places)).tolist()
    index = inputs.parcels.index
    return network_report(
        strategy.walker.profile, inputs.ways, network, parcels, services, index, names
    )


def _snapped(strategy: Strategy, network: WalkNetwork, inputs: Inputs) -> tuple[Snapped, Snapped]:
    limit = strategy.osm.snap_m
    parcels, services = inputs.parcels.geometry, inputs.services.geometry
    return (
        snap(network, parcels.to_numpy(), limit_m=limit),
        snap_services(network, services.to_numpy(), _is_open_area(strategy, inputs), limit_m=limit),
    )


def _is_open_area(strategy: Strategy, inputs: Inputs) -> NDArray[np.bool_]:
    """Say which services are parks and the like: kinds of which a least area is asked for."""
    open_kinds = [
        c.key for c in strategy.criteria if isinstance(c, WalkCriterion) and c.min_area_m2 > 0
    ]
    return np.asarray(inputs.services["category"].isin(open_kinds))


def _judge(
    strategy: Strategy,
    inputs: Inputs,
    values: pd.DataFrame,
    total: pd.Series,
    hits: pd.DataFrame,
    reach: Reach,
    unseen: NDArray[np.bool_],
) -> pd.DataFrame:
    """Collect what speaks against each parcel, and let the scoring stage decide."""
    index, connected = inputs.parcels.index, reach.parcels.connected
    counted = [c for c in strategy.criteria if c.weight > 0]
    walked = [c.key for c in counted if isinstance(c, WalkCriterion)]
    nothing = bool(walked) and not inputs.services["category"].isin(walked).any()
    too_small = inputs.parcels["area_m2"] < strategy.parcels.min_area_m2
    narrow = inputs.parcels.get("narrow", pd.Series(data=False, index=index))
    flags = {
        scoring.BELOW_MINIMUM: too_small,
        scoring.NARROW: narrow,
        **rules.reasons(hits),
        scoring.NO_SERVICE: pd.Series(nothing, index=index),
        **{
            f"{scoring.NO_VALUE}: {c.missing}": values[c.key].isna()
            for c in counted
            if isinstance(c, NumberCriterion)
        },
        scoring.OUTSIDE_EXTRACT: pd.Series(unseen, index=index),
        scoring.NOT_CONNECTED: pd.Series(~connected & ~unseen, index=index),
        **{
            f"{scoring.NO_STEP_FREE_WAY}: {key}": pd.Series(
                way_statuses(reach, key) == "no_step_free_way", index=index
            )
            for key in walked
            if key in reach.nearest
        },
    }
    return scoring.judge(
        total,
        reasons=scoring.join_reasons(flags, index),
        excluded=too_small | rules.excluded(hits, inputs.constraints),
        missing=flags[scoring.NO_SERVICE] | flags[scoring.OUTSIDE_EXTRACT],
        deduction=rules.deduction(hits, inputs.constraints),
    )


def _covered(inputs: Inputs, limit_m: float) -> NDArray[np.bool_]:
    """Say which parcels lie where the extract can know of streets."""
    seen = inputs.coverage.buffer(limit_m)
    shapely.prepare(seen)
    return np.asarray(shapely.intersects(seen, inputs.parcels.geometry.to_numpy()))


def _shown_names(services: gpd.GeoDataFrame) -> pd.Series:
    """Call a service by its name, or by its id where it has none."""
    return services["name"].where(services["name"] != "", services["service_id"])


def _warnings(
    inputs: Inputs, parcels: Snapped, services: Snapped, unseen: NDArray[np.bool_]
) -> tuple[str, ...]:
    said = []
    for things, what in ((services, "services"), (parcels, "parcels")):
        if lone := int((~things.thing_connected).sum()):
            of = len(things.thing_connected)
            said.append(f"{lone} of {of} {what} lie too far from any walkable way")
    if unseen.any():
        said.append(
            f"{int(unseen.sum())} of them lie outside the extract: what is there is not known"
        )
    if len(inputs.services) == 0:
        said.append("no service of any kind was found: no parcel has a score")
    return tuple(said)
