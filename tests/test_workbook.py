"""The workbook as a planner reads it: names, words and numbers of the tables it is made of."""

import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from arealstrategi.export import spreadsheet, workbook
from arealstrategi.export.labels import words
from arealstrategi.export.workbook import write_workbook
from arealstrategi.result.workbook import write_workbook_of

NAMES = {"shop": "Dagligvare", "noise": "Støy"}


@pytest.fixture
def parcels():
    return pd.DataFrame(
        {
            "label": ["Gate 1", "=Gate 2", "Gate 3", "Gate 4"],
            "area_m2": [1234.56, np.nan, 800.0, 500.0],
            "status": ["assessed", "assessed", "excluded", "missing_data"],
            "reasons": ["", "not_mapped: Flom", "Vern;no_step_free_way: shop", "not_connected"],
            "score": [50.126, 81.9, np.nan, np.nan],
            "class": ["suitable", "very_suitable", None, None],
            "rank": pd.array([2, 1, None, None], dtype="Int64"),
            "municipal": ["yes", "partly", "no", "unknown"],
            "shop_walk_m": [412.4, np.nan, 1000.0, np.nan],
            "shop_walk_min": [6.87, np.nan, 16.66, np.nan],
            "shop_effort_m": [450.0, np.nan, 1100.0, np.nan],
            "shop_value": [0.9, 0.0, 0.0, np.nan],
            "shop_service": ["Kiwi", None, "Rema", None],
            "noise_raw": [55.0, 61.5, np.nan, 70.0],
            "noise_value": [0.5, 0.2, np.nan, 0.0],
            "own_column": ["a", "b", "c", "d"],
        },
        index=pd.Index(["p1", "p2", "p3", "p4"], name="parcel_id"),
    )


def write(path, tables, language="nb", **more):
    write_workbook(path, tables, names=NAMES, language=language, **more)
    return openpyxl.load_workbook(path)


def table_of(page):
    head, *rows = page.iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=head, dtype=object)


def test_the_ranking_stands_first_best_first_in_words_of_the_language(tmp_path, parcels):
    book = write(tmp_path / "r.xlsx", {"parcels": parcels})
    assert book.sheetnames == ["Rangering", "Om arkene"]
    shown = table_of(book["Rangering"])
    assert shown["Eiendom"].tolist() == ["=Gate 2", "Gate 1", "Gate 3", "Gate 4"]
    assert shown["Plass"].tolist() == [1, 2, None, None]
    assert shown["Poeng"].tolist() == [81.9, 50.13, None, None]
    assert shown["Egnethet"].tolist() == ["svært egnet", "egnet", None, None]
    assert shown["Status"].tolist() == ["vurdert", "vurdert", "utelukket", "ikke vurdert"]
    assert shown["Kommunal grunn"].tolist() == ["delvis", "ja", "nei", "ukjent"]
    assert shown["Areal (m²)"].tolist() == [None, 1235, 800, 500]
    assert shown["Grunner"].tolist() == [
        "Ikke kartlagt: Flom", None, "Vern; Ingen trappefri vei: Dagligvare",
        "Har ingen forbindelse til gangnettet",
    ]  # fmt: skip
    assert shown["own_column"].tolist() == ["b", "a", "c", "d"]


def test_in_english_the_same_tables_speak_english(tmp_path, parcels):
    book = write(tmp_path / "r.xlsx", {"parcels": parcels}, language="en")
    assert book.sheetnames == ["Ranking", "About the sheets"]
    shown = table_of(book["Ranking"])
    assert shown["Suitability"].tolist()[:2] == ["very suitable", "suitable"]
    assert shown["Municipal land"].tolist()[-1] == "unknown"


def test_what_cannot_be_reached_is_told_apart_from_what_is_not_measured(tmp_path, parcels):
    shown = table_of(write(tmp_path / "r.xlsx", {"parcels": parcels})["Rangering"])
    minutes = dict(zip(shown["Id"], shown["Dagligvare: gangtid (min)"], strict=True))
    assert minutes == {"p1": 6.9, "p2": "kan ikke nås", "p3": 16.7, "p4": "ikke målt"}
    metres = dict(zip(shown["Id"], shown["Dagligvare: gangavstand (m)"], strict=True))
    assert metres == {"p1": 412, "p2": "kan ikke nås", "p3": 1000, "p4": "ikke målt"}


def test_every_column_is_in_the_ranking_or_told_to_stand_elsewhere(tmp_path, parcels):
    book = write(tmp_path / "r.xlsx", {"parcels": parcels})
    shown, about = table_of(book["Rangering"]), table_of(book["Om arkene"])
    told = about.set_index("Navn i ranking.csv og suitability.gpkg")
    for name in parcels.columns:
        key = next((key for key in NAMES if name.startswith(f"{key}_")), None)
        row = told.loc[name.replace(key, "KEY", 1) if key else name]
        heading = row["Kolonne"].replace("Hvert kriterium", NAMES[key]) if key else row["Kolonne"]
        elsewhere = "Står bare i ranking.csv" in row["Hva det er"]
        assert (heading in shown) != elsewhere, name
        assert elsewhere == name.endswith(("effort_m", "value"))


