"""What everything that asks the web needs: patience, one clear error, files written whole."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import requests
import urllib3

from arealstrategi.errors import HIDDEN, OnlineError, OutputError, without_secrets
from arealstrategi.provenance import sha256 as checksum_of

log = logging.getLogger(__name__)

T = TypeVar("T")

PAUSES_S: tuple[float, ...] = (15.0, 60.0)  # before the second and the third try
LONGEST_PAUSE_S = 600.0  # a service that asks for more is not waited for
TIMEOUT_S = (20.0, 120.0)  # to connect, and between two pieces of an answer
MOST_BYTES = 500_000_000  # of one answer in memory
MOST_FILE_BYTES = 20 << 30  # of one answer on disk
AGENT = "arealstrategi"


class UnansweredError(Exception):
    """A service refused or gave an answer that cannot be used.

    Parameters
    ----------
    what
        What it did.
    pause_s
        How long it asks to wait.
    final
        Whether asking again cannot help.
    """

    def __init__(self, what: str, *, pause_s: float = 0.0, final: bool = False) -> None:
        super().__init__(what)
        self.pause_s = pause_s
        self.final = final


def ask(service: str, question: Callable[[], T], *, hint: str, hidden: Sequence[str] = ()) -> T:
    """Put a question to a service, again after a pause where it fails, and at last give up.

    Parameters
    ----------
    service
        What to call it in messages.
    question
        Asks once; raises `UnansweredError` where the answer cannot be used.
    hint
        What the user can do when the service does not answer.
    hidden
        Passwords and keys that no message may hold, whatever the service says of them.
    """
    tries = 0
    while True:
        tries += 1
        try:
            return question()
        except (UnansweredError, requests.RequestException) as error:
            what = hide(_what_happened(error), hidden)
            asked_s, final = 0.0, isinstance(error, ValueError)  # requests: the address is none
            if isinstance(error, UnansweredError):
                asked_s, final = error.pause_s, error.final
            if final or tries > len(PAUSES_S) or asked_s > LONGEST_PAUSE_S:
                times = f"{tries} tries" if tries > 1 else "1 try"
                message = f"{service} gave no usable answer in {times}: {what}"
                raise OnlineError(message, hint=hint) from None  # its address may hold a key
        pause_s = max(PAUSES_S[tries - 1], asked_s)
        log.warning("%s: %s; trying again in %.0f s", service, what, pause_s)
        time.sleep(pause_s)


def hide(text: str, hidden: Sequence[str]) -> str:
    """Return a text with `hidden`, and what looks like a password or a key, made unreadable."""
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(form, HIDDEN)
    return without_secrets(text)


def _what_happened(error: BaseException) -> str:
    if isinstance(error, UnansweredError):
        return str(error)
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    root = error
    while (deeper := root.__cause__ or root.__context__) is not None:
        root = deeper
    reason = getattr(root, "strerror", None) or str(root)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"the answer was cut off ({reason})"
    return f"the connection failed ({without_secrets(reason)})"


def get(
    address: str,
    *,
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    hint: str,
) -> requests.Response:
    """Get one answer, again after a pause where the service fails.

    Parameters
    ----------
    address, params, headers
        What to ask for; only ``http`` and ``https``.
    hint
        What the user can do when the service does not answer.

    Returns
    -------
    The whole answer, status below 400.

    Raises
    ------
    OnlineError
        The address is none, or the service gave no usable answer; never with a password or key.
    """
    return _whole("GET", address, hint, params=params, headers=headers)


def post(
    address: str,
    *,
    json: Any,  # noqa: ANN401
    headers: Mapping[str, str] | None = None,
    hint: str,
) -> requests.Response:
    """Post JSON and get one answer; the rest as in `get`."""
    return _whole("POST", address, hint, json=json, headers=headers)


def _whole(method: str, address: str, hint: str, **sent: Any) -> requests.Response:  # noqa: ANN401
    service = _service(address, hint)
    return ask(service, lambda: once(method, address, **sent), hint=hint)


def _service(address: str, hint: str) -> str:
    """Return what messages call an address, without its query; refuse what is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OnlineError(f"{address} is no address of a web service", hint=hint)
    return without_secrets(f"{parts.scheme}://{parts.netloc}{parts.path}")


def once(method: str, address: str, **sent: Any) -> requests.Response:  # noqa: ANN401
    """Ask once and return the whole answer, status below 400; a question for `ask`.

    Parameters
    ----------
    method, address, sent
        As `requests.request` takes them.

    Raises
    ------
    UnansweredError, requests.RequestException
        There is no such answer.
    """
    logging.getLogger("urllib3").setLevel(logging.INFO)  # its debug lines hold whole addresses
    sent["headers"] = {"User-Agent": AGENT} | dict(sent.get("headers") or {})
    with requests.request(method, address, timeout=TIMEOUT_S, stream=True, **sent) as answer:
        _refuse(answer)
        _read_whole(answer)
        return answer


