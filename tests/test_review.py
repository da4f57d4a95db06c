"""Results that were written explain and compare as those in memory do."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import arealstrategi as ars
from arealstrategi.cli import app
from arealstrategi.comparison import compare
from arealstrategi.errors import InputError
from arealstrategi.explanation import side_by_side
from arealstrategi.export.comparison_text import comparison_text
from arealstrategi.review import compare_outputs, explain_output, explain_outputs, read_output
from results import write_lauf, write_tables
from street import CRS, box, write_plots, write_points, write_street, write_zones

PLACES = [
    (100, 130, {"shop": "supermarket", "name": "Butikken"}),
    (1400, 130, {"amenity": "library", "name": "Biblioteket"}),
]
FEW_DRAWS = {"draws": 100, "distance_draws": 10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("review")


@pytest.fixture
def town(tmp_path, write_osm):
    """Run a street with a flooded parcel, one without data, and a site; return the result."""
    plots = {"a": 100, "b": 700, "c": 1200, "d": 1300}
    parcels = write_plots(tmp_path / "t.gpkg", plots, stoy=[50.0, 55.0, None, 58.0])
    zone = write_zones(tmp_path / "flom.gpkg", Flom=box(690, 0, 710, 300))
    sites = write_points(tmp_path / "s.csv", [("1", "Torget", 400, 140)])
    extract = write_street(write_osm, PLACES)

    def run(name="out", **changes):
        sections = {
            "area": {"crs": f"EPSG:{CRS}"},
            "parcels": {"source": str(parcels)},
            "osm": {"source": str(extract)},
            "criterion": [
                {"key": "quiet", "kind": "column", "column": "stoy", "full": 45, "zero": 60,
                 "weight": 0.1},
            ],
            "constraint": [
                {"name": "Flom", "source": str(zone)},
                {"name": "Ledning", "source": str(zone), "effect": "deduct", "points": 3},
            ],
            "sites": {"source": str(sites)},
            "areas": {"enabled": False},
            "robustness": FEW_DRAWS | {"top": 2},
            **changes,
        }  # fmt: skip
        result = ars.run(ars.Strategy.build(sections))
        write_tables(result, tmp_path / name)
        return result

    return run


@pytest.fixture
def written(town, tmp_path, folder):
    """Return the folder of a finished run, which may be harmed."""
    if not (folder / "street").exists():
        town()
        shutil.copytree(tmp_path / "out", folder / "street")
    return Path(shutil.copytree(folder / "street", tmp_path / "out", dirs_exist_ok=True))


def same(read, told):
    """Compare two explanations, to the last digit."""
    assert read.facts.keys() == told.facts.keys()
    for name, value in told.facts.items():
        assert (pd.isna(value) and pd.isna(read.facts[name])) or read.facts[name] == value, name
    left, right = (one.criteria.astype(object).fillna("–") for one in (read, told))
    pd.testing.assert_frame_equal(left, right, check_exact=True, check_dtype=False)
    numbers = [(one.deduction, one.mean_deduction) for one in (read, told)]
    np.testing.assert_array_equal(*numbers)
    assert (read.is_exact, read.reasons) == (told.is_exact, told.reasons)
    pd.testing.assert_frame_equal(
        read.constraints.fillna("–"), told.constraints.fillna("–"), check_dtype=False
    )


# --- explaining -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "score",
    [
        {"missing": "reweight"},
        {"method": "geometric"},
        {"method": "owa", "alpha": 3, "missing": "worst"},
        {"method": "minimum"},
    ],
    ids=str,
)
def test_a_written_result_explains_as_the_one_in_memory(town, tmp_path, score):
    result = town(score=score)
    assert set(result.parcels["status"]) >= {"assessed", "excluded"}
    for name in (*result.parcels.index, *result.sites.parcels.index):
        same(explain_output(tmp_path / "out", name), result.explain(name))
    text = "\n\n".join(result.explain_text(name) for name in ("a", "Torget"))
    rule = f"\n\n{'─' * 72}\n\n"
    assert explain_outputs(tmp_path / "out", ["a", "Torget"], None).replace(rule, "\n\n") == text
    saved = read_output(tmp_path / "out")
    beside = side_by_side([explain_output(saved.folder, "Torget")])
    pd.testing.assert_frame_equal(
        beside.fillna("–"), result.side_by_side.fillna("–"), check_dtype=False
    )


def test_critical_criteria_decide_alone_in_a_written_result_as_well(town, tmp_path):
    result = town(
        score={"method": "minimum"},
        criterion=[{"key": "grocery", "critical": True}],
        sites={},
    )
    for parcel in "acd":
        one = explain_output(tmp_path / "out", parcel)
        same(one, result.explain(parcel))
        value = result.parcels.loc[parcel, "grocery_value"]
        assert one.facts["score"] == pytest.approx(100 * value)
        # were the shop as near as can be, the score would be 100; nothing else lifts it
        assert one.lifts == ([] if value == 1 else ["grocery"])
        assert one.criteria["could_gain"].sum() == pytest.approx(100 * (1 - value))


@pytest.mark.shared
def test_parcels_of_lauf_explain_from_the_file_as_from_memory(shared_data, folder):
    sections = write_lauf(shared_data, folder, 200)
    sections |= {"criterion": [{"key": "bench"}], "robustness": FEW_DRAWS}
    result = ars.run(ars.Strategy.build(sections))
    write_tables(result, folder / "out")
    parcels, saved = result.parcels, read_output(folder / "out")
    for parcel in parcels.index[::40]:
        one = explain_output(folder / "out", parcel)
        same(one, result.explain(parcel))
        points = one.criteria["points"].sum() - one.deduction
        assert points == pytest.approx(parcels.loc[parcel, "score"], abs=1e-9)
        rest = one.criteria["difference"].sum() + one.mean_deduction - one.deduction
        assert rest == pytest.approx(
            parcels.loc[parcel, "score"] - parcels["score"].mean(), abs=1e-9
        )
    assert saved.language == "nb"
    assert saved.sites is None
    assert saved.findings.empty


def test_the_language_is_the_run_s_unless_another_is_asked_for(town, tmp_path):
    town(language="en")
    assert "Pulls it down most" in explain_outputs(tmp_path / "out", ["a"], None)
    assert "Trekker mest ned" in explain_outputs(tmp_path / "out", ["a"], "nb")


def test_an_unknown_parcel_is_one_clear_error(written):
    with pytest.raises(InputError, match="no parcel 'Torgett'") as problem:
        explain_output(written, "Torgett")
    assert problem.value.hint


# --- comparing --------------------------------------------------------------------------------


def test_two_written_results_compare_as_those_in_memory(town, tmp_path):
    before = town("one", score={"missing": "reweight"})
    after = town("two", score={"missing": "reweight", "weights": "equal"}, constraint=[])
    text, written = compare_outputs(tmp_path / "one", tmp_path / "two", tmp_path / "diff", top=2)
    told = compare(
        before.parcels, after.parcels, before.weights.weight, after.weights.weight, top=2
    )
    names = before.criteria["label"].to_dict()
    assert text == comparison_text(told, "nb", names)
    assert written == [tmp_path / "diff" / name for name in ("comparison.gpkg", "comparison.json")]
    layer = gpd.read_file(written[0], layer="difference").set_index("parcel_id")
    for name in ("score_change", "rank_change", "why_points"):
        expected = told.parcels[name].to_numpy(dtype=float, na_value=np.nan)
        np.testing.assert_allclose(layer[name].to_numpy(dtype=float), expected, atol=1e-9)
    assert layer["why"].fillna("").tolist() == told.parcels["why"].tolist()
    assert layer.loc["b", "why"] == "Flom"  # which no longer excludes it
    criteria = gpd.read_file(written[0], layer="criteria").set_index("key")
    assert criteria["weight_after"].to_numpy() == pytest.approx(told.criteria["weight_after"])
    facts = json.loads(written[1].read_text(encoding="utf-8"))
    assert facts["entering"] == told.entering
    assert facts["counts"]["compared"] == 4
    assert sum(n for row in facts["classes"].values() for n in row.values()) == 4


def test_what_is_no_number_is_null_in_the_json(town, tmp_path):
    everything = write_zones(tmp_path / "alt.gpkg", Alt=box(0, 0, 1500, 300))
    town(constraint=[{"name": "Alt", "source": str(everything)}])
    _, written = compare_outputs(tmp_path / "out", tmp_path / "out", tmp_path / "diff")
    facts = json.loads(written[1].read_text(encoding="utf-8"))
    assert facts["counts"]["rank_correlation"] is None  # nobody is assessed, so there is no order


# --- what is no result ------------------------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(path, change):
    facts = json.loads(path.read_text(encoding="utf-8"))
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")


def drop_score(folder):
    path = folder / "suitability.gpkg"
    table = gpd.read_file(path, layer="parcels").drop(columns="score_if_allowed")
    path.unlink()
    table.to_file(path, layer="parcels")


def other_layer(folder):
    path = folder / "suitability.gpkg"
    table = gpd.read_file(path, layer="parcels")
    path.unlink()
    table.to_file(path, layer="tomter")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (shutil.rmtree, ["run.json", "cannot be read"]),
        (lambda f: (f / "run.json").unlink(), ["run.json", "cannot be read"]),
        (lambda f: (f / "suitability.gpkg").unlink(), ["suitability.gpkg", "is not there"]),
        (lambda f: cut(f / "run.json"), ["run.json", "not a valid JSON"]),
        (lambda f: (f / "run.json").write_bytes(b"\xff\xfe\x00"), ["run.json", "not a valid JSON"]),
        (lambda f: (f / "run.json").write_text("[]"), ["run.json", "criteria and score"]),
        (lambda f: edit(f / "run.json", lambda facts: facts.pop("score")), ["run.json", "score"]),
        (lambda f: edit(f / "run.json", lambda facts: facts["criteria"][0].pop("group")),
         ["run.json", "group"]),
        (lambda f: edit(f / "run.json", lambda facts: facts["criteria"][0].update(label="Kafé")),
         ["run.json", "lacks"]),
        (lambda f: edit(f / "run.json", lambda facts: facts["strategy"].pop("constraint")),
         ["run.json", "constraint"]),
        (lambda f: edit(f / "run.json", lambda facts: facts["criteria"][0].update(key="tivoli")),
         ["suitability.gpkg", "tivoli_value"]),
        (lambda f: cut(f / "suitability.gpkg"), ["suitability.gpkg", "cannot be read"]),
        (lambda f: (f / "suitability.gpkg").write_bytes(b"hei"),
         ["suitability.gpkg", "GeoPackage"]),
        (drop_score, ["suitability.gpkg", "score_if_allowed"]),
        (other_layer, ["suitability.gpkg", "no layer parcels"]),
    ],
)  # fmt: skip
def test_a_folder_that_holds_no_sound_result_is_one_clear_error(written, harm, told):
    harm(written)
    with pytest.raises(InputError) as problem:
        read_output(written)
    for part in told:
        assert part in problem.value.message
    assert problem.value.hint


def test_results_that_cannot_be_compared_are_one_clear_error(tmp_path, written):
    other = tmp_path / "other"
    shutil.copytree(written, other)
    table = gpd.read_file(written / "suitability.gpkg", layer="parcels")

    def rewrite(changed):
        (other / "suitability.gpkg").unlink()
        changed.to_file(other / "suitability.gpkg", layer="parcels")

    rewrite(table.assign(parcel_id="x" + table["parcel_id"]))
    with pytest.raises(InputError, match="no parcel in common"):
        compare_outputs(written, other, tmp_path / "diff")
    rewrite(table.to_crs(25832))
    with pytest.raises(InputError, match=r"25833.*25832") as problem:
        compare_outputs(written, other, tmp_path / "diff")
    assert "`crs` under [area]" in problem.value.hint
    with pytest.raises(InputError, match=r"nope.run\.json"):
        compare_outputs(tmp_path / "nope", other, tmp_path / "diff")
    assert not (tmp_path / "diff").exists()


# --- on the command line ----------------------------------------------------------------------


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_explain_tells_on_standard_output(town, tmp_path):
    result = town()
    ended = invoke("explain", tmp_path / "out", "a", "Torget")
    assert ended.exit_code == 0, ended.output
    for name in ("a", "Torget"):
        assert result.explain_text(name) in ended.stdout
    ended = invoke("explain", tmp_path / "out", "a", "--language", "en")
    assert ended.exit_code == 0
    assert ended.stdout == result.explain_text("a", "en") + "\n"


def test_compare_prints_the_paths_and_tells_the_rest_beside(tmp_path, written):
    other = tmp_path / "other"
    shutil.copytree(written, other)
    ended = invoke("compare", written, other, "--language", "en")
    assert ended.exit_code == 0, ended.output
    names = [tmp_path / "out-other" / name for name in ("comparison.gpkg", "comparison.json")]
    assert ended.stdout.split() == [str(path) for path in names]
    assert all(path.is_file() for path in names)
    assert "Parcels in both: 4" in ended.stderr
    ended = invoke("compare", written, other, "--out", tmp_path / "x", "--top", 1)
    assert ended.exit_code == 0
    assert ended.stdout.split()[0] == str(tmp_path / "x/comparison.gpkg")
    assert "Nye blant de 1 beste" in ended.stderr


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("explain", "{out}", "zzz"), 1, "no parcel 'zzz'"),
        (("explain", "{out}/nope", "a"), 1, "run.json"),
        (("compare", "{out}", "{out}/nope"), 1, "run.json"),
        (("explain", "{out}"), 2, "parcel"),
        (("explain", "{out}", "a", "--language", "sv"), 2, "sv"),
        (("compare", "{out}"), 2, "after"),
        (("compare", "{out}", "{out}", "--top", "0"), 2, "top"),
    ],
)
def test_what_goes_wrong_has_its_code_and_one_message(written, words, code, told):
    ended = invoke(*(word.format(out=written) for word in words))
    assert ended.exit_code == code
    assert told in ended.stderr
    assert ended.stdout == ""
    if code == 1:
        assert ended.stderr.count("Error: ") == 1
        assert "unexpected" not in ended.stderr
        assert "Traceback" not in ended.stderr
