"""The strategy file: what a planner writes, read into each stage's own options.

Unknown keys are refused with the nearest right one, all problems are told at once, and relative
paths are relative to the file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Self

import pandas as pd
import pyproj
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pyproj.exceptions import CRSError

from arealstrategi.constraints import Effect
from arealstrategi.criteria import ColumnCriterion, WalkCriterion
from arealstrategi.errors import StrategyError
from arealstrategi.network import Direction
from arealstrategi.scoring import Method, normalise
from arealstrategi.walker import ProfileName, Season, Walker, profile

AnyCriterion = WalkCriterion | ColumnCriterion
FILES_ONLY = "this version reads files; save the data to a GeoPackage first"


def _beside_file(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
    """Make a relative path relative to the strategy file."""
    base = (info.context or {}).get("base")
    if isinstance(value, str | Path) and base is not None:
        return Path(base) / Path(value).expanduser()
    return value


InputPath = Annotated[Path, BeforeValidator(_beside_file)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AreaOptions(_Section):
    """Where: the study area and the analysis CRS."""

    boundary: str | None = Field(
        default=None,
        description="A file with the boundary, or osm:NAME for an administrative area in the "
        "extract. Left out: the hull of the parcels.",
    )
    kommune: str | None = Field(
        default=None,
        pattern=r"^\d{4}$",
        description="Instead of boundary: the four digits of a Norwegian municipality, in quotes.",
    )
    place: str | None = Field(
        default=None, description="Instead of boundary: a place name to look up online."
    )
    crs: str | None = Field(
        default=None,
        description='Analysis CRS in metres, such as "EPSG:25832". Left out: the UTM zone.',
    )

    @field_validator("boundary", mode="before")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        if isinstance(value, str) and not value.startswith("osm:"):
            return str(_beside_file(value, info))
        return value

    @field_validator("crs")
    @classmethod
    def _metric(cls, value: str | None) -> str | None:
        if value is not None:
            _check_crs(value, metric=True)
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [n for n in ("boundary", "kommune", "place") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"give only one of {' and '.join(given)}")
        return self


class ParcelOptions(_Section):
    """What is judged: parcels, candidate points or grid cells."""

    source: str = Field(description="A vector file, or grid:SIDE for square cells (metres).")
    layer: str | None = Field(
        default=None, description="Layer of the file; left out: the only one."
    )
    id: str | None = Field(
        default=None, description="Column that identifies a parcel; left out: guessed."
    )
    crs: str | None = Field(
        default=None, description="CRS of the file, needed only where it does not say."
    )
    min_area_m2: float = Field(
        default=0.0, ge=0, description="Smaller parcels are excluded, with that reason."
    )
    municipal_land: InputPath | None = Field(
        default=None, description="List of cadastral numbers (CSV) or a polygon layer."
    )

    @field_validator("source", mode="before")
    @classmethod
    def _resolve(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            return value
        if value.startswith("grid:"):
            if not re.fullmatch(r"grid:\d+(\.\d+)?", value) or float(value[5:]) < 10:  # noqa: PLR2004
                raise ValueError("a grid is written grid:100 (metres, at least 10)")
            return value
        if re.match(r"[a-z]+://|PG:", value):
            raise ValueError(FILES_ONLY)
        return str(_beside_file(value, info))

    @field_validator("crs")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None:
            _check_crs(value, metric=False)
        return value

    @property
    def grid_m(self) -> float | None:
        """Side of the grid's cells in metres, or None for a file."""
        return float(self.source[5:]) if self.source.startswith("grid:") else None


class OsmOptions(_Section):
    """Streets and services."""

    source: InputPath | None = Field(
        default=None,
        description=".osm.pbf, .osm, .osm.gz or .osm.bz2; left out: fetched online and cached.",
    )
    snap_m: float = Field(
        default=150.0,
        gt=0,
        le=1000,
        description="Parcels and services farther than this from any path are not connected.",
    )


