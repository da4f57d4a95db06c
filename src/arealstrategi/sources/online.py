"""OpenStreetMap over the web: OSMnx asks Nominatim and Overpass, the answers become files.

A place becomes a GeoJSON file and a study area an OSM PBF file in the cache folder, each written
beside its place and renamed. What is there is never asked for again: delete the file to ask anew.
The PBF is read like any other extract. © OpenStreetMap contributors, ODbL.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import osmium
import requests
import shapely
from osmium.osm import mutable
from shapely.geometry import mapping, shape

from arealstrategi.errors import InputError
from arealstrategi.sources.web import UnansweredError, ask, beside, retry_after_s, writable

log = logging.getLogger(__name__)

T = TypeVar("T")
Area = shapely.Polygon | shapely.MultiPolygon

MOST_STATUS_LOOKS = 60  # OSMnx looks every 5 s whether a slot is free, without an end
RAW_ANSWERS_KEPT_S = 24 * 3600.0  # older ones would not fit those fetched today
QUERY_VERSION = "1"  # a change of what is asked for makes earlier files unknown

STREETS = '["highway"]'
# Ways that may be walked although they are no highway.
OTHER_WAYS: dict[str, list[str]] = {
    "man_made": ["pier"],
    "public_transport": ["platform"],
    "railway": ["platform"],
    "route": ["ferry"],
}
# Norway, drawn by hand along its land border and far out at sea (lon, lat): municipal numbers are
# unique within a country, and Sweden has the same ones in OpenStreetMap.
NORWAY = shapely.Polygon([
    (10.9, 58.9), (11.65, 58.9), (11.85, 59.25), (11.7, 59.6), (11.95, 59.8), (12.5, 60.05),
    (12.6, 60.4), (12.3, 61.0), (12.7, 61.05), (12.85, 61.35), (12.15, 61.7), (12.3, 62.3),
    (12.1, 62.6), (12.2, 63.0), (12.0, 63.3), (12.2, 63.6), (12.9, 64.05), (14.0, 64.0),
    (14.15, 64.45), (13.7, 64.6), (14.5, 65.3), (14.55, 66.1), (15.5, 66.3), (15.45, 66.5),
    (16.4, 67.05), (16.15, 67.5), (16.75, 67.9), (17.3, 68.1), (17.9, 67.95), (18.15, 68.2),
    (18.15, 68.5), (18.4, 68.55), (19.9, 68.35), (20.2, 68.5), (20.05, 68.6), (20.3, 68.8),
    (20.3, 69.0), (20.75, 69.1), (21.05, 69.05), (21.3, 69.3), (21.65, 69.25), (22.4, 68.7),
    (23.2, 68.65), (23.9, 68.8), (24.9, 68.55), (25.75, 69.0), (26.0, 69.7), (27.6, 70.05),
    (29.15, 69.7), (29.3, 69.45), (28.8, 69.1), (29.05, 69.0), (30.2, 69.6), (30.9, 69.5),
    (32.0, 69.8), (32.0, 72.0), (14.0, 72.0), (3.0, 66.0), (3.0, 58.0), (6.5, 57.3), (10.5, 58.6),
])  # fmt: skip
MOSTLY = 0.5

GEOFABRIK = "https://download.geofabrik.de"


def geocode_area(place: str, *, cache_dir: Path) -> tuple[str, Area]:
    """Find the boundary of a place by its name, through Nominatim.

    Parameters
    ----------
    place
        What one would type into a search box: ``Sandefjord, Norge``.
    cache_dir
        Where the answer is kept, as ``place-….geojson``.

    Returns
    -------
    The place's own name, and its polygon in EPSG:4326.

    Raises
    ------
    InputError
        Nominatim knows no such place, or only as a point or a line.
    OnlineError
        Nominatim did not answer as it should.
    OutputError
        The cache folder cannot be written.
    """
    path = cache_dir / f"place-{_digest(place)}.geojson"
    return _find_area(path, "nominatim_url", lambda ox: _search(ox, place), use_cache=False)


def geocode_municipality(number: str, *, cache_dir: Path) -> tuple[str, Area]:
    """Find the boundary of a Norwegian municipality by its number, through Overpass.

    OpenStreetMap holds the number as ``ref`` of the administrative boundary. Nominatim cannot be
    asked for it; so OSMnx fetches what has this ``ref`` in and around Norway, in one query, and
    the administrative boundary that lies mostly in Norway is the one.

    Parameters
    ----------
    number
        Four digits, as text: ``3907``.
    cache_dir
        Where the answer is kept, as ``kommune-….geojson``.

    Returns
    -------
    The municipality's name, and its polygon in EPSG:4326, with its part of the sea.

    Raises
    ------
    InputError
        The number is not one, or no boundary or several boundaries have it.
    OnlineError
        Overpass did not answer as it should.
    OutputError
        The cache folder cannot be written.
    """
    if not re.fullmatch(r"[0-9]{4}", number):
        raise InputError(
            f"kommune = {number!r} is not the number of a Norwegian municipality",
            hint='Give its four digits as text, for example kommune = "3907".',
        )
    return _find_area(
        cache_dir / f"kommune-{number}.geojson",
        "overpass_url",
        lambda ox: _municipality(ox, number),
        use_cache=False,
        max_query_area_size=float("inf"),  # one query for the whole country
    )


def fetch_extract(boundary: Area, *, tags: Mapping[str, bool | list[str]], cache_dir: Path) -> Path:
    """Fetch streets, paths and tagged features through Overpass, as an OSM PBF file.

    Every way with ``highway`` and the ways of `OTHER_WAYS` come with it, whole, also those that
    only cross the boundary; OSMnx asks for them 500 m beyond it. Where one part of the answer was
    fetched and another failed, the next run within a day goes on from there.

    Parameters
    ----------
    boundary
        The study area with its margin, in EPSG:4326. Holes are filled; of several parts the
        convex hull is fetched.
    tags
        Key to the values to fetch, or to True for every value. A value matches exactly: a place
        with ``shop=bakery;butcher`` comes only with ``{"shop": True}``.
    cache_dir
        Where the file is kept, as ``osm-….osm.pbf``.

    Returns
    -------
    The file; one that is there already is returned without a request. Its header says in
    ``osmosis_replication_timestamp`` how old the data are.

    Raises
    ------
    InputError
        OpenStreetMap holds no street or path there.
    OnlineError
        Overpass did not answer as it should.
    OutputError
        The cache folder cannot be written.
    ValueError
        The boundary is empty, invalid, or not in degrees. This is a mistake in the calling code.
    """
    west, south, east, north = boundary.bounds or (0.0,) * 4
    if not boundary.area or not boundary.is_valid:
        raise ValueError("the boundary must be a valid polygon that is not empty")
    if west < -180 or east > 180 or south < -90 or north > 90:  # noqa: PLR2004
        raise ValueError(f"the boundary must be in EPSG:4326; its bounds are {boundary.bounds}")
    wanted = _wanted(tags)
    outline = shapely.to_wkt(shapely.normalize(boundary), rounding_precision=6)
    path = cache_dir / f"osm-{_digest(QUERY_VERSION, outline, json.dumps(wanted))}.osm.pbf"
    if path.is_file():
        log.info("%s was fetched before", path)
        return path
    raw = path.with_name(path.name.replace(".osm.pbf", ".answers"))
    with writable(cache_dir):
        raw.mkdir(exist_ok=True)
        _forget_unusable(raw)
        _download(boundary, wanted, raw)
        _write_extract(raw, path, boundary)
        shutil.rmtree(raw)
    return path


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _wanted(tags: Mapping[str, bool | list[str]]) -> dict[str, bool | list[str]]:
    """Return `tags` and `OTHER_WAYS` as one, in an order that does not depend on the caller's."""
    wanted: dict[str, bool | list[str]] = {}
    for key in sorted({*tags, *OTHER_WAYS}):
        values = tags.get(key, [])
        more = OTHER_WAYS.get(key, [])
        wanted[key] = True if isinstance(values, bool) else sorted({*values, *more})
    return wanted


