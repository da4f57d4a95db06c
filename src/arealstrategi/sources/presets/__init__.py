"""Official hazard and protection layers by name: their fields, codes, rule and law."""

from arealstrategi.sources.presets.features import columns_for, select_features
from arealstrategi.sources.presets.table import (
    CodeField,
    Preset,
    pick_layer,
    preset,
    preset_names,
    preset_table,
)

__all__ = [
    "CodeField",
    "Preset",
    "columns_for",
    "pick_layer",
    "preset",
    "preset_names",
    "preset_table",
    "select_features",
]
