"""The file of the map: a folium map, what stands in the page, and what cannot get into it."""

import base64
import hashlib
import re
from importlib.resources import files

import folium
import numpy as np
import pytest
import shapely

from arealstrategi.errors import OutputError
from arealstrategi.export.map import SCRIPTS, write_map
from arealstrategi.tables import BACKDROP_COLUMNS, SERVICE_COLUMNS, empty_table
from blocks import block_of, opened, outlines_of
from maps import CRS, SOUTH, WEST, hostile_map, make_map, make_parcels, make_services, written


def unpacked(path):
    return opened(block_of(path.read_text(encoding="utf-8")))


# ---- the file


def test_the_map_is_a_folium_map():
    assert isinstance(make_map(), folium.Map)


def test_the_shapes_in_the_page_are_the_parcels_within_five_centimetres(tmp_path):
    parcels = make_parcels()
    data = unpacked(written(tmp_path, make_map(parcels)))
    lines = outlines_of(data["parcels"]["shape"], data, CRS)
    shown = parcels.loc[data["parcels"]["id"]]
    assert len(lines) == len(parcels)
    distance = shapely.hausdorff_distance(shown.boundary.to_numpy(), np.array(lines))
    assert distance.max() <= 0.05


def test_candidate_points_stay_points(tmp_path):
    parcels = make_parcels(40)
    points = parcels.set_geometry(parcels.centroid)
    data = unpacked(written(tmp_path, make_map(points)))
    found = outlines_of(data["parcels"]["shape"], data, CRS)
    shown = points.loc[data["parcels"]["id"]]
    assert shapely.distance(shown.geometry.to_numpy(), np.array(found)).max() <= 0.05


def test_every_script_of_the_page_stands_in_it_once():
    folder = files("arealstrategi.export") / "templates"
    kept = {file.name for file in folder.iterdir() if file.name.endswith(".js")}
    assert sorted(SCRIPTS) == sorted(kept)
    assert SCRIPTS[0] == "data.js"
    assert SCRIPTS[-1] == "map.js"


def test_nothing_in_the_page_points_to_another_place(tmp_path):
    page = written(tmp_path, make_map()).read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.findall(r"\b(?:src|href|srcset|action)\s*=", markup)
    assert not re.findall(r"url\((?!data:|#)", page)
    assert "sourceMappingURL" not in page
    assert "@import" not in page


def test_the_page_says_its_language_and_title_and_lets_readers_enlarge_it(tmp_path):
    suitability = make_map(title="Boliger & <tjenester>", language="en")
    page = written(tmp_path, suitability).read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert "<title>Boliger &amp; &lt;tjenester&gt;</title>" in page
    assert "user-scalable" not in page
    assert "Redistribution and use in source and binary forms" in page


def test_the_policy_allows_exactly_the_scripts_of_the_page(tmp_path):
    page = written(tmp_path, make_map()).read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for kind in ("script", "style"):
        texts = re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digests = [hashlib.sha256(text.encode()).digest() for text in texts]
        hashes = {f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests}
        rule = next(rule for rule in policy.split("; ") if rule.startswith(f"{kind}-src"))
        assert set(rule.split()[1:]) == hashes


def test_the_shipped_leaflet_is_the_published_one():
    folder = files("arealstrategi.export") / "vendor" / "leaflet"
    listed = dict(
        reversed(line.split()) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    assert {"leaflet.js", "leaflet.css", "LICENSE"} <= set(listed)
    for name, checksum in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == checksum, name
    # what the Leaflet project publishes as the integrity of 1.9.4
    published = base64.b64decode("20nQCchB9co0qIjJZRGuk2/Z9VM+kNiyxNV1lvTlZBo=").hex()
    assert listed["leaflet.js"] == published


def test_a_map_with_other_layers_is_saved_by_folium_and_refused_here(tmp_path):
    suitability = make_map()
    folium.CircleMarker([59.13, 10.2], tooltip="mitt punkt").add_to(suitability)
    with pytest.raises(OutputError, match=r"CircleMarker.*\n.*save\(\)"):
        write_map(suitability, tmp_path / "map.html")
    assert not (tmp_path / "map.html").exists()
    suitability.save(tmp_path / "own.html")
    assert "mitt punkt" in (tmp_path / "own.html").read_text(encoding="utf-8")


def test_only_layers_that_need_them_bring_links_to_the_network():
    suitability = make_map()
    folium.GeoJson(make_parcels(3)[["geometry"]]).add_to(suitability)
    assert "jquery" not in suitability.get_root().render()
    folium.Marker([59.13, 10.2], popup="hei").add_to(suitability)
    assert "jquery" in suitability.get_root().render()


def test_hostile_texts_are_written_without_a_word_of_them_in_the_markup(tmp_path):
    page = written(tmp_path, hostile_map()).read_text(encoding="utf-8")
    markup = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert "__pwned" not in re.sub(r"<(title|h1|li)\b.*?</\1>", "", markup, flags=re.DOTALL)
    assert not re.search(r"<(img|svg)", markup)
    assert "{{ 7 * 7 }}" in page  # a template in a name is not run either
    assert page.count("<script") == len(re.findall("</script>", page))


@pytest.mark.parametrize(
    ("column", "value"), [("status", "done"), ("class", "good"), ("municipal", "maybe")]
)
def test_a_code_that_the_tables_do_not_know_is_a_mistake(column, value):
    parcels = make_parcels(20)
    parcels.loc[parcels.index[3], column] = value
    with pytest.raises(ValueError, match=f"'{column}' holds '{value}'"):
        make_map(parcels)


def test_a_table_in_another_crs_is_a_mistake():
    with pytest.raises(ValueError, match="analysis CRS"):
        make_map(services=make_services().to_crs(4326))


def test_empty_tables_still_give_a_map(tmp_path):
    parcels = make_parcels(20).assign(status="missing_data", score=np.nan, rank=np.nan)
    parcels["class"] = None
    services = empty_table((*SERVICE_COLUMNS[:-1], "reason", "geometry"), CRS)
    backdrop = empty_table(BACKDROP_COLUMNS, CRS)
    for given in (parcels, parcels.iloc[:0]):
        suitability = make_map(given, services=services, backdrop=backdrop)
        data = unpacked(written(tmp_path, suitability))
        assert len(data["parcels"]["id"]) == len(given)
        assert list(data["top"]) == []


def test_a_hundred_thousand_parcels_fit_in_one_file(tmp_path):
    count = 100_000
    parcels = make_parcels(200)
    many = parcels.iloc[np.arange(count) % 200].set_axis([f"p{place}" for place in range(count)])
    xy = [WEST, SOUTH] + np.column_stack(np.divmod(np.arange(count), 400)) * 60
    many = many.set_geometry(shapely.box(xy[:, 0], xy[:, 1], xy[:, 0] + 50, xy[:, 1] + 50), crs=CRS)
    path = written(tmp_path, make_map(many))
    data = unpacked(path)
    assert len(data["parcels"]["shape"]["lines"]) == count
    assert len(data["parcels"]["id"]) == count
    assert path.stat().st_size < 12e6
