"""The result of a run: the tables, the map, and writing them."""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from arealstrategi import reach as reaching
from arealstrategi.area import StudyArea
from arealstrategi.constraints import Constraint
from arealstrategi.criteria import WalkCriterion
from arealstrategi.errors import OutputError
from arealstrategi.evidence import NO_HIT
from arealstrategi.export import labels
from arealstrategi.export.geopackage import write_geopackage
from arealstrategi.export.packing import ON_THE_WAY
from arealstrategi.export.table import write_ranking
from arealstrategi.provenance import SourceReport, report_facts, sha256, versions
from arealstrategi.quality import NETWORK, UNKNOWN_GRADIENT, extreme_detours
from arealstrategi.reach import Reach
from arealstrategi.scoring import NOT_CONNECTED
from arealstrategi.strategy import Strategy
from arealstrategi.tables import empty_table

if TYPE_CHECKING:
    import folium

log = logging.getLogger(__name__)

_BARRIER_DECIMALS = 1
_DETOURS_TOLD = 100
ATTRIBUTION = ("© OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright)",)


@dataclass(frozen=True)
class Result:
    """What a run gives. Tables are in the analysis CRS.

    Parameters
    ----------
    strategy
        The strategy as run.
    area
        The study area.
    parcels
        GeoDataFrame with the columns of the contract, index ``parcel_id``.
    services
        Services table with ``reason``: empty, or why the place is not connected.
    constraints
        Index ``parcel_id``; per constraint name ``hit``, ``no_hit`` or ``not_mapped``.
    constraint_shares
        Index ``parcel_id``; per constraint name the share of the parcel's area hit, 0–1.
    zones
        The constraints' zones, for the map and the GeoPackage.
    backdrop
        What the map draws below the parcels.
    population
        Cells with residents, None where no grid was given; see `population`.
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
    parcels: gpd.GeoDataFrame
    services: gpd.GeoDataFrame
    constraints: pd.DataFrame
    constraint_shares: pd.DataFrame
    zones: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    population: gpd.GeoDataFrame | None
    reach: Reach = field(repr=False)
    reports: tuple[SourceReport, ...] = field(repr=False)
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def criteria(self) -> pd.DataFrame:
        """The criteria in use, index ``key``: label, group, weight (sum 1), anchors, found."""
        language, weights = self.strategy.language, self.strategy.weights
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
        return reaching.barrier_table(self.reach, self._walked)

    @property
    def findings(self) -> pd.DataFrame:
        """What the constraints found, one row per parcel and constraint but for ``no_hit``.

        ``parcel_id``, ``constraint``, ``answer`` (``hit`` or ``not_mapped``), ``share`` of the
        parcel's area hit, 0–1.
        """
        told = {
            "answer": self.constraints.melt(ignore_index=False, var_name="constraint"),
            "share": self.constraint_shares.melt(ignore_index=False, var_name="constraint"),
        }
        found = told["answer"].rename(columns={"value": "answer"})
        found = found.assign(share=told["share"]["value"].round(4)).rename_axis("parcel_id")
        return found[found["answer"] != NO_HIT].reset_index()

    @property
    def detours(self) -> pd.DataFrame:
        """The extreme detours among `barriers`, one per parcel: hints for a missing footpath."""
        return extreme_detours(self._barriers_that_count)

    @cached_property
    def _barriers_that_count(self) -> pd.DataFrame:
        """Walks that give points, and those that steps alone make impossible."""
        told = self.barriers["status"] == "no_step_free_way"
        return self.barriers[self._gives_points.ravel() | told.to_numpy()]

    @property
    def _gives_points(self) -> NDArray[np.bool_]:
        """(c, p) whether the walk of each category and parcel, as in `barriers`, gives points."""
        return np.array([self.parcels[f"{key}_value"].to_numpy() > 0 for key in self._walked])

    def _on_the_way(self) -> pd.DataFrame:
        """Return metres of what hinders on the walks that give points, a column for each walk."""
        told = {
            f"{key}_{name}_m": np.where(gives, metres, 0.0)
            for name in ON_THE_WAY
            for key, gives, metres in zip(
                self._walked,
                self._gives_points,
                self.barriers[f"{name}_m"].to_numpy().reshape(len(self._walked), -1),
                strict=True,
            )
        }
        return pd.DataFrame(told, index=self.parcels.index)

    @property
    def _walked(self) -> list[str]:
        return self.criteria.index[self.criteria["walk"]].tolist()

    def map(self) -> folium.Map:
        """Return the interactive map; it shows itself in a notebook."""
        from arealstrategi.export.map import suitability_map

        return suitability_map(
            self.parcels,
            self.services,
            self.backdrop,
            self.criteria,
            self._on_the_way(),
            title=self.strategy.title,
            language=self.strategy.language,
            notes=self._notes(),
        )

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
        outputs: dict[str, Callable[[Path], None]] = {
            "suitability.gpkg": self._write_geopackage,
            "ranking.csv": lambda p: write_ranking(
                p, self.parcels, language=self.strategy.language
            ),
            "map.html": self._write_map,
            "run.json": self._write_run,
        }
        return _write_all(Path(folder), outputs)

    def _write_geopackage(self, path: Path) -> None:
        layers = {"parcels": self.parcels, "services": self.services}
        if len(self.zones):
            layers["constraints"] = self.zones
        words = labels.words(self.strategy.language)
        if self.population is not None:
            layers["population"] = self.population
        tables = {"barriers": self._barriers_that_count.round(_BARRIER_DECIMALS)}
        if len(self.constraints.columns):
            tables["findings"] = self.findings
        described = {name: words[f"layer.{name}"] for name in (*layers, *tables, "run")}
        write_geopackage(path, layers, tables, self._run_table(), descriptions=described)

    def _write_map(self, path: Path) -> None:
        from arealstrategi.export.map import write_map

        write_map(self.map(), path)

    def _write_run(self, path: Path) -> None:
        text = json.dumps(self.facts(), ensure_ascii=False, indent=2, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8", errors="replace")

    def facts(self) -> dict[str, Any]:
        """Return all that ``run.json`` holds: strategy, inputs, versions, timings, warnings."""
        strategy = self.strategy
        return {
            "title": strategy.title,
            "notes": list(self._notes()),
            "strategy": strategy.told(strategy.model_dump(mode="json")),
            "study_area": {
                "name": self.area.name,
                "crs": self.area.crs.to_string(),
                "area_km2": round(shapely.area(self.area.boundary) / 1e6, 3),
                "margin_m": self.area.margin_m,
            },
            "walker": strategy.walker.model_dump(include={"profile", "season", "direction"})
            | {"ferries": strategy.walker.ferries}
            | strategy.walker.walker.model_dump(mode="json"),
            "criteria": [
                c.model_dump(mode="json") | {"normalised_weight": float(strategy.weights[c.key])}
                for c in strategy.criteria
            ],
            "inputs": [
                strategy.told(report_facts(report, self._checksums)) for report in self.reports
            ],
            "results": self._counts(),
            "not_connected": self._not_connected(),
            "detours": self._told_detours(),
            "warnings": list(self.warnings),
            "versions": versions(),
            "seed": None,
            "timings_s": dict(self.timings_s),
            "attribution": list(ATTRIBUTION),
        }

    def _notes(self) -> tuple[str, ...]:
        """Return what every output says of the whole."""
        words = labels.words(self.strategy.language)
        network = next(r for r in self.reports if r.role == NETWORK)
        unknown = network.facts[UNKNOWN_GRADIENT]
        if not self.strategy.terrain.elevation:
            return (*self.notes, words["note.flat"])
        if unknown:
            return (*self.notes, words["note.partly_flat"].format(pct=unknown))
        return self.notes

    @cached_property
    def _checksums(self) -> dict[Path, str]:
        """SHA-256 of every file that was read: large extracts are not to be hashed twice."""
        return {path: sha256(path) for path in {p for r in self.reports for p in r.files}}

    def _counts(self) -> dict[str, Any]:
        network = self.reach.network
        return {
            "parcels": len(self.parcels),
            "status": self.parcels["status"].value_counts().to_dict(),
            "class": self.parcels["class"].value_counts().to_dict(),
            "services": {
                key: int((self.services["category"] == key).sum())
                for key in self.criteria.index[self.criteria["walk"]]
            },
            "network_km": round(network.length_m / 1000, 3),
            "network_components": len(network.component_m),
        }

    def _not_connected(self) -> dict[str, list[dict[str, Any]]]:
        """List every parcel and service that the network does not touch, with its distance."""
        parcels, services = self.reach.parcels, self.reach.services
        lone, lost = ~parcels.connected, np.flatnonzero(~services.thing_connected)
        limit = f"beyond the limit of {self.strategy.osm.snap_m:g} m to any walkable way"
        named = self.services.iloc[lost]
        return {
            "parcels": [
                {"parcel_id": name, "distance_m": _rounded(distance), "reason": limit}
                for name, distance in zip(
                    self.parcels.index[lone], parcels.offset_m[lone], strict=True
                )
            ],
            "services": [
                {str(k): v for k, v in place.items()}
                | {"distance_m": _rounded(distance), "reason": limit}
                for place, distance in zip(
                    named[["service_id", "category", "name"]].to_dict("records"),
                    services.offset_m[lost],
                    strict=True,
                )
            ],
        }

    def _told_detours(self) -> dict[str, Any]:
        detours = self.detours
        shown = detours.head(_DETOURS_TOLD)[
            ["parcel_id", "category", "walk_m", "straight_m", "detour"]
        ]
        return {"parcels": len(detours), "worst": shown.round(1).to_dict("records")}

    def _run_table(self) -> dict[str, str]:
        """Return the facts for the GeoPackage: what does not differ between two equal runs."""
        facts = self.facts()
        rows = {"title": facts["title"], "notes": " ".join(facts["notes"])}
        for section in ("study_area", "walker", "results", "versions"):
            rows |= {f"{section}.{k}": _flat(v) for k, v in facts[section].items()}
        rows |= {f"weight.{c['key']}": f"{c['normalised_weight']:.4f}" for c in facts["criteria"]}
        for number, told in enumerate(facts["inputs"], start=1):
            rows[f"input.{number}.{told['role']}"] = _flat(
                {k: told[k] for k in ("source", "sha256", "facts")}
            )
        rows["strategy"] = _flat(facts["strategy"])
        rows["warnings"] = " ".join(facts["warnings"])
        return rows | {"attribution": " ".join(ATTRIBUTION)}


def parcel_table(
    parcels: gpd.GeoDataFrame,
    verdict: pd.DataFrame,
    distances: pd.DataFrame,
    measured: pd.DataFrame,
    values: pd.DataFrame,
    details: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Put the columns into the contract's order; unreachable becomes NULL.

    Parameters
    ----------
    parcels
        Parcels table.
    verdict
        ``status``, ``reasons``, ``score``, ``class``, ``rank``.
    distances
        The reach table.
    measured, values
        One column per criterion, those that are no walk as well.
    details
        What else is told of each parcel, put last: its property, what the plans say.
    """
    table = parcels[["label", "area_m2"]].join(verdict).assign(municipal=parcels["municipal"])
    told: dict[str, pd.Series] = {}
    walked = set(distances.columns.str.removesuffix("_walk_m"))
    for key in values:
        if key in walked:
            for end in ("walk_m", "walk_min", "effort_m"):
                column = distances[f"{key}_{end}"]
                told[f"{key}_{end}"] = column.where(np.isfinite(column))
            told[f"{key}_value"] = values[key]
            told[f"{key}_service"] = distances[f"{key}_service"]
        else:
            told[f"{key}_raw"], told[f"{key}_value"] = measured[key], values[key]
    whole = pd.concat([table, pd.DataFrame(told, index=parcels.index), details], axis=1)
    return gpd.GeoDataFrame(whole, geometry=parcels.geometry, crs=parcels.crs)