class TerrainOptions(_Section):
    """Elevation."""

    elevation: tuple[InputPath, ...] = Field(
        default=(),
        description="Rasters with heights; none: the ground is taken as flat, but for tagged "
        "inclines.",
    )


def _numbers_of_a_walker() -> Any:  # noqa: ANN401 - a class that is made here
    """Return a section in which every number of a walker may be set."""
    numbers: dict[str, Any] = {
        name: (
            Optional[told.annotation],  # noqa: UP045 - put together when it runs
            Field(default=None, description=f"{told.description}."),
        )
        for name, told in Walker.model_fields.items()
    }
    return create_model("WalkerNumbers", __base__=_Section, **numbers)


class WalkerOptions(_numbers_of_a_walker()):  # type: ignore[misc]
    """Who walks. Every number of the profile can be set here; left out, it is the profile's."""

    profile: ProfileName = Field(default="senior", description="Whose walking counts.")
    season: Season = Field(default="summer", description="winter: on snow and gritted ice.")
    direction: Direction = Field(
        default="both",
        description="Which way counts: to the service, home from it, or the mean of both.",
    )
    ferries: bool = Field(default=False, description="Whether ferries may be taken.")

    @property
    def walker(self) -> Walker:
        """The profile with the numbers that were overridden."""
        given = self.model_dump(include=set(Walker.model_fields), exclude_none=True)
        return Walker.model_validate(profile(self.profile, self.season).model_dump() | given)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        try:
            _ = self.walker
        except ValidationError as error:
            first = error.errors()[0]
            told = str(first["msg"]).removeprefix("Value error, ")
            raise ValueError(f"{first['loc'][0]}: {told}") from None
        return self


class ScoreOptions(_Section):
    """How values become a score."""

    method: Method = Field(default="weighted_sum", description="How values are joined.")
    alpha: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="For owa: 1 is the weighted sum, larger asks for all criteria to be good.",
    )
    weights: str = Field(default="default", description="A shipped set of weights.")
    catalogue: Literal["senior", "none"] = Field(
        default="senior", description='The shipped criteria; "none": only those written here.'
    )


class CriterionEntry(_Section):
    """Changes or adds a criterion; what is left out is as in the catalogue."""

    key: str = Field(description="Which criterion.")
    kind: Literal["walk", "column"] = Field(default="walk", description="How it is measured.")
    weight: float | None = Field(default=None, ge=0, description="Importance; 0 leaves it out.")
    full_m: float | None = Field(default=None, ge=0, description="Value 1 up to this distance.")
    zero_m: float | None = Field(default=None, gt=0, description="Value 0 from this distance.")
    k: int | None = Field(
        default=None, ge=1, le=10, description="How many of the nearest places count."
    )
    decay: tuple[float, ...] | None = Field(
        default=None,
        description="How much the nearest, the second nearest … count; left out, each counts half "
        "as much as the one before.",
    )
    points: InputPath | None = Field(default=None, description="Own places (CSV or vector file).")
    osm: bool | tuple[str, ...] | None = Field(
        default=None, description="false: own points alone; or rules for OpenStreetMap tags."
    )
    never: tuple[str, ...] | None = Field(default=None, description="Tags that rule a place out.")
    min_area_m2: float | None = Field(default=None, ge=0, description="Least area of a place.")
    areas_only: bool | None = Field(default=None, description="Places mapped as points are out.")
    column: str | None = Field(default=None, description="kind column: the parcels' column.")
    full: float | None = Field(default=None, description="kind column: worth 1.")
    zero: float | None = Field(default=None, description="kind column: worth 0.")
    group: str | None = Field(default=None, description="Group of the criterion.")
    label: dict[str, str] | str | None = Field(default=None, description="What readers see.")
    reason: str | None = Field(default=None, description="Why it counts.")


