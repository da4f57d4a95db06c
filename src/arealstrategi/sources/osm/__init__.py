"""OpenStreetMap extracts: walkable ways, services and a backdrop, in one streaming read.

Extracts are often clipped in the middle of ways and areas. What is there is kept; what is not is
counted in the report. © OpenStreetMap contributors, ODbL.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pyproj
import shapely
from osmium.filter import EntityFilter, TagFilter
from osmium.geom import WKBFactory
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import WGS84
from arealstrategi.errors import InputError
from arealstrategi.provenance import SourceReport
from arealstrategi.sources.osm.build import (
    backdrop_table,
    clip_ways,
    coverage_of,
    mend_torn,
    service_table,
    way_table,
)
from arealstrategi.sources.osm.stream import (
    BACKDROP_AREAS,
    GREEN_NATURAL,
    HOUSE_NUMBER,
    OTHER_WAYS,
    PLACE,
    Found,
    collect,
)
from arealstrategi.sources.places import merge_same_places
from arealstrategi.sources.tags import Selection, TagIndex, first_tags
from arealstrategi.tables import PLACE_KINDS, Ways

log = logging.getLogger(__name__)

SUFFIXES = (".osm.pbf", ".osm", ".osm.gz", ".osm.bz2", ".pbf")


class OutsideExtractError(InputError):
    """The study area and the extract do not meet; ``extent`` is the extract's box, EPSG:4326."""

    def __init__(self, message: str, *, hint: str, extent: BaseGeometry) -> None:
        super().__init__(message, hint=hint)
        self.extent = extent


@dataclass(frozen=True)
class OsmExtract:
    """What an extract holds of the study area and its margin, in the analysis CRS.

    ``coverage`` is where it can know of streets at all.
    """

    ways: Ways
    services: gpd.GeoDataFrame
    backdrop: gpd.GeoDataFrame
    coverage: BaseGeometry
    report: SourceReport


def read_extract(
    path: Path,
    selections: Mapping[str, Selection],
    *,
    crs: pyproj.CRS,
    clip: BaseGeometry | None = None,
    backdrop: bool = True,
) -> OsmExtract:
    """Read ways, services and backdrop of an extract.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, ``.osm.gz`` or ``.osm.bz2``.
    selections
        Category to what makes a place one.
    crs
        The analysis CRS, metres.
    clip
        Only what meets this polygon (in `crs`) is kept; ways are kept whole. None: all.
    backdrop
        Whether to read buildings, water, green, names of places and addresses for the map as well.

    Raises
    ------
    InputError
        The file is missing, is no OSM file, is broken, or holds no way in `clip`.
    """
    check_suffix(path)
    wanted = {*first_tags(selections.values()), *OTHER_WAYS, "highway"}
    drawn = set(BACKDROP_AREAS) if backdrop else set()
    with _readable(path):
        found = collect(_file(path), TagIndex(selections), wanted | drawn, draws=backdrop)
        box = _stated_box(path)
    return _tables(found, path, box, selections, crs, clip)


def read_boundary(path: Path, *, name: str = "", ref: str = "") -> tuple[str, BaseGeometry]:
    """Read an administrative area of an extract, by its name or its number.

    Returns
    -------
    The area's name, and its polygon in EPSG:4326. Where several areas share the name, the one
    highest in the administrative order.

    Raises
    ------
    InputError
        The extract holds no such area; the message lists those that it holds.
    """
    check_suffix(path)
    factory, areas = WKBFactory(), []
    wanted = TagFilter(("boundary", "administrative"))
    with _readable(path):
        processor = osmium.FileProcessor(_file(path)).with_areas(wanted).with_filter(wanted)
        things: Iterator[Any] = iter(processor.with_filter(EntityFilter(osmium.osm.AREA)))
        for thing in things:
            tags = dict(thing.tags)
            if "name" in tags and thing.num_rings()[0]:  # an area torn by the edge has no ring
                polygon = shapely.from_wkb(factory.create_multipolygon(thing))
                level = tags.get("admin_level", "")
                order = int(level) if level.isdecimal() else 99
                areas.append((order, thing.orig_id(), tags, polygon))
    areas.sort(key=lambda area: area[:2])
    for *_, tags, polygon in areas:
        if (name and name in _names(tags)) or (ref and tags.get("ref") == ref):
            return tags["name"], polygon
    raise InputError(
        f"{path}: no administrative area with the {f'name {name!r}' if name else f'number {ref!r}'}"
        " is whole in this extract",
        hint="It holds: " + (", ".join(sorted({a[2]["name"] for a in areas})) or "no area at all")
        + ". Use one of these, give a file as boundary, or get a larger extract.",
    )  # fmt: skip


def backdrop_tags() -> dict[str, set[str]]:
    """Return the tags of what the map draws and names: key to values, ``{"*"}`` for any."""
    tags = {
        key: {"*"} if values is None else set(values) for key, (_, values) in BACKDROP_AREAS.items()
    }
    tags["natural"] |= GREEN_NATURAL
    return tags | {PLACE: set(PLACE_KINDS), HOUSE_NUMBER: {"*"}}


