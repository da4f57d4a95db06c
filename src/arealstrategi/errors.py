"""Errors that a user can act on.

* ArealstrategiError
    - StrategyError: the strategy file says something that cannot be
    - InputError: a file or layer cannot be used as it is
    - OnlineError: a web service did not answer
    - OutputError: a result could not be written

Each message says what happened, where, and what was found; ``hint`` says what
to do. Only the command line catches them. A programming mistake stays a
``ValueError`` or a ``TypeError``.
"""

from __future__ import annotations


class ArealstrategiError(Exception):
    """Base of every error that is meant for the user.

    Parameters
    ----------
    message
        What happened, where, and what was found.
    hint
        What to do next.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class StrategyError(ArealstrategiError):
    """The strategy file says something that cannot be."""


class InputError(ArealstrategiError):
    """A file or a layer cannot be used as it is."""


class OnlineError(ArealstrategiError):
    """A web service did not answer as it should."""


class OutputError(ArealstrategiError):
    """A result could not be written."""
