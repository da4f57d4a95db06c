"""Stops and how often somebody can leave from them in the daytime, from timetables (GTFS)."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from arealstrategi.area import WGS84
from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact, SourceReport

FROM_H, TO_H = 8, 18  # older people travel in the daytime
CHUNK = 2_000_000  # rows of stop_times held at once
MOST_BYTES = 20_000_000_000  # of one unpacked table
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NO_BOARDING = "1"
KINDS = {"0": "tram", "1": "metro", "2": "rail", "3": "bus", "4": "ferry"}
# the hundreds of the extended route types
EXTENDED = {"1": "rail", "2": "bus", "4": "metro", "7": "bus", "9": "tram", "10": "ferry"}


def read_gtfs(
    path: Path, category: str, *, crs: pyproj.CRS, area: BaseGeometry | None = None
) -> tuple[gpd.GeoDataFrame, SourceReport]:
    """Read the stops of a timetable with their departures per hour between 08 and 18.

    The platforms (quays) of one stop place are one stop. Of the dates for which the feed has any
    service, the Monday-to-Friday and the Saturday-and-Sunday ones are looked at apart: the number
    told is the median over these dates, so that holidays do not count.

    Parameters
    ----------
    path
        The zip as it was downloaded.
    category
        The category that stops belong to.
    crs
        The analysis CRS.
    area
        Stops outside are left out; in `crs`.

    Returns
    -------
    Services table with ``departures_weekday_per_hour`` and ``departures_weekend_per_hour`` (0:
    none; NaN: the feed has no such day), and what was read.

    Raises
    ------
    InputError
        The file is no GTFS zip, or lacks a table or a column.
    """
    stops = _stops(path, crs, area)
    calls = _calls(path, stops)
    trips = _table(path, "trips.txt", ("trip_id", "service_id", "route_id"))
    trips = trips[trips["trip_id"].isin(calls["trip_id"])]
    days = _service_days(path, set(trips["service_id"]))
    calls = calls.merge(trips, on="trip_id")
    per_hour, n_days = _departures(calls, days)
    places = stops.drop_duplicates("place").set_index("place")
    middle = stops.groupby("place")["geometry"].apply(
        lambda g: shapely.MultiPoint(list(g)).centroid
    )
    names = places["place_name"].where(places["place_name"] != "", places["stop_name"])
    kinds = _kinds(path, calls)
    table = gpd.GeoDataFrame(
        {
            "service_id": "gtfs:" + places.index.to_series(),
            "category": category,
            "name": names,
            "kind": kinds.reindex(places.index).fillna("stop"),
            "departures_weekday_per_hour": _known(per_hour, "weekday", places.index, n_days),
            "departures_weekend_per_hour": _known(per_hour, "weekend", places.index, n_days),
        },
        geometry=middle.reindex(places.index).to_numpy(),
        crs=crs,
    ).reset_index(drop=True)
    unserved = ~places.index.isin(calls["place"])
    facts: dict[str, Fact] = {
        "platforms in and around the area": len(stops),
        "stops": len(table),
        "without any departure, left out": int(unserved.sum()),
        "weekdays in the timetable": n_days["weekday"],
        "days of weekends in the timetable": n_days["weekend"],
        "departures counted": f"{FROM_H:02d} to {TO_H:02d}, median over the days",
    }
    said = () if len(table) else ("no stop lies in the study area",)
    listed = {"without any departure": names[unserved].tolist()} if unserved.any() else {}
    report = SourceReport(
        "timetables", str(path), facts, said, (path,), listed, what="timetables (GTFS)",
        date=" to ".join(f"{day:%Y-%m-%d}" for day in (days["date"].min(), days["date"].max()))
        if len(days) else "",
    )  # fmt: skip
    return table[~unserved].reset_index(drop=True), report


def _table(
    path: Path, name: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> pd.DataFrame:
    return pd.concat(list(_chunks(path, name, columns, optional)), ignore_index=True)


def _chunks(
    path: Path, name: str, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield a table of the feed in pieces, as text, only the columns asked for."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file", hint="Check `gtfs` under [services].")
    wanted = [*columns, *optional]
    try:
        with zipfile.ZipFile(path) as archive:
            member = next(
                (m for m in archive.infolist() if m.filename.split("/")[-1] == name), None
            )
            if member is None:
                raise InputError(
                    f"{path}: holds no {name}", hint="Give the zip of a GTFS feed as downloaded."
                )
            if member.file_size > MOST_BYTES:
                raise InputError(f"{path}: {name} is too large", hint="Give a regional feed.")
            with archive.open(member) as stream:
                pieces = pd.read_csv(
                    stream, dtype="str", usecols=lambda c: c.strip() in wanted,
                    chunksize=CHUNK, encoding="utf-8-sig", skipinitialspace=True,
                )  # fmt: skip
                for piece in pieces:
                    absent = [c for c in columns if c not in piece.columns]
                    if absent:
                        raise InputError(
                            f"{path}: {name} has no column {', '.join(absent)}",
                            hint="Give a feed that keeps to the GTFS reference.",
                        )
                    yield piece.reindex(columns=wanted)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{path}: {name} cannot be read ({error})", hint="Download the GTFS zip again."
        ) from error


def _stops(path: Path, crs: pyproj.CRS, area: BaseGeometry | None) -> gpd.GeoDataFrame:
    """Return platforms in the area: ``stop_id``, ``place``, names, points in `crs`."""
    found = _table(
        path, "stops.txt", ("stop_id", "stop_lat", "stop_lon"),
        ("stop_name", "parent_station", "location_type"),
    )  # fmt: skip
    lat, lon = (pd.to_numeric(found[c], errors="coerce") for c in ("stop_lat", "stop_lon"))
    usable = (lat.abs() <= 90) & (lon.abs() <= 180) & found["stop_id"].notna()  # noqa: PLR2004
    found["stop_name"] = found["stop_name"].fillna("")
    names = found.drop_duplicates("stop_id").set_index("stop_id")["stop_name"]
    found["place"] = found["parent_station"].astype("str").fillna(found["stop_id"])
    found["place_name"] = found["place"].map(names).fillna("")
    boards = usable & found["location_type"].astype("str").fillna("0").isin(["0", ""])
    points = gpd.GeoDataFrame(
        found[boards], geometry=gpd.points_from_xy(lon[boards], lat[boards]), crs=WGS84
    ).to_crs(crs)
    if area is not None:
        points = points[points.intersects(area)]
    return gpd.GeoDataFrame(points.drop_duplicates("stop_id"))


def _calls(path: Path, stops: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return departures from the platforms: ``trip_id``, ``place``, ``hour`` (may pass 24)."""
    place = stops.set_index("stop_id")["place"]
    needed = ("trip_id", "stop_id", "departure_time")
    kept = []
    for piece in _chunks(path, "stop_times.txt", needed, ("pickup_type",)):
        here = piece[piece["stop_id"].isin(place.index)]
        kept.append(here[here["pickup_type"].astype("str").fillna("0") != NO_BOARDING])
    calls = pd.concat(kept, ignore_index=True)
    clock = calls["departure_time"].str.extract(r"^\s*(\d{1,3}):(\d{2})")
    hour = pd.to_numeric(clock[0], errors="coerce")
    return pd.DataFrame(
        {"trip_id": calls["trip_id"], "place": calls["stop_id"].map(place), "hour": hour}
    )


