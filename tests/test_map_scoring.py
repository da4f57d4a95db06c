"""The page scores by a reader's weights as Python does; its ranked list and its filters."""

import base64
import itertools
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from arealstrategi.export.packing import map_page, pack_block
from arealstrategi.export.packing.tables import in_page_order
from arealstrategi.scoring import (
    CLASS_FROM,
    LEAST_KNOWN_SHARE,
    Gate,
    aggregate,
    below_gates,
    cap_classes,
    complete,
    deciding_weights,
    group_scores,
    judge,
    normalise,
)
from arealstrategi.tables import CLASSES, STATUSES
from maps import WEIGHTS, make_parcels, make_tables, scores_of

POINTS = 0.05  # what the page may be off
KEYS = ["a", "b", "c", "d", "e", "f"]
GROUP = pd.Series(["social", "social", "daily", "daily", "health", "nature"], KEYS)
GATES = (
    Gate(group="social", min=30, best="less_suitable"),
    Gate(group="daily", min=50, best="suitable"),
)
METHODS = ["weighted_sum", "geometric", "owa", "minimum"]
MISSING = ["require", "reweight", "worst"]
REVIVE = """
const typed = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
const revive = value => Array.isArray(value) ? value.map(revive) : value === null ? null
  : typeof value === "object" ? value.$ ? typed[value.$[0]].from(value.$[1])
    : Object.fromEntries(Object.entries(value).map(([name, each]) => [name, revive(each)])) : value;
const plain = list => Array.from(list, number => Number.isFinite(number) ? number : null);
const columns = ["score", "allowed", "cls", "rank", "status", "shade", "counts"];
const told = s => ({ own: s.own, ranked: s.ranked,
  ...Object.fromEntries(columns.map(name => [name, plain(s[name])])) });
"""


def script(name):
    return files("arealstrategi.export").joinpath("templates", name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(browser):
    """A blank page that knows the scripts which score and read."""
    opened = browser.new_page()
    for name in ("data.js", "score.js"):
        opened.evaluate(f"() => {{ {script(name)} }}")
    opened.add_script_tag(content=REVIVE.replace("const ", "var "))
    yield opened
    opened.close()


# ---- parcels as Python and as the page have them ----
def make_case(rng, method, missing, gates, *, count=120, alpha=1.7, floor=0.01):
    values = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], (count, len(KEYS)))
    values = np.where(rng.random(values.shape) < 0.6, rng.random(values.shape), values)
    values[rng.random(values.shape) < 0.05] = np.nan
    values[0] = np.nan
    return {
        "values": pd.DataFrame(values, columns=KEYS),
        "critical": [key for key in KEYS if rng.random() < 0.4],
        "found": pd.Series(rng.random(len(KEYS)) < 0.7, KEYS),
        "excluded": pd.Series(rng.random(count) < 0.1),
        "outside": pd.Series(rng.random(count) < 0.05),
        "deduction": pd.Series(rng.choice([0.0, 0.0, 10.0, 12.5], count)),
        "gates": gates,
        "method": method,
        "missing": missing,
        "alpha": alpha,
        "floor": floor,
    }


def by_python(case, weights):
    """Judge as `assessment.judge` does; also the score of each group that has a gate."""
    weight = normalise(pd.Series(weights, KEYS, dtype=float))
    decides = deciding_weights(weight, case["critical"], case["method"])
    counted, lacks = complete(case["values"], decides, case["missing"])
    total = aggregate(counted, decides, case["method"], case["alpha"], case["floor"])
    groups = group_scores(counted, weight, GROUP)
    below = below_gates(groups, case["gates"])
    walked = decides[decides > 0].index
    nothing = len(walked) > 0 and not case["found"][walked].any()
    table = judge(
        total,
        reasons=pd.Series("", total.index),
        excluded=case["excluded"],
        missing=lacks | case["outside"] | nothing,
        deduction=case["deduction"],
    )
    table["class"] = cap_classes(table["class"], below, case["gates"])
    near = [groups[g.group] - g.min for g in case["gates"] if g.group in groups]
    return table, pd.DataFrame(near).T.reindex(total.index)


def hundredths(numbers):
    return np.where(numbers.isna(), 65535, np.round(100 * numbers)).astype(int).tolist()


