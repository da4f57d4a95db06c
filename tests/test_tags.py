"""The language of tags: what each form means, and that looking up equals trying every rule."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arealstrategi.sources.tags import Selection, TagIndex, first_tags, parse_rule, parse_test

VALUES = ("x", "y", "z", "x;y", " x ; z", "z;", "*")
TESTS = st.builds(
    "{}{}{}".format,
    st.sampled_from("abc"),
    st.sampled_from(["=", "!="]),
    st.sampled_from(["x", "y", "x|z", "*", "x;y"]),
)
FIRST = TESTS.filter(lambda text: "!" not in text)
RULES = st.builds(
    lambda first, rest: " & ".join([first, *rest]), FIRST, st.lists(TESTS, max_size=2)
)
SELECTIONS = st.builds(
    lambda rules, never: Selection(
        tuple(map(parse_rule, rules)), tuple(parse_test(text) for text in never)
    ),
    st.lists(RULES, min_size=1, max_size=3),
    st.lists(TESTS, max_size=2),
)
TAGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(VALUES), max_size=3)


@pytest.mark.parametrize(
    ("rule", "tags", "fits"),
    [
        ("amenity=doctors|clinic", {"amenity": "clinic"}, True),
        ("amenity=doctors|clinic", {"amenity": "dentist"}, False),
        ("amenity=doctors|clinic", {}, False),
        ("shop=*", {"shop": "bakery"}, True),
        ("shop=*", {"amenity": "cafe"}, False),
        ("shop=bakery", {"shop": "kiosk; bakery"}, True),
        ("shop=bakery", {"shop": "bakery_supplies"}, False),
        ("shop=bakery & cafe=yes", {"shop": "bakery"}, False),
        ("shop=bakery & cafe=yes", {"shop": "bakery", "cafe": "yes"}, True),
        ("leisure=park & access!=private|no", {"leisure": "park"}, True),
        ("leisure=park & access!=private|no", {"leisure": "park", "access": "no"}, False),
        ("leisure=park & access!=private|no", {"leisure": "park", "access": "yes;no"}, False),
        ("leisure=park & access!=*", {"leisure": "park", "access": "yes"}, False),
        ("amenity=x & name~SENIOR", {"amenity": "x", "name": "Vollen seniorsenter"}, True),
        ("amenity=x & name~^senior", {"amenity": "x", "name": "Vollen seniorsenter"}, False),
        ("amenity=x & name~senior", {"amenity": "x"}, False),
        ("  healthcare:speciality = geriatrics  ", {"healthcare:speciality": "geriatrics"}, True),
    ],
)
def test_a_rule_fits_what_its_words_say(rule, tags, fits):
    assert parse_rule(rule).fits(tags) is fits
    assert ("x" in TagIndex({"x": Selection((parse_rule(rule),))}).categories(tags)) is fits


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pharmacy", "'pharmacy' is not of the form"),
        ("amenity=", "'amenity=' is not of the form"),
        ("amenity==pharmacy", "'amenity==pharmacy' is not of the form"),
        ("amenity=~pharm", "is not of the form"),
        ("amenity=x & ", "is not of the form"),
        ("", "is not of the form"),
        ("name~kiwi", "must begin with key=value"),
        ("access!=private & shop=x", "must begin with key=value"),
        ("shop=x & name~(", "the pattern in 'name~(' is wrong"),
    ],
)
def test_a_rule_that_cannot_mean_anything_is_refused_with_the_part_that_is_wrong(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_rule(text)


@given(st.dictionaries(st.sampled_from(["grocery", "cafe", "care"]), SELECTIONS, min_size=1), TAGS)
def test_looking_tags_up_finds_what_trying_every_rule_finds(selections, tags):
    found = TagIndex(selections).categories(tags)
    tried = {
        category
        for category, one in selections.items()
        if any(rule.fits(tags) for rule in one.rules) and not any(n.fits(tags) for n in one.never)
    }
    assert set(found) == tried
    for category, kind in found.items():
        fitting = [rule for rule in selections[category].rules if rule.fits(tags)]
        assert kind in {f"{rule.tests[0].key}={tags[rule.tests[0].key]}" for rule in fitting}


@given(SELECTIONS, TAGS)
def test_whatever_fits_carries_one_of_the_first_tags_that_a_server_is_asked_for(selection, tags):
    wanted = first_tags([selection])
    if any(rule.fits(tags) for rule in selection.rules):
        parts = {
            (key, part.strip())
            for key, value in tags.items()
            for part in (*value.split(";"), value)
        }
        asked = {(key, value) for key, values in wanted.items() for value in values}
        assert parts & asked or any(wanted.get(key) == {"*"} for key in tags)


def test_a_never_tag_rules_a_place_out_of_its_own_category_alone():
    rules = (parse_rule("amenity=clinic"),)
    index = TagIndex(
        {
            "doctor": Selection(rules, never=(parse_test("healthcare=dentist"),)),
            "any_health": Selection(rules),
        }
    )
    assert index.categories({"amenity": "clinic", "healthcare": "dentist"}) == {
        "any_health": "amenity=clinic"
    }
