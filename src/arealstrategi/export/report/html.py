"""Documents as one HTML file: no script, no request, printable, for screen readers too."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

from arealstrategi.export.labels import CLASS_COLOURS, STATUS_COLOURS, words
from arealstrategi.export.report.blocks import Document, Figure

_TEMPLATES = files("arealstrategi.export.report") / "templates"
_MIME = {"png": "image/png", "svg": "image/svg+xml"}


def write_html(path: Path, document: Document) -> None:
    """Write a document as HTML; the same document gives the same bytes."""
    path.write_text(as_html(document), encoding="utf-8", newline="\n")


def as_html(document: Document) -> str:
    """Return a document as HTML.

    Texts are escaped by Jinja; pictures are ``data:`` addresses, and nothing but them and the one
    style sheet, named by its hash, is let in by the Content-Security-Policy.
    """
    style = _style(document.footer)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _environment().get_template("report.html")
    return page.render(
        document=document,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        words=words(document.language),
    )


@cache
def _environment() -> Environment:
    template = (_TEMPLATES / "report.html").read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({"report.html": template}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_address"] = _data_address
    return environment


def _data_address(figure: Figure) -> str:
    return f"data:{_MIME[figure.form]};base64,{base64.b64encode(figure.image).decode()}"


def _style(footer: str) -> str:
    """Return the style sheet with the colours of the classes and the foot of each page.

    The foot is the only text of the data in it: every character is written as its code, so that
    none can end the string or the element.
    """
    colours = {**CLASS_COLOURS, **STATUS_COLOURS}
    swatches = "\n".join(f".is-{name} {{ background: {code}; }}" for name, code in colours.items())
    escaped = "".join(f"\\{ord(letter):06x}" for letter in footer)
    sheet = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    return f'{sheet}\n{swatches}\n@page {{ @bottom-left {{ content: "{escaped}"; }} }}\n'
