"""What a document is made of, before it becomes HTML or PDF: a list of plain blocks.

Texts are plain: no markup is ever read out of them, so whatever the data hold is shown as text.
`plain` makes a text printable; every block does so with its own texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

MOST_CHARACTERS = (
    200  # longer names than any that people give; what is longer is damaged or hostile
)
MOST_OF_A_PARAGRAPH = 1600
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]+"
)


def plain(text: object, most: int = MOST_CHARACTERS) -> str:
    """Return a text that can be printed: no control characters, no half of a surrogate pair.

    Parameters
    ----------
    text
        Anything; it is shown as ``str`` shows it.
    most
        How many characters are kept; a longer text ends in an ellipsis.
    """
    shown = str(text)[: 4 * most].encode("utf-8", "replace").decode("utf-8")
    shown = _UNSEEN.sub(" ", shown).strip()
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"


@dataclass(frozen=True)
class _Block:
    _most: ClassVar[int] = MOST_CHARACTERS

    def __post_init__(self) -> None:
        for one in fields(self):
            value = _plain_inside(getattr(self, one.name), self._most)
            object.__setattr__(self, one.name, value)

    @property
    def kind(self) -> str:
        """What it is called in the templates."""
        return type(self).__name__.lower()


def _plain_inside(value: Any, most: int) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return plain(value, most)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return tuple(_plain_inside(one, most) for one in value)
    return value


@dataclass(frozen=True)
class Heading(_Block):
    """A heading; level 2 opens a section, level 1 a document or a sheet."""

    text: str
    level: Literal[1, 2, 3] = 2


@dataclass(frozen=True)
class Text(_Block):
    """A paragraph; `language` where it is not the document's."""

    _most: ClassVar[int] = MOST_OF_A_PARAGRAPH
    text: str
    style: Literal["body", "lead", "note", "small"] = "body"
    language: str = ""


@dataclass(frozen=True)
class Bullets(_Block):
    """A list; `language` where it is not the document's."""

    _most: ClassVar[int] = MOST_OF_A_PARAGRAPH
    items: Sequence[str]
    language: str = ""


@dataclass(frozen=True)
class Facts(_Block):
    """Terms and what is said of each."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell(_Block):
    """A cell with the colour of a class or status beside its text."""

    text: str
    colour: str = ""


@dataclass(frozen=True)
class Column(_Block):
    """A column: its title, whether it holds numbers, and its share of the width."""

    title: str
    is_number: bool = False
    width: float = 1.0


Row = Sequence[str | Cell]


@dataclass(frozen=True)
class Table(_Block):
    """A table whose first cell names its row; a table without rows is not shown."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Figure(_Block):
    """A picture with its text for those who do not see it.

    Parameters
    ----------
    image
        PNG, or SVG as UTF-8.
    width_mm
        How wide it is printed.
    """

    _most: ClassVar[int] = MOST_OF_A_PARAGRAPH
    image: bytes = field(repr=False)
    form: Literal["png", "svg"]
    alt: str
    caption: str
    width_mm: float


@dataclass(frozen=True)
class Bars(_Block):
    """Shares of a whole, 0–100, drawn as bars: name, length, and what is written."""

    caption: str
    rows: Sequence[tuple[str, float, str]]


@dataclass(frozen=True)
class Lines(_Block):
    """Room to write by hand."""

    title: str
    count: int = 4


@dataclass(frozen=True)
class Pair(_Block):
    """Blocks side by side; `share` is how much of the width the left ones get."""

    left: Sequence[Block]
    right: Sequence[Block]
    share: float = 0.5


@dataclass(frozen=True)
class Grid(_Block):
    """Small figures beside each other, three in a row."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class NewPage(_Block):
    """What follows begins on a page of its own."""


Block = Heading | Text | Bullets | Facts | Table | Figure | Bars | Lines | Pair | Grid | NewPage


@dataclass(frozen=True)
class Document:
    """A document.

    Parameters
    ----------
    title
        As the file is called by readers.
    language
        ``nb`` or ``en``.
    footer
        What stands at the foot of every page.
    blocks
        The first is the heading of level 1.
    """

    title: str
    language: str
    footer: str
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        for name in ("title", "footer"):
            object.__setattr__(self, name, plain(getattr(self, name)))

    @property
    def anchors(self) -> dict[str, str]:
        """Heading of each section to the name that links lead to."""
        sections = [b.text for b in self.blocks if isinstance(b, Heading) and b.level == 2]  # noqa: PLR2004
        return {text: f"s{number}" for number, text in enumerate(dict.fromkeys(sections), 1)}

    @property
    def opening(self) -> int:
        """How many blocks stand before the first section."""
        kinds = [isinstance(b, Heading) and b.level == 2 for b in self.blocks]  # noqa: PLR2004
        return kinds.index(True) if any(kinds) else len(kinds)
