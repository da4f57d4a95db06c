"""Numbers, days and warnings as the reader of a report says them."""

import re

import numpy as np
import pytest

from arealstrategi.export import labels
from arealstrategi.export.report import phrases
from reports import NB

EN = labels.words("en")


def test_every_warning_that_is_known_reads_back_in_both_languages():
    blanks = {"count": "7", "all": "9", "category": "grocery", "ratio": "0.12", "who": "Kari"}
    for key, text in EN.items():
        if key.startswith("warning."):
            names = dict.fromkeys(re.findall(r"\{(\w+)\}", text), "x") | blanks
            told = text.format_map(names)
            assert phrases.warning(told, "en", {}) == (told, "en")
            said, language = phrases.warning(f"osm: {told}", "nb", {"grocery": "Dagligvare"})
            assert language == "nb"
            names |= {"category": "Dagligvare", "ratio": "0,12"}
            assert said == f"{NB['role.osm']}: {NB[key].format_map(names)}"


@pytest.mark.parametrize(
    ("value", "decimals", "norwegian", "english"),
    [
        (1234567.25, 1, "1 234 567,2", "1,234,567.2"),
        (-1234, 0, "−1 234", "−1,234"),
        (999, 0, "999", "999"),
        (-0.2, 0, "0", "0"),
        (None, 0, "–", "–"),
        (np.nan, 2, "–", "–"),
    ],
)
def test_numbers_are_written_as_the_language_does(value, decimals, norwegian, english):
    said = phrases.number(value, NB, decimals)
    assert said.replace("\N{NARROW NO-BREAK SPACE}", " ") == norwegian
    assert phrases.number(value, EN, decimals) == english


def test_days_and_areas_are_written_as_planners_do():
    assert phrases.day("file saved 2026-03-01", NB) == "lagret 01.03.2026"
    assert phrases.day("fetched 2026-03-01T10:20:30+01:00", NB) == "hentet 01.03.2026"
    assert phrases.day("2026-02-31", NB) == "2026-02-31"  # no such day: as the data say
    assert phrases.day("", NB) == "ikke oppgitt"
    assert phrases.land(12_340.0, NB) == "12,3"  # dekar
    assert phrases.land(12_340.0, EN) == "1.2"  # hectares
