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
from arealstrategi.criteria import ColumnCriterion, WalkCriterion
from arealstrategi.inputs import Inputs, Progress, read, stages
from arealstrategi.network import Snapped, WalkNetwork, build_network, snap
from arealstrategi.provenance import Fact, SourceReport
from arealstrategi.reach import measure_reach, reach_table
from arealstrategi.result import Result, parcel_table, service_table, zone_table
from arealstrategi.sources.parcels import OWN
from arealstrategi.strategy import Strategy
from arealstrategi.walker import seconds_per_metre

__all__ = ["Inputs", "analyse", "check_network", "read", "run", "walk_network"]


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
        reach = measure_reach(network, at_parcels, at_services, services["category"], parcels.index)
        walked = [c.key for c in criteria if isinstance(c, WalkCriterion)]
        distances = reach_table(reach, _shown_names(services), walked)
    with stage("score"):
        measured = judging.measure(criteria, distances, _own_columns(parcels))
        values = judging.to_values(criteria, measured)
        method = strategy.score
        total = scoring.aggregate(values, strategy.weights, method.method, method.alpha)
        hits = rules.find_all(parcels, inputs.constraints)
        unseen = ~at_parcels.connected & ~_covered(inputs, strategy.osm.snap_m)
        verdict = _judge(strategy, inputs, values, total, hits, at_parcels.connected, unseen)
    return Result(
        strategy=strategy,
        area=inputs.area,
        parcels=parcel_table(parcels, verdict, distances, measured, values),
        services=service_table(services, at_services.connected),
        constraints=hits,
        zones=zone_table(inputs.constraints, inputs.area.crs),
        backdrop=inputs.backdrop,
        reach=reach,
        reports=inputs.reports,
        warnings=inputs.warnings + _warnings(inputs, at_parcels, at_services, unseen),
        timings_s=timings,
    )


def walk_network(strategy: Strategy, inputs: Inputs) -> WalkNetwork:
    """Build the network of the strategy's walker."""
    walker = strategy.walker.walker
    cost = seconds_per_metre(inputs.ways.tags, walker)
    return build_network(inputs.ways, cost, flat_speed_m_s=walker.flat_speed_m_s)


def check_network(strategy: Strategy, inputs: Inputs) -> SourceReport:
    """Say how well the network serves parcels and services, without searching in it."""
    network = walk_network(strategy, inputs)
    parcels, services = _snapped(strategy, network, inputs)
    part = network.node_component[network.edge_nodes[parcels.edge[parcels.connected], 0]]
    lone = inputs.parcels.index[~parcels.connected]
    lost = inputs.services[~services.connected]
    facts: dict[str, Fact] = {
        "length, km": round(float(network.edge_m.sum()) / 1000, 1),
        "junctions and ends": len(network.node_xy),
        "connected parts": len(network.component_m),
        "parcels on the largest part, %": round(
            100 * int((part == 0).sum()) / len(parcels.edge), 1
        ),
        "parcels not connected": len(lone),
        "services not connected": len(lost),
    }
    reason = f"farther than {strategy.osm.snap_m:g} m from any walkable way"
    listed = {
        f"parcels {reason}": lone.tolist(),
        f"services {reason}": (lost["category"] + " " + _shown_names(lost)).tolist(),
    }
    told = {text: names for text, names in listed.items() if names}
    return SourceReport("walking network", strategy.walker.profile, facts, listed=told)


def _snapped(strategy: Strategy, network: WalkNetwork, inputs: Inputs) -> tuple[Snapped, Snapped]:
    limit = strategy.osm.snap_m
    parcels, services = inputs.parcels.geometry, inputs.services.geometry
    return (
        snap(network, parcels.to_numpy(), limit_m=limit),
        snap(network, services.to_numpy(), limit_m=limit),
    )


def _own_columns(parcels: gpd.GeoDataFrame) -> pd.DataFrame:
    names = [str(name) for name in parcels.columns if str(name).startswith(OWN)]
    return pd.DataFrame(parcels[names]).rename(columns=lambda name: str(name)[len(OWN) :])


def _judge(
    strategy: Strategy,
    inputs: Inputs,
    values: pd.DataFrame,
    total: pd.Series,
    hits: pd.DataFrame,
    connected: NDArray[np.bool_],
    unseen: NDArray[np.bool_],
) -> pd.DataFrame:
    """Collect what speaks against each parcel, and let the scoring stage decide."""
    index = inputs.parcels.index
    counted = [c for c in strategy.criteria if c.weight > 0]
    walked = [c.key for c in counted if isinstance(c, WalkCriterion)]
    nothing = bool(walked) and not inputs.services["category"].isin(walked).any()
    too_small = inputs.parcels["area_m2"] < strategy.parcels.min_area_m2
    flags = {
        scoring.BELOW_MINIMUM: too_small,
        **rules.reasons(hits),
        scoring.NO_SERVICE: pd.Series(nothing, index=index),
        **{
            f"{scoring.NO_VALUE}: {c.column}": values[c.key].isna()
            for c in counted
            if isinstance(c, ColumnCriterion)
        },
        scoring.OUTSIDE_EXTRACT: pd.Series(unseen, index=index),
        scoring.NOT_CONNECTED: pd.Series(~connected & ~unseen, index=index),
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
        if lone := int((~things.connected).sum()):
            said.append(f"{lone} of {len(things.edge)} {what} lie too far from any walkable way")
    if unseen.any():
        said.append(
            f"{int(unseen.sum())} of them lie outside the extract: what is there is not known"
        )
    if len(inputs.services) == 0:
        said.append("no service of any kind was found: no parcel has a score")
    return tuple(said)
