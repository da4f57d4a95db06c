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

from arealstrategi.constraints import Effect
from arealstrategi.criteria import Kind
from arealstrategi.network import Direction
from arealstrategi.scoring import Method
from arealstrategi.sources.presets import preset
from arealstrategi.sources.remote import is_remote
from arealstrategi.walker import ProfileName, Season, Walker, profile


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
    weights: str = Field(default="default", description="A shipped set of weights.")
    catalogue: Literal["senior", "none"] = Field(
        default="senior", description='The shipped criteria; "none": only those written here.'
    )


# What a criterion's entry says of files; the criterion itself is about judging alone.
NO_JUDGEMENT = {
    "points", "source", "layer", "crs", "where", "coverage", "statistic", "zones",
}  # fmt: skip


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
    source: Source | None = Field(
        default=None, description="kind layer_share, raster, centrality: a file, or an address."
    )
    layer: str | None = Field(default=None, description="Its layer; left out: the only one.")
    crs: str | None = Field(default=None, description="CRS, needed where the file does not say.")
    where: str | None = Field(default=None, description="kind layer_share: which features.")
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
        if self.kind in {"layer_share", "raster", "centrality"} and self.source is None:
            raise ValueError(f"kind {self.kind} needs a source")
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


class OutputOptions(Section):
    """Where results go and who reads them."""

    dir: InputPath | None = Field(default=None, description="Folder of the results.")
    audience: Literal["internal", "public"] = Field(
        default="internal",
        description="Who reads it; public: no folder of yours is told in the outputs.",
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
