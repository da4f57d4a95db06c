"""Documents as tagged PDF (PDF/UA-1) by Typst, an optional extra.

The blocks travel as JSON and the template shows their texts as text, so nothing in the data can be
read as markup. Fonts are those of Typst and Matplotlib: the same on every machine.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from arealstrategi.errors import OutputError
from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS
from arealstrategi.export.report.blocks import Document, Figure

INSTALL = 'python -m pip install "arealstrategi[pdf]"'
_TEMPLATE = files("arealstrategi.export.report") / "templates" / "report.typ"
_LONG_WORD = re.compile(r"\S{28,}")
_BREAKABLE_EVERY = 12
_NO_TIME = 0  # the day is no part of what a document says


def is_there() -> bool:
    """Say whether PDF can be written."""
    return find_spec("typst") is not None


def write_pdf(path: Path, document: Document) -> None:
    """Write a document as PDF.

    Raises
    ------
    OutputError
        Typst is not installed, or cannot set the document.
    """
    if not is_there():
        raise OutputError("PDF needs the package typst", hint=f"Install it: {INSTALL}")
    import matplotlib as mpl
    import typst

    fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
    with tempfile.TemporaryDirectory(prefix="arealstrategi-") as folder:
        root = Path(folder)
        main = root / "report.typ"
        main.write_bytes(_TEMPLATE.read_bytes())
        told = _told(document, root)
        (root / "document.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        try:
            made = typst.compile(
                main,
                root=root,
                font_paths=[fonts],
                ignore_system_fonts=True,
                pdf_standards="ua-1",
                timestamp=_NO_TIME,
            )
        except RuntimeError as error:
            raise OutputError(f"the PDF could not be set: {error}") from error
    path.write_bytes(made)


def _told(document: Document, root: Path) -> dict[str, Any]:
    """Return the document as JSON has it, its pictures written beside."""
    blocks = [_as_json(block, root) for block in document.blocks]
    colours = {**CLASS_COLOURS, **STATUS_COLOURS}
    head = {name: getattr(document, name) for name in ("title", "language", "footer")}
    return {**head, "colours": colours, "blocks": blocks}


def _as_json(value: Any, root: Path) -> Any:  # noqa: ANN401
    """Return a block, or what is in it, as JSON has it."""
    if isinstance(value, Figure):
        name = f"figure{len(list(root.iterdir()))}.{value.form}"
        (root / name).write_bytes(value.image)
        return {"kind": "figure", "file": name} | {
            key: _as_json(getattr(value, key), root) for key in ("alt", "caption", "width_mm")
        }
    if isinstance(value, str):
        return _breakable(value)
    if isinstance(value, Sequence):
        return [_as_json(one, root) for one in value]
    if hasattr(value, "kind"):
        inside = {one.name: _as_json(getattr(value, one.name), root) for one in fields(value)}
        return {"kind": value.kind} | inside
    return value


def _breakable(text: str) -> str:
    """Let words that no line holds break anywhere."""

    def opened(found: re.Match[str]) -> str:
        word = found.group()
        pieces = [word[i : i + _BREAKABLE_EVERY] for i in range(0, len(word), _BREAKABLE_EVERY)]
        return "\u200b".join(pieces)

    return _LONG_WORD.sub(opened, text)
