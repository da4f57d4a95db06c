"""Writing a folder of outputs: each whole or not at all, and none lost for another's sake."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from arealstrategi.errors import ArealstrategiError, OutputError

log = logging.getLogger(__name__)


def write_all(folder: Path, outputs: Mapping[str, Callable[[Path], None]]) -> list[Path]:
    """Write every file beside its place and rename it; see `Result.write`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise OutputError(
            f"{folder}: results cannot be written there ({error.strerror or error})",
            hint="Choose another folder with --out or `dir` under [output].",
        ) from error
    written, failed = [], {}
    try:
        for name, write in outputs.items():
            try:
                write(beside / name)
                os.replace(beside / name, folder / name)  # noqa: PTH105 - atomic, also over a file
                written.append(folder / name)
            except Exception as error:  # one failed file must not lose the others
                log.debug("writing %s failed", name, exc_info=True)
                failed[name] = _why(error, beside) + _older(folder / name)
                _clear(beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    if failed:
        told = "\n".join(f"  {name}: {why}" for name, why in failed.items())
        kept = ", ".join(path.name for path in written) or "nothing"
        raise OutputError(
            f"{folder}: {len(failed)} of {len(outputs)} files could not be written\n{told}",
            hint=f"Written: {kept}. Check the free space and whether a file is open elsewhere.",
        )
    return written


def _why(error: Exception, beside: Path) -> str:
    """Say what went wrong, on one line, without the folder that is gone by then."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).replace(f"{beside}{os.sep}", "").split())
    known = isinstance(error, ArealstrategiError)
    return text if known else f"{text} ({type(error).__name__})".strip()


def _older(path: Path) -> str:
    return "; the one of an earlier run is still there" if path.is_file() else ""


def _clear(folder: Path) -> None:
    """Remove what is left of half a file: on a full disk the others need the room."""
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
