"""What people answered, laid on the weights of the catalogue and the strategy file."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arealstrategi.criteria import NumberCriterion
from arealstrategi.errors import StrategyError
from arealstrategi.strategy.weighing import reweighed, weigh
from arealstrategi.weights import WeightingOptions, found_weights

GROUPS = {"cafe": "social", "library": "social", "grocery": "daily", "shop": "daily", "bus": "transit"}  # noqa: E501  # fmt: skip
SHIPPED = {"cafe": 0.2, "library": 0.1, "grocery": 0.3, "shop": 0.1, "bus": 0.3}


def criteria(**weights):
    return [
        NumberCriterion(
            key=key, kind="column", column="c", label={}, group=GROUPS[key], weight=weight,
            full=1, zero=0,
        )
        for key, weight in (SHIPPED | weights).items()
    ]  # fmt: skip


def points(of="groups", source="rådet", **told):
    return found_weights(
        WeightingOptions.model_validate(
            {"method": "direct", "of": of, "points": told, "source": source}
        )
    )


def by_group(weights):
    return weights.weight.groupby(weights.group).sum().to_dict()


def test_without_answers_the_weights_are_those_that_are_written():
    weights = weigh(criteria(cafe=0.4), source="shipped", own={"cafe": "the strategy file"})
    assert weights.weight.to_dict() == pytest.approx(
        {key: w / 1.2 for key, w in (SHIPPED | {"cafe": 0.4}).items()}
    )
    table = weights.table
    assert table.columns.tolist() == ["group", "raw", "in_group", "weight", "source"]
    assert table.index.name == "key"
    assert table["raw"]["cafe"] == 0.4
    assert table["in_group"]["cafe"] == pytest.approx(0.8)
    assert table["source"].to_dict() == dict.fromkeys(SHIPPED, "shipped") | {
        "cafe": "the strategy file"
    }
    assert weights.weightings == ()


def test_groups_share_what_they_had_together_and_a_group_not_asked_about_keeps_its_weight():
    weights = weigh(criteria(), [points(social=30, daily=10)], source="shipped")
    # social and daily had 0.3 + 0.4 together, and now have it as 3 to 1
    assert by_group(weights) == pytest.approx({"social": 0.525, "daily": 0.175, "transit": 0.3})
    assert weights.weight["bus"] == pytest.approx(0.3)
    # within the groups the proportions stay
    assert weights.weight["cafe"] / weights.weight["library"] == pytest.approx(2)
    assert weights.weight["grocery"] / weights.weight["shop"] == pytest.approx(3)
    assert weights.table["source"].to_dict() == {
        "cafe": "rådet", "library": "rådet", "grocery": "rådet", "shop": "rådet", "bus": "shipped",
    }  # fmt: skip


def test_all_groups_get_exactly_what_was_answered():
    weights = weigh(criteria(), [points(social=60, daily=30, transit=10)])
    assert by_group(weights) == pytest.approx({"social": 0.6, "daily": 0.3, "transit": 0.1})


def test_criteria_share_what_they_had_together():
    weights = weigh(criteria(), [points(of="criteria", cafe=1, bus=4)], source="shipped")
    # 0.2 + 0.3 together
    assert weights.weight.to_dict() == pytest.approx(
        {"cafe": 0.1, "library": 0.1, "grocery": 0.3, "shop": 0.1, "bus": 0.4}
    )
    assert weights.table["raw"].to_dict() == {
        "cafe": 1, "library": 0.1, "grocery": 0.3, "shop": 0.1, "bus": 4,
    }  # fmt: skip
    assert weights.table["in_group"]["cafe"] == pytest.approx(0.5)


def test_answers_are_laid_on_one_after_the_other():
    first = points(social=1, daily=1, source="rådet")
    second = points(of="criteria", cafe=9, library=1, source="leder")
    weights = weigh(criteria(), [first, second], source="shipped")
    assert by_group(weights) == pytest.approx({"social": 0.35, "daily": 0.35, "transit": 0.3})
    assert weights.weight["cafe"] == pytest.approx(0.35 * 0.9)
    assert weights.table["source"].to_dict() == {
        "cafe": "leder", "library": "leder", "grocery": "rådet", "shop": "rådet", "bus": "shipped",
    }  # fmt: skip
    assert weights.weightings == (first, second)
    # the last word counts: asked again about the same, nothing of the first answer is left
    again = weigh(criteria(), [points(social=9, daily=1), first])
    assert again.weight.to_dict() == pytest.approx(weigh(criteria(), [first]).weight.to_dict())


def test_a_group_without_points_and_criteria_without_weight_count_for_nothing():
    weights = weigh(criteria(library=0), [points(social=1, daily=0)])
    assert weights.weight["library"] == 0
    assert weights.weight[["grocery", "shop"]].tolist() == [0, 0]
    assert weights.weight["cafe"] == pytest.approx(0.6 / 0.9)
    assert weights.weight.sum() == pytest.approx(1)
    # of a group that counts for nothing, nothing can be said of the shares in it
    assert weights.table["in_group"][["grocery", "shop"]].isna().all()
    assert weights.table["in_group"]["cafe"] == 1


@pytest.mark.parametrize(
    ("answer", "named", "known"),
    [
        ({"social": 1, "helse": 1}, "helse", "social, daily, transit"),
        ({"of": "criteria", "cafe": 1, "kafe": 1}, "kafe", "cafe, library, grocery, shop, bus"),
    ],
)
def test_a_name_that_is_not_in_use_is_an_error_with_those_that_are(answer, named, known):
    with pytest.raises(StrategyError, match=r"weighting\[2\].*" + named) as caught:
        weigh(criteria(), [points(social=1, daily=1), points(**answer)])
    assert caught.value.hint == f"In use are: {known}."


def test_what_has_no_weight_cannot_be_weighed():
    with pytest.raises(StrategyError, match="belongs to transit"):
        weigh(criteria(bus=0), [points(social=1, transit=1)])


def test_every_way_of_asking_ends_in_weights():
    ranked = WeightingOptions(method="roc", order=("daily", "social", "transit"), source="rådet")
    weights = weigh(criteria(), [found_weights(ranked)])
    assert by_group(weights) == pytest.approx(
        {"daily": 11 / 18, "social": 5 / 18, "transit": 2 / 18}
    )
    survey = WeightingOptions(method="survey", table="s.csv", source="innbyggerne", date="2026")
    answers = pd.DataFrame({"social": [1.0, 3.0], "daily": [1.0, 1.0]})
    weights = weigh(criteria(), [found_weights(survey, answers)])
    # a half and three quarters, their mean, of the 0.7 they have together
    assert by_group(weights)["social"] == pytest.approx(0.7 * 0.625)
    assert weights.table["source"]["cafe"] == "innbyggerne, 2026"


# --- what if ---


def test_a_criterion_can_be_given_a_share_of_all_and_the_others_keep_their_proportions():
    before = weigh(criteria(), source="shipped")
    after = reweighed(before, {"cafe": 0.5}, "scenario Kafé")
    assert after.weight["cafe"] == 0.5
    others = after.weight.drop("cafe") / before.weight.drop("cafe")
    assert others.tolist() == pytest.approx([0.5 / 0.8] * 4)
    assert after.table["source"]["cafe"] == "scenario Kafé"
    assert after.table["source"]["bus"] == "shipped"
    assert after.table["in_group"]["cafe"] == pytest.approx(0.5 / (0.5 + 0.0625))
    assert after.weight.index.equals(before.weight.index)
    assert before.weight["cafe"] == pytest.approx(0.2)  # the strategy's own are not touched


def test_a_criterion_that_had_no_weight_can_be_given_some_and_one_that_had_can_lose_it():
    before = weigh(criteria(bus=0))
    after = reweighed(before, {"bus": 0.25, "cafe": 0}, "what if")
    assert after.weight["bus"] == pytest.approx(0.25)
    assert after.weight["cafe"] == 0
    assert after.weight.sum() == pytest.approx(1)


def test_shares_that_leave_nothing_for_the_others_leave_them_out():
    after = reweighed(weigh(criteria()), {"cafe": 0.6, "bus": 0.4}, "what if")
    assert after.weight.to_dict() == pytest.approx(
        {"cafe": 0.6, "library": 0, "grocery": 0, "shop": 0, "bus": 0.4}
    )
    assert reweighed(after, {}, "nothing") is after


# --- laws ---

some_points = st.fixed_dictionaries(
    {}, optional={name: st.floats(0.1, 100) for name in ("social", "daily", "transit")}
).filter(bool)
own_points = st.fixed_dictionaries(
    {}, optional={key: st.floats(0.1, 100) for key in SHIPPED}
).filter(bool)
raw_weights = st.fixed_dictionaries({key: st.floats(0.01, 10) for key in SHIPPED})


@settings(max_examples=60)
@given(raw_weights, some_points, own_points)
def test_weights_add_up_to_1_and_what_is_named_keeps_what_it_had_together(raw, groups, own):
    start = weigh(criteria(**raw))
    one = weigh(criteria(**raw), [points(**groups)])
    two = weigh(criteria(**raw), [points(**groups), points(of="criteria", **own)])
    for weights in (start, one, two):
        assert weights.weight.sum() == pytest.approx(1)
        assert (weights.weight >= 0).all()
        shares = weights.table["in_group"].groupby(weights.group).sum()
        assert shares.to_numpy() == pytest.approx(1)
    named = start.group.isin(list(groups))
    assert one.weight[~named].tolist() == pytest.approx(start.weight[~named].tolist())
    total = sum(groups.values())
    for group, answered in groups.items():
        together = start.weight[named].sum()
        assert by_group(one)[group] == pytest.approx(together * answered / total)
    asked = start.weight.index.isin(list(own))
    assert two.weight[~asked].tolist() == pytest.approx(one.weight[~asked].tolist())
    assert two.weight[asked].sum() == pytest.approx(one.weight[asked].sum())


@settings(max_examples=60)
@given(raw_weights, some_points, st.permutations(list(SHIPPED)), st.floats(0.01, 100))
def test_neither_the_order_of_criteria_nor_the_scale_of_points_counts(raw, groups, order, factor):
    plain = weigh(criteria(**raw), [points(**groups)]).weight
    by_key = {c.key: c for c in criteria(**{key: factor * w for key, w in raw.items()})}
    scaled = points(**{name: factor * answer for name, answer in reversed(groups.items())})
    turned = weigh([by_key[key] for key in order], [scaled]).weight
    assert turned.index.tolist() == list(order)
    assert turned[plain.index].tolist() == pytest.approx(plain.tolist())


@settings(max_examples=60)
@given(raw_weights, st.dictionaries(st.sampled_from(list(SHIPPED)), st.floats(0, 0.24), max_size=4))
def test_shares_of_a_scenario_are_what_they_say(raw, shares):
    before = weigh(criteria(**raw))
    after = reweighed(before, shares, "what if")
    assert after.weight.sum() == pytest.approx(1)
    for key, share in shares.items():
        assert after.weight[key] == pytest.approx(share)
    others = [key for key in SHIPPED if key not in shares]
    factor = after.weight[others] / before.weight[others]
    assert factor.tolist() == pytest.approx([factor.iloc[0]] * len(others))
