"""Addresses of layers on other machines: what they are, what may be told of them, and asking."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from arealstrategi.errors import HIDDEN, InputError, OnlineError, without_secrets
from arealstrategi.sources.web import UnansweredError, ask, hide, once

T = TypeVar("T")

WFS, OGC_API, ARCGIS, POSTGIS = "WFS 2.0", "OGC API – Features", "ArcGIS REST", "PostGIS"
PREFIXES = {"wfs": WFS, "ogcapi": OGC_API, "arcgis": ARCGIS}
HINT = "Try again later, or download the layer and give the file. What was fetched before is kept."

_REMOTE = re.compile(
    r"(?i)(?:(?P<web>wfs|ogcapi|arcgis):(?=https?://)|(?=https?://))"
    r"|(?P<database>(?:postgresql|postgres|postgis)://|pg:)"
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ESRI = re.compile(r"/(?:Map|Feature)Server(?:/\d+)?(?:/query)?/?$", re.IGNORECASE)
_COLLECTIONS = re.compile(r"/collections(?:/|$)")
_SECRET_NAMES = {"gkt", "pass", "pw", "sid", "ticket"}
_SCHEMA = re.compile(r"(?i)(?:(?<=[?&])|\b)(?:active_schema|schemas?)\s*=\s*'?([^\s&']+)'?&?")
_TABLES = re.compile(r"(?i)\btables\s*=\s*\S+")


@dataclass(frozen=True)
class Service:
    """Where layers are served, with the variables of the environment filled in.

    Parameters
    ----------
    kind
        One of the four; None: to be asked.
    told
        The address as it may be shown and written: as in the strategy file, without secrets.
    key
        What the strategy file calls this input.
    url
        Address without query, user and password; empty for a database.
    own
        Parameters that the address itself holds, or those of the database.
    headers
        Who asks, where the address holds a user and a password.
    hidden
        What no message, log or file may hold.
    """

    kind: str | None
    told: str
    key: str
    url: str = field(default="", repr=False)
    own: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


def is_remote(source: str) -> bool:
    """Say whether a source is the address of a service or a database, and not a file.

    Parameters
    ----------
    source
        ``https://…``; ``wfs:``, ``ogcapi:`` or ``arcgis:`` before it; ``postgresql://…`` or
        ``PG:host=…``.
    """
    return _REMOTE.match(source.strip()) is not None


def read_address(source: str, *, key: str, expand: bool) -> Service:
    """Take an address apart.

    Parameters
    ----------
    source
        As the strategy file holds it, with ``${NAME}`` for what it shall not hold.
    key
        What the strategy file calls this input.
    expand
        Whether the variables are filled in; without, only what may be told of it is of use.

    Raises
    ------
    InputError
        It is no address, or a variable is not set.
    """
    source = source.strip()
    match = _REMOTE.match(source)
    if match is None:
        raise InputError(f"{key}: {source} is no address of a service")
    if match["database"]:
        return _database(source, key, expand=expand)
    return _web(source[match.end() :], PREFIXES.get((match["web"] or "").lower()), key, expand)


def _web(address: str, kind: str | None, key: str, expand: bool) -> Service:  # noqa: FBT001
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        raise InputError(
            f"{key}: {without_secrets(address)} is no address of a service",
            hint="An address looks like https://wfs.geonorge.no/skwms1/wfs.flomsoner.",
        )
    query = parse_qsl(parts.query, keep_blank_values=True)
    user, _, at = parts.netloc.rpartition("@")
    told = f"{parts.scheme}://{HIDDEN + '@' if user else ''}{at}{parts.path}"
    if query:
        told += "?" + "&".join(
            f"{name}={HIDDEN if _is_secret(name) else value}" for name, value in query
        )
    kind = kind or _kind_by_address(parts)
    if not expand:
        return Service(kind, told, key)
    used: list[str] = []
    own = {name: _fill(value, key, used) for name, value in query}
    secrets = [own[name] for name in own if _is_secret(name)]
    headers = {}
    if user:
        name, _, password = (_fill(unquote(part), key, used) for part in user.partition(":"))
        pair = b64encode(f"{name}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
        secrets += [password or name, pair]
    url = f"{parts.scheme}://{_fill(at, key, used)}{_fill(parts.path, key, used)}"
    return Service(kind, told, key, url, own, headers, (*used, *secrets))


def _is_secret(name: str) -> bool:
    return name.lower() in _SECRET_NAMES or without_secrets(f"{name}=abc") != f"{name}=abc"


def _kind_by_address(parts: SplitResult) -> str | None:
    if _ESRI.search(parts.path):
        return ARCGIS
    if _COLLECTIONS.search(parts.path):
        return OGC_API
    if "wfs" in parts.path.lower() or "service=wfs" in parts.query.lower():
        return WFS
    return None


def _fill(text: str, key: str, used: list[str]) -> str:
    """Fill in the variables of the environment, and note their values."""

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise InputError(
                f"{key}: the environment variable {match[1]}, which the address needs, is not set",
                hint=f"Set it before you start: export {match[1]}=…",
            )
        used.append(found)
        return found

    return _VARIABLE.sub(value, text)


def _database(source: str, key: str, *, expand: bool) -> Service:
    text = re.sub(r"(?i)^postgis://", "postgresql://", re.sub(r"(?i)^pg:\s*", "", source))
    schema = _SCHEMA.search(text)
    text = _TABLES.sub("", _SCHEMA.sub("", text)).rstrip("?& ")
    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(text).items()}
    except psycopg.Error:
        parts = {"host": "@"}
    if "@" in parts.get("host", ""):  # what follows the first @ of a password
        raise InputError(
            f"{key}: the address of the database cannot be understood",
            hint="It looks like postgresql://user:${PGPASSWORD}@host:5432/database; signs such as "
            "@, / and : in a password are written %40, %2F and %3A.",
        )
    if schema:
        parts["schema"] = schema[1]
    user, host, port = (parts.get(name, "") for name in ("user", "host", "port"))
    told = (
        f"postgresql://{user + '@' if user else ''}{host}{':' + port if port else ''}"
        f"/{parts.get('dbname', '')}{'?schema=' + schema[1] if schema else ''}"
    )
    if not expand:
        return Service(POSTGIS, told, key)
    used: list[str] = []
    own = {name: _fill(value, key, used) for name, value in parts.items()}
    secrets = [own.get("password", ""), own.get("sslpassword", ""), os.environ.get("PGPASSWORD")]
    return Service(POSTGIS, told, key, own=own, hidden=tuple(filter(None, [*used, *secrets])))


def question(
    service: Service,
    read: Callable[[bytes], T],
    params: Mapping[str, str],
    *,
    url: str | None = None,
    accept: str = "*/*",
) -> T:
    """Ask a web service, again where it fails; the rest as in `question_once`."""
    return ask(
        service.told,
        lambda: question_once(service, read, params, url=url, accept=accept),
        hint=HINT,
        hidden=service.hidden,
    )


def question_once(
    service: Service,
    read: Callable[[bytes], T],
    params: Mapping[str, str],
    *,
    url: str | None = None,
    accept: str = "*/*",
) -> T:
    """Ask a web service once and read its answer.

    Parameters
    ----------
    service
        Whom to ask.
    read
        Makes something of the answer; raises `UnansweredError` where it is of no use.
    params
        What to ask; they go before parameters of the same name in the address.
    url
        Another page of the same service.
    accept
        Which forms are understood.
    """
    names = {name.lower() for name in params}
    own = {name: value for name, value in service.own.items() if name.lower() not in names}
    headers = {"Accept": accept, **service.headers}

    answer = once("GET", url or service.url, params=own | dict(params), headers=headers)
    return read(answer.content)


def read_json(content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer."""
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UnansweredError(f"the answer is no JSON object ({beginning(content)})")
    return told


