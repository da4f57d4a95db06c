"""The sections of the strategy file, as planners write them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Self

import pyproj
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pyproj.exceptions import CRSError

from arealstrategi.buildable import BuildableRules
from arealstrategi.constraints import By, Effect
from arealstrategi.criteria import Headline, Kind
from arealstrategi.network import Direction
from arealstrategi.scoring import FLOOR, Method, MissingPolicy
from arealstrategi.sources.presets import preset
from arealstrategi.sources.remote import is_remote
from arealstrategi.values import FunctionName
from arealstrategi.walker import ProfileName, Season, Walker, profile
from arealstrategi.weights import WeightingOptions


def beside_file(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
    """Make a relative path relative to the strategy file."""
    base = (info.context or {}).get("base")
    if isinstance(value, str | Path) and base is not None:
        return Path(base) / Path(value).expanduser()
    return value


def beside_unless_remote(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
    """Make a relative path relative to the strategy file, and leave an address as it is."""
    if isinstance(value, str) and not is_remote(value):
        return str(beside_file(value, info))
    return value


InputPath = Annotated[Path, BeforeValidator(beside_file)]
Source = Annotated[str, BeforeValidator(beside_unless_remote)]
ADDRESS = "a file, or the address of a WFS, OGC API, ArcGIS layer or PostGIS database"


class Section(BaseModel):
    """One section of the strategy file: unknown keys are refused, nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AreaOptions(Section):
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
        is_name = isinstance(value, str) and value.startswith("osm:")
        return value if is_name else beside_unless_remote(value, info)

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


