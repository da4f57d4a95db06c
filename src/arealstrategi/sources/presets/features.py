"""Which features of a layer a preset means, and what in the layer does not fit it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from arealstrategi.errors import InputError
from arealstrategi.provenance import Fact
from arealstrategi.sources.presets.table import CodeField, Preset, fold

_CUT = (9, 10)  # bytes that a Shapefile leaves of a name: 10, or 9 before a letter of two
_OBJECT_TYPE = ("objtype", "objekttype", "objekttypenavn", "featuretype", "gmltype")
# Words, folded, in names of layers and in object types.
_SURVEYED = ("analyseomr", "kartleggingsomr", "kartlagtomr", "undersoktomr", "dekning")
_SUSCEPTIBLE = ("aktsomhet", "potensieltskredfare")
_HAZARD = ("faresone", "flomareal", "flomsone")
_DIMENSIONS = {"point": 0, "line": 1, "area": 2}
_MOST_TOLD = 5


def columns_for(preset: Preset, fields: Sequence[str]) -> list[str]:
    """Return the columns of a layer that a preset has to read.

    Parameters
    ----------
    preset
        The preset.
    fields
        The columns there are.

    Raises
    ------
    InputError
        A column that tells which features count is not there.
    """
    found = []
    for name in preset.select:
        field = preset.field[name]
        column = _column(field.names, fields)
        if column is None and field.needed:
            raise _without_column(preset, field, fields)
        found += [column] if column is not None else []
    kind = _column(_OBJECT_TYPE, fields)
    return list(dict.fromkeys([*found, *([kind] if kind is not None else [])]))


def select_features(
    preset: Preset, table: gpd.GeoDataFrame, told: str
) -> tuple[gpd.GeoDataFrame, dict[str, Fact], tuple[str, ...]]:
    """Return the features that a preset means.

    Parameters
    ----------
    preset
        The preset.
    table
        The layer with at least the columns of `columns_for`.
    told
        What the user calls the layer, for messages: ``file, layer 'name'`` or an address.

    Returns
    -------
    The features; counts by code, for the report; and a sentence for all that does not fit.

    Raises
    ------
    InputError
        It is another dataset: a susceptibility map for a hazard, a map of what was surveyed, or
        shapes of a kind that cannot count.
    """
    facts: dict[str, Fact] = {"features": len(table)}
    kept, said = _of_the_right_kind(preset, table, told)
    fits, warning = _of_the_right_shape(preset, table[kept], told)
    kept[kept] = fits
    said += warning
    for name, codes in preset.select.items():
        counts, counted, warnings = _by_code(preset, preset.field[name], codes, table[kept], told)
        kept[kept] = counts
        facts |= counted
        said += warnings
    facts["features that count"] = int(kept.sum())
    return table[kept], facts, tuple(said)


def _column(names: Sequence[str], fields: Sequence[str]) -> str | None:
    """Return the column that has one of the names, whole or as a Shapefile cuts it."""
    folded = {field: fold(field) for field in fields}
    aliases = [fold(name) for name in names]
    whole = [field for alias in aliases for field in fields if folded[field] == alias]
    cut = [
        field
        for alias in aliases
        for field in fields
        if len(field.encode()) in _CUT and alias.startswith(folded[field]) and folded[field]
    ]
    return next(iter(whole + cut), None)


def _without_column(preset: Preset, field: CodeField, fields: Sequence[str]) -> InputError:
    listed = ", ".join(fields) or "none"
    alike = _column(field.not_names, fields) if field.not_names else None
    if alike is not None:
        return InputError(
            f"preset '{preset.key}': the column '{alike}' stands on the area that was surveyed, "
            f"which is no hazard zone; there is no column '{field.names[0]}'",
            hint=f"Choose the layer with the zones ({', '.join(preset.layers[:3])}); the surveyed "
            f"area belongs in `coverage`. The columns are: {listed}.",
        )
    other = (
        f" Susceptibility maps (aktsomhetskart) have no such column: for them use {preset.instead}."
        if preset.instead
        else ""
    )
    return InputError(
        f"preset '{preset.key}': the layer has no column '{field.names[0]}', which tells which "
        f"features of {preset.dataset} count",
        hint=f"It may also be called {', '.join(field.names[1:])}. "
        f"The columns are: {listed}.{other}",
    )


def _of_the_right_kind(
    preset: Preset, table: gpd.GeoDataFrame, told: str
) -> tuple[pd.Series, list[str]]:
    """Say which features are zones of the preset's kind, by their object types or the layer's name.

    An object type is the stronger word: only without one the name of the layer counts.
    """
    column = _column(_OBJECT_TYPE, list(table.columns))
    types = table[column].astype("str").fillna("") if column is not None else None
    if types is None or (types == "").all():
        layer = _layer_name(told)
        wrong, said = _kind_problem(preset, layer)
        if wrong:
            raise _wrong_kind(preset, f"{told}: the layer '{layer}'", wrong)
        return pd.Series(data=True, index=table.index), [f"{told}: {text}" for text in said]
    problems = {str(kind): _kind_problem(preset, str(kind)) for kind in types.unique()}
    kept = types.map(lambda kind: not problems[kind][0]).astype(bool)
    said = [f"{told}: {text}" for kind in problems for text in problems[kind][1]]
    wrong_types = {kind: wrong for kind, (wrong, _) in problems.items() if wrong}
    if wrong_types and not kept.any():
        kind, wrong = next(iter(wrong_types.items()))
        raise _wrong_kind(preset, f"{told}: features of type '{kind}'", wrong)
    counts = types[~kept].value_counts().sort_index()
    said += [
        f"{told}: {count} features of type '{kind}' are left out: {wrong_types[str(kind)]}"
        for kind, count in counts.items()
    ]
    return kept, said


def _kind_problem(preset: Preset, name: str) -> tuple[str, list[str]]:
    """Return why a layer or a type cannot be what the preset means, and what is odd about it."""
    folded = fold(name)
    if any(word in folded for word in _SURVEYED):
        return "it says what was surveyed, and is no zone", []
    susceptible = any(word in folded for word in _SUSCEPTIBLE)
    if preset.kind == "hazard" and susceptible:
        return "susceptibility (aktsomhet) is not hazard", []
    odd = []
    if preset.kind == "susceptibility" and not susceptible and any(w in folded for w in _HAZARD):
        odd.append(f"'{name}' looks like hazard zones, which deserve their own preset")
    if "foreslatt" in folded:
        odd.append(f"'{name}' looks like proposals, which are not adopted")
    return "", odd


def _wrong_kind(preset: Preset, what: str, wrong: str) -> InputError:
    if "surveyed" in wrong:
        hint = "Give it as `coverage`, and as `source` or `layer` the zones themselves"
    else:
        use = f" '{preset.instead}'" if preset.instead else " for susceptibility maps"
        hint = f"Use the preset{use}, or choose the layer with hazard zones"
    likely = f" ({', '.join(preset.layers[:3])})" if preset.layers else ""
    return InputError(
        f"{what} cannot be used with preset '{preset.key}': {wrong}",
        hint=f"{hint}{likely}. If it is what the preset means, save it under another name.",
    )


def _layer_name(told: str) -> str:
    """Return the name of the layer in what a user calls it; of a service, its address."""
    found = re.search(r"layer '([^']*)'$", told)
    if found:
        return found[1]
    return re.sub(r"[/.?=&:]+", " ", told) if "://" in told else ""


def _of_the_right_shape(
    preset: Preset, table: gpd.GeoDataFrame, told: str
) -> tuple[pd.Series, list[str]]:
    dimension = shapely.get_dimensions(table.geometry.to_numpy())
    fits = np.isin(dimension, [_DIMENSIONS[kind] for kind in preset.geometry])
    counts = {
        kind: int((dimension == number).sum())
        for kind, number in _DIMENSIONS.items()
        if kind not in preset.geometry
    }
    left_out = ", ".join(f"{count} {kind}s" for kind, count in counts.items() if count)
    expected = " or ".join(f"{kind}s" for kind in preset.geometry)
    if left_out and not fits.any():
        raise InputError(
            f"{told}: holds {left_out}, but preset '{preset.key}' needs {expected}",
            hint=f"Choose the layer with {expected}, such as {', '.join(preset.layers[:3])}.",
        )
    said = [f"{told}: {left_out} are left out: the preset needs {expected}"] if left_out else []
    return pd.Series(fits, index=table.index), said


def _by_code(
    preset: Preset, field: CodeField, selected: Sequence[str], table: gpd.GeoDataFrame, told: str
) -> tuple[pd.Series, dict[str, Fact], list[str]]:
    """Say which features have a code that counts; count every code, and tell those not known."""
    column = _column(field.names, list(table.columns))
    layer = _layer_name(told)
    codes = _codes(field, table[column], layer) if column is not None else None
    if field.layer_name and (codes is None or not codes.isin(list(field.codes)).any()):
        codes, column = pd.Series(_code_in(field, layer), index=table.index), "layer"
    if codes is None or (column == "layer" and len(table) and codes.iloc[0] == ""):
        text = f"{told}: nothing says which of its features preset '{preset.key}' means; all count"
        return pd.Series(data=True, index=table.index), {}, [text] if len(table) else []
    counts = codes.isin(list(selected)) | ((codes == "") & field.missing)
    facts: dict[str, Fact] = {
        f"{column} {code} ({meaning})": int((codes == code).sum())
        for code, meaning in field.codes.items()
        if (codes == code).any()
    }
    said = _odd_codes(field, codes, f"{told}: column '{column}'")
    said += [
        f"{told}: a layer with '{word}' in its name; "
        + ", ".join(f"its {code} is read as {other}" for code, other in meant.items())
        for word, meant in field.also_in_layer.items()
        if word in fold(layer) and column != "layer"
    ]
    return counts, facts, said


def _odd_codes(field: CodeField, codes: pd.Series, what: str) -> list[str]:
    """Tell codes that are not known and features without one; none of them is passed over."""
    said = []
    without = int((codes == "").sum())
    if without:
        used = "they count" if field.missing else "they are left out"
        said.append(f"{what}: {without} features have no code; {used}")
    unknown = codes[~codes.isin([*field.codes, ""])].value_counts(sort=False).sort_index()
    if len(unknown) == 0:
        return said
    listed = ", ".join(f"'{code}' ({n})" for code, n in unknown.iloc[:_MOST_TOLD].items())
    more = f" and {len(unknown) - _MOST_TOLD} more" if len(unknown) > _MOST_TOLD else ""
    if field.others and codes.isin(list(field.codes)).any():
        return said
    said.append(
        f"{what}: {int(unknown.sum())} features have codes that are not known and are left out: "
        f"{listed}{more}; find out what they mean"
    )
    return said


def _codes(field: CodeField, values: pd.Series, layer: str) -> pd.Series:
    """Return the official code of each value; "" where there is none, unknown ones as they are."""
    known = {_folded_code(code): code for code in field.codes}
    known |= {_folded_code(other): code for other, code in field.also.items()}
    for word, meant in field.also_in_layer.items():
        if word in fold(layer):
            known |= {_folded_code(other): code for other, code in meant.items()}
    texts = values.map(str, na_action="ignore")  # a service may give a list
    unique = {value: _folded_code(value) for value in texts.dropna().unique()}
    official: Mapping[object, str] = {
        value: known.get(folded, str(value).strip() if folded else "")
        for value, folded in unique.items()
    }
    return texts.map(official).astype(object).where(values.notna(), "").astype("str")


def _folded_code(value: object) -> str:
    """Return a code as codes are compared: ``200``, ``200.0``, ``"0200"`` and ``≥ 1/200`` alike."""
    text = unicodedata.normalize("NFC", str(value)).strip()
    number = re.fullmatch(
        r"(?:[≥>=\s]*1\s*/\s*)?0*(\d+)(?:[.,]0+)?(?:\s*-?\s*års?(?:flom)?)?", text, re.IGNORECASE
    )
    if number:
        return number[1]
    return text if text.startswith("-") else fold(re.sub(r"[|.:/]", " ", text))


def _code_in(field: CodeField, layer: str) -> str:
    """Return the code that the name of a layer holds, the longest of them; "" where none."""
    names = {fold(code): code for code in field.codes}
    names |= {fold(other): code for other, code in field.also.items()}
    held = [name for name in names if name in fold(layer)]
    return names[max(held, key=len)] if held else ""