def packed(case, weights):
    """Return the part of the data block that scoring reads, by the description of the format."""
    table, _ = by_python(case, weights)
    weight = normalise(pd.Series(weights, KEYS, dtype=float))
    places = {name: at for at, name in enumerate(CLASSES)}
    value = case["values"].mul(60000).round().fillna(65535).astype(int)
    return {
        "classes": list(CLASSES),
        "statuses": list(STATUSES),
        "limits": list(CLASS_FROM),
        "model": {
            "method": case["method"],
            "alpha": case["alpha"],
            "floor": case["floor"],
            "missing": case["missing"],
            "leastKnown": LEAST_KNOWN_SHARE,
            "gates": [gate.model_dump() for gate in case["gates"]],
        },
        "criteria": [
            {
                "key": key,
                "group": GROUP[key],
                "weight": weight[key],
                "walk": True,
                "found": bool(case["found"][key]),
                "critical": key in case["critical"],
            }
            for key in KEYS
        ],
        "parcels": {
            "n": len(table),
            "value": [{"$": ["u2", value[key].tolist()]} for key in KEYS],
            "status": {"$": ["u1", table["status"].map(STATUSES.index).tolist()]},
            "unassessable": {"$": ["u1", case["outside"].astype(int).tolist()]},
            "deduction": {"$": ["u2", hundredths(case["deduction"])]},
            "allowed": {"$": ["u2", hundredths(table["score_if_allowed"])]},
            "score": {"$": ["u2", hundredths(table["score"])]},
            "cls": {"$": ["u1", table["class"].map(places).fillna(255).astype(int).tolist()]},
            "rank": {"$": ["u4", table["rank"].fillna(0).astype(int).tolist()]},
        },
    }


def scored(page, data, *sets):
    """Let the page score by each set of weights in turn."""
    return page.evaluate(
        """([data, sets]) => {
          const s = arsScore.prepare(revive(data));
          return sets.map(weights => told(arsScore.score(s, weights)));
        }""",
        [data, [list(weights) for weights in sets]],
    )


def assert_same(told, case, weights):
    table, to_gate = by_python(case, weights)
    score, allowed = (pd.Series(told[name], dtype=float) for name in ("score", "allowed"))
    status = pd.Series(told["status"]).map(dict(enumerate(STATUSES)))
    assert status.tolist() == table["status"].tolist()
    assert allowed.to_numpy() == pytest.approx(
        table["score_if_allowed"].to_numpy(), abs=POINTS, nan_ok=True
    )
    assert score.to_numpy() == pytest.approx(table["score"].to_numpy(), abs=POINTS, nan_ok=True)
    near = np.abs(np.subtract.outer(table["score"].to_numpy(), CLASS_FROM[:-1])).min(axis=1)
    sure = ~(near < POINTS) & ~(to_gate.abs() < POINTS).any(axis=1).to_numpy()
    classes = pd.Series(told["cls"]).map(dict(enumerate(CLASSES)))
    assert classes[sure].fillna("").tolist() == table["class"][sure].fillna("").tolist()
    own, rank = table["score"].to_numpy(), np.array(told["rank"])
    ordered, seen = np.sort(own[~np.isnan(own)]), ~np.isnan(own)
    better = len(ordered) - np.searchsorted(ordered, own[seen] + POINTS, side="right")
    not_worse = len(ordered) - np.searchsorted(ordered, own[seen] - POINTS, side="left")
    assert (rank[~seen] == 0).all()
    assert ((better < rank[seen]) & (rank[seen] <= not_worse)).all()
    return sure.mean()


# ---- the law: the page scores as Python does ----
@pytest.mark.browser
@pytest.mark.parametrize("gates", [(), GATES], ids=["no gates", "gates"])
@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("method", METHODS)
def test_the_page_scores_as_python_does_by_any_weights(page, method, missing, gates):
    rng = np.random.default_rng([METHODS.index(method), MISSING.index(missing), len(gates)])
    assessed, sure = 0, []
    for alpha in (0.3, 1.0, 40.0) if method == "owa" else (1.0,):
        case = make_case(rng, method, missing, gates, alpha=alpha)
        sets = [rng.random(len(KEYS)) * (rng.random(len(KEYS)) < 0.7) for _ in range(4)]
        sets += [[1] * 6, [0, 0, 1, 0, 0, 0], [1, 1e-9, 0, 0, 0, 1e-9], [0] * 6]
        strategy = rng.random(len(KEYS)) + 0.01
        told = scored(page, packed(case, strategy), *sets)
        for weights, one in zip(sets, told, strict=True):
            sure.append(assert_same(one, case, weights))
            assessed += one["status"].count(STATUSES.index("assessed"))
    assert assessed > 100
    assert np.mean(sure) > 0.8


@pytest.mark.browser
def test_the_strategys_own_weights_show_the_numbers_of_python_and_come_back(page):
    case = make_case(np.random.default_rng(5), "geometric", "reweight", GATES)
    strategy = [3, 1, 2, 2, 1, 1]
    table, _ = by_python(case, strategy)
    other, same, scaled = scored(
        page, packed(case, strategy), [1] * 6, strategy, [7 * w for w in strategy]
    )
    assert not other["own"]
    for told in (same, scaled):
        assert told["own"]
        score = pd.Series(told["score"], dtype=float).round(4)
        assert score.tolist() == pytest.approx(table["score"].round(2).tolist(), nan_ok=True)
        assert told["rank"] == table["rank"].fillna(0).astype(int).tolist()
        classes = [None if c == 255 else CLASSES[c] for c in told["cls"]]
        assert classes == [None if pd.isna(c) else c for c in table["class"]]


