"""Writing a folder of outputs: each whole or not at all, and none lost for another's sake."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from arealstrategi.errors import OutputError

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
                failed[name] = str(error) or type(error).__name__
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