class ParcelOptions(Section):
    """What is judged: parcels, candidate points or grid cells."""

    source: str = Field(
        description="A vector file, grid:SIDE for square cells (metres), or the address of a WFS, "
        "OGC API, ArcGIS layer or PostGIS database."
    )
    layer: str | None = Field(
        default=None, description="Layer, collection or table; left out: the only one, or teig."
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
    min_width_m: float = Field(
        default=0.0,
        ge=0,
        description="Parcels that are nowhere as wide are marked, not left out.",
    )
    merge_teiger: bool = Field(
        default=False,
        description="true: the teiger of one property are one parcel; else each is judged alone.",
    )
    municipal_land: InputPath | None = Field(
        default=None,
        description="List of cadastral numbers (CSV or XLSX) or a polygon layer.",
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
        return beside_unless_remote(value, info)

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


class OsmOptions(Section):
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


class TerrainOptions(Section):
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
    return create_model("WalkerNumbers", __base__=Section, **numbers)


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


class ScoreOptions(Section):
    """How values become a score."""

    method: Method = Field(default="weighted_sum", description="How values are joined.")
    alpha: float = Field(
        default=1.0,
        gt=0,
        le=100,
        description="For owa: 1 is the weighted sum, larger asks for all criteria to be good.",
    )
    floor: float = Field(
        default=FLOOR, gt=0, lt=1, description="For geometric: lower values count as this."
    )
    missing: MissingPolicy = Field(
        default="require",
        description="A parcel that lacks a value: require: is not assessed; reweight: is assessed "
        "by the others, if they have 80 % of the weight; worst: counts as 0 there.",
    )
    weights: str = Field(default="default", description="A shipped set of weights.")
    catalogue: Literal["senior", "none"] = Field(
        default="senior", description='The shipped criteria; "none": only those written here.'
    )


class WeightingEntry(WeightingOptions):
    """A way to find weights; what it names shares the weight that it has together."""

    table: Annotated[Path | None, BeforeValidator(beside_file)] = Field(
        default=None, description="survey: CSV or XLSX, a row per respondent, a column per item."
    )


# What a criterion's entry says of files; the criterion itself is about judging alone.
NO_JUDGEMENT = {
    "points", "source", "layer", "crs", "where", "coverage", "statistic", "zones",
}  # fmt: skip


NEED_SOURCE = {"layer_share", "raster", "distance", "centrality"}


class CriterionEntry(Section):
    """Changes or adds a criterion; what is left out is as in the catalogue."""

    key: str = Field(description="Which criterion.")
    kind: Kind = Field(default="walk", description="How it is measured.")
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
    min_departures_per_hour: float | None = Field(
        default=None, ge=0, description="Stops with fewer on weekdays do not count (needs gtfs)."
    )
    column: str | None = Field(default=None, description="kind column: the parcels' column.")
    full: float | None = Field(default=None, description="Other kinds than walk: worth 1.")
    zero: float | None = Field(default=None, description="Other kinds than walk: worth 0.")
    of: str | None = Field(default=None, description="kind count_within: which category.")
    within_m: float | None = Field(
        default=None, gt=0, description="kind count_within: places within this effort count."
    )
    max_slope_pct: float | None = Field(
        default=None, gt=0, description="kind slope: ground no steeper than this can be built on."
    )
    on_way_to: tuple[str, ...] | None = Field(
        default=None, description="kind rest: benches on the ways to these categories count."
    )
    function: FunctionName | None = Field(
        default=None, description="Shape of the value function; left out: linear."
    )
    curve: tuple[tuple[float, float], ...] | None = Field(
        default=None, description="piecewise, step: pairs of measure and value, measures rising."
    )
    beyond: float | None = Field(
        default=None, description="step: the value beyond the last limit; left out: 0."
    )
    half: float | None = Field(
        default=None, description="exponential, logistic: the measure that is worth 0.5."
    )
    steepness: float | None = Field(
        default=None, description="logistic: per unit; above 0 the value falls."
    )
    sigma: float | None = Field(default=None, gt=0, description="gaussian: its width.")
    centre: float | None = Field(default=None, description="gaussian: where the value is 1.")
    corners: tuple[float, float, float, float] | None = Field(
        default=None, description="trapezoid: rises from the first to the second, falls after."
    )
    categories: dict[str, float] | None = Field(
        default=None, description="category: code to value 0–1."
    )
    headline: Headline | None = Field(
        default=None, description="Headline score it counts in; left out: its group's."
    )
    critical: bool | None = Field(
        default=None, description="minimum: whether it decides; none marked: all do."
    )
    source: Source | None = Field(
        default=None,
        description="kind layer_share, raster, distance, centrality: a file, or an address.",
    )
    layer: str | None = Field(default=None, description="Its layer; left out: the only one.")
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")
    where: str | None = Field(
        default=None, description="kind layer_share, distance: which features."
    )
    coverage: Source | None = Field(
        default=None, description="kind layer_share: surveyed area; outside it nothing is known."
    )
    statistic: Literal["mean", "max", "min", "median"] | None = Field(
        default=None, description="kind raster: what of the cells; left out: the mean."
    )
    zones: Literal["sentrumssone", "tettsted"] | None = Field(
        default=None, description="kind centrality: what the layer holds; left out: sentrumssone."
    )
    group: str | None = Field(default=None, description="Group of the criterion.")
    label: dict[str, str] | str | None = Field(default=None, description="What readers see.")
    reason: str | None = Field(default=None, description="Why it counts.")

    @model_validator(mode="after")
    def _has_source(self) -> Self:
        if self.kind in NEED_SOURCE and self.source is None:
            raise ValueError(f"kind {self.kind} needs a source")
        return self

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if self.curve is not None and (self.full_m, self.zero_m) != (None, None):
            raise ValueError("give either curve or full_m and zero_m")
        return self


class ConstraintEntry(Section):
    """A rule about zones: of a layer, a raster, a preset or the plans."""

    name: str = Field(min_length=1, description="What the reason says; a preset has its own.")
    preset: str | None = Field(
        default=None, description="An official dataset whose fields, codes and rule are known."
    )
    source: Source | None = Field(default=None, description=f"The zones: {ADDRESS}, or a raster.")
    layer: str | None = Field(default=None, description="Layer; left out: the only one.")
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")
    where: str | None = Field(
        default=None,
        description="Which features (SQL condition), or which cells of a raster (value >= 55).",
    )
    plan_zones: tuple[str, ...] = Field(
        default=(), description='Instead of source: hensynssoner of the plans, such as "H320".'
    )
    effect: Effect = Field(default="exclude", description="What a hit does.")
    points: float = Field(default=10.0, ge=0, le=100, description="deduct: points to take off.")
    by: By = Field(
        default="share",
        description="share: what counts is the share of the parcel in the zones. net_area: they "
        "are taken off the parcel, and [buildable] says what must be left.",
    )
    from_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the parcel (0–1) from which it is hit; 0: all but a sliver counts.",
    )
    coverage: Source | None = Field(
        default=None, description='Surveyed area; outside it the answer is "not mapped".'
    )

    @model_validator(mode="before")
    @classmethod
    def _as_preset(cls, written: Any, info: ValidationInfo) -> Any:  # noqa: ANN401
        """Fill in what the preset knows and the file does not say."""
        name = written.get("preset") if isinstance(written, dict) else None
        if not isinstance(name, str):
            return written
        known = preset(name)
        language = (info.context or {}).get("language", "nb")
        filled = {"name": known.label[language], "effect": known.effect, "points": known.points}
        return {key: value for key, value in filled.items() if value is not None} | written

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (not self.plan_zones):
            raise ValueError("give either source or plan_zones")
        return self

    @model_validator(mode="after")
    def _by_one_measure(self) -> Self:
        if self.by == "net_area" and self.from_share:
            raise ValueError("from_share goes with by = share; net_area is judged in [buildable]")
        return self


class PlanEntry(Section):
    """A municipal plan or zoning plans."""

    source: Source = Field(description=f"The plans: {ADDRESS}.")
    layer: str | None = Field(
        default=None, description="Layer; left out: every layer that a plan is known to have."
    )
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")


class ServiceOptions(Section):
    """Services beside OpenStreetMap."""

    buildings: Source | None = Field(
        default=None, description="Matrikkelen – Bygningspunkt: services by type of building."
    )
    buildings_layer: str | None = Field(default=None, description="Its layer.")
    gtfs: InputPath | None = Field(
        default=None, description="Timetables (GTFS zip): stops with departures per hour."
    )


class PopulationOptions(Section):
    """Who lives there."""

    grid: Source | None = Field(
        default=None, description="Population grid of Statistics Norway, 250 m or 1 km."
    )
    layer: str | None = Field(default=None, description="Its layer; left out: guessed.")
    ages: InputPath | Literal["ssb"] | None = Field(
        default=None,
        description="Residents by age: a CSV of Statistikkbanken, or ssb to ask for it online. "
        "Needs kommune under [area].",
    )
    districts: Source | None = Field(
        default=None, description="Polygons to report residents within reach by."
    )
    districts_layer: str | None = Field(default=None, description="Their layer.")
    district_name: str | None = Field(
        default=None, description="Column with their names; left out: guessed."
    )


class BuildableOptions(BuildableRules):
    """What of a parcel can be built on, and how much of that there must be."""


class SiteOptions(Section):
    """Given sites that are compared side by side."""

    source: InputPath | None = Field(
        default=None,
        description="A list of parcels (CSV or XLSX with a column of ids or cadastral numbers), "
        "places (CSV with lon,lat or x,y) or a vector file with points or outlines.",
    )
    layer: str | None = Field(default=None, description="Its layer; left out: the only one.")
    id: str | None = Field(default=None, description="Column that names a site; left out: guessed.")
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")


class ScenarioEntry(Section):
    """What if: the same strategy with something changed."""

    name: str = Field(min_length=1, description="What readers see.")
    close: tuple[str, ...] = Field(
        default=(), description="Services that close: a category, a service's id or its name."
    )
    open: dict[str, InputPath] = Field(
        default_factory=dict, description="Services that open: category to a file with places."
    )
    weights: str | None = Field(default=None, description="Another shipped set of weights.")
    weight: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict,
        description="Other weights: criterion to its share of all, 0–1; the rest keep their "
        "proportions.",
    )
    lift: tuple[str, ...] = Field(default=(), description="Constraints that do not hold.")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.close or self.open or self.weights or self.weight or self.lift):
            raise ValueError("changes nothing; give close, open, weights, weight or lift")
        if sum(self.weight.values()) > 1:
            raise ValueError("weight: the shares add up to more than 1")
        return self


