"""Weights from what people answer: points, an order, pairwise comparisons, or a survey.

Every way ends in weights that add up to 1. What people say is checked where it is written
(`WeightingOptions`), so that a mistake names its key; the functions raise ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact
from arealstrategi.weights.comparisons import (
    MOST_RATIO,
    RANDOM_INDEX,
    Ahp,
    ahp,
    complete,
    from_matrix,
    geometric_mean_of,
    matrix_of,
    weigh_matrix,
)
from arealstrategi.weights.points import (
    RankMethod,
    all_named_once,
    direct,
    place_weights,
    rank_reciprocal,
    rank_shares,
    rank_sum,
    rank_weights,
    roc,
    scaled,
    swing,
)

__all__ = [
    "MOST_RATIO",
    "RANDOM_INDEX",
    "Ahp",
    "Judgement",
    "Weighting",
    "WeightingOptions",
    "ahp",
    "complete",
    "direct",
    "found_weights",
    "from_matrix",
    "geometric_mean_of",
    "matrix_of",
    "rank_reciprocal",
    "rank_sum",
    "rank_weights",
    "roc",
    "swing",
]

WeightMethod = Literal["direct", "swing", RankMethod, "ahp", "survey"]
Answers = Literal["points", "ranks"]

# Saaty's scale ends at 9; 0.1 is how people round 1/9.
STRONGEST = 10.0

# Which keys say what each method goes by.
NEEDS: Mapping[WeightMethod, tuple[str, ...]] = {
    "direct": ("points",),
    "swing": ("points",),
    "roc": ("order",),
    "rank_sum": ("order",),
    "rank_reciprocal": ("order",),
    "ahp": ("items", "person"),
    "survey": ("table",),
}
MAY: Mapping[WeightMethod, tuple[str, ...]] = {"survey": ("answers", "items")}


def _ratio(value: Any) -> Any:  # noqa: ANN401
    """Read a comparison that is written "1/3"."""
    over, bar, under = value.partition("/") if isinstance(value, str) else ("", "", "")
    try:
        return float(over) / float(under) if bar else value
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'{value!r} is not a comparison; write 3, 0.33 or "1/3"') from None


def _on_scale(answer: float) -> float:
    if answer and not 1 / STRONGEST <= answer <= STRONGEST:
        raise ValueError(f"{answer:g} is not on the scale from 1/9 to 9 (0: not compared)")
    return answer


Points = Annotated[float, Field(ge=0)]
Comparison = Annotated[float, BeforeValidator(_ratio), AfterValidator(_on_scale)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Judgement(_Section):
    """What one person answered when items were compared in pairs."""

    name: str = Field(min_length=1, description="Who answered.")
    upper: tuple[tuple[Comparison, ...], ...] = Field(
        description='Row by row: item 1 against 2, 3 …; item 2 against 3 …: 3, or "1/3" where the '
        "other is more important; 0: not compared."
    )


class WeightingOptions(_Section):
    """Weights from what people answered, in place of those that are shipped."""

    method: WeightMethod = Field(description="How the weights were asked for.")
    of: Literal["groups", "criteria"] = Field(
        default="groups", description="What was weighed: the groups, or every criterion by itself."
    )
    points: dict[str, Points] = Field(
        default={}, description="direct, swing: points by key; the most important swing gets 100."
    )
    order: tuple[str, ...] = Field(
        default=(), description="roc, rank_sum, rank_reciprocal: keys, the most important first."
    )
    items: tuple[str, ...] = Field(
        default=(),
        description="ahp: the keys that were compared; survey: those asked about, left out: all.",
    )
    person: tuple[Judgement, ...] = Field(
        default=(), description="ahp: the comparisons of each person."
    )
    table: Path | None = Field(
        default=None,
        description="survey: CSV or XLSX with a row per respondent and a column per key or label.",
    )
    answers: Answers = Field(
        default="points",
        description="survey: the cells hold points, or ranks (1 for the most important).",
    )
    source: str = Field(min_length=1, description="Who gave the weights; shown in the outputs.")
    date: str = Field(default="", description="When; shown in the outputs.")

    @field_validator("order", "items", "person")
    @classmethod
    def _named_once(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        if value:
            all_named_once([one.name if isinstance(one, Judgement) else one for one in value])
        return value

    @field_validator("points")
    @classmethod
    def _not_all_zero(cls, points: dict[str, float]) -> dict[str, float]:
        if points:
            direct(pd.Series(points))
        return points

    @model_validator(mode="after")
    def _goes_by_its_own_keys(self) -> Self:
        needed = NEEDS[self.method]
        for key in needed:
            if not getattr(self, key):
                raise ValueError(f'method = "{self.method}" needs {key}; add it')
        own = {*needed, *MAY.get(self.method, ())}
        known = {"answers", *(key for keys in NEEDS.values() for key in keys)}
        for key in sorted((self.model_fields_set & known) - own):
            methods = [m for m in NEEDS if key in {*NEEDS[m], *MAY.get(m, ())}]
            raise ValueError(
                f'{key} is not for method = "{self.method}" but for {" or ".join(methods)}; '
                f"remove {key} or change method"
            )
        return self

    @model_validator(mode="after")
    def _comparisons_fit(self) -> Self:
        for person in self.person:
            try:
                ahp(self.items, person.upper)
            except ValueError as error:
                raise ValueError(f"upper of '{person.name}': {error}") from None
        return self


@dataclass(frozen=True)
class Weighting:
    """Weights as they were found.

    Parameters
    ----------
    raw
        Before they were scaled to add up to 1: the points; what the places weigh; the mean shares
        of a survey; for ``ahp``, as parts of the most important item.
    weights
        Scaled; index the keys.
    method, of, source
        As in the options; the source with its date.
    facts
        What to show of how they came about.
    warnings
        One sentence for each thing the user should look at.
    """

    raw: pd.Series
    weights: pd.Series
    method: WeightMethod
    of: Literal["groups", "criteria"]
    source: str
    facts: Mapping[str, Fact]
    warnings: tuple[str, ...] = ()


def found_weights(options: WeightingOptions, answers: pd.DataFrame | None = None) -> Weighting:
    """Turn answers into weights.

    Parameters
    ----------
    options
        The section ``[weighting]``.
    answers
        For ``survey``: one row per respondent, one column per key, NaN where nothing was answered.

    Raises
    ------
    InputError
        No respondent of the survey answered all that was asked.
    """
    facts: dict[str, Fact] = {}
    warnings: list[str] = []
    if options.method == "direct" or options.method == "swing":  # noqa: PLR1714 - mypy narrows
        raw = pd.Series(options.points, dtype=float)
    elif options.method == "ahp":
        raw = _compared(options, facts, warnings)
    elif options.method == "survey":
        if answers is None:
            raise ValueError("a survey needs its answers")
        raw = _surveyed(options, answers, facts, warnings)
    else:
        raw = pd.Series(place_weights(len(options.order), options.method), list(options.order))
    return Weighting(
        raw.rename("raw"),
        scaled(raw),
        options.method,
        options.of,
        ", ".join(filter(None, (options.source, options.date))),
        facts,
        tuple(warnings),
    )


def _compared(options: WeightingOptions, facts: dict[str, Fact], warnings: list[str]) -> pd.Series:
    matrices = [matrix_of(person.upper) for person in options.person]
    joint = weigh_matrix(options.items, geometric_mean_of(matrices))
    each = [(person.name, ahp(options.items, person.upper)) for person in options.person]
    facts |= {
        "people": len(each),
        "pairs not compared": joint.n_not_compared,
        "lambda_max": joint.lambda_max,
        "consistency ratio": joint.consistency_ratio,
    }
    if len(each) > 1:
        facts |= {f"consistency ratio, {name}": one.consistency_ratio for name, one in each}
        each.insert(0, ("all together", joint))
    warnings += [_contradiction(name, one) for name, one in each if not one.is_consistent]
    raw: pd.Series = joint.weights / joint.weights.max()
    return raw


def _contradiction(name: str, found: Ahp) -> str:
    pair = " against ".join(found.most_inconsistent or ())
    return (
        f"{name}: the comparisons contradict each other (consistency ratio "
        f"{found.consistency_ratio:.2f}, at most {MOST_RATIO:.2f}); look first at {pair}: "
        f"answered {found.answered:.2g}, all answers together say {found.suggested:.2g}"
    )


def _surveyed(
    options: WeightingOptions,
    answers: pd.DataFrame,
    facts: dict[str, Fact],
    warnings: list[str],
) -> pd.Series:
    if (answers < 0).any(axis=None):
        raise ValueError("an answer is negative")
    of_ranks = options.answers == "ranks"
    # a rank begins at 1, so that 0 is no answer
    given = (answers > 0).all(axis=1) if of_ranks else (answers > 0).any(axis=1)
    used = answers[given & answers.notna().all(axis=1)].astype(float)
    n_out = len(answers) - len(used)
    why = "an answer is missing or 0" if of_ranks else "an answer is missing, or all are 0"
    if used.empty:
        raise InputError(
            f"{options.table}: none of its {len(answers)} respondents can be used ({why})",
            hint=f"Every item needs {'a rank from 1 up' if of_ranks else 'points'} in a row.",
        )
    shares = rank_shares(used, "roc") if of_ranks else used.div(used.sum(axis=1), axis=0)
    each = pd.DataFrame(shares, used.index, used.columns)
    facts |= {"respondents": len(used), "respondents left out": n_out}
    facts |= {
        f"standard deviation, {item}": float(spread) if len(each) > 1 else None
        for item, spread in each.std().items()
    }
    if n_out:
        warnings.append(f"{n_out} of {len(answers)} respondents left out: {why}")
    return each.mean()
