"""Statistikkbanken through PxWebApi v2: find a table, see what it holds, ask for numbers.

Seen in public programs and in SSB's own examples: the addresses, ``valuecodes[…]``,
``codelist[…]``, JSON-stat2 for data and metadata alike, at most 800 000 numbers an answer and 40
questions a minute (both have changed before). Answers are kept in the cache folder, each with
its date and licence beside it.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, prod
from pathlib import Path
from typing import Any

import pandas as pd

from arealstrategi import provenance
from arealstrategi.errors import OnlineError
from arealstrategi.sources import web
from arealstrategi.sources.statistics.jsonstat import HINT, categories, parse_json_stat

log = logging.getLogger(__name__)

BASE = "https://data.ssb.no/api/pxwebapi/v2"
MOST_CELLS = 800_000  # in one answer, as the service says of itself
PAGE_SIZE = 50
MOST_PAGES = 40
LICENCE, ATTRIBUTION = "CC BY 4.0 / NLOD", "Kilde: SSB"
BUSY = (
    "Statistics Norway allows 40 questions a minute and closes its tables for a while around "
    "05:00, 08:00 and 11:30. Ask again later, or export the table from ssb.no/statbank as CSV."
)


@dataclass(frozen=True)
class Answer:
    """One answer of the service.

    Parameters
    ----------
    document
        The JSON as Python reads it.
    address
        Where it was asked for.
    path
        The file in the cache folder; None where none is kept.
    fetched
        When, ISO 8601.
    """

    document: Any
    address: str
    path: Path | None
    fetched: str


@dataclass(frozen=True)
class Service:
    """Where to ask, and where to keep answers.

    Parameters
    ----------
    base
        Address of the service.
    cache_dir
        Folder; None: nothing is kept.
    """

    base: str = BASE
    cache_dir: Path | None = None


def search_tables(query: str, *, service: Service) -> pd.DataFrame:
    """Find tables by words in their titles, all pages of the answer.

    Parameters
    ----------
    query
        Lucene's syntax: ``title:framskrevet AND title:folkemengde``.
    service
        Where to ask.

    Returns
    -------
    ``id``, ``label`` (the title), ``first_period``, ``last_period``, ``updated``, ``variables``
    (text, joined with ``;``). Discontinued tables are left out. ``attrs["answers"]``.

    Raises
    ------
    OnlineError
        The service gave no usable answer.
    """
    found: list[dict[str, str]] = []
    answers: list[Answer] = []
    for page in range(1, MOST_PAGES + 1):
        params = {"lang": "no", "query": query, "pageSize": PAGE_SIZE, "pageNumber": page}
        answer = ask(service, "tables", params, title=f"tables found by {query}")
        answers.append(answer)
        try:
            found += [_row(entry) for entry in answer.document["tables"]]
            pages = int(answer.document["page"]["totalPages"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _not_as_documented(answer, "a page of tables") from None
        if page >= pages:
            break
    columns = ["id", "label", "first_period", "last_period", "updated", "variables", "over"]
    tables = pd.DataFrame(found, columns=columns, dtype="str")
    tables = tables[tables["over"] != "True"].drop(columns="over").reset_index(drop=True)
    tables.attrs["answers"] = tuple(answers)
    return tables


def _row(entry: Mapping[str, Any]) -> dict[str, str]:
    return {
        "id": str(entry["id"]),
        "label": str(entry["label"]),
        "first_period": str(entry.get("firstPeriod") or ""),
        "last_period": str(entry.get("lastPeriod") or ""),
        "updated": str(entry.get("updated") or ""),
        "variables": ";".join(map(str, entry.get("variableNames") or ())),
        "over": str(bool(entry.get("discontinued"))),
    }


def read_metadata(table: str, *, service: Service) -> Answer:
    """Return what a table holds; the document has the form of JSON-stat2, without numbers.

    Raises
    ------
    OnlineError
        The service gave no usable answer.
    """
    answer = ask(service, f"tables/{table}/metadata", {"lang": "no"}, title=f"table {table}")
    if not isinstance(answer.document, Mapping) or "dimension" not in answer.document:
        raise _not_as_documented(answer, "metadata in the form of JSON-stat2")
    return answer


def codelists(metadata: Answer, dimension: str) -> list[str]:
    """Return the ids of the code lists that a dimension offers, such as ``agg_KommSummer``."""
    try:
        extension = metadata.document["dimension"][dimension].get("extension") or {}
        return [str(entry["id"]) for entry in extension.get("codelists") or ()]
    except (KeyError, TypeError, AttributeError):
        raise _not_as_documented(metadata, f"a dimension '{dimension}'") from None


def read_codelist(name: str, *, service: Service) -> dict[str, tuple[str, ...]]:
    """Return the codes of a code list, each with the codes that it sums up.

    Raises
    ------
    OnlineError
        The service gave no usable answer.
    """
    answer = ask(service, f"codeLists/{name}", {"lang": "no"}, title=f"code list {name}")
    try:
        return {
            str(entry["code"]): tuple(map(str, entry.get("valueMap") or ()))
            for entry in answer.document["values"]
        }
    except (KeyError, TypeError, AttributeError):
        raise _not_as_documented(answer, "a code list") from None


def read_table(
    table: str,
    chosen: Mapping[str, Sequence[str]],
    *,
    service: Service,
    lists: Mapping[str, str] | None = None,
    most_cells: int = MOST_CELLS,
) -> tuple[pd.DataFrame, tuple[Answer, ...]]:
    """Ask for numbers, in several questions where one answer would be too large.

    Parameters
    ----------
    table
        Its number: ``07459``.
    chosen
        Dimension to the codes wanted. One that is left out is summed up by the service, where it
        can be.
    service
        Where to ask.
    lists
        Dimension to the code list that its codes come from.
    most_cells
        The most numbers to ask for at once.

    Returns
    -------
    As `parse_json_stat` gives them, and the answers behind them.

    Raises
    ------
    OnlineError
        The service gave no usable answer.
    """
    answers, parts = [], []
    for piece in _pieces(chosen, most_cells):
        params: dict[str, object] = {"lang": "no", "outputFormat": "json-stat2"}
        params |= {f"valuecodes[{name}]": ",".join(codes) for name, codes in piece.items()}
        params |= {f"codelist[{name}]": code_list for name, code_list in (lists or {}).items()}
        answer = ask(service, f"tables/{table}/data", params, title=f"table {table}")
        answers.append(answer)
        parts.append(parse_json_stat(answer.document, source=answer.address))
    numbers = pd.concat(parts, ignore_index=True)
    numbers.attrs = parts[0].attrs
    return numbers, tuple(answers)


def _pieces(chosen: Mapping[str, Sequence[str]], most_cells: int) -> list[dict[str, Sequence[str]]]:
    """Cut the dimension with the most codes until each piece is small enough."""
    whole = {name: list(codes) for name, codes in chosen.items()}
    cells = prod(len(codes) for codes in whole.values())
    longest = max(whole, key=lambda name: len(whole[name]))
    codes = whole[longest]
    if cells <= most_cells or len(codes) == 1:
        return [dict(whole)]
    step = max(1, len(codes) // ceil(cells / most_cells))
    cut = [{**whole, longest: codes[at : at + step]} for at in range(0, len(codes), step)]
    return [piece for part in cut for piece in _pieces(part, most_cells)]


def ask(service: Service, what: str, params: Mapping[str, object], *, title: str) -> Answer:
    """Return an answer from the cache folder, else from the service.

    Raises
    ------
    OnlineError
        The service gave no usable answer.
    OutputError
        The cache folder cannot be written.
    """
    asked = {name: str(value) for name, value in params.items()}
    address = f"{service.base}/{what}"
    if service.cache_dir is None:
        response = web.get(address, params=asked, hint=BUSY)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Answer(_json(response.content, address), address, None, now)
    digest = hashlib.sha256(json.dumps([address, asked]).encode()).hexdigest()[:12]
    path = service.cache_dir / f"ssb-{what.replace('/', '-')}-{digest}.json"
    kept = _kept(path, address)
    if kept is not None:
        log.info("%s was fetched before", path)
        return kept
    response = web.get(address, params=asked, hint=BUSY)
    document = _json(response.content, address)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with web.writable(service.cache_dir):
        with web.beside(path) as part:
            part.write_bytes(response.content)
        provenance.write_origin(
            path,
            provenance.Origin(
                title, address, now, LICENCE, ATTRIBUTION, provenance.sha256(path)
            ),
        )  # fmt: skip
    return Answer(document, address, path, now)


def _kept(path: Path, address: str) -> Answer | None:
    """Return an answer that was kept whole, as its checksum says."""
    origin = provenance.read_origin(path)
    if origin is None or not path.is_file() or provenance.sha256(path) != origin.sha256:
        return None
    return Answer(_json(path.read_bytes(), address), address, path, origin.fetched)


def _json(content: bytes, address: str) -> Any:  # noqa: ANN401 - whatever the service says
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        start = " ".join(content[:120].decode(errors="replace").split())
        raise OnlineError(
            f"{address}: the answer is no JSON (it begins with {start!r})", hint=BUSY
        ) from None


def _not_as_documented(answer: Answer, what: str) -> OnlineError:
    return OnlineError(f"{answer.address}: the answer is not {what}", hint=HINT)


def codes_of(metadata: Answer, dimension: str) -> tuple[list[str], list[str]]:
    """Return codes and labels of a dimension of a table."""
    return categories(metadata.document, dimension, source=metadata.address)