@pytest.mark.browser
def test_a_score_on_a_limit_belongs_to_the_better_class_and_equal_scores_share_a_rank(page):
    case = make_case(np.random.default_rng(0), "weighted_sum", "require", (), count=6)
    rows = [0.75, 0.7499, 0.75, 0.5, 0.25, 0.1]
    case["values"] = pd.DataFrame(dict.fromkeys(KEYS, rows))
    for name in ("excluded", "outside"):
        case[name] = pd.Series([False] * 6)
    case["deduction"], case["found"] = pd.Series([0.0] * 6), pd.Series([True] * 6, KEYS)
    told, none = scored(page, packed(case, [1, 2, 3, 4, 5, 6]), [1, 1, 2, 1, 1, 1], [0] * 6)
    assert told["cls"] == [0, 1, 0, 1, 2, 3]
    assert told["rank"] == [1, 3, 1, 4, 5, 6]
    assert told["counts"] == [2, 2, 1, 1, 0, 0]
    assert none["score"] == [None] * 6
    assert none["counts"] == [0, 0, 0, 0, 6, 0]
    assert none["ranked"] == 0


@pytest.mark.browser
def test_an_excluded_parcel_stays_excluded_and_keeps_the_score_it_would_have(page):
    case = make_case(np.random.default_rng(3), "weighted_sum", "worst", ())
    case["found"] = pd.Series([True] * 6, KEYS)
    (told,) = scored(page, packed(case, [1, 2, 3, 4, 5, 6]), [6, 5, 4, 3, 2, 1])
    out = np.flatnonzero(case["excluded"] & ~case["outside"])
    assert len(out) > 3
    assert {told["shade"][row] for row in out} == {5}
    assert [told["score"][row] for row in out] == [None] * len(out)
    assert all(told["allowed"][row] is not None for row in out)


@pytest.mark.browser
@pytest.mark.parametrize("missing", MISSING)
def test_points_of_the_criteria_add_up_to_the_score_before_what_is_deducted(page, missing):
    case = make_case(np.random.default_rng(8), "weighted_sum", missing, ())
    case["found"] = pd.Series([True] * 6, KEYS)
    weights = [3, 0, 2, 1, 1, 4]
    shares = page.evaluate(
        """([data, weights]) => {
          const s = arsScore.score(arsScore.prepare(revive(data)), weights);
          return [...s.score.keys()].filter(row => s.score[row] > 0).map(row => {
            const told = arsScore.contributions(s, row, weights), own = told.weights;
            return [s.score[row], told.deduction, told.exact, told.points.map(p => p || 0), own];
          });
        }""",
        [packed(case, [1] * 6), weights],
    )
    assert len(shares) > 20
    for score, deduction, exact, points, own in shares:
        assert exact
        assert sum(points) - deduction == pytest.approx(score, abs=0.01)
        assert sum(own) == pytest.approx(1)
        assert own[1] == 0


@pytest.mark.browser
def test_points_are_not_told_where_the_score_is_no_sum(page):
    case = make_case(np.random.default_rng(8), "geometric", "require", ())
    told = page.evaluate(
        "data => arsScore.contributions(arsScore.prepare(revive(data)), 1, [1, 1, 1, 1, 1, 1])",
        packed(case, [1] * 6),
    )
    assert not told["exact"]
    assert all(points is None or np.isnan(points) for points in told["points"])


@pytest.mark.browser
def test_groups_and_gates_of_one_parcel_are_those_of_python(page):
    case = make_case(np.random.default_rng(9), "minimum", "worst", GATES)
    case["critical"] = ["c"]
    weights = normalise(pd.Series([1, 2, 3, 0, 0, 2], KEYS, dtype=float))
    decides = deciding_weights(weights, ["c"], "minimum")
    counted, _ = complete(case["values"], decides, "worst")
    groups = group_scores(counted, weights, GROUP)
    told = page.evaluate(
        """([data, weights]) => {
          const s = arsScore.prepare(revive(data));
          return [...s.score.keys()].map(row => [arsScore.groupScores(s, row, weights),
            arsScore.belowGates(s, row, weights).map(gate => gate.group)]);
        }""",
        [packed(case, [1] * 6), weights.tolist()],
    )
    for row, (scores, below) in enumerate(told):
        assert list(scores) == list(groups.columns)
        assert [np.nan if s is None else s for s in scores.values()] == pytest.approx(
            groups.loc[row].tolist(), abs=POINTS, nan_ok=True
        )
        for gate in GATES:
            if not abs(groups.loc[row, gate.group] - gate.min) < POINTS:
                assert (gate.group in below) == (not groups.loc[row, gate.group] >= gate.min)


