"""Errors that a user can act on.

* ArealstrategiError
    - StrategyError: the strategy file says something that cannot be
    - InputError: a file or layer cannot be used as it is
    - OnlineError: a web service did not answer
    - OutputError: a result could not be written

Each message says what happened, where, and what was found; ``hint`` says what
to do. Neither ever holds a password or a key. Only the command line catches
them. A programming mistake stays a ``ValueError`` or a ``TypeError``.
"""

from __future__ import annotations

import re

_IN_ADDRESS = re.compile(r"(?<=://)([^/\s:@'\"]*):[^/\s@'\"]*@")
_NAMED = re.compile(
    r"(?i)\b((?:[\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key|signature|credential)|"
    r"(?<=[?&])(?:key|sig|auth))(?:=|%3D|['\"]?:\s*)['\"]?)([^\s&'\";,#]+)"
)
_QUOTED = re.compile(r"(?i)\b((?:password|passwd|pwd|secret|token)\s*=\s*)'(?:[^'\\]|\\.)*'")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}")
HIDDEN = "***"


def without_secrets(text: str) -> str:
    """Return a text with passwords, tokens and keys in addresses and settings made unreadable.

    Parameters
    ----------
    text
        Whatever is about to be shown or written: an address, a message, a log line.
    """
    text = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
    text = _QUOTED.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _BEARER.sub(rf"\1 {HIDDEN}", text)


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
        self.message = without_secrets(message)
        self.hint = without_secrets(hint)
        super().__init__(self.message)

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