def test_the_meaning_of_every_column_that_a_run_can_give_is_told_in_words():
    for language in ("nb", "en"):
        text = words(language)
        for name in workbook._FIRST:
            assert f"workbook.meaning.{name}" in text, name
        assert "75" in text["workbook.meaning.class"].format(
            very_suitable=75.0, suitable=50.0, less_suitable=25.0
        )


def test_classes_have_their_colours_and_the_text_on_them_stays_readable(tmp_path, parcels):
    page = write(tmp_path / "r.xlsx", {"parcels": parcels})["Rangering"]
    head = [cell.value for cell in page[1]]
    best = page.cell(2, head.index("Egnethet") + 1)
    assert best.fill.fgColor.rgb[-6:] == "440154"
    assert best.font.color.rgb[-6:] == "FFFFFF"
    assert page.cell(4, head.index("Status") + 1).fill.fgColor.rgb[-6:] == "6E6E6E"
    score = page.cell(2, head.index("Poeng") + 1)
    assert score.number_format == "0.0"
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == page.dimensions


def tables(parcels):
    return {
        "parcels": parcels,
        "areas": pd.DataFrame(
            {"rank": [1], "score": [80.0], "municipal": ["partly"], "municipal_share": [0.25],
             "plan_readiness": ["unknown"], "dwellings": [30], "shared_space": [True],
             "instrument": ["clarify_plan"]},
            index=pd.Index(["A1"], name="area_id"),
        ),
        "sites": pd.DataFrame(
            {"Tomt =1": [81.256, "suitable", 412.4, None], "Tomt 2": [None, None, None, "Kiwi"]},
            index=pd.Index(["score", "class", "shop: walk_m", "shop: service"], name="fact"),
            dtype=object,
        ),
        "criteria": pd.DataFrame(
            {"group": ["daily"], "weight": [0.4], "in_group": [1.0], "full_m": [400.0],
             "zero_m": [1000.0], "found": [False], "why": ["Mat hver dag."],
             "source": ["Utvalget"]},
            index=pd.Index(["shop"], name="key"),
        ),
        "constraints": pd.DataFrame(
            {"constraint": ["Flom"], "effect": ["exclude"], "hit": [3], "not_mapped": [1],
             "below_share": [0], "no_hit": [0]}
        ),
        "findings": pd.DataFrame(
            {"parcel_id": ["p2"], "constraint": ["Flom"], "answer": ["not_mapped"],
             "share": [np.nan]}
        ),
        "weight_intervals": pd.DataFrame(
            {"weight": [0.4], "low": [0.0], "high": [1.0]}, index=pd.Index(["shop"], name="key")
        ),
        "methods": pd.DataFrame(
            {"spearman": [1.0, 0.97], "same_first": [True, False]},
            index=pd.Index(["weighted_sum", "owa_0.5"], name="method"),
        ),
        "services": pd.DataFrame(
            {"service_id": ["n1"], "category": ["shop"], "name": ["=Kiwi"],
             "reason": ["not_connected"]}
        ),
        "inputs": pd.DataFrame({"role": ["osm"], "source": ["a.pbf"], "licence": ["ODbL 1.0"]}),
        "run": pd.DataFrame({"fact": ["strategy"], "told": ["{}" + "x" * 40_000]}),
    }  # fmt: skip


def test_there_is_a_sheet_for_each_table_and_none_for_an_empty_one(tmp_path, parcels):
    book = write(tmp_path / "r.xlsx", tables(parcels))
    text = words("nb")
    assert book.sheetnames == [
        text[f"workbook.sheet.{key}"] for key in (*workbook._SHEETS, "about")
    ]
    assert all(len(name) <= 31 for name in book.sheetnames)
    fewer = tables(parcels) | {"areas": tables(parcels)["areas"].iloc[:0]}
    assert "Anbefalte områder" not in write(tmp_path / "f.xlsx", fewer).sheetnames


@pytest.mark.parametrize(
    ("sheet", "first"),
    [
        ("Anbefalte områder", ["A1", 1, 80, "delvis", 0.25, "ikke kjent", 30, "ja",
                               "Avklar planstatus"]),
        ("Kriterier og vekter", ["Dagligvare", "Daglige gjøremål", 0.4, 1, 400, 1000, "nei",
                                 "Mat hver dag.", "Utvalget"]),
        ("Hensyn", ["Flom", "utelukker", 3, 1, 0, 0]),
        ("Hensyn per eiendom", ["p2", "Flom", "ikke kartlagt", None]),
        ("Hva vektene tåler", ["Dagligvare", 0.4, 0, 1]),
        ("Andre regnemåter", ["Vektet sum", 1, "ja"]),
        ("Tjenester", ["n1", "Dagligvare", "=Kiwi", "Har ingen forbindelse til gangnettet"]),
        ("Kilder", ["Veier og tjenester (OpenStreetMap)", "a.pbf", "ODbL 1.0"]),
    ],
)  # fmt: skip
def test_codes_are_words_and_numbers_stay_numbers(tmp_path, parcels, sheet, first):
    page = write(tmp_path / "r.xlsx", tables(parcels))[sheet]
    assert [cell.value for cell in page[2]] == first
    headings = [cell.value for cell in page[1]]
    assert not [name for name in headings if "_" in name or "." in name], headings


