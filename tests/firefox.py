"""Debian's Firefox, without a driver: it speaks WebDriver BiDi itself, over a web socket."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_EVENTS = ["log.entryAdded", "network.beforeRequestSent"]
_PATIENCE_S = 60
# every request but of a file goes to a port where nothing listens
_NO_NETWORK = """
user_pref("network.proxy.type", 1);
user_pref("network.proxy.http", "127.0.0.1");
user_pref("network.proxy.http_port", 9);
user_pref("network.proxy.ssl", "127.0.0.1");
user_pref("network.proxy.ssl_port", 9);
user_pref("network.proxy.allow_hijacking_localhost", true);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
"""


class Tab:
    """A tab: goes to pages, runs scripts, points and types as a person does.

    ``errors`` are the texts of uncaught errors, rejected promises, what the page wrote as an error
    and what its Content-Security-Policy stopped; ``requests`` the addresses it asked for, but for
    the page itself and for what it holds (data:, blob:).
    """

    def __init__(self, session: "Session", context: str) -> None:
        self._session = session
        self._context = context
        self._page = ""

    def goto(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._page = url
        self._ask("browsingContext.navigate", url=url, wait="complete")

    def evaluate(self, script: str) -> Any:
        """Return what a JavaScript expression gives, promises awaited, as plain Python."""
        wrapped = f"Promise.resolve({script}).then((v) => JSON.stringify(v))"
        told = self._session.ask(
            "script.evaluate",
            expression=wrapped,
            awaitPromise=True,
            target={"context": self._context},
        )
        if told["type"] != "success":
            raise AssertionError(f"{script}: {told['exceptionDetails']['text']}")
        text = told["result"].get("value")
        return None if text is None else json.loads(text)

    def wait_for(self, condition: str, seconds: float = _PATIENCE_S) -> Any:
        """Wait until an expression is true; return what it gives."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(condition)):
            if time.monotonic() > end:
                raise AssertionError(f"never true: {condition}; errors: {self.errors}")
            time.sleep(0.05)
        return value

    def click(self, x: float, y: float) -> None:
        """Press and let go the mouse at a place of the window (CSS pixels)."""
        button = {"button": 0}
        actions = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown"} | button,
            {"type": "pointerUp"} | button,
        ]
        self._perform({"type": "pointer", "id": "mouse", "actions": actions})

    def press(self, *keys: str) -> None:
        """Type keys; special ones by their WebDriver code points."""
        actions = [{"type": way, "value": key} for key in keys for way in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keyboard", "actions": actions})

    @property
    def errors(self) -> list[str]:
        """What went wrong up to now."""
        entries = self._heard("log.entryAdded")
        here = [e for e in entries if e["source"].get("context") == self._context]
        return [str(entry["text"]) for entry in here if entry["level"] == "error"]

    @property
    def requests(self) -> list[str]:
        """The addresses asked for up to now."""
        entries = self._heard("network.beforeRequestSent")
        asked = [e["request"]["url"] for e in entries if e["context"] == self._context]
        return [url for url in asked if url != self._page and not re.match("(data|blob):", url)]

    def _heard(self, event: str) -> list[dict[str, Any]]:
        self._ask("browsingContext.getTree", at="root")  # what came before its answer is heard
        return [told["params"] for told in self._session.events if told["method"] == event]

    def _perform(self, source: dict[str, Any]) -> None:
        self._ask("input.performActions", actions=[source])

    def _ask(self, method: str, at: str = "context", **params: object) -> dict[str, Any]:
        return self._session.ask(method, **{at: self._context}, **params)


class Session:
    """A connection with a browser: commands, their answers, and the events between them."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._asked = 0
        self.events: list[dict[str, Any]] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=_EVENTS)

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and return its result."""
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            told = json.loads(self._socket.recv(timeout=_PATIENCE_S))
            if told["type"] == "event":
                self.events.append(told)
            elif told["id"] == self._asked:
                break
        if told["type"] == "error":
            raise AssertionError(f"{method}: {told['error']}: {told['message']}")
        result: dict[str, Any] = told["result"]
        return result

    @contextmanager
    def tab(self, width: int = 1400, height: int = 900) -> Iterator[Tab]:
        """Open a tab of its own with a window of that size."""
        context = self.ask("browsingContext.create", type="tab")["context"]
        size = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=context, viewport=size)
        yield Tab(self, context)
        self.ask("browsingContext.close", context=context)


@contextmanager
def started(program: str, folder: Path) -> Iterator[Session]:
    """Start Firefox without a window and without network, in a profile in an empty folder."""
    (folder / "user.js").write_text(_NO_NETWORK, encoding="utf-8")
    told = folder / "told.txt"
    command = [program, "--headless", "--no-remote", "--profile", str(folder)]
    with told.open("wb") as log, subprocess.Popen(
        [*command, "--remote-debugging-port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            address = _address(process, told)
            with connect(f"{address}/session", max_size=None, proxy=None) as socket:
                session = Session(socket)
                yield session
                session.ask("browser.close")
            process.wait(_PATIENCE_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _address(process: subprocess.Popen[bytes], told: Path) -> str:
    """Return where the browser listens, once it says so."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        text = told.read_text(encoding="utf-8", errors="replace")
        if found := re.search(r"BiDi listening on (ws://\S+)", text):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"Firefox did not start: {told.read_text(errors='replace')}")