def download(
    address: str,
    path: Path,
    *,
    hint: str,
    sha256: str | None = None,
    resume: bool = True,
    check: Callable[[requests.Response], None] | None = None,
) -> str:
    """Stream a file to disk; where it was cut off, go on from there.

    Until all is there it is called ``NAME.part``, and ``NAME.part.version`` says which version of
    the file it is a part of: another one, or one from a server that cannot go on, comes whole.

    Parameters
    ----------
    address, hint
        As for `get`.
    path
        Where to put it; replaced once all is there.
    sha256
        What its checksum must be, where that is known.
    resume
        Whether to go on with what an earlier run left.
    check
        Sees every answer, redirects too, before it is taken; may raise.

    Returns
    -------
    The checksum, SHA-256.

    Raises
    ------
    OnlineError
        The address is none, the service gave no usable answer, or the checksum is another.
    OutputError
        The folder cannot be written.
    """
    service = _service(address, hint)
    part = path.with_name(f"{path.name}.part")
    version = path.with_name(f"{path.name}.part.version")
    with writable(path.parent):
        if not resume:
            part.unlink(missing_ok=True)
        ask(service, lambda: _go_on(address, part, version, check), hint=hint)
        found = checksum_of(part)
        version.unlink(missing_ok=True)
        if sha256 is not None and found != sha256.lower():
            part.unlink()
            raise OnlineError(
                f"{service}: the file that came is not the one expected: its SHA-256 is {found}, "
                f"not {sha256}",
                hint=hint,
            )
        part.replace(path)
    return found


def _go_on(
    address: str,
    part: Path,
    version: Path,
    check: Callable[[requests.Response], None] | None,
) -> None:
    """Ask for what `part` lacks, or for all of it, and write that down."""
    logging.getLogger("urllib3").setLevel(logging.INFO)  # its debug lines hold whole addresses
    had = part.stat().st_size if part.exists() and version.exists() else 0
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if had:
        known = version.read_text(encoding="utf-8")
        headers |= {"Range": f"bytes={had}-", "If-Range": known}
    hooks = {"response": lambda answer, **_: check(answer)} if check else {}
    with requests.get(
        address, headers=headers, timeout=TIMEOUT_S, stream=True, hooks=hooks
    ) as answer:
        if answer.status_code == 416 and had:  # noqa: PLR2004 - nothing lies beyond what we have
            if answer.headers.get("Content-Range") == f"bytes */{had}":
                return
            part.unlink()
            raise UnansweredError("the file is another than the part that came before")
        _refuse(answer)
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {had}-")
        goes_on = answer.status_code == 206 and begins  # noqa: PLR2004
        with part.open("ab" if goes_on else "wb") as file:
            if not goes_on:
                had = 0
                _note_version(answer, version)  # once what was there is gone
            for block in answer.iter_content(1 << 16):  # a cut loses the one on its way
                had += len(block)
                if had > MOST_FILE_BYTES:
                    told = f"the file is larger than {MOST_FILE_BYTES >> 30} GB"
                    raise UnansweredError(told, final=True)
                file.write(block)


def _note_version(answer: requests.Response, version: Path) -> None:
    """Note how to recognise the file that comes; not with a tag that other files may share."""
    tag = answer.headers.get("ETag", "")
    known = answer.headers.get("Last-Modified", "") if tag.startswith("W/") or not tag else tag
    if known:
        version.write_text(known, encoding="utf-8")
    else:
        version.unlink(missing_ok=True)


def _refuse(answer: requests.Response) -> None:
    if answer.ok:
        return
    start = ""
    with suppress(urllib3.exceptions.HTTPError):  # a refusal that is cut off is one all the same
        start = answer.raw.read(300, decode_content=True).decode(errors="replace")
    start = " ".join(start.split())
    told = f"it answered {answer.status_code} {answer.reason}" + (f" ({start})" if start else "")
    final = answer.status_code < 500 and answer.status_code not in {408, 425, 429}  # noqa: PLR2004
    raise UnansweredError(told, pause_s=retry_after_s(answer), final=final)


def _read_whole(answer: requests.Response) -> None:
    """Read the answer into memory, but not without an end."""
    blocks, size = [], 0
    for block in answer.iter_content(1 << 20):
        size += len(block)
        if size > MOST_BYTES:
            raise UnansweredError(f"the answer is larger than {MOST_BYTES >> 20} MB", final=True)
        blocks.append(block)
    answer._content = b"".join(blocks)  # noqa: SLF001 - as requests does when it reads by itself


def retry_after_s(response: requests.Response) -> float:
    """Return how many seconds the service asks to wait; 0 where it does not say."""
    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    with suppress(ValueError, TypeError):  # no date, or none with a time zone
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Lend a name beside `path`, and rename it once all is written."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def writable(cache_dir: Path) -> Iterator[None]:
    """Make the cache folder; turn what the disk says of it into one clear error."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OutputError(
            f"{cache_dir}: the folder cannot be written ({error.strerror or error})",
            hint="Make room on the disk, or give yourself the right to write there.",
        ) from error
