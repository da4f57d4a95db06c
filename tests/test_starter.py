"""The strategy file to start from."""

import json
import tomllib

import pytest

from arealstrategi.errors import OutputError
from arealstrategi.starter import SCHEMA_NAME, write_starter
from arealstrategi.strategy import Strategy, json_schema


def test_every_line_that_is_commented_out_is_a_right_one(tmp_path):
    """Taking the # away, one key at a time, must give a file that is understood."""
    write_starter(tmp_path / "s.toml")
    lines = (tmp_path / "s.toml").read_text(encoding="utf-8").splitlines()
    offered = [i for i, line in enumerate(lines) if line.startswith("# ") and " = " in line]
    assert len(offered) >= 10
    for i in offered:
        heading = next(line for line in reversed(lines[:i]) if line.lstrip("# ").startswith("["))
        if heading.startswith("#"):
            continue  # inside a table that is commented out as well
        tried = [line[2:] if n == i else line for n, line in enumerate(lines)]
        Strategy.build(tomllib.loads("\n".join(tried)))
    table = "\n".join(
        line.removeprefix("# ") if line.startswith("# [") or " = " in line else line
        for line in lines
    )
    whole = tomllib.loads(
        "\n".join(t for t in table.splitlines() if not t.startswith(("boundary", "place")))
    )
    strategy = Strategy.build(whole)
    assert strategy.constraint[0].name == "Flomsone 200 år"
    assert strategy.services.buildings is not None
    assert strategy.population.ages is not None
    assert strategy.criterion[0].key == "grocery"


def test_the_schema_lies_beside_it_for_editors(tmp_path):
    write_starter(tmp_path / "s.toml", "3907")
    assert json.loads((tmp_path / SCHEMA_NAME).read_text(encoding="utf-8")) == json_schema()
    text = (tmp_path / "s.toml").read_text(encoding="utf-8")
    assert text.startswith(f"#:schema ./{SCHEMA_NAME}")
    assert Strategy.read(tmp_path / "s.toml").area.kommune == "3907"


def test_a_folder_that_cannot_be_made_is_one_clear_error():
    with pytest.raises(OutputError, match="cannot be written"):
        write_starter(__import__("pathlib").Path("/proc/nowhere/s.toml"))
