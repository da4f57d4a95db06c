"""A commented strategy file to start from."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

from arealstrategi.errors import OutputError, StrategyError
from arealstrategi.strategy import json_schema

SCHEMA_NAME = "arealstrategi.schema.json"


def write_starter(path: Path, kommune: str | None = None) -> None:
    """Write a strategy file with comments, and beside it the schema that editors complete from.

    Parameters
    ----------
    path
        The new file.
    kommune
        Number of a Norwegian municipality, four digits; None: left to fill in.

    Raises
    ------
    StrategyError
        The number is not one.
    OutputError
        The file exists already or cannot be written.
    """
    if kommune is not None and not re.fullmatch(r"\d{4}", kommune):
        raise StrategyError(
            f"--kommune {kommune}: a municipality has four digits", hint="Oslo is 0301."
        )
    text = resources.files("arealstrategi").joinpath("starter.toml").read_text(encoding="utf-8")
    text = text.replace("{file}", path.name).replace("{title}", "Seniorboliger")
    given = (
        f'kommune = "{kommune}"' if kommune else '# kommune = "3907"             # kommunenummer'
    )
    text = text.replace("{kommune}", given)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        schema = json.dumps(json_schema(), indent=1, ensure_ascii=False)
        path.with_name(SCHEMA_NAME).write_text(schema + "\n", encoding="utf-8")
    except FileExistsError:
        raise OutputError(
            f"{path}: is there already", hint="Choose another name; nothing was changed."
        ) from None
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error})", hint="Choose another folder."
        ) from error
