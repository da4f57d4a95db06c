"""JSON-stat 2.0, the form in which PxWebApi gives tables: one row per number, signs kept."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, prod
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arealstrategi.errors import OnlineError

# Statistics Norway's signs: cannot occur, missing, confidential; `...` was "not yet" before 2021.
HIDDEN = (".", "..", "...", ":")
NONE = "-"  # nothing: 0 where no number stands beside it
MOST_CELLS = 5_000_000
HINT = "Ask again later; if it stays so, the service has changed and this program must follow."


def parse_json_stat(document: object, *, source: str) -> pd.DataFrame:
    """Turn a JSON-stat2 dataset into a table with one row per number.

    Parameters
    ----------
    document
        The JSON as Python reads it.
    source
        Where it came from, for messages.

    Returns
    -------
    For each dimension a column of codes, called as the dimension, and ``…_label``; ``value``
    (NaN where there is none) and ``sign`` (empty, or the sign in its place: ``.``, ``..``, ``:``;
    ``*`` marks a provisional value; ``-`` is 0). ``attrs["title"]``, ``attrs["updated"]``.

    Raises
    ------
    OnlineError
        It is no JSON-stat2 dataset, or contradicts itself.
    """
    if not isinstance(document, Mapping) or document.get("class") != "dataset":
        raise _unusable(source, "it is no JSON-stat2 dataset")
    if not str(document.get("version", "")).startswith("2"):
        raise _unusable(source, f"its version is {document.get('version')!r}, not 2.0")
    names: Any = document.get("id")
    sizes: Any = document.get("size")
    if not _is_list(names, str) or not _is_list(sizes, int) or len(names) != len(sizes):
        raise _unusable(source, "its dimensions and their sizes do not fit")
    count = prod(sizes)
    if not 0 <= count <= MOST_CELLS or min(sizes, default=0) < 0:
        raise _unusable(source, f"it says that it holds {count} numbers")
    columns: dict[str, Any] = {}
    at = np.indices(sizes).reshape(len(sizes), count)
    for name, size, place in zip(names, sizes, at, strict=True):
        codes, labels = categories(document, name, source=source)
        if len(codes) != size:
            raise _unusable(source, f"'{name}' has {len(codes)} codes, not {size}")
        columns[name] = np.asarray(codes, dtype=object)[place]
        columns[f"{name}_label"] = np.asarray(labels, dtype=object)[place]
    value = _values(document.get("value"), count, source)
    sign = _signs(document.get("status"), count, source)
    value[np.isnan(value) & (sign == NONE)] = 0.0
    value[np.isin(sign, HIDDEN)] = np.nan
    table = pd.DataFrame(columns).astype("str").assign(value=value, sign=pd.array(sign, "str"))
    table.attrs = {name: str(document.get(key, "")) for name, key in _TOLD.items()}
    return table


_TOLD = {"title": "label", "updated": "updated"}


def categories(
    document: Mapping[str, Any], dimension: str, *, source: str
) -> tuple[list[str], list[str]]:
    """Return codes and labels of a dimension in their order; metadata have the same form.

    Raises
    ------
    OnlineError
        The dimension is not there or not as JSON-stat2 has it.
    """
    try:
        category = document["dimension"][dimension]["category"]
        index, label = category.get("index"), category.get("label", {})
        if index is None:  # allowed where there is one category
            index = list(label)
        codes = (
            sorted(index, key=lambda code: index[code])
            if isinstance(index, Mapping)
            else list(index)
        )
        return [str(code) for code in codes], [str(label.get(code, code)) for code in codes]
    except (KeyError, TypeError, AttributeError):
        raise _unusable(source, f"the dimension '{dimension}' is not as it should be") from None


def _unusable(source: str, what: str) -> OnlineError:
    return OnlineError(f"{source}: the answer cannot be used: {what}", hint=HINT)


def _is_list(found: object, kind: type) -> bool:
    return isinstance(found, list) and all(
        isinstance(each, kind) and not isinstance(each, bool) for each in found
    )


def _placed(found: object, count: int, source: str, what: str) -> tuple[NDArray[np.int64], list]:  # type: ignore[type-arg]
    """Return where entries stand and what they are: a list of all, or a dict of some."""
    if isinstance(found, list) and len(found) == count:
        return np.arange(count), found
    if isinstance(found, Mapping) and all(str(key).isdecimal() for key in found):
        at = np.array([int(key) for key in found], dtype=np.int64)
        if not at.size or at.max() < count:
            return at, list(found.values())
    raise _unusable(source, f"its {what} do not fit its {count} places")


def _values(found: object, count: int, source: str) -> NDArray[np.float64]:
    at, entries = _placed(found, count, source, "numbers")
    if not all(each is None or (type(each) in (int, float) and isfinite(each)) for each in entries):
        raise _unusable(source, "among its numbers is something that is none")
    value = np.full(count, np.nan)
    value[at] = np.array([np.nan if each is None else each for each in entries], dtype=float)
    return value


def _signs(found: object, count: int, source: str) -> NDArray[np.object_]:
    sign = np.full(count, "", dtype=object)
    if isinstance(found, str):  # one for all
        sign[:] = found
    elif found is not None:
        at, entries = _placed(found, count, source, "signs")
        sign[at] = ["" if each is None else str(each) for each in entries]
    return sign
