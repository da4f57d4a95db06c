"""What is wrong with a strategy file, in words that a planner can act on."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from arealstrategi.errors import StrategyError


def problems(name: str, found: list[str]) -> StrategyError:
    """Return one error that lists every problem found in a file."""
    count = "1 problem" if len(found) == 1 else f"at least {len(found)} problems"
    lines = "\n".join(f"  {text}" for text in found)
    return StrategyError(f"{name}: {count}\n{lines}", hint="Correct the file and run again.")


def all_readable(error: ValidationError, root: type[BaseModel]) -> list[str]:
    """Put every problem into words; where a key may be of several kinds, as one.

    Parameters
    ----------
    error
        What pydantic found.
    root
        The model of the whole, to suggest the nearest right key.
    """
    texts: dict[tuple[Any, ...], str] = {}
    for problem in error.errors():
        where = tuple(part for part in problem["loc"] if not _is_union_tag(part))
        told = _readable(problem, list(where), root)
        if where in texts and where != ():
            told = f"{texts[where]}; or {told.split(': ', 1)[-1]}"
        texts[where or (len(texts),)] = told
    return list(texts.values())


def _is_union_tag(part: Any) -> bool:  # noqa: ANN401
    """Say whether a part of a path is pydantic's name for one of several kinds, not a key."""
    return isinstance(part, str) and re.search(r"[\[\]()-]", part) is not None


def _readable(problem: Any, where: list[Any], root: type[BaseModel]) -> str:  # noqa: ANN401
    """Put one pydantic problem into words, with the nearest right key for an unknown one."""
    text = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in where).lstrip(".")
    if problem["type"] == "extra_forbidden":
        known = _keys_at(where[:-1], root)
        near = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        asked = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
        return f"{text}: unknown key; {asked}"
    if problem["type"] == "missing":
        return f"{text}: is missing"
    message = str(problem["msg"]).removeprefix("Value error, ").replace("valid tuple", "list")
    given = problem.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) else ""
    if problem["type"] == "value_error":
        shown = ""
    return f"{text}: {message}{shown}" if text else message


def _keys_at(where: list[Any], root: type[BaseModel]) -> list[str]:
    """Return the keys that are known at a place in the file."""
    model = root
    for part in where:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        kind = model.model_fields[part].annotation
        inner = [one for one in (kind, *get_args(kind)) if _is_model(one)]
        model = inner[0] if inner else model
    return list(model.model_fields)


def _is_model(kind: Any) -> bool:  # noqa: ANN401
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def not_one_of(key: str, value: str, known: Iterable[str]) -> str:
    """Say that a key has a value that is not known, with those that are."""
    listed = ", ".join(known)
    told = f"choose one of {listed}" if listed else "the strategy has none"
    return f"{key}: there is no '{value}'; {told}"