def service_table(services: gpd.GeoDataFrame, connected: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Add ``reason``: empty, or that the place is not connected to the network."""
    reason = pd.Series(NOT_CONNECTED, index=services.index, dtype="str").mask(connected, "")
    columns = ["service_id", "category", "name", "kind", "reason", "geometry"]
    return gpd.GeoDataFrame(services.assign(reason=reason)[columns])


def zone_table(constraints: tuple[Constraint, ...], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Put the zones of all constraints into one table: ``name``, ``effect``, ``geometry``."""
    zones = [
        gpd.GeoDataFrame(geometry=rule.zones.array).assign(name=rule.name, effect=rule.effect)
        for rule in constraints
        if len(rule.zones)
    ]
    if not zones:
        return empty_table(("name", "effect", "geometry"), crs)
    together = pd.concat(zones, ignore_index=True)[["name", "effect", "geometry"]]
    return gpd.GeoDataFrame(together, crs=crs)


def _write_all(folder: Path, outputs: Mapping[str, Callable[[Path], None]]) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise OutputError(
            f"{folder}: results cannot be written there ({error.strerror or error})",
            hint="Choose another folder with --out or `dir` under [output].",
        ) from error
    written, failed = [], {}
    try:
        for name, write in outputs.items():
            try:
                write(beside / name)
                os.replace(beside / name, folder / name)  # noqa: PTH105 - atomic, also over a file
                written.append(folder / name)
            except Exception as error:  # one failed file must not lose the others
                log.debug("writing %s failed", name, exc_info=True)
                failed[name] = str(error) or type(error).__name__
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    if failed:
        told = "\n".join(f"  {name}: {why}" for name, why in failed.items())
        kept = ", ".join(path.name for path in written) or "nothing"
        raise OutputError(
            f"{folder}: {len(failed)} of {len(outputs)} files could not be written\n{told}",
            hint=f"Written: {kept}. Check the free space and whether a file is open elsewhere.",
        )
    return written


def _rounded(value: float) -> float | None:
    return round(float(value), 1) if np.isfinite(value) else None


def _flat(value: Any) -> str:  # noqa: ANN401
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
