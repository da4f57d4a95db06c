"""Find where housing for older people should go.

Parcels, walking distances to services, and a score that can be explained::

    import arealstrategi as ars

    result = ars.run(ars.Strategy.read("strategy.toml"))
    result.map()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arealstrategi.analysis import Inputs, analyse, read, run
    from arealstrategi.errors import (
        ArealstrategiError,
        InputError,
        OnlineError,
        OutputError,
        StrategyError,
    )
    from arealstrategi.result import Result
    from arealstrategi.strategy import Strategy

# Imported on first use, so that the command line answers at once.
_HOME = {
    "ArealstrategiError": "errors",
    "InputError": "errors",
    "Inputs": "analysis",
    "OnlineError": "errors",
    "OutputError": "errors",
    "Result": "result",
    "Strategy": "strategy",
    "StrategyError": "errors",
    "analyse": "analysis",
    "read": "analysis",
    "run": "analysis",
}

__all__ = [
    "ArealstrategiError",
    "InputError",
    "Inputs",
    "OnlineError",
    "OutputError",
    "Result",
    "Strategy",
    "StrategyError",
    "analyse",
    "read",
    "run",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name in _HOME:
        return getattr(import_module(f"arealstrategi.{_HOME[name]}"), name)
    raise AttributeError(f"module 'arealstrategi' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