@contextmanager
def _osmnx(**changes: Any) -> Iterator[ModuleType]:  # noqa: ANN401
    """Lend OSMnx with changed settings and every answer checked; put all back afterwards."""
    import osmnx as ox  # takes a second

    settings = ox.settings
    changes["requests_kwargs"] = settings.requests_kwargs | {"hooks": {"response": _checker()}}
    changes["http_user_agent"] = f"arealstrategi, {settings.http_user_agent}"
    before = {name: getattr(settings, name) for name in changes}
    resolver = socket.getaddrinfo  # OSMnx pins the server's address in it
    try:
        for name, value in changes.items():
            setattr(settings, name, value)
        yield ox
    finally:
        for name, value in before.items():
            setattr(settings, name, value)
        socket.getaddrinfo = resolver


def _checker() -> Callable[..., None]:
    """Return a hook for requests that refuses what OSMnx would wait for or take as an answer.

    OSMnx itself tries again without an end after 429 and 504, and takes the part of an answer
    that Overpass had when it ran out of time (``remark``).
    """
    looks = 0

    def check(response: requests.Response, **_: object) -> None:
        nonlocal looks
        if response.is_redirect:
            return
        path = urlsplit(response.url).path
        looks = looks + 1 if path.endswith("/status") else 0
        if not response.ok:
            response.close()
            what = f"{path} answered {response.status_code} {response.reason}"
            raise UnansweredError(what, pause_s=retry_after_s(response))
        if looks > MOST_STATUS_LOOKS:
            looks = 0
            response.close()
            raise UnansweredError("every slot for queries stays taken")
        if not looks:
            _check_json(response, list if path.endswith("/search") else dict)

    return check


