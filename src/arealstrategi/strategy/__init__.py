"""The strategy file: what a planner writes, read into each stage's own options.

Unknown keys are refused with the nearest right one, all problems are told at once, and relative
paths are relative to the file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import Field, PrivateAttr, ValidationError

from arealstrategi.areas import AreaRules
from arealstrategi.criteria import AnyCriterion, NumberCriterion, WalkCriterion
from arealstrategi.errors import StrategyError, without_secrets
from arealstrategi.robustness import RobustnessOptions
from arealstrategi.scoring import Gate
from arealstrategi.strategy.contradictions import contradictions, unknown_names
from arealstrategi.strategy.problems import all_readable, problems
from arealstrategi.strategy.sections import (
    AreaOptions,
    BuildableOptions,
    ConstraintEntry,
    CriterionEntry,
    OsmOptions,
    OutputOptions,
    ParcelOptions,
    PlanEntry,
    PopulationOptions,
    ScenarioEntry,
    ScoreOptions,
    Section,
    ServiceOptions,
    SiteOptions,
    TerrainOptions,
    WalkerOptions,
    WeightingEntry,
)
from arealstrategi.strategy.shipped import catalogue_entries, group_labels, merged
from arealstrategi.strategy.weighing import Weights, reweighed, weigh
from arealstrategi.weights import Weighting, found_weights

__all__ = [
    "ConstraintEntry",
    "CriterionEntry",
    "PlanEntry",
    "ScenarioEntry",
    "Strategy",
    "Weights",
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
    weighting: tuple[WeightingEntry, ...] = ()
    gate: tuple[Gate, ...] = ()
    buildable: BuildableOptions = Field(default_factory=BuildableOptions)
    robustness: RobustnessOptions = Field(default_factory=RobustnessOptions)
    areas: AreaRules = Field(default_factory=AreaRules)
    services: ServiceOptions = Field(default_factory=ServiceOptions)
    plan: tuple[PlanEntry, ...] = ()
    population: PopulationOptions = Field(default_factory=PopulationOptions)
    criterion: tuple[CriterionEntry, ...] = ()
    constraint: tuple[ConstraintEntry, ...] = ()
    sites: SiteOptions = Field(default_factory=SiteOptions)
    scenario: tuple[ScenarioEntry, ...] = ()
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
        found = [text for _, text in strategy._merged if text] + contradictions(strategy)  # noqa: SLF001
        if found:
            raise problems(name, found)
        if not any(c.weight > 0 for c in strategy.criteria):
            raise problems(name, ["criterion: no criterion has a weight above 0"])
        if found := unknown_names(strategy):
            raise problems(name, found)
        return strategy

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
        """Normalised weights by criterion key, where no survey has to be read for them."""
        return self.weigh([]).weight

    def weigh(self, surveys: Sequence[pd.DataFrame]) -> Weights:
        """Return what every criterion weighs, and by whom.

        Parameters
        ----------
        surveys
            The answers of each ``[[weighting]]`` of method survey, in their order.

        Raises
        ------
        StrategyError
            A weighting names a group or criterion that is not in use.
        """
        answers = iter(surveys)
        public = self.output.audience == "public"  # is told how, not who
        found = [
            found_weights(
                entry.model_copy(update={"source": entry.method}) if public else entry,
                next(answers) if entry.method == "survey" else None,
            )
            for entry in self.weighting
        ]
        return self.weights_of(self.criteria, self.score.weights, found)

    def weights_of(
        self, criteria: Sequence[AnyCriterion], weight_set: str, found: Sequence[Weighting]
    ) -> Weights:
        """Return the weights of some criteria, with what people answered laid on them."""
        own = {e.key: "the strategy file" for e in self.criterion if e.weight is not None}
        shipped = f"the shipped set {weight_set}" if self.score.catalogue != "none" else ""
        return weigh(criteria, found, source=shipped, own=own)

    def weights_in(self, what_if: ScenarioEntry, weights: Weights) -> Weights:
        """Return the weights that hold in a scenario.

        Another shipped set takes the place of all weights. A weight by criterion is its share of
        all; the other criteria keep their proportions.

        Parameters
        ----------
        what_if
            The scenario.
        weights
            Those of the strategy.
        """
        if what_if.weights is not None:
            catalogue = self.score.catalogue != "none"
            again = merged(self.criterion, what_if.weights, catalogue=catalogue)
            criteria = [c for c, _ in again if c is not None]
            weights = self.weights_of(criteria, what_if.weights, [])
        return reweighed(weights, what_if.weight, f"scenario {what_if.name}")

    @property
    def margin_m(self) -> float:
        """How far outside the boundary things count, metres: the farthest anchor of a distance."""
        farthest = [c.zero_m for c in self.criteria if isinstance(c, WalkCriterion)]
        farthest += [
            max(c.within_m, c.worth.largest_anchor if c.kind == "distance" else 0.0)
            for c in self.criteria
            if isinstance(c, NumberCriterion)
        ]
        return max(farthest, default=0.0)

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
