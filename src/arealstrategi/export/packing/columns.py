"""Columns of tables as arrays of small whole numbers, and texts that are fit to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LONGEST_TEXT = 300

Whole = type[np.uint8 | np.uint16 | np.uint32]


def cut(text: object) -> str:
    """Return a text that is short enough and can be written: no half surrogate pair."""
    return str(text)[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def texts_of(values: pd.Series) -> list[str]:
    """Return texts, cut; empty where there is none."""
    plain = values.astype(object)
    texts: list[str] = plain.where(plain.notna(), "").map(cut).tolist()
    return texts


def dictionary(values: pd.Series) -> dict[str, Any]:
    """Pack a column of repeated texts: the distinct ones, and which one each row has."""
    codes, distinct = pd.factorize(values.astype(object).where(values.notna(), ""))
    return {
        "texts": texts_of(pd.Series(distinct, dtype=object)),
        "codes": codes.astype(smallest(len(distinct))),
    }


def smallest(count: int) -> Whole:
    """Return the smallest type that numbers rows 0 … count - 1 and has its largest to spare."""
    for kind in (np.uint8, np.uint16):
        if count <= np.iinfo(kind).max:
            return kind
    return np.uint32


def codes_of(values: pd.Series, known: Sequence[str]) -> NDArray[np.uint8]:
    """Return the place of each value in `known`, 255 where it is missing.

    Raises
    ------
    ValueError
        A value is not one of those known.
    """
    codes = pd.Index(known).get_indexer(pd.Index(values.astype(object)))
    wrong = values[(codes < 0) & values.notna().to_numpy()]
    if len(wrong):
        raise ValueError(f"column {values.name!r} holds {wrong.iloc[0]!r}, not one of {known}")
    return np.where(codes < 0, 255, codes).astype(np.uint8)


def numbers_of(values: pd.Series) -> NDArray[np.float64]:
    """Return a column as floats, NaN where it has no number."""
    return pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)


def whole(
    values: pd.Series, kind: Whole, factor: float = 1, none: int | None = None
) -> NDArray[Any]:
    """Return values times `factor` as whole numbers of a type.

    Parameters
    ----------
    values
        From 0; what is larger than the type holds becomes the largest that means a number.
    kind
        The type.
    factor
        What they are multiplied with.
    none
        What a missing value becomes; None: the largest number of the type.
    """
    most = int(np.iinfo(kind).max)
    numbers = np.round(numbers_of(values) * factor)
    numbers = np.clip(numbers, 0, most - 1 if none is None else most)
    return np.where(np.isfinite(numbers), numbers, most if none is None else none).astype(kind)


def hundredths(points: pd.Series) -> NDArray[np.uint16]:
    """Return points in hundredths, the largest number for none.

    What ends in 5 is moved by 1, so that it becomes the same tenth as the points themselves:
    59.053 is told as 59.06 and shown as 59.1, and 59.047 as 59.04.
    """
    told = whole(points, np.uint16, 100)
    numbers = numbers_of(points)
    for row in np.flatnonzero((told % 10 == 5) & np.isfinite(numbers)):  # noqa: PLR2004 (a half)
        up = float(f"{numbers[row]:.1f}") * 100 > told[row]
        told[row] = told[row] + 1 if up else told[row] - 1
    return told


def number_or_none(value: float) -> float | None:
    """Return a number as JSON has it: null where it is not finite."""
    return float(value) if np.isfinite(value) else None
