"""Departures counted as by hand, and against a plain loop over generated timetables."""

import datetime as dt
import zipfile

import numpy as np
import pyproj
import pytest
import shapely

from arealstrategi.errors import InputError
from arealstrategi.sources.gtfs import read_gtfs

UTM32 = pyproj.CRS(25832)
STOPS = """stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station
NSR:StopPlace:1,Torget,59.26,10.05,1,
NSR:Quay:1,Torget,59.2601,10.05,0,NSR:StopPlace:1
NSR:Quay:2,Torget,59.2599,10.05,0,NSR:StopPlace:1
NSR:Quay:3,Kaia,59.27,10.06,0,
NSR:Quay:4,Langt unna,60.5,11.0,0,
NSR:Quay:5,Nedlagt,59.265,10.055,0,
"""
ROUTES = "route_id,route_type\nr1,700\nr2,4\n"
TRIPS = "route_id,service_id,trip_id\nr1,week,a\nr1,week,b\nr1,week,c\nr1,late,d\nr2,sunday,e\n"
CALENDAR = """service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date
week,1,1,1,1,1,0,0,20261102,20261115
late,1,1,1,1,1,1,1,20261102,20261115
sunday,0,0,0,0,0,0,1,20261102,20261115
"""  # noqa: E501
DATES = "service_id,date,exception_type\nweek,20261104,2\n"
TIMES = """trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type
a,07:59:00,07:59:00,NSR:Quay:1,1,0
b,08:00:00,08:00:00,NSR:Quay:1,1,0
c,17:59:59,17:59:59,NSR:Quay:2,1,0
d,25:10:00,25:10:00,NSR:Quay:1,1,0
e,10:00:00,10:00:00,NSR:Quay:3,1,0
b,08:30:00,08:30:00,NSR:Quay:3,2,1
b,09:30:00,09:30:00,NSR:Quay:4,3,0
"""
FEED = {
    "stops.txt": STOPS, "routes.txt": ROUTES, "trips.txt": TRIPS, "calendar.txt": CALENDAR,
    "calendar_dates.txt": DATES, "stop_times.txt": TIMES,
}  # fmt: skip


def zipped(tmp_path, feed):
    path = tmp_path / "rutetider.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in feed.items():
            archive.writestr(name, text)
    return path


def around():
    middle = shapely.Point(
        pyproj.Transformer.from_crs(4326, 25832, always_xy=True).transform(10.05, 59.26)
    )
    return middle.buffer(5_000)


def test_departures_are_counted_as_by_hand(tmp_path):
    stops, report = read_gtfs(zipped(tmp_path, FEED), "stop", crs=UTM32, area=around())
    by_name = stops.set_index("name")
    assert sorted(by_name.index) == ["Kaia", "Torget"]  # platforms of one place are one stop
    torget = by_name.loc["Torget"]
    # b and c leave between 08 and 18 on weekdays; a is too early, d at 01:10
    assert torget["departures_weekday_per_hour"] == pytest.approx(2 / 10)
    assert torget["departures_weekend_per_hour"] == 0
    assert torget["kind"] == "bus"
    kaia = by_name.loc["Kaia"]
    assert kaia["departures_weekday_per_hour"] == 0  # b lets nobody on there
    # Sundays have one departure, Saturdays none: the median of two of each
    assert kaia["departures_weekend_per_hour"] == pytest.approx(0.5 / 10)
    assert kaia["kind"] == "ferry"
    assert report.listed == {"without any departure": ["Nedlagt"]}
    assert report.facts["platforms in and around the area"] == 4
    assert report.date == "2026-11-02 to 2026-11-15"


@pytest.mark.parametrize("seed", range(4))
def test_counts_agree_with_a_plain_loop(tmp_path, seed):
    rng = np.random.default_rng(seed)
    first = dt.date(2026, 11, 2)
    trips = [(f"t{i}", f"s{rng.integers(3)}") for i in range(40)]
    runs = {f"s{k}": rng.integers(2, size=7) for k in range(3)}
    calls = [(trip, int(rng.integers(5, 27)), int(rng.integers(4))) for trip, _ in trips]
    days = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"
    feed = {
        "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\n"
        + "".join(f"q{k},Stopp {k},59.26,{10.05 + k / 1000}\n" for k in range(4)),
        "routes.txt": "route_id,route_type\nr,3\n",
        "trips.txt": "route_id,service_id,trip_id\n" + "".join(f"r,{s},{t}\n" for t, s in trips),
        "calendar.txt": f"service_id,{days},start_date,end_date\n"
        + "".join(
            f"{s},{','.join(map(str, runs[s]))},20261102,20261122\n" for s in runs
        ),
        "stop_times.txt": "trip_id,departure_time,stop_id\n"
        + "".join(f"{t},{hour:02d}:15:00,q{k}\n" for t, hour, k in calls),
    }  # fmt: skip
    stops, _ = read_gtfs(zipped(tmp_path, feed), "stop", crs=UTM32)
    service_of = dict(trips)
    used = {service_of[t] for t, _, _ in calls}
    dates = [first + dt.timedelta(days=i) for i in range(21)]
    dates = [d for d in dates if any(runs[s][d.weekday()] for s in used)]
    for _, stop in stops.iterrows():
        number = int(stop["name"].split()[1])
        for column, weekend in (("weekday", False), ("weekend", True)):
            counts = [
                sum(
                    runs[service_of[t]][d.weekday()]
                    for t, hour, k in calls
                    if k == number and 8 <= hour < 18
                )
                for d in dates
                if (d.weekday() >= 5) == weekend
            ]
            told = stop[f"departures_{column}_per_hour"]
            assert np.isnan(told) if not counts else told == pytest.approx(np.median(counts) / 10)


@pytest.mark.parametrize("name", ["stops.txt", "trips.txt", "stop_times.txt", "routes.txt"])
def test_a_missing_table_or_column_is_named(tmp_path, name):
    with pytest.raises(InputError, match=name):
        read_gtfs(zipped(tmp_path, FEED | {name: "x\n1\n"}), "stop", crs=UTM32)
    lacking = {key: text for key, text in FEED.items() if key != name}
    with pytest.raises(InputError, match=f"holds no {name}"):
        read_gtfs(zipped(tmp_path, lacking), "stop", crs=UTM32)


def test_what_is_no_zip_is_one_clear_error(tmp_path):
    path = tmp_path / "rutetider.zip"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(InputError, match=r"rutetider\.zip"):
        read_gtfs(path, "stop", crs=UTM32)
    with pytest.raises(InputError, match="no such file"):
        read_gtfs(tmp_path / "gone.zip", "stop", crs=UTM32)
