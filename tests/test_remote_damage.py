"""Damaged answers of services: one clear error or a layer, never a traceback, nothing half kept."""

import json
import random

import pyproj
import pytest
import shapely

from arealstrategi.errors import ArealstrategiError
from arealstrategi.sources import remote, web
from layer_servers import ArcGis, OgcApi, Wfs, flood_zones, serve

UTM33 = pyproj.CRS.from_epsg(25833)
ROUNDS = 70
TOKENS = (
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"-1e999",
    b"NaN",
    b"1e308",
    b"<",
    b"</a>",
    b"\x00",
    b"\xff",
)


def damaged(body: bytes, dice: random.Random) -> bytes:
    """Cut, shuffle, overwrite or double a part, or put another value in the place of one."""
    start = dice.randrange(len(body))
    end = min(len(body), start + dice.randrange(1, 40))
    part = bytearray(body[start:end])
    dice.shuffle(part)
    if body[:1] == b"{" and dice.random() < 0.6:
        return json.dumps(_changed(json.loads(body), dice)).encode()
    return dice.choice(
        [
            body[:start],
            body[:start] + bytes(part) + body[end:],
            body[:start] + dice.choice(TOKENS) + body[end:],
            body[:end] + body[start:],
        ]
    )


def _changed(value, dice: random.Random):
    """Return the value with something of another type somewhere in it."""
    if dice.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return dice.choice(
            [None, [], {}, "x", -1, 1e308, float("nan"), [None], [1], {"a": None}, True]
        )
    key = dice.choice(list(value)) if isinstance(value, dict) else dice.randrange(len(value))
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = _changed(value[key], dice)
    return changed


SERVICES = {
    "wfs": (Wfs(flood_zones(4, 4), says_matched=True), "/skwms1/wfs.flomsoner", "FlomAreal"),
    "ogcapi": (OgcApi(count=5), "/ogc/collections/soner", None),
    "arcgis": (
        ArcGis(flood_zones(4, 4).to_crs(25833).assign(OBJECTID=range(1, 17))),
        "/arcgis/rest/services/SkredKvikkleire2/MapServer/1",
        None,
    ),
}


@pytest.mark.parametrize("kind", SERVICES)
def test_damage_to_any_answer_is_one_clear_error_or_none(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PAUSES_S", ())
    service, path, layer = SERVICES[kind]
    dice = random.Random(kind)  # noqa: S311
    area = shapely.box(262_000, 6_620_000, 264_000, 6_660_000)
    outcomes = {"layer": 0, "error": 0}
    harmed = 0

    def answer(replay, asked, query):
        nonlocal harmed
        said, body = service(replay, asked, query)
        if len(replay.asked) - 1 == harmed:
            body = damaged(body, dice)
        return said, body

    with serve(answer) as server:
        for number in range(ROUNDS):
            cache, harmed = tmp_path / str(number), number % 4
            server.asked.clear()
            try:
                found = remote.fetch_layer(
                    f"{kind}:{server.url}{path}", layer,
                    area=area, crs=UTM33, cache_dir=cache, key="[lag]",
                )  # fmt: skip
            except ArealstrategiError as error:
                caught = error
            else:
                outcomes["layer"] += 1
                assert found.path.exists()
                continue
            outcomes["error"] += 1
            assert caught.__cause__ is None
            assert list(cache.iterdir()) == []
    assert min(outcomes.values()) > 5, outcomes