def beginning(content: bytes) -> str:
    """Return how an answer begins, for a message."""
    return " ".join(content[:200].decode(errors="replace").split()) or "it is empty"


def refused(service: Service, what: str, hint: str = HINT) -> OnlineError:
    """Return the error for an answer that asking again does not mend."""
    return OnlineError(
        f"{service.told}: {hide(what, service.hidden)}", hint=hide(hint, service.hidden)
    )


def choose(service: Service, names: Mapping[str, T], layer: str | None) -> T:
    """Return the layer of that name, or the only one.

    Parameters
    ----------
    service
        Who serves them.
    names
        Each layer's names, to what stands for it; a layer may have several names.
    layer
        The name asked for.

    Raises
    ------
    InputError
        There is no such layer, or no name was given and there are several.
    """
    listed = ", ".join(repr(name) for name in list(names)[:60]) + (" …" if len(names) > 60 else "")  # noqa: PLR2004
    if layer is not None and layer in names:
        return names[layer]
    if layer is not None:
        raise InputError(
            f"{service.told}: there is no layer '{layer}'",
            hint=f"The layers are: {listed or 'none'}.",
        )
    if len(names) == 1:
        return next(iter(names.values()))
    raise InputError(
        f"{service.told}: serves {len(names) or 'no'} layers",
        hint=f"Set `layer` under {service.key} to one of: {listed}." if names else HINT,
    )
