"""CSV exported from Statistikkbanken, in the forms that it offers."""

from pathlib import Path

import numpy as np
import pytest

from arealstrategi.errors import InputError
from arealstrategi.sources.statistics.statbank import read_statbank_csv

TITLE = '"07459: Befolkning, etter region, kjønn, alder, statistikkvariabel og år"\n\n'
WIDE = (
    TITLE + '"region";"kjønn";"alder";"Personer 2025";"Personer 2026"\n'
    '"3907 Sandefjord";"Menn";"66 år";400;410\n'
    '"3907 Sandefjord";"Kvinner";"66 år";420;430\n'
    '"3907 Sandefjord";"Menn";"67 år";390;:\n'
    '"3907 Sandefjord";"Kvinner";"67 år";395;405\n'
    '"3907 Sandefjord";"Menn";"105 år eller eldre";-;1\n'
    '"3907 Sandefjord";"Kvinner";"105 år eller eldre";2;3\n'
)


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "07459.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_table_with_a_column_for_each_year_reads_whatever_its_encoding(write, encoding) -> None:
    table, report = read_statbank_csv(write(WIDE, encoding))
    ages = table.set_index(["year", "age_from"])["residents"]
    assert set(table["municipality"]) == {"3907"}
    assert ages[2025].to_dict() == {66: 820, 67: 785, 105: 2}
    assert ages[2026, 66] == 840
    assert np.isnan(ages[2026, 67])  # the men are hidden, so the sum is not known
    assert report.facts["title"] == TITLE.strip().strip('"')
    assert report.facts["year"] == "2025–2026"
    assert report.warnings == ("numbers that Statistics Norway hides or lacks: 1",)


def test_years_as_a_column_and_alternatives_in_the_heading_read(write) -> None:
    text = (
        "region;alder;år;Hovedalternativet (MMMM);Lav nasjonal vekst (LLML);Sterk aldring (LHML)\n"
        "K-3907 Sandefjord;80 år eller eldre;2050;1 234,5;1 100;1 300\n"
    )
    table, _ = read_statbank_csv(write(text))
    assert table.set_index("alternative")["residents"].to_dict() == {
        "main": 1234.5, "low": 1100, "LHML": 1300,
    }  # fmt: skip
    assert table["age_to"].tolist() == [np.inf] * 3
    assert set(table["municipality"]) == {"3907"}


def test_totals_are_left_out_where_what_they_sum_up_is_there(write) -> None:
    text = (
        "region;kjønn;alder;2026\n"
        "Oslo;Begge kjønn;I alt;9\nOslo;Menn;I alt;4\n"
        "Oslo;Begge kjønn;0-66 år;5\nOslo;Menn;0-66 år;2\n"
        "Oslo;Begge kjønn;67 år eller eldre;4\nOslo;Menn;67 år eller eldre;2\n"
    )
    table, report = read_statbank_csv(write(text))
    assert table["residents"].tolist() == [5, 4]
    assert table["municipality"].tolist() == ["Oslo", "Oslo"]
    assert report.facts["rows for all ages, left out"] == 2
    assert report.facts["rows for one sex, left out"] == 2


def test_notes_below_the_table_do_not_disturb(write) -> None:
    table, _ = read_statbank_csv(write(WIDE + "\n: Vises ikke\nKilde: SSB\n"))
    assert len(table) == 6


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a;b\n1;2\n", "no heading with a column 'alder'"),
        ("region;alder;2026\n", "no rows below"),
        ("region;alder;2026;2026\n3907;1 år;1;1\n", "two columns of one name"),
        ("alder;2026\n1 år;1\n", "columns region, alder"),
        ("region;alder;Personer\n3907;1 år;1\n", "'Personer' says no year"),
        ("region;alder;2026\n3907;gammel;1\n", "'gammel' is no age"),
        ("region;alder;2026\n3907;67 år;mange\n", "'mange' is not a number of residents"),
        ("region;alder;2026\n3907;67 år;-5\n", "'-5' is not a number of residents"),
        ("region;alder;2026\n3907;67 år;1\n3907;67-79 år;9\n", "ages overlap.* 67–67 and 67–79"),
        ('region;alder;2026\n3907;"67 år;1\n', "no rows below|cannot be read"),
        ("", "no heading"),
    ],
)
def test_what_is_no_such_table_is_refused_with_how_to_export_it(write, text, told) -> None:
    with pytest.raises(InputError, match=told) as error:
        read_statbank_csv(write(text))
    assert error.value.hint


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_statbank_csv(tmp_path / "none.csv")