# ---- from the tables through the packed block ----
@pytest.fixture(scope="module")
def opened(page):
    """The page with a packed municipality as `window.s`; its parcels in the page's order."""
    tables = in_page_order(make_tables(make_parcels()))
    block = base64.b64encode(pack_block(map_page(tables, "Prøve", "nb"))).decode()
    page.evaluate(
        """block => {
          const bytes = Uint8Array.from(atob(block), letter => letter.charCodeAt(0));
          window.s = arsScore.prepare(arsData.open(bytes.buffer));
        }""",
        block,
    )
    return page, tables.parcels


@pytest.mark.browser
@pytest.mark.parametrize(
    "weights", [WEIGHTS, {"grocery": 1, "cafe": 5, "worship": 0, "noise": 2}, {"noise": 1}]
)
def test_scores_out_of_a_packed_block_are_those_of_the_table(opened, weights):
    page, parcels = opened
    full = {key: weights.get(key, 0) for key in WEIGHTS}
    told = page.evaluate("weights => told(arsScore.score(s, weights))", list(full.values()))
    expected = scores_of(parcels, full).where(parcels["status"] == "assessed")
    assert [np.nan if s is None else s for s in told["score"]] == pytest.approx(
        expected.tolist(), abs=POINTS, nan_ok=True
    )
    assert told["ranked"] == expected.notna().sum()


@pytest.mark.browser
def test_the_best_come_first_in_the_order_and_only_what_is_visible(opened):
    page, parcels = opened
    weights = {"grocery": 1, "cafe": 1, "worship": 0, "noise": 1}
    score = scores_of(parcels, weights).where(parcels["status"] == "assessed").to_numpy()
    visible = (np.arange(len(parcels)) % 3 > 0).astype(int)
    rows = page.evaluate(
        """([weights, visible]) => {
          arsScore.score(s, weights);
          const seen = Uint8Array.from(visible);
          return [arsScore.order(s, null, 20), arsScore.order(s, seen, 1e9)].map(plain);
        }""",
        [list(weights.values()), visible.tolist()],
    )
    assert len(rows[0]) == 20
    assert score[rows[0]].tolist() == pytest.approx(
        np.sort(score[~np.isnan(score)])[::-1][:20], abs=0.01
    )
    assert sorted(rows[1]) == np.flatnonzero(visible & ~np.isnan(score)).tolist()
    assert (np.diff(score[rows[1]]) <= 0.01).all()


def sets_of(choices):
    return [None, *([one] for one in choices), list(choices)]


@pytest.mark.browser
def test_filters_let_through_what_a_table_would(opened):
    page, parcels = opened
    page.evaluate("s => arsScore.score(window.s, window.s.strategy)")
    answers = page.evaluate("s.data.parcels.answer.map(plain)")
    names = page.evaluate("s.data.answers")
    shade = parcels["class"].where(parcels["status"] == "assessed", parcels["status"])
    readiness = parcels["plan_readiness"].fillna("")
    rng = np.random.default_rng(2)
    choices = list(
        itertools.product(
            sets_of(["very_suitable", "excluded"]), (0, 50), (0, 2000), sets_of(["yes", "unknown"]),
            sets_of(["", "future_housing"]), ("any", "no_hit", ["hit", "not_mapped"]),
        )
    )  # fmt: skip
    for at in rng.choice(len(choices), 60, replace=False):
        classes, least, area, municipal, ready, answer = choices[at]
        given = {"classes": classes, "leastScore": least, "leastArea": area, "municipal": municipal,
                 "readiness": ready, "constraints": [answer] * len(answers)}  # fmt: skip
        told = page.evaluate(
            """f => {
              const set = given => Array.isArray(given) ? new Set(given) : given;
              for (const key of ["classes", "municipal", "readiness"]) f[key] = set(f[key]);
              f.constraints = f.constraints.map(set);
              const visible = arsScore.filter(s, f);
              return [plain(visible), plain(arsScore.countVisible(s, visible))];
            }""",
            given,
        )
        passes = pd.Series(data=True, index=parcels.index)
        for column, among in (
            (shade, classes),
            (parcels["municipal"], municipal),
            (readiness, ready),
        ):
            passes &= column.isin(among) if among is not None else True
        passes &= (parcels["score"] >= least) if least else True
        passes &= (parcels["area_m2"] >= area) if area else True
        wanted = [answer] if isinstance(answer, str) else answer
        for codes in answers if answer != "any" else ():
            passes &= np.array([names[code] in wanted for code in codes])
        assert told[0] == passes.astype(int).tolist(), given
        assert sum(told[1]) == passes.sum()
