"""The words of the outputs: complete, the same in both languages, known to the map."""

import re
import tomllib
from importlib.resources import files
from itertools import pairwise

import pytest

from arealstrategi.export import labels
from arealstrategi.tables import CLASSES, MUNICIPAL, STATUSES

EXPORT = files("arealstrategi.export")


def lightness(colour):
    """Return the CIE lightness of a colour, from the definition of sRGB."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * luminance ** (1 / 3) - 16


def test_both_languages_have_the_same_keys_and_no_empty_text():
    norwegian, english = labels.words("nb"), labels.words("en")
    assert list(norwegian) == list(english)
    assert all(text.strip(" ") for text in (*norwegian.values(), *english.values()))


def test_both_languages_have_the_same_blanks_to_fill():
    norwegian, english = labels.words("nb"), labels.words("en")
    for key, text in norwegian.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_a_language_that_is_not_there_is_refused_by_name():
    with pytest.raises(ValueError, match=r"'sv'.*nb, en"):
        labels.words("sv")


@pytest.mark.parametrize(
    ("prefix", "codes"), [("class", CLASSES), ("status", STATUSES), ("municipal", MUNICIPAL)]
)
def test_every_code_of_the_tables_has_a_word(prefix, codes):
    assert {f"{prefix}.{code}" for code in codes} <= set(labels.words("nb"))


def test_the_classes_are_named_as_the_contract_says():
    norwegian = [labels.words("nb")[f"class.{name}"] for name in CLASSES]
    assert norwegian == ["svært egnet", "egnet", "mindre egnet", "uegnet"]


def test_every_group_of_the_shipped_catalogue_has_a_word_and_a_colour():
    catalogue = files("arealstrategi").joinpath("catalogue.toml").read_text(encoding="utf-8")
    groups = {criterion["group"] for criterion in tomllib.loads(catalogue)["criterion"]}
    assert groups <= set(labels.GROUP_COLOURS)
    assert {f"group.{group}" for group in labels.GROUP_COLOURS} <= set(labels.words("nb"))


def test_the_class_colours_grow_lighter_from_best_to_worst():
    assert tuple(labels.CLASS_COLOURS) == CLASSES
    steps = [lightness(colour) for colour in labels.CLASS_COLOURS.values()]
    assert min(after - before for before, after in pairwise(steps)) > 15


def test_every_word_that_the_map_asks_for_is_there():
    page = (EXPORT / "templates" / "map.html").read_text(encoding="utf-8")
    script = (EXPORT / "templates" / "map.js").read_text(encoding="utf-8")
    asked = set(re.findall(r'data-word="(\w+)"', page)) | set(re.findall(r"text\.(\w+)\|e", page))
    asked |= set(re.findall(r"words\.(\w+)", script))
    assert len(asked) > 40
    assert asked <= set(labels.words("nb"))


@pytest.mark.parametrize(
    ("column", "language", "alias"),
    [
        ("score", "nb", "Poeng"),
        ("class", "en", "Suitability"),
        ("grocery_walk_m", "nb", "Dagligvare: gangavstand (m)"),
        ("grocery_own_value", "en", "Own: value (0–1)"),
        ("noise_db", "nb", "noise_db"),
        ("other_walk_m", "nb", "other_walk_m"),
    ],
)
def test_a_column_has_an_alias_or_keeps_its_name(column, language, alias):
    criteria = {"grocery": "Dagligvare", "grocery_own": "Own"}
    assert labels.column_alias(column, criteria, language) == alias
