"""Explanations as plain text, for the terminal and for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from arealstrategi.explanation import Explanation
from arealstrategi.export.labels import in_sentence, reason_text, shown_number, words


def explanation_text(explanation: Explanation, language: str) -> str:
    """Tell why a parcel has its score.

    Parameters
    ----------
    explanation
        What is to be told.
    language
        ``nb`` or ``en``.
    """
    text = words(language)
    return "\n".join(
        [
            *_heading(explanation, text),
            "",
            *_list(explanation, text, "strongest", explanation.strongest),
            *_list(explanation, text, "weakest", explanation.weakest),
            *_list(explanation, text, "lifts", explanation.lifts),
            *_rules(explanation, text),
            "",
            *_table(explanation, text),
        ]
    )


def _heading(explanation: Explanation, text: Mapping[str, str]) -> Iterator[str]:
    facts = explanation.facts
    yield text["explain.of"].format(label=facts["label"], id=facts["parcel_id"])
    if facts["status"] == "assessed":
        told = text["explain.points"].format_map(
            {
                "class": text[f"class.{facts['class']}"].capitalize(),
                "score": _n(facts["score"], text),
            }
        )
        is_site = pd.notna(facts.get("place_among_parcels"))
        rank = text["explain.place" if is_site else "explain.rank"].format(
            rank=facts["place_among_parcels" if is_site else "rank"], count=facts["ranked"]
        )
        band = ""
        if pd.notna(facts.get("rank_p05")):
            share = _n(100.0 * facts["top_share"], text, 0)
            band = " – " + text["explain.band"].format(
                low=facts["rank_p05"], high=facts["rank_p95"], share=share
            )
        yield f"{told}, {rank}{band}"
    elif facts["status"] == "excluded":
        yield text["explain.excluded"].format(score=_n(facts["score_if_allowed"], text))
    else:
        yield text["explain.missing"]
    headlines = [
        f"{text[f'headline.{name}']} {_n(facts[f'score_{name}'], text, 0)}"
        for name in ("safe", "central", "social")
        if pd.notna(facts.get(f"score_{name}"))
    ]
    mean = text["explain.mean"].format(score=_n(facts["mean_score"], text))
    yield " · ".join([*headlines, mean])


def _list(
    explanation: Explanation, text: Mapping[str, str], kind: str, keys: list[str]
) -> Iterator[str]:
    yield f"{text[f'explain.{kind}']}:"
    for key in keys:
        row = pd.Series(explanation.criteria.loc[key])
        points = (
            text["explain.gain"].format(points=_n(row["could_gain"], text))
            if kind == "lifts"
            else _n(row["difference"], text, sign=True)
        )
        near = _near(row, text)
        yield f"  {row['label']}: {points}" + (f" – {near}" if near else "")
    if not keys:
        yield f"  {text['explain.none']}"


def _near(row: pd.Series, text: Mapping[str, str]) -> str:
    """Tell of the nearest service by name and metres, or what was measured."""
    if row["service"] is not None and pd.notna(row["service"]):
        return text["explain.walk"].format(
            service=row["service"],
            metres=_n(row["walk_m"], text, 0),
            minutes=_n(row["walk_min"], text, 0),
        )
    raw = row["raw"]
    if raw is None or pd.isna(raw) or raw == "":
        is_walk = row["walk_m"] is not None
        return in_sentence(text["unreachable"]) if is_walk else ""
    return text["explain.measured"].format(raw=raw if isinstance(raw, str) else _n(raw, text, 2))


def _rules(explanation: Explanation, text: Mapping[str, str]) -> Iterator[str]:
    met = explanation.constraints
    named = set(met["constraint"])
    reasons = [one for one in explanation.reasons if one.removeprefix("not_mapped: ") not in named]
    if reasons:
        names = {str(key): str(label) for key, label in explanation.criteria["label"].items()}
        told = "; ".join(reason_text(one, text, names, inside=True) for one in reasons)
        yield f"{text['explain.reasons']}: {told}"
    yield f"{text['explain.constraints']}:"
    for _, row in met.iterrows():
        effect = "" if pd.isna(row["effect"]) else f", {text['effect.' + str(row['effect'])]}"
        effect = effect if row["answer"] == "hit" else ""
        share = text["explain.share"].format(share=_n(100.0 * row["share"], text, 1))
        told = f"{text['answer.' + row['answer']]}{effect}"
        yield f"  {row['constraint']}: {told}" + (f" ({share})" if row["share"] > 0 else "")
    if met.empty:
        yield f"  {text['explain.no_constraints']}"


def _table(explanation: Explanation, text: Mapping[str, str]) -> Iterator[str]:
    table = explanation.criteria
    titles = [text["explain.all"], *text["explain.columns"].split("|")]
    rows = [
        [
            str(row["label"]),
            _n(row["value"], text, 2),
            text["percent"].format(number=_n(100.0 * row["weight"], text)),
            _n(row["points"], text),
            _n(row["difference"], text, sign=True),
            _near(row, text),
        ]
        for _, row in table.iterrows()
    ]
    if explanation.is_exact:
        rest = -explanation.deduction, explanation.mean_deduction - explanation.deduction
        if abs(explanation.deduction) > _SEEN or abs(rest[1]) > _SEEN:
            told = [_n(rest[0], text), _n(rest[1], text, sign=True), ""]
            rows.append([text["explain.deduction"], "", "", *told])
        sums = table["points"].sum() + rest[0], table["difference"].sum() + rest[1]
        told = [_n(sums[0], text), _n(sums[1], text, sign=True), ""]
        rows.append([text["explain.sum"], "", "", *told])
    widths = [max(len(row[i]) for row in (titles, *rows)) for i in range(len(titles))]
    for row in (titles, *rows):
        cells = [
            cell.ljust(width) if i in (0, len(widths) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    if not explanation.is_exact:
        yield text["explain.approximate"]


_SEEN = 5e-7  # points; what is smaller is rounding


def _n(value: Any, text: Mapping[str, str], places: int = 1, *, sign: bool = False) -> str:  # noqa: ANN401
    if value is None or pd.isna(value) or not np.isfinite(value):
        return "–"
    return shown_number(value, text, places, signed=sign)
