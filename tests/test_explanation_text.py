"""What an explanation says in words."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import arealstrategi as ars
from arealstrategi.explanation import explain
from arealstrategi.export.explanation_text import explanation_text
from results import judged, model_of, write_lauf

VALUES = pd.DataFrame(
    {"library": [1.0, 0.5, 0.25], "shop": [0.25, 0.5, 1.0], "quiet": [0.5, 0.5, 0.5]},
    index=list("abc"),
)
WEIGHTS = {"library": 3, "shop": 1, "quiet": 0}
EVIL = "<b>{x}</b> [red]&amp; %s"


def parcels_of(model, **options):
    """Judge the three, and tell of their nearest services."""
    return judged(VALUES, model, **options).assign(
        library_service=["Boka", EVIL, None],
        library_walk_m=[80.4, 1200.0, np.nan],
        library_walk_min=[1.5, 20.0, np.nan],
        shop_service="Kiosken",
        shop_walk_m=400.0,
        shop_walk_min=6.6,
        quiet_raw=[52.25, np.nan, 55.0],
    )


def told(parcel, language="nb", *, findings=None, table=None, model=None, **options):
    model = model or model_of(WEIGHTS, effects={"Flom": "exclude", "Støy": "deduct"})
    table = parcels_of(model, **options) if table is None else table
    return explanation_text(explain(table, model, parcel, findings=findings), language)


def test_the_text_in_norwegian():
    findings = pd.DataFrame(
        {
            "parcel_id": ["a", "a", "a"],
            "constraint": ["Støy", "Skred", "Flom"],
            "answer": ["hit", "not_mapped", "below_share"],
            "share": [0.415, 0.0, 0.004],
        }
    )
    text = told("a", findings=findings, deduction={"a": 7}, reasons={"a": "Støy;not_mapped: Skred"})
    # 75 and 6.25 points less 7 are 74.25; the mean is (74.25 + 50 + 43.75) / 3 = 56
    assert text == (
        "Gate a (a)\n"
        "Egnet: 74,2 poeng, nr. 1 av 3\n"
        "Snittet av de vurderte: 56,0 poeng\n"
        "\n"
        "Løfter mest over snittet:\n"
        "  Library: +31,2 – Boka, 80 m (2 min)\n"
        "Trekker mest ned:\n"
        "  Shop: −8,3 – Kiosken, 400 m (7 min)\n"
        "Ville løftet mest:\n"
        "  Shop: inntil 18,8 poeng – Kiosken, 400 m (7 min)\n"
        "Hensyn:\n"
        "  Støy: treff, gir trekk (41,5 % av arealet)\n"
        "  Skred: ikke kartlagt\n"
        "  Flom: treff, men mindre enn regelens andel (0,4 % av arealet)\n"
        "\n"
        "Alle kriterier  Verdi    Vekt  Poeng  Mot snittet  Nærmeste\n"
        "Library          1,00  75,0\u00a0%   75,0        +31,2  Boka, 80 m (2 min)\n"
        "Shop             0,25  25,0\u00a0%    6,2         −8,3  Kiosken, 400 m (7 min)\n"
        "Quiet            0,50   0,0\u00a0%    0,0          0,0  målt 52,25\n"
        "Trekk                           −7,0         −4,7\n"
        "Sum                             74,2        +18,2"
    )


def test_the_text_in_english_has_the_decimal_point():
    text = told("a", "en")
    for line in (
        "Very suitable: 81.2 points, no. 1 of 3",
        "  Library: +31.2 – Boka, 80 m (2 min)",
        "Would lift it most:",
        "  Shop: up to 18.8 points – Kiosken, 400 m (7 min)",
        "  no hit",
    ):
        assert f"{line}\n" in text
    assert not re.search(r"\d,\d", text)


def test_names_with_markup_stay_as_they_are():
    model = model_of(WEIGHTS)
    table = parcels_of(model).assign(label=f"Gate {EVIL}")
    findings = pd.DataFrame(
        {"parcel_id": ["b"], "constraint": [EVIL], "answer": ["hit"], "share": [1.0]}
    )
    text = told("b", table=table, model=model, findings=findings)
    assert f"Gate {EVIL} (b)\n" in text
    assert f"{EVIL}, 1200 m (20 min)" in text
    assert f"  {EVIL}: treff (100,0 % av arealet)\n" in text


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        ("not_connected;no_step_free_way: library",
         "har ingen forbindelse til gangnettet; ingen trappefri vei: Library"),
        ("group_below_minimum: health", "under minstekravet: Helse og omsorg"),
        ("area_below_minimum;Min egen regel", "er mindre enn minste areal; Min egen regel"),
        ("left_out_of_score: støy", "mangler verdi, holdt utenfor poengene: støy"),
    ],
)  # fmt: skip
def test_reasons_are_words_inside_a_sentence(reasons, said):
    assert f"Grunner: {said}\n" in told("a", reasons={"a": reasons})


def test_a_rule_is_told_once_where_it_is_a_reason_as_well():
    findings = pd.DataFrame(
        {"parcel_id": ["a"], "constraint": ["Flom"], "answer": ["hit"], "share": [0.5]}
    )
    text = told("a", findings=findings, excluded="a", reasons={"a": "Flom"})
    assert text.count("Flom") == 1
    assert "Grunner" not in text
    assert "  Flom: treff, utelukker (50,0 % av arealet)\n" in text


def test_what_is_out_of_reach_and_what_was_not_measured():
    text = told("c")
    assert "  Library: −25,0 – ikke nåbar\n" in text
    text = told("b")
    assert text.splitlines()[-2].startswith("Quiet")
    assert text.splitlines()[-2].endswith("0,0")  # it was not measured, which is not unreachable


def test_an_excluded_parcel_has_points_if_the_rule_did_not_hold():
    text = told("a", excluded="a", reasons={"a": "Flom"})
    assert "\nUtelukket. Uten reglene som utelukker: 81,2 poeng\n" in text
    assert "nr." not in text
    assert "Snittet av de vurderte: 46,9 poeng" in text


def test_a_parcel_that_cannot_be_assessed_has_no_sum():
    model = model_of(WEIGHTS)
    values = VALUES.assign(shop=[np.nan, 0.5, 1.0])
    table = judged(values, model, reasons={"a": "no_value: pris"})
    text = told("a", table=table, model=model)
    assert "\nIkke vurdert: noe som kreves, er ikke kjent\n" in text
    assert "Grunner: mangler verdi: pris\n" in text
    assert re.search(r"\nSum +– +–$", text)


def test_where_nothing_is_assessed_there_is_nothing_to_compare_with():
    text = told("a", excluded="abc")
    assert "Snittet av de vurderte: – poeng" in text
    assert "Løfter mest over snittet:\n  ingenting\nTrekker mest ned:\n  ingenting\n" in text


@pytest.mark.parametrize("method", ["geometric", "minimum"])
def test_where_points_are_no_sum_it_is_said_and_none_is_shown(method):
    model = model_of(WEIGHTS, method=method)
    lines = told("a", model=model).splitlines()
    assert lines[-1].startswith("Poengene er ingen sum med denne regnemåten")
    assert "Sum" not in {line.split(" ")[0] for line in lines}
    row = next(line for line in lines if line.startswith("Shop "))
    assert row.split()[4] == "–"


def test_how_sure_the_rank_is_is_told_where_it_is_known():
    model = model_of(WEIGHTS)
    table = parcels_of(model).assign(rank_p05=[1, 2, 1], rank_p95=[2, 3, 3], top_share=0.955)
    assert (
        "Svært egnet: 81,2 poeng, nr. 1 av 3 – i 9 av 10 prøver nr. 1 til 2, "
        "blant de beste i 96 %\n"
    ) in told("a", table=table, model=model)


def test_headline_scores_are_told_and_one_that_is_not_known_is_left_out():
    model = model_of(WEIGHTS)
    table = parcels_of(model).assign(score_safe=71.4, score_central=np.nan, score_social=[20, 0, 5])
    assert "\nTrygt 71 · Sosialt 20 · Snittet av de vurderte: 58,3 poeng\n" in told(
        "a", table=table, model=model
    )


# --- real output ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lauf(shared_data, tmp_path_factory):
    """Run 200 parcels of Lauf with rules of every effect, and a site far from every street."""
    folder = tmp_path_factory.mktemp("lauf")
    sections = write_lauf(shared_data, folder, 200)
    plots = gpd.read_file(folder / "lauf.gpkg")
    for name, rows in (("flom", slice(0, 30)), ("stoy", slice(20, 60))):
        gpd.GeoDataFrame(geometry=plots.geometry.iloc[rows], crs=plots.crs).to_file(
            folder / f"{name}.gpkg"
        )
    half = plots.total_bounds
    half = shapely.box(*half[:3], (half[1] + half[3]) / 2)
    gpd.GeoDataFrame(geometry=[half], crs=plots.crs).to_file(folder / "dekning.gpkg")
    middle = plots.geometry.iloc[150].centroid
    (folder / "s.csv").write_text(f"navn;x;y\nTorget;{middle.x:.1f};{middle.y:.1f}\n")
    return ars.run(
        ars.Strategy.build(
            {
                **sections,
                "constraint": [
                    {"name": "Flom", "source": str(folder / "flom.gpkg")},
                    {"name": "Støy", "source": str(folder / "stoy.gpkg"), "effect": "deduct",
                     "coverage": str(folder / "dekning.gpkg")},
                    {"name": "Linje", "source": str(folder / "stoy.gpkg"), "effect": "condition",
                     "from_share": 1.0},
                ],
                "criterion": [{"key": "bench"}],
                "gate": [{"group": "social", "min": 60}],
                "sites": {"source": str(folder / "s.csv")},
                "areas": {"enabled": False},
                "robustness": {"draws": 100, "distance_draws": 20},
            }
        )
    )  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("language", ["nb", "en"])
def test_every_parcel_of_lauf_is_told_in_good_words(lauf, language):
    names = set(lauf.services["name"])
    other = re.compile(r"\d\.\d" if language == "nb" else r"\d,\d")
    seen = ""
    for parcel in (*lauf.parcels.index[::5], "Torget"):
        text = lauf.explain_text(parcel, language)
        for name in sorted(names - {""}, key=len, reverse=True):
            text = text.replace(name, "…")
        for wrong in ("{", "}", "nan", "None", "<NA>", "_", "  \n", "inf "):
            assert wrong not in text, (parcel, wrong)
        assert not other.search(text), parcel
        # inside a sentence no capital letter follows a comma, a semicolon or a dash
        assert not re.search(r"([,;] |– )(Har|Er|Under|Ikke|Mangler|Is|Has|Not|No )", text), parcel
        seen += text
    words = {
        "nb": ("Utelukket.", "gir trekk", "ikke kartlagt", "under minstekravet", "ville vært nr."),
        "en": ("Excluded.", "deducts", "not mapped", "below the minimum", "would be no."),
    }
    for word in words[language]:
        assert word in seen