def _check_json(response: requests.Response, kind: type) -> None:
    try:
        answer = response.json()
    except requests.exceptions.JSONDecodeError:
        start = " ".join(response.text[:80].split())
        raise UnansweredError(f"the answer is no JSON, it begins with {start!r}") from None
    if not isinstance(answer, kind) or (kind is dict and not _is_whole(answer)):
        remark = answer.get("remark") if isinstance(answer, dict) else None
        raise UnansweredError(f"the answer is not whole: {remark or str(answer)[:80]!r}")


def _is_whole(answer: object) -> bool:
    """Whether Overpass says that this is all; a remark means that it had to stop."""
    return isinstance(answer, dict) and "remark" not in answer and "elements" in answer


def _knock(ox: ModuleType) -> None:
    """Find out first whether Overpass is there: OSMnx takes a dead server for a busy one."""
    settings = ox.settings
    if settings.overpass_rate_limit:
        requests.get(
            settings.overpass_url.rstrip("/") + "/status",
            headers={"User-Agent": settings.http_user_agent},
            timeout=settings.requests_timeout,
            **settings.requests_kwargs,
        )


def _find_area(
    path: Path,
    service: str,
    find: Callable[[ModuleType], tuple[str, Area]],
    **settings: Any,  # noqa: ANN401
) -> tuple[str, Area]:
    """Return the area kept in `path`; find it first, and keep it, where there is none yet."""
    if path.is_file():
        log.info("%s was fetched before", path)
        feature = json.loads(path.read_text(encoding="utf-8"))
        return feature["properties"]["name"], cast("Area", shape(feature["geometry"]))
    hint = "Wait some minutes and run again, or give a file as `boundary` under [area]."
    with writable(path.parent), _osmnx(**settings) as ox:
        name, area = ask(getattr(ox.settings, service), lambda: find(ox), hint=hint)
        feature = {"type": "Feature", "properties": {"name": name}, "geometry": mapping(area)}
        with beside(path) as part:
            part.write_text(json.dumps(feature, ensure_ascii=False), encoding="utf-8")
    return name, area


def _search(ox: ModuleType, place: str) -> tuple[str, Area]:
    try:
        found = ox.geocode_to_gdf(place)
    except requests.RequestException:
        raise
    except (TypeError, ValueError) as error:  # OSMnx: no polygon among the results, no result
        known = isinstance(error, TypeError)
        what = "only as a point or a line" if known else "not at all"
        raise InputError(
            f"place = {place!r}: OpenStreetMap knows this name {what}",
            hint='Write it as in "Sandefjord, Norge", or give a file as `boundary` under [area].',
        ) from error
    row = found.iloc[0]
    return str(row.get("name") or row["display_name"].split(",")[0]), row.geometry


def _municipality(ox: ModuleType, number: str) -> tuple[str, Area]:
    _knock(ox)
    try:
        found = ox.features_from_polygon(NORWAY, {"ref": [number]})
    except requests.RequestException:
        raise
    except ValueError as error:  # OSMnx: nothing found
        raise _no_municipality(number, []) from error
    found = found.reindex(columns=["name", "boundary", "admin_level", "geometry"])
    found = found[found["boundary"].eq("administrative") & (shapely.area(found.geometry) > 0)]
    inside = shapely.area(shapely.intersection(found.geometry, NORWAY))
    found = found[inside > MOSTLY * shapely.area(found.geometry)]
    if found["admin_level"].eq("7").any():
        found = found[found["admin_level"].eq("7")]
    if len(found) != 1:
        raise _no_municipality(number, sorted(found["name"].astype(str)))
    return str(found["name"].iloc[0]), found.geometry.iloc[0]