class ConstraintEntry(_Section):
    """A rule about zones in a file."""

    name: str = Field(min_length=1, description="What the reason says.")
    source: InputPath = Field(description="Vector file with the zones.")
    layer: str | None = Field(default=None, description="Layer; left out: the only one.")
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")
    where: str | None = Field(default=None, description="Which features (SQL condition).")
    effect: Effect = Field(default="exclude", description="What a hit does.")
    points: float = Field(default=10.0, ge=0, le=100, description="deduct: points to take off.")
    coverage: InputPath | None = Field(
        default=None, description='Surveyed area; outside it the answer is "not mapped".'
    )


class OutputOptions(_Section):
    """Where results go and who reads them."""

    dir: InputPath | None = Field(default=None, description="Folder of the results.")
    audience: Literal["internal", "public"] = Field(
        default="internal",
        description="Who reads it; public: no folder of yours is told in the outputs.",
    )


class Strategy(_Section):
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
        try:
            strategy = cls.model_validate(written, context={"base": base})
        except ValidationError as error:
            raise _problems(name, _all_readable(error)) from None
        strategy._path = source  # noqa: SLF001 - its own
        found = [text for _, text in strategy._merged() if text]  # noqa: SLF001
        if len({rule.name for rule in strategy.constraint}) < len(strategy.constraint):
            found.append("constraint: two of them have the same name")
        if strategy.score.weights not in _weight_sets():
            found.append(_not_one_of("score.weights", strategy.score.weights, _weight_sets()))
        if strategy.parcels.grid_m and not (
            strategy.area.boundary or strategy.area.kommune or strategy.area.place
        ):
            found.append("area.boundary: a grid needs a boundary to fill")
        if found:
            raise _problems(name, found)
        if not any(c.weight > 0 for c in strategy.criteria):
            raise _problems(name, ["criterion: no criterion has a weight above 0"])
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
        return [criterion for criterion, _ in self._merged() if criterion is not None]

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

    def _merged(self) -> Iterator[tuple[AnyCriterion | None, str]]:
        """Yield each criterion in use, or None and what is wrong with it."""
        shipped = catalogue_entries(self.score.weights) if self.score.catalogue != "none" else {}
        entries = {entry.key: entry for entry in self.criterion}
        if len(entries) < len(self.criterion):
            yield None, "criterion: two of them have the same key"
        for key in dict.fromkeys([*shipped, *entries]):
            yield _criterion(shipped.get(key), entries.get(key))


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the strategy file, for editors."""
    schema = Strategy.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def catalogue_entries(weights: str = "default") -> dict[str, dict[str, Any]]:
    """Return the shipped criteria, key to table, with the weights of a shipped set."""
    catalogue = _catalogue()
    entries = {entry["key"]: dict(entry) for entry in catalogue["criterion"]}
    groups = catalogue["weights"].get(weights)
    if groups is not None:
        total = pd.Series({k: e["weight"] for k, e in entries.items()}).groupby(
            {k: e["group"] for k, e in entries.items()}
        ).sum()  # fmt: skip
        for entry in entries.values():
            entry["weight"] *= groups.get(entry["group"], 0) / total[entry["group"]]
    return entries


def group_labels() -> dict[str, dict[str, str]]:
    """Return the catalogue's groups: key to label by language."""
    groups: dict[str, dict[str, str]] = _catalogue()["groups"]
    return groups


@cache
def _catalogue() -> dict[str, Any]:
    text = resources.files("arealstrategi").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _weight_sets() -> list[str]:
    return ["default", *_catalogue()["weights"]]


