"""The words of the outputs: complete, the same in both languages, known to the map."""

import re
import tomllib
from importlib.resources import files
from itertools import pairwise
from typing import get_args

import pandas as pd
import pytest

from arealstrategi import evidence, scoring
from arealstrategi.areas import AREA_COLUMNS, INSTRUMENTS, READINESS
from arealstrategi.buildable import BuildableRules, too_small
from arealstrategi.constraints import Effect
from arealstrategi.criteria import Headline
from arealstrategi.export import labels
from arealstrategi.plans import READINESS_VALUE
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


TOO_SMALL = too_small(pd.DataFrame({"net_m2": [0.0], "widest_m": [0.0]}), BuildableRules())
REASONS = (
    scoring.NOT_CONNECTED, scoring.NO_SERVICE, scoring.NO_VALUE, scoring.BELOW_MINIMUM,
    scoring.NARROW, scoring.OUTSIDE_EXTRACT, scoring.NO_STEP_FREE_WAY, scoring.BELOW_GATE,
    scoring.REWEIGHTED, scoring.AS_WORST, evidence.NOT_MAPPED, *TOO_SMALL,
)  # fmt: skip


@pytest.mark.parametrize("language", ["nb", "en"])
@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("class", CLASSES),
        ("status", STATUSES),
        ("municipal", MUNICIPAL),
        ("reason", REASONS),
        ("effect", get_args(Effect)),
        ("answer", (evidence.HIT, evidence.NOT_MAPPED, evidence.BELOW_SHARE)),
        ("instrument", tuple(INSTRUMENTS.values())),
        ("plan_readiness", (*READINESS, *READINESS_VALUE)),
        ("headline", get_args(Headline)),
        ("column", tuple(f"score_{name}" for name in get_args(Headline))),
    ],
)
def test_every_code_of_the_tables_has_a_word(prefix, codes, language):
    assert codes
    said = {code: labels.words(language)[f"{prefix}.{code}"] for code in codes}
    assert len(set(said.values())) == len(said)  # and no two the same
    assert not any(code in text for code, text in said.items() if "_" in code)


def test_every_reason_that_scoring_can_give_is_among_those_that_are_looked_at():
    """A constant of scoring that says a reason and is not in the list would have no word."""
    codes = {
        value for name, value in vars(scoring).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }  # fmt: skip
    assert codes <= set(REASONS)
    assert len(codes) == 10


def test_every_column_of_the_areas_has_a_name_in_qgis():
    shown = {name: labels.column_alias(name, {}, "nb") for name in AREA_COLUMNS[:-1]}
    assert [name for name, alias in shown.items() if alias == name] == []


@pytest.mark.parametrize(
    ("reason", "language", "said"),
    [
        ("not_connected", "en", "Has no connection to the walking network"),
        ("no_value: noise_db", "nb", "Mangler verdi: noise_db"),
        ("group_below_minimum: social", "nb", "Under minstekravet: Sosiale møteplasser"),
        ("group_below_minimum: own", "en", "Below the minimum: own"),
        ("no_step_free_way: grocery", "nb", "Ingen trappefri vei: Dagligvare"),
        ("left_out_of_score: noise_db", "en", "No value, left out of the score: noise_db"),
        ("not_mapped: Flom: 200 år", "nb", "Ikke kartlagt: Flom: 200 år"),
        ("Flomsone 200 år", "en", "Flomsone 200 år"),  # the planner's own name
        ("Støy: over 65 dB", "nb", "Støy: over 65 dB"),
    ],
)
def test_a_reason_is_told_in_words_and_names_stay_as_they_are(reason, language, said):
    names = {"grocery": "Dagligvare"}
    assert labels.reason_text(reason, labels.words(language), names) == said


def test_inside_a_sentence_only_what_is_ours_loses_its_capital_letter():
    text = labels.words("nb")
    assert labels.reason_text("not_mapped: Flom", text, inside=True) == "ikke kartlagt: Flom"
    assert labels.reason_text("Flom", text, inside=True) == "Flom"


def test_the_classes_are_named_as_the_contract_says():
    norwegian = [labels.words("nb")[f"class.{name}"] for name in CLASSES]
    assert norwegian == ["svært egnet", "egnet", "mindre egnet", "uegnet"]


def test_every_group_of_the_shipped_catalogue_has_a_word_and_a_colour():
    catalogue = files("arealstrategi").joinpath("catalogue.toml").read_text(encoding="utf-8")
    told = tomllib.loads(catalogue)
    groups = {criterion["group"] for criterion in told["criterion"]}
    assert groups == set(told["groups"]) == set(told["headlines"])
    for language in ("nb", "en"):
        said = {group: labels.words(language)[f"group.{group}"] for group in groups}
        assert said == {group: names[language] for group, names in told["groups"].items()}
    assert set(told["headlines"].values()) == set(get_args(Headline))
    assert groups <= set(labels.GROUP_COLOURS)
    assert {f"group.{group}" for group in labels.GROUP_COLOURS} <= set(labels.words("nb"))


def test_the_class_colours_grow_lighter_from_best_to_worst():
    assert tuple(labels.CLASS_COLOURS) == CLASSES
    steps = [lightness(colour) for colour in labels.CLASS_COLOURS.values()]
    assert min(after - before for before, after in pairwise(steps)) > 15


FAMILIES = {  # keys of the map's words that are put together from a code
    "list_": ("top", "areas", "sites"),
    "hit_": ("place", "address"),
    "rule_": ("any", "clear", "hit", "not_mapped"),
    "told_": ("clear", "hit", "not_mapped"),
    "palette_": ("viridis", "cividis"),
    "method_": get_args(scoring.Method),
    "on_the_way.": ("steep", "steps", "unlit", "no_sidewalk"),
    "head_": ("rank", "id", "parcel", "score", "legend", "area_m2"),
}
OF_FAMILIES = {f"map.{name}{code}" for name, codes in FAMILIES.items() for code in codes}


@pytest.fixture(scope="module")
def templates():
    files = (EXPORT / "templates").iterdir()
    return "".join(
        f.read_text(encoding="utf-8") for f in files if f.name.endswith((".js", ".html"))
    )


def test_every_word_that_the_map_asks_for_is_there(templates):
    asked = set(re.findall(r'say\(\w+, "([\w.]+)"', templates))
    asked |= set(re.findall(r'data-(?:word|label)="(\w+)"', templates))
    for either in re.findall(r'say\(\w+, [^;`"]*\? "(\w+)" : "(\w+)"', templates):
        asked |= set(either)
    asked = {f"map.{key}" for key in asked} | OF_FAMILIES
    asked |= set(re.findall(r"this\.text\['([\w.]+)'\]", templates))
    asked |= set(re.findall(r"\bm\.words\.(\w+)", templates))
    asked |= set(re.findall(r'\["(map\.\w+)"\]', templates))
    assert len(asked) > 150
    assert asked - set(labels.words("nb")) == set()


def test_no_word_of_the_map_is_left_over(templates):
    quoted = set(re.findall(r"""["']([\w.]+)["']""", templates))
    said = {key for key in labels.words("nb") if key.startswith("map.")}
    assert {
        key for key in said - OF_FAMILIES if not {key, key.removeprefix("map.")} & quoted
    } == set()


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