class OutputOptions(Section):
    """Where results go and who reads them."""

    dir: InputPath | None = Field(default=None, description="Folder of the results.")
    audience: Literal["internal", "public"] = Field(
        default="internal",
        description="Who reads it; public: no folder of yours, no name of who gave weights and no "
        "count of fewer than 5 residents is told in the outputs.",
    )
    routes: bool = Field(
        default=False,
        description="Whether the GeoPackage gets the layer `routes`: the walk from every given "
        "site and from the best parcel of every recommended area to the nearest service of each "
        "kind.",
    )
    pdf: bool = Field(
        default=False,
        description="Whether the report and the site sheets are written as PDF too; needs "
        "`pip install arealstrategi[pdf]`.",
    )


def _check_crs(value: str, *, metric: bool) -> None:
    try:
        crs = pyproj.CRS.from_user_input(value)
    except CRSError:
        raise ValueError(f"{value!r} is no CRS; write it as EPSG:25832") from None
    if metric and (not crs.is_projected or crs.axis_info[0].unit_name != "metre"):
        raise ValueError(f"{value} is not in metres; use a UTM zone such as EPSG:25832")
    if metric and crs.to_epsg() == 3857:  # noqa: PLR2004
        raise ValueError("EPSG:3857 stretches distances; use a UTM zone such as EPSG:25832")