def check_suffix(path: Path) -> None:
    """Refuse a file that is missing or does not have the name of an OSM file.

    Raises
    ------
    InputError
        Says which file, and what is read.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: there is no such file",
            hint="Check `source` under [osm] in the strategy file.",
        )
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(
            f"{path}: not the name of an OpenStreetMap extract",
            hint=f"Give a file that ends in {', '.join(SUFFIXES[:-1])}.",
        )


def _file(path: Path) -> osmium.io.File:
    """Name the format to osmium, which does not know it from a name in capitals."""
    suffix = next(one for one in SUFFIXES if path.name.lower().endswith(one))
    return osmium.io.File(str(path), suffix.removeprefix("."))


def _stated_box(path: Path) -> BaseGeometry | None:
    """Return the box that the header states, EPSG:4326, if it states one."""
    with osmium.io.Reader(_file(path), osmium.osm.NOTHING) as reader:
        box = reader.header().box()
    if not box.valid() or box.size() == 0:
        return None
    low, high = box.bottom_left, box.top_right
    return shapely.box(low.lon, low.lat, high.lon, high.lat)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what osmium says of a broken file into one clear error."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, osmium.InvalidLocationError) as error:
        raise InputError(
            f"{path}: cannot be read as OpenStreetMap data ({str(error) or type(error).__name__})",
            hint="The file is damaged or of another kind than its name says. Fetch it again.",
        ) from error


def _names(tags: Mapping[str, str]) -> set[str]:
    return {
        tags[key]
        for key in ("name", "name:no", "name:nb", "name:en", "official_name")
        if key in tags
    }


def _tables(
    found: Found,
    path: Path,
    box: BaseGeometry | None,
    selections: Mapping[str, Selection],
    crs: pyproj.CRS,
    clip: BaseGeometry | None,
) -> OsmExtract:
    mended = mend_torn(found)
    ways = way_table(found, crs)
    _check_nodes_came_first(path, ways)
    coverage = coverage_of(ways, box)
    inside = clip_ways(ways, clip)
    if len(inside) == 0:
        raise _nothing_there(path, ways, clip, crs)
    services, too_small = service_table(found, selections, crs, clip)
    services, merged = merge_same_places(services)
    facts = _facts(inside, services) | {
        "places mapped twice, merged": merged,
        "places below the least area, left out": too_small,
        "torn outlines, closed again": mended,
        "areas that cannot be put together, left out": len(found.broken | found.unmet),
    }
    backdrop = backdrop_table(found, inside, crs, clip)
    said = _warnings(services, selections)
    if box is not None and clip is not None and not coverage.contains(clip):
        said += ("the extract ends near the area: services and streets beyond it do not count",)
    report = SourceReport(
        "osm", str(path), facts, said, (path,), what="streets and services (OpenStreetMap)",
        licence="ODbL 1.0, © OpenStreetMap contributors",
    )  # fmt: skip
    log.info("osm: %d ways, %d services, %d outlines", len(inside), len(services), len(backdrop))
    return OsmExtract(inside, services, backdrop, coverage, report)


def _check_nodes_came_first(path: Path, ways: Ways) -> None:
    """Refuse a file whose ways come before their nodes: read as a stream, they have no place."""
    if (ways.node_of < 0).sum() <= len(ways.node_of) / 2:
        return
    with _readable(path):
        things: Iterator[Any] = iter(osmium.FileProcessor(_file(path)))
        order = [0 if thing.is_node() else 1 if thing.is_way() else 2 for thing in things]
    if len(ways.node_xy) == 0 or order != sorted(order):
        raise InputError(
            f"{path}: holds ways, but their nodes are missing or come after them",
            hint="Sort the file with `osmium sort`, or fetch it again with the nodes first.",
        )


def _facts(ways: Ways, services: gpd.GeoDataFrame) -> dict[str, int]:
    gone = ways.node_of < 0
    return {
        "ways": len(ways),
        "nodes": len(ways.node_xy),
        "ways that miss nodes, kept in part": len(np.unique(ways.way_of[gone])),
        "nodes the extract does not hold": int(gone.sum()),
        "services": len(services),
    }


def _warnings(services: gpd.GeoDataFrame, selections: Mapping[str, Selection]) -> tuple[str, ...]:
    missing = [key for key in selections if not (services["category"] == key).any()]
    if not missing:
        return ()
    return (f"no service found in or near the area: {', '.join(missing)}",)


def _nothing_there(
    path: Path,
    ways: Ways,
    clip: BaseGeometry | None,
    crs: pyproj.CRS,
) -> InputError:
    if len(ways) == 0 or clip is None:
        return InputError(
            f"{path}: holds no street and no path", hint="Use an extract that is not filtered."
        )
    (west, south), (east, north) = ways.node_xy.min(axis=0), ways.node_xy.max(axis=0)
    boxes = gpd.GeoSeries([shapely.box(west, south, east, north), clip], crs=crs).to_crs(WGS84)
    held, asked = (", ".join(f"{value:.3f}" for value in shapely.bounds(box)) for box in boxes)
    return OutsideExtractError(
        f"{path}: holds no street or path in the study area (west, south, east, north: "
        f"the extract {held}; the area {asked})",
        hint="Use an extract that covers the area, or correct the CRS of the parcels or the "
        "boundary: their coordinates may be labelled with the wrong one.",
        extent=boxes.iloc[0],
    )