def test_methods_with_a_setting_tell_it(tmp_path, parcels):
    page = write(tmp_path / "r.xlsx", tables(parcels))["Andre regnemåter"]
    assert page["A3"].value == "Ordnet snitt (alfa 0,5)"


def test_sites_stand_side_by_side_with_numbers_in_their_own_form(tmp_path, parcels):
    page = write(tmp_path / "r.xlsx", tables(parcels))["Gitte tomter"]
    shown = [[cell.value for cell in row] for row in page.iter_rows()]
    assert shown == [
        ["Hva", "Tomt =1", "Tomt 2"],
        ["Poeng", 81.26, None],
        ["Egnethet", "egnet", None],
        ["Dagligvare: gangavstand (m)", 412, None],
        ["Dagligvare: nærmeste", None, "Kiwi"],
    ]
    assert page["B2"].number_format == "0.0"
    assert page["B4"].number_format == "#,##0"
    assert page["B3"].fill.fgColor.rgb[-6:] == "31688E"


def test_notes_are_told_and_a_long_fact_is_cut(tmp_path, parcels):
    notes = ["Kommunen er oppdiktet.", "© OpenStreetMap"]
    book = write(tmp_path / "r.xlsx", tables(parcels), title="Prøve", notes=notes)
    told = table_of(book["Om arkene"])["Hva det er"].tolist()
    assert told[:3] == ["Prøve", *notes]
    assert len(book["Kjøring"]["B2"].value) == 16_000


def test_rows_that_excel_has_no_room_for_are_told(tmp_path, parcels, monkeypatch):
    many = pd.concat([parcels] * 12).set_axis([f"p{i}" for i in range(48)])
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 40)
    monkeypatch.setattr(workbook, "MOST_ROWS", 40)
    book = write(tmp_path / "r.xlsx", {"parcels": many.rename_axis("parcel_id")})
    assert book["Rangering"].max_row == 41
    told = table_of(book["Om arkene"])["Hva det er"].tolist()
    assert "Excel har plass til 40 rader. Resten står i ranking.csv og suitability.gpkg." in told


def test_hostile_names_are_text(tmp_path, parcels):
    hostile = ["<script>", "a\ud800b", "x" * 10_000, "=cmd|' /C calc'!A0"]
    shown = table_of(
        write(tmp_path / "r.xlsx", {"parcels": parcels.assign(label=hostile)})["Rangering"]
    )
    assert shown["Eiendom"].tolist() == ["a�b", "<script>", "x" * 10_000, "=cmd|' /C calc'!A0"]


def test_memory_does_not_follow_the_size_of_the_file(tmp_path, parcels):
    """The rows as text would be many times as large as the table itself."""
    many = pd.concat([parcels] * 5_000).set_axis([f"p{i}" for i in range(20_000)])
    many = many.rename_axis("parcel_id").assign(shop_walk_m=np.arange(20_000.0))
    tracemalloc.start()
    write_workbook(tmp_path / "r.xlsx", {"parcels": many}, names=NAMES, language="nb")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
    assert (
        openpyxl.load_workbook(tmp_path / "r.xlsx", read_only=True)["Rangering"].max_row == 20_001
    )


def test_a_run_fills_the_sheets_from_its_own_tables(plain_town, tmp_path):
    write_workbook_of(plain_town, tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    ranking = table_of(book["Rangering"])
    ranked = plain_town.parcels.sort_values(["rank", "parcel_id"], na_position="last")
    assert ranking["Eiendom"].tolist() == ranked["label"].tolist()
    assert ranking["Poeng"].dropna().tolist() == ranked["score"].dropna().round(2).tolist()
    weights = table_of(book["Kriterier og vekter"])
    assert weights["Vekt (andel av alt)"].sum() == pytest.approx(1, abs=0.001)
    counted = table_of(book["Hensyn"]).set_index("Hensyn")
    for name, answers in plain_town.constraints.items():
        told = counted.loc[name, ["Treff (eiendommer)", "Ikke kartlagt (eiendommer)"]]
        assert told.tolist() == [(answers == one).sum() for one in ("hit", "not_mapped")]
        assert counted.loc[name].drop("Virkning").sum() == len(plain_town.parcels)
    assert len(table_of(book["Kilder"])) == len(plain_town.reports)
    assert len(table_of(book["Tjenester"])) == len(plain_town.services)


def test_for_the_public_no_folder_of_the_planner_is_told(plain_town, tmp_path):
    output = plain_town.strategy.output.model_copy(update={"audience": "public"})
    public = replace(plain_town, strategy=plain_town.strategy.model_copy(update={"output": output}))
    write_workbook_of(public, tmp_path / "r.xlsx")
    with zipfile.ZipFile(tmp_path / "r.xlsx") as parts:
        told = "".join(parts.read(name).decode() for name in parts.namelist())
    assert plain_town.strategy.title in told
    assert str(plain_town.strategy.folder) not in told