def _criterion(
    shipped: dict[str, Any] | None, entry: CriterionEntry | None
) -> tuple[AnyCriterion | None, str]:
    told = {} if entry is None else entry.model_dump(exclude_none=True, exclude={"points"})
    kind = entry.kind if entry is not None and "kind" in entry.model_fields_set else "walk"
    whole = {**(shipped or {}), **told}
    if "k" in told and "decay" not in told:
        whole.pop("decay", None)  # the shipped one is for the shipped number of places
    key = whole["key"]
    if isinstance(whole.get("label"), str):
        whole["label"] = {"nb": whole["label"], "en": whole["label"]}
    whole.setdefault("label", {"nb": key, "en": key})
    whole.setdefault("group", "own")
    if whole.get("osm") is False:
        whole["osm"] = ()
    elif whole.get("osm") is True:
        whole["osm"] = (shipped or {}).get("osm", ())
    model = ColumnCriterion if kind == "column" else WalkCriterion
    if kind == "walk" and not whole.get("osm") and (entry is None or entry.points is None):
        return None, (
            f'criterion "{key}": no places to walk to; set osm = ["key=value"] or points = "file" '
            f"(the catalogue has: {', '.join(catalogue_entries())})"
        )
    whole["kind"] = kind
    try:
        return model.model_validate(whole), ""
    except ValidationError as error:
        return None, "; ".join(f'criterion "{key}": {text}' for text in _all_readable(error))


def _check_crs(value: str, *, metric: bool) -> None:
    try:
        crs = pyproj.CRS.from_user_input(value)
    except CRSError:
        raise ValueError(f"{value!r} is no CRS; write it as EPSG:25832") from None
    if metric and (not crs.is_projected or crs.axis_info[0].unit_name != "metre"):
        raise ValueError(f"{value} is not in metres; use a UTM zone such as EPSG:25832")
    if metric and crs.to_epsg() == 3857:  # noqa: PLR2004
        raise ValueError("EPSG:3857 stretches distances; use a UTM zone such as EPSG:25832")


def _problems(name: str, found: list[str]) -> StrategyError:
    count = "1 problem" if len(found) == 1 else f"at least {len(found)} problems"
    lines = "\n".join(f"  {text}" for text in found)
    return StrategyError(f"{name}: {count}\n{lines}", hint="Correct the file and run again.")


def _all_readable(error: ValidationError) -> list[str]:
    """Put every problem into words; where a key may be of several kinds, as one."""
    texts: dict[tuple[Any, ...], str] = {}
    for problem in error.errors():
        where = tuple(part for part in problem["loc"] if not _is_union_tag(part))
        told = _readable(problem, list(where))
        if where in texts and where != ():
            told = f"{texts[where]}; or {told.split(': ', 1)[-1]}"
        texts[where or (len(texts),)] = told
    return list(texts.values())


def _is_union_tag(part: Any) -> bool:  # noqa: ANN401
    """Say whether a part of a path is pydantic's name for one of several kinds, not a key."""
    return isinstance(part, str) and re.search(r"[\[\]()-]", part) is not None


def _readable(problem: Any, where: list[Any]) -> str:  # noqa: ANN401
    """Put one pydantic problem into words, with the nearest right key for an unknown one."""
    text = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in where).lstrip(".")
    if problem["type"] == "extra_forbidden":
        known = _keys_at(where[:-1])
        near = difflib.get_close_matches(str(where[-1]), known, n=1, cutoff=0.5)
        asked = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known)}"
        return f"{text}: unknown key; {asked}"
    if problem["type"] == "missing":
        return f"{text}: is missing"
    message = str(problem["msg"]).removeprefix("Value error, ").replace("valid tuple", "list")
    given = problem.get("input")
    shown = f" (found {given!r})" if isinstance(given, str | int | float | bool) else ""
    if problem["type"] == "value_error":
        shown = ""
    return f"{text}: {message}{shown}" if text else message


def _keys_at(where: list[Any]) -> list[str]:
    """Return the keys that are known at a place in the file."""
    model: type[BaseModel] = Strategy
    inner: dict[str, type[BaseModel]] = {
        "criterion": CriterionEntry,
        "constraint": ConstraintEntry,
    }
    for part in where:
        if isinstance(part, int) or part not in model.model_fields:
            continue
        kind = model.model_fields[part].annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
        if part in inner:
            model = inner[part]
    return list(model.model_fields)


def _not_one_of(key: str, value: str, known: list[str]) -> str:
    return f"{key}: there is no '{value}'; choose one of {', '.join(known)}"