def _no_municipality(number: str, names: list[str]) -> InputError:
    what = f"several boundaries ({', '.join(names)})" if names else "no boundary"
    return InputError(
        f"kommune = {number!r}: OpenStreetMap has {what} in Norway with this number",
        hint="Check the number (many changed in 2020 and 2024), or use `place` or `boundary`.",
    )


def _download(boundary: Area, wanted: dict[str, bool | list[str]], raw: Path) -> None:
    """Have OSMnx put its raw answers into a folder."""
    with _osmnx(use_cache=True, cache_folder=raw, cache_only_mode=True) as ox:

        def streets() -> None:
            _knock(ox)
            with suppress(InterruptedError):  # OSMnx: the answers are in the folder
                ox.graph_from_polygon(boundary, custom_filter=STREETS, retain_all=True)

        def features() -> None:
            _knock(ox)
            with suppress(InterruptedError):
                ox.features_from_polygon(boundary, wanted)

        hint = (
            f"Wait some minutes and run again; what was fetched is kept in {raw}. Or download an "
            f"extract of the area, for example from {GEOFABRIK}, and name it as `source` under "
            "[osm]."
        )
        for question in (streets, features):
            ask(str(ox.settings.overpass_url), question, hint=hint)


def _forget_unusable(raw: Path) -> None:
    """Remove answers that are too old, or that an interruption left half-written."""
    for file in raw.glob("*.json"):
        usable = time.time() - file.stat().st_mtime < RAW_ANSWERS_KEPT_S
        try:
            usable = usable and _is_whole(json.loads(file.read_text(encoding="utf-8")))
        except ValueError:
            usable = False
        if not usable:
            file.unlink()


def _merge(raw: Path) -> tuple[dict[str, dict[int, Any]], str]:
    """Return node, way and relation by number, and how old the oldest answer's data are."""
    elements: dict[str, dict[int, Any]] = {"node": {}, "way": {}, "relation": {}}
    as_of = []
    for file in sorted(raw.glob("*.json")):
        answer = json.loads(file.read_text(encoding="utf-8"))
        as_of.append(answer.get("osm3s", {}).get("timestamp_osm_base", ""))
        for element in answer["elements"]:
            elements[element["type"]][element["id"]] = element
    return elements, min(filter(None, as_of), default="")


def _write_extract(raw: Path, path: Path, boundary: Area) -> None:
    elements, as_of = _merge(raw)
    nodes, ways, relations = (
        [by_number[number] for number in sorted(by_number)] for by_number in elements.values()
    )
    if not any("highway" in way.get("tags", ()) for way in ways):
        shutil.rmtree(raw)
        bounds = ", ".join(f"{value:.3f}" for value in boundary.bounds)
        raise InputError(
            f"OpenStreetMap holds no street or path in the study area ({bounds})",
            hint="Check the boundary and its CRS under [area], or those of the parcels.",
        )
    header = osmium.io.Header()
    header.set("generator", "arealstrategi")
    if as_of:
        header.set("osmosis_replication_timestamp", as_of)
    header.add_box(osmium.osm.Box(*boundary.bounds))
    with beside(path) as part:
        file = osmium.io.File(str(part), "pbf")
        with osmium.SimpleWriter(file, header=header, overwrite=True) as writer:
            for node in nodes:
                at = (node["lon"], node["lat"])
                writer.add_node(mutable.Node(id=node["id"], tags=node.get("tags"), location=at))
            for way in ways:
                refs = way.get("nodes", [])
                writer.add_way(mutable.Way(id=way["id"], tags=way.get("tags"), nodes=refs))
            for relation in relations:
                members = [(m["type"][0], m["ref"], m["role"]) for m in relation.get("members", [])]
                writer.add_relation(
                    mutable.Relation(id=relation["id"], tags=relation.get("tags"), members=members)
                )
    log.info("%s: %d nodes, %d ways, %d relations", path, len(nodes), len(ways), len(relations))
