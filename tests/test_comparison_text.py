"""What a comparison says in words."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.comparison import STATES, compare
from arealstrategi.export.comparison_text import comparison_text
from results import DOCTOR, EQUAL, LIBRARY, SHOP, STREET, result, results, weights

NAMES = {LIBRARY: "Bibliotek", SHOP: "Dagligvare", DOCTOR: "Lege"}
ANY = results(("weighted_sum", "geometric", "owa", "minimum"))


@settings(max_examples=12)
@given(ANY, ANY, st.integers(0, 4), st.sampled_from(["nb", "en"]))
def test_every_comparison_can_be_told(before, after, top, language):
    (one, w_one), (two, w_two) = before, after
    told = compare(one, two, w_one, w_two, top=top)
    text = comparison_text(told, language, NAMES)
    for wrong in ("nan", "None", "NA", "{", "}"):
        assert wrong not in text
    assert not re.search(r"[+−]0[.,]0+\b", text)  # nothing changes by nothing
    for parcel in (*told.entering[:top], *told.leaving[:top]):
        assert f"Gate {parcel}: " in text


def test_the_text_in_norwegian():
    after = result(STREET.assign(**{LIBRARY: 0.0}), EQUAL, flood="b")
    told = compare(result(STREET, EQUAL), after, EQUAL, EQUAL, top=2)
    assert comparison_text(told, "nb", NAMES) == (
        "Eiendommer i begge: 5, bare før: 0, etter: 0\n"
        "Klasse: 0 opp, 1 ned\n"
        "Vurdert bare før: 1, etter: 0\n"
        "Samsvar i rekkefølge (Spearman, 1 er lik): 1,000\n"
        "\n"
        "Kriterier som er endret:\n"
        "  Bibliotek: verdi −0,360 i snitt, 0 opp, 3 ned\n"
        "\n"
        "Klasse før (rader) og etter (kolonner):\n"
        "               svært egnet  egnet  uegnet  utelukket\n"
        "  svært egnet            0      1       0          0\n"
        "  egnet                  0      1       0          1\n"
        "  uegnet                 0      0       2          0\n"
        "  utelukket              0      0       0          0\n"
        "\n"
        "Nye blant de 2 beste:\n"
        "  Gate c: plass 3 → plass 2 (andre eiendommer er endret)\n"
        "\n"
        "Ikke lenger blant de 2 beste:\n"
        "  Gate b: plass 2 → utelukket (Flom)\n"
        "\n"
        "Størst framgang: ingen\n"
        "\n"
        "Størst tilbakegang:\n"
        "  Gate a: plass 1 → plass 1, −33,3 poeng (Bibliotek −33,3)\n"
        "  Gate e: plass 5 → plass 4, −6,7 poeng (Bibliotek −6,7)\n"
    )


def test_the_text_in_english_tells_weights_and_parcels_of_one_result():
    heavy = weights(1, 1, 4)
    before, after = result(STREET, EQUAL).iloc[1:], result(STREET, heavy)
    text = comparison_text(compare(before, after, EQUAL, heavy, top=1), "en", NAMES)
    assert "Parcels in both: 4, only before: 0, after: 1" in text
    assert "Lege: weight 33.3% → 66.7%" in text
    assert "Gate a: absent → rank 1 (only in the result after)" in text
    assert "(weight: Lege +26.7)" in text


def test_every_state_has_a_name_in_both_languages():
    values = pd.DataFrame({LIBRARY: [0.9, 0.6, 0.3, 0.1, 0.5, 0.5]}, index=list("abcdef"))
    one = weights(1)
    told = result(values, one, flood="e", missing="f")
    compared = compare(told, told.iloc[:-1], one, one)
    for language, names in (
        ("nb", "svært egnet  egnet  mindre egnet  uegnet  utelukket  ikke vurdert  ikke med"),
        (
            "en",
            "very suitable  suitable  less suitable  unsuitable  excluded  not assessed  absent",
        ),
    ):
        assert len(names.split("  ")) == len(STATES)
        assert f"  {names}\n" in comparison_text(compared, language, NAMES)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("no_step_free_way: library", "ingen trappefri vei: Bibliotek"),
        ("not_mapped: Flom", "ikke kartlagt: Flom"),
        ("not_connected", "har ingen forbindelse til gangnettet"),
        ("area_below_minimum", "er mindre enn minste areal"),
        ("group_below_minimum: health", "under minstekravet: Helse og omsorg"),
        ("left_out_of_score: Støy", "mangler verdi, holdt utenfor poengene: Støy"),
        ("Sone {gul}: 55 dB", "Sone {gul}: 55 dB"),
    ],
)
def test_a_reason_is_told_in_words_and_a_planners_own_name_as_it_is(code, said):
    after = result(STREET, EQUAL, flood="b")
    after.loc["b", "reasons"] = code
    text = comparison_text(compare(result(STREET, EQUAL), after, EQUAL, EQUAL), "nb", NAMES)
    assert f"Gate b: plass 2 → utelukket ({said})" in text


def test_a_top_full_of_equal_parcels_is_cut_in_the_text_but_not_in_the_list():
    flat = pd.DataFrame({LIBRARY: np.full(30, 0.5)})
    one = weights(1)
    told = compare(result(flat * 0, one, flood=flat.index.astype(str)), result(flat, one), one, one)
    assert len(told.entering) == 30
    text = comparison_text(told, "nb", NAMES)
    assert "  … og 10 til\n" in text
    assert "kan ikke regnes ut" in text


def test_of_a_score_that_is_no_sum_the_criterion_is_named_without_points():
    closed = STREET.assign(**{LIBRARY: 0.0})
    before, after = (result(v, EQUAL, method="geometric") for v in (STREET, closed))
    assert "Bibliotek)" in comparison_text(compare(before, after, EQUAL, EQUAL), "nb", NAMES)


@pytest.mark.parametrize("language", ["nb", "en"])
def test_results_read_back_from_a_file_are_told_as_the_ones_in_memory(tmp_path, language):
    before = result(STREET, EQUAL, flood="a", deducted="b")
    after = result(STREET.assign(**{SHOP: 0.5}), EQUAL, missing="c")
    read = []
    for name, table in (("before", before), ("after", after)):
        table.reset_index().to_file(tmp_path / f"{name}.gpkg", layer="parcels")
        read.append(gpd.read_file(tmp_path / f"{name}.gpkg").set_index("parcel_id"))
    text = comparison_text(compare(before, after, EQUAL, EQUAL), language, NAMES)
    assert comparison_text(compare(*read, EQUAL, EQUAL), language, NAMES) == text


def test_a_label_with_markup_stays_as_it_is_and_on_one_line():
    after = result(STREET, EQUAL, flood="b")
    before = result(STREET, EQUAL)
    before.loc["b", "label"] = "<b>{x}</b>\n[red]&amp; %s"
    text = comparison_text(compare(before, after, EQUAL, EQUAL, top=2), "nb", NAMES)
    assert "  <b>{x}</b> [red]&amp; %s: plass 2 → utelukket (Flom)\n" in text


def test_the_decimal_mark_is_the_language_s():
    after = result(STREET.assign(**{LIBRARY: 0.0}), EQUAL)
    compared = compare(result(STREET, EQUAL), after, EQUAL, EQUAL)
    assert "−33,3 poeng (Bibliotek −33,3)" in comparison_text(compared, "nb", NAMES)
    assert "−33.3 points (Bibliotek −33.3)" in comparison_text(compared, "en", NAMES)