def _service_days(path: Path, services: set[str]) -> pd.DataFrame:
    """Return which service runs on which date: ``service_id``, ``date``."""
    with zipfile.ZipFile(path) as archive:
        names = {name.split("/")[-1] for name in archive.namelist()}
    tables = [pd.DataFrame({"service_id": [], "date": []})]
    if "calendar.txt" in names:
        rules = _table(path, "calendar.txt", ("service_id", *WEEKDAYS, "start_date", "end_date"))
        rules = rules[rules["service_id"].isin(services)]
        begin, end = (_dates(rules[c]) for c in ("start_date", "end_date"))
        rules = rules[begin.notna() & end.notna()]
        for rule, first, last in zip(
            rules.to_dict("records"), begin.dropna(), end.dropna(), strict=False
        ):
            days = pd.date_range(first, min(last, first + dt.timedelta(days=400)))
            runs = [rule[WEEKDAYS[day]] == "1" for day in days.day_of_week]
            tables.append(pd.DataFrame({"service_id": rule["service_id"], "date": days[runs]}))
    regular = pd.concat(tables, ignore_index=True)
    if "calendar_dates.txt" not in names:
        return regular.drop_duplicates()
    other = _table(path, "calendar_dates.txt", ("service_id", "date", "exception_type"))
    other = other[other["service_id"].isin(services)].assign(date=lambda t: _dates(t["date"]))
    added = other[other["exception_type"] == "1"][["service_id", "date"]]
    removed = other[other["exception_type"] == "2"][["service_id", "date"]]
    every = pd.concat([regular, added], ignore_index=True).dropna().drop_duplicates()
    every["date"] = pd.to_datetime(every["date"])
    gone = every.merge(removed, how="left", on=["service_id", "date"], indicator=True)["_merge"]
    return every[(gone == "left_only").to_numpy()]


def _dates(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column, format="%Y%m%d", errors="coerce")


def _departures(calls: pd.DataFrame, days: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return departures per hour by place, columns ``weekday`` and ``weekend``; days of each."""
    counted = calls[(calls["hour"] >= FROM_H) & (calls["hour"] < TO_H)]
    per_service = counted.groupby(["service_id", "place"]).size().rename("n").reset_index()
    dates = pd.DatetimeIndex(days["date"].unique()) if len(days) else pd.DatetimeIndex([])
    is_weekend = dates.day_of_week >= 5  # noqa: PLR2004 - Saturday
    found, n_days = {}, {}
    running = per_service.merge(days, on="service_id")
    daily = running.groupby(["place", "date"])["n"].sum().unstack(fill_value=0)  # noqa: PD010
    for kind, chosen in (("weekday", dates[~is_weekend]), ("weekend", dates[is_weekend])):
        n_days[kind] = len(chosen)
        of_kind = daily.reindex(columns=chosen, fill_value=0)
        found[kind] = of_kind.median(axis=1) / (TO_H - FROM_H)
    return pd.DataFrame(found), n_days


def _known(
    per_hour: pd.DataFrame, kind: str, places: pd.Index, n_days: dict[str, int]
) -> NDArray[np.float64]:
    """Return departures per hour of each place: 0 without any, NaN where no such day is known."""
    known = per_hour[kind].reindex(places).fillna(0.0)
    return known.to_numpy() if n_days[kind] else np.full(len(places), np.nan)


def _kinds(path: Path, calls: pd.DataFrame) -> pd.Series:
    """Return what calls at each place: the kinds of vehicle, joined."""
    routes = _table(path, "routes.txt", ("route_id", "route_type"))
    of_route = routes.drop_duplicates("route_id").set_index("route_id")["route_type"]
    codes = calls["route_id"].map(of_route).fillna("")
    kind = codes.map(lambda code: KINDS.get(code) or EXTENDED.get(code[:-2], "stop"))
    pairs = pd.DataFrame({"place": calls["place"], "kind": kind}).drop_duplicates()
    return pairs.sort_values(["place", "kind"]).groupby("place")["kind"].agg("|".join)
