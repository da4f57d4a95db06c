"""The strategy file: what a planner writes, read into each stage's own options.

Unknown keys are refused with the nearest right one, all problems are told at once, and relative
paths are relative to the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, PrivateAttr, ValidationError

from arealstrategi.criteria import AnyCriterion, WalkCriterion
from arealstrategi.errors import StrategyError, without_secrets
from arealstrategi.scoring import normalise
from arealstrategi.sources.remote import is_remote
from arealstrategi.strategy.problems import all_readable, not_one_of, problems
from arealstrategi.strategy.sections import (
    AreaOptions,
    ConstraintEntry,
    CriterionEntry,
    OsmOptions,
    OutputOptions,
    ParcelOptions,
    PlanEntry,
    PopulationOptions,
    ScoreOptions,
    Section,
    ServiceOptions,
    TerrainOptions,
    WalkerOptions,
)
from arealstrategi.strategy.shipped import catalogue_entries, group_labels, merged, weight_sets

__all__ = [
    "ConstraintEntry",
    "CriterionEntry",
    "PlanEntry",
    "Strategy",
    "catalogue_entries",
    "group_labels",
    "json_schema",
]

# what leads to the file of an absolute path
_FOLDERS = re.compile(r"^(?:[A-Za-z]:)?[\\/](?:[^\\/]+[\\/])*")


class Strategy(Section):
    """A whole strategy. Read one with `Strategy.read`."""

    title: str = Field(
        default="Arealstrategi",
        min_length=1,
        description="Shown on the map, in the GeoPackage and in run.json.",
    )
    language: Literal["nb", "en"] = Field(default="nb", description="Language of the outputs.")
    area: AreaOptions = Field(default_factory=AreaOptions)
    parcels: ParcelOptions
    osm: OsmOptions = Field(default_factory=OsmOptions)
    terrain: TerrainOptions = Field(default_factory=TerrainOptions)
    walker: WalkerOptions = Field(default_factory=WalkerOptions)
    score: ScoreOptions = Field(default_factory=ScoreOptions)
    services: ServiceOptions = Field(default_factory=ServiceOptions)
    plan: tuple[PlanEntry, ...] = ()
    population: PopulationOptions = Field(default_factory=PopulationOptions)
    criterion: tuple[CriterionEntry, ...] = ()
    constraint: tuple[ConstraintEntry, ...] = ()
    output: OutputOptions = Field(default_factory=OutputOptions)

    _path: Path | None = PrivateAttr(default=None)

    @classmethod
    def read(cls, path: str | Path) -> Strategy:
        """Read a strategy file.

        Parameters
        ----------
        path
            The TOML file.

        Raises
        ------
        StrategyError
            The file is missing or not TOML, or the message lists every problem found.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            written = tomllib.loads(text)
        except OSError as error:
            raise StrategyError(
                f"{path}: cannot be read ({error.strerror})",
                hint="Check the name, or write one with: arealstrategi new FILE",
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StrategyError(
                f"{path}: is not a valid TOML file ({error})",
                hint="Text stands in double quotes; a Windows path in single ones: 'C:\\data'.",
            ) from error
        return cls.build(written, source=path)

    @classmethod
    def build(cls, written: Mapping[str, Any], *, source: Path | None = None) -> Strategy:
        """Make a strategy from what a file (or a notebook) says.

        Parameters
        ----------
        written
            The tables of the strategy file as dictionaries.
        source
            The file, to which relative paths are relative; None: to the working folder.

        Raises
        ------
        StrategyError
            Lists every problem found.
        """
        base = source.resolve().parent if source else Path.cwd()
        name = str(source) if source else "the strategy"
        language = "en" if written.get("language") == "en" else "nb"
        try:
            strategy = cls.model_validate(written, context={"base": base, "language": language})
        except ValidationError as error:
            raise problems(name, all_readable(error, cls)) from None
        strategy._path = source  # noqa: SLF001 - its own
        found = [text for _, text in strategy._merged if text] + strategy._contradictions()  # noqa: SLF001
        if found:
            raise problems(name, found)
        if not any(c.weight > 0 for c in strategy.criteria):
            raise problems(name, ["criterion: no criterion has a weight above 0"])
        return strategy

    def _contradictions(self) -> list[str]:
        """Return what no section can see by itself."""
        found = []
        area, needs_plan = self.area, any(rule.plan_zones for rule in self.constraint)
        needs_plan = needs_plan or any(entry.kind == "plan_readiness" for entry in self.criterion)
        has_area = bool(area.boundary or area.kommune or area.place)
        if len({rule.name for rule in self.constraint}) < len(self.constraint):
            found.append("constraint: two of them have the same name")
        if self.score.weights not in weight_sets():
            found.append(not_one_of("score.weights", self.score.weights, weight_sets()))
        if self.parcels.grid_m and not has_area:
            found.append("area.boundary: a grid needs a boundary to fill")
        columns = [entry.key for entry in self.criterion if entry.kind == "column"]
        if self.parcels.grid_m and columns:
            found.append(f"criterion: a grid has no columns, so kind column cannot be: {columns}")
        if is_remote(self.parcels.source) and not has_area:
            found.append("area.boundary: parcels from a service need a boundary to ask for")
        if area.boundary is not None and is_remote(area.boundary):
            found.append("area.boundary: must be a file; an address is not read here")
        if needs_plan and not self.plan:
            found.append("plan: plan_readiness and plan_zones need a [[plan]] with its source")
        if self.population.ages is not None and self.population.grid is None:
            found.append("population.ages: needs a grid to spread the residents in")
        if self.population.ages == "ssb" and area.kommune is None:
            found.append("population.ages: ssb needs kommune under [area]")
        return found

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self._path.resolve().parent if self._path else Path.cwd()

    @cached_property
    def criteria(self) -> list[AnyCriterion]:
        """The criteria in use: the catalogue's, changed and added to; with the chosen weights."""
        return [criterion for criterion, _ in self._merged if criterion is not None]

    @property
    def weights(self) -> pd.Series:
        """Normalised weights by criterion key."""
        return normalise(pd.Series({c.key: c.weight for c in self.criteria}, dtype=float))

    @property
    def margin_m(self) -> float:
        """How far outside the boundary services count, metres: the largest ``zero_m``."""
        return max((c.zero_m for c in self.criteria if isinstance(c, WalkCriterion)), default=0.0)

    @property
    def output_folder(self) -> Path:
        """Where results go: ``dir``, or ``outputs`` and the file's name beside the file."""
        name = self._path.stem if self._path else "arealstrategi"
        return self.output.dir or self.folder / "outputs" / name

    def points_of(self) -> dict[str, Path]:
        """Return criterion key to the file with the user's own places."""
        return {e.key: e.points for e in self.criterion if e.points is not None}

    def told(self, value: Any) -> Any:  # noqa: ANN401
        """Return what may be shown of a value: no password, paths relative to the file's folder.

        For the public, no folder at all.
        """
        if isinstance(value, dict):
            return {self.told(key): self.told(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.told(inner) for inner in value]
        if not isinstance(value, str):
            return value
        text = value.replace(f"{self.folder}{os.sep}", "").replace(str(self.folder), ".")
        public = self.output.audience == "public"
        return without_secrets(_FOLDERS.sub("", text) if public else text)

    @cached_property
    def _merged(self) -> list[tuple[AnyCriterion | None, str]]:
        """Each criterion in use, or None and what is wrong with it."""
        catalogue = self.score.catalogue != "none"
        return list(merged(self.criterion, self.score.weights, catalogue=catalogue))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the strategy file, for editors."""
    schema = Strategy.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
