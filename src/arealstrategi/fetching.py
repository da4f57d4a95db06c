"""The command ``fetch``: official data of a municipality into a folder, each with its origin."""

from __future__ import annotations

import difflib
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, cast

import geopandas as gpd
import shapely

from arealstrategi.area import WGS84
from arealstrategi.errors import InputError, OnlineError
from arealstrategi.inputs import BEYOND_M
from arealstrategi.inputs.places import selections_of, tags_of
from arealstrategi.provenance import Origin, origin_path, read_origin, sha256, write_origin
from arealstrategi.sources import geonorge, online, web
from arealstrategi.sources.geonorge import DATASETS, Addresses, Choice, Dataset, Municipality
from arealstrategi.strategy import Strategy

NAMES = (*DATASETS, "osm")
PATIENCE_S = 600.0  # for an order to become ready
OSM_LICENCE, OSM_ATTRIBUTION = "ODbL 1.0", "© OpenStreetMap contributors"
RASTERS = (".tif", ".tiff")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class FetchedFile:
    """A file that is there.

    Parameters
    ----------
    name
        What it was asked for as: one of `NAMES`.
    path, origin
        The file, and what lies beside it.
    kommune
        Number of the municipality.
    area
        Kind of area that the file is of: ``kommune``, ``fylke``, ``landsdekkende``, a cell.
    """

    name: str
    path: Path
    origin: Origin
    kommune: str
    area: str


class UnfinishedError(OnlineError):
    """Some data sets did not come; ``files`` are those that are there."""

    def __init__(self, message: str, *, hint: str, files: Sequence[FetchedFile]) -> None:
        super().__init__(message, hint=hint)
        self.files = tuple(files)


@dataclass(frozen=True)
class _Job:
    """What all data sets of one run share; ``notes`` is what was placed and fetched so far."""

    place: Municipality
    folder: Path
    crs: str | None
    progress: Progress
    addresses: Addresses
    patience_s: float
    notes: dict[str, Any]

    def noted(self, name: str) -> dict[str, Any]:
        """Return how a data set stood; ``came``: name of a delivery to the files it became."""
        noted = self.notes["orders"].get(name)
        usable = isinstance(noted, dict) and isinstance(noted.get("came"), dict)
        return dict(noted) if usable else {"came": {}}

    def note(self, name: str, told: Mapping[str, Any]) -> None:
        """Write down how a data set stands."""
        self.notes["orders"][name] = dict(told)
        _write_notes(self.folder, self.place.number, self.notes)


def fetch(
    kommune: str,
    *,
    folder: Path,
    only: Sequence[str] | None = None,
    crs: str | None = None,
    progress: Progress | None = None,
    addresses: Addresses | None = None,
    patience_s: float = PATIENCE_S,
) -> list[FetchedFile]:
    """Fetch parcels, borders, population grid, heights and streets of a municipality.

    What is there already, unchanged since it was fetched, is left alone. An order that was placed
    and a file that came in part are gone on with.

    Parameters
    ----------
    kommune
        Four digits.
    folder
        Where the files go; ``FILE.source.json`` beside each says where it came from.
    only
        Some of `NAMES`; None: all.
    crs
        Only this CRS, such as ``EPSG:25832``; None: the UTM zone of the place, or what there is.
    progress
        Told of each step.
    addresses
        Where the services are.
    patience_s
        How long to wait for one order to become ready.

    Raises
    ------
    InputError
        There is no such municipality or data set.
    UnfinishedError
        Some did not come, after all were tried; it lists them, and has those that came.
    OutputError
        The folder cannot be written.
    """
    names = _chosen(only)
    progress, addresses = progress or (lambda _: None), addresses or Addresses()
    with web.writable(folder):
        notes = _read_notes(folder, kommune)
        place = _place(kommune, notes, folder, progress, addresses)
        job = _Job(place, folder, crs, progress, addresses, patience_s, notes)
        files: list[FetchedFile] = []
        failed: dict[str, InputError | OnlineError] = {}
        for name in names:
            try:
                files += _fetch_streets(job) if name == "osm" else _fetch_ordered(name, job)
            except (InputError, OnlineError) as error:
                progress(f"{name}: did not come")
                failed[name] = error
    if failed:
        raise _unfinished(failed, files)
    return files


def _chosen(only: Sequence[str] | None) -> list[str]:
    wanted = list(NAMES) if only is None else list(only)
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        near = difflib.get_close_matches(unknown[0], NAMES, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise InputError(
            f"--only {unknown[0]}: there is no such data set",
            hint=f"{meant}Choose from {', '.join(NAMES)}.",
        )
    return [name for name in NAMES if name in wanted]


def _unfinished(
    failed: Mapping[str, InputError | OnlineError], files: Sequence[FetchedFile]
) -> UnfinishedError:
    lines = [f"{len(failed)} of the data sets did not come:"]
    for name, error in failed.items():
        lines += [f"  {name}: {error.message}", *([f"    {error.hint}"] if error.hint else [])]
    came = ", ".join(str(file.path) for file in files) or "nothing"
    return UnfinishedError(
        "\n".join(lines),
        hint=f"There is: {came}. Run the same command again for the rest.",
        files=files,
    )


# -- what was done before ------------------------------------------------------------------------


def _notes_path(folder: Path, kommune: str) -> Path:
    return folder / f"fetch-{kommune}.json"


def _read_notes(folder: Path, kommune: str) -> dict[str, Any]:
    notes: Any = {}
    if re.fullmatch(r"[0-9]{4}", kommune):
        with suppress(OSError, ValueError):
            notes = json.loads(_notes_path(folder, kommune).read_text(encoding="utf-8"))
    usable = isinstance(notes, dict) and isinstance(notes.get("orders"), dict)
    return notes if usable else {"orders": {}}


def _write_notes(folder: Path, kommune: str, notes: Mapping[str, Any]) -> None:
    text = json.dumps(notes, ensure_ascii=False, indent=1)
    with web.beside(_notes_path(folder, kommune)) as part:
        part.write_text(text + "\n", encoding="utf-8")


def _place(
    kommune: str, notes: dict[str, Any], folder: Path, progress: Progress, addresses: Addresses
) -> Municipality:
    """Return the municipality, from the notes or the web, and note it."""
    with suppress(KeyError, TypeError, ValueError):
        known = notes["municipality"]
        west, south, east, north = map(float, known["bounds"])
        return Municipality(kommune, str(known["name"]), (west, south, east, north))
    progress(f"municipality {kommune}")
    try:
        place = geonorge.find_municipality(kommune, addresses)
    except OnlineError as error:
        progress(f"{error.message}; looking it up in OpenStreetMap")
        name, outline = online.geocode_municipality(kommune, cache_dir=folder)
        place = Municipality(kommune, name, outline.bounds)
    notes["municipality"] = asdict(place)
    _write_notes(folder, kommune, notes)
    return place


def _kept(name: str, job: _Job) -> list[FetchedFile]:
    """Return the files of a data set, where all came and none was changed since."""
    noted = job.noted(name)
    if not noted.get("done") or (name != "osm" and noted.get("crs") != job.crs):
        return []
    files = []
    for paths in noted["came"].values():
        whole = _whole(paths, job)
        if not whole:
            job.progress(f"{name}: files are gone or were changed; fetching them anew")
            return []
        files += [
            _fetched(name, path, origin, job, str(noted.get("area"))) for path, origin in whole
        ]
    job.progress(f"{name}: is there")
    return files


def _whole(paths: object, job: _Job) -> list[tuple[Path, Origin]]:
    """Return files of the folder with their origins; none where one of them is not as it came."""
    found = []
    for told in paths if isinstance(paths, list) else []:
        path = job.folder / _safe_name(str(told))
        origin = read_origin(path)
        if origin is None or not path.is_file() or sha256(path) != origin.sha256:
            return []
        found.append((path, origin))
    return found


def _fetched(name: str, path: Path, origin: Origin, job: _Job, area: str) -> FetchedFile:
    return FetchedFile(name, path, origin, job.place.number, area)


# -- Geonorge ------------------------------------------------------------------------------------


def _fetch_ordered(name: str, job: _Job) -> list[FetchedFile]:
    if kept := _kept(name, job):
        return kept
    dataset = DATASETS[name]
    job.progress(dataset.title)
    if dataset.is_series:
        dataset = geonorge.newest_member(dataset, job.addresses)
    choice = geonorge.choose(dataset, job.place, job.addresses, crs=job.crs)
    job.progress(f"{dataset.title}: {choice.told}")
    receipt = _ordered(name, dataset, choice, job)
    receipt = geonorge.await_order(
        dataset, choice, receipt, patience_s=job.patience_s, progress=job.progress
    )
    files: list[FetchedFile] = []
    lacking = []
    for number, delivery in enumerate(receipt.files):
        file_name = _safe_name(delivery.name) or f"{name}-{job.place.number}-{number}.zip"
        if delivery.status != geonorge.READY or not delivery.address:
            lacking.append(f"{file_name} ({delivery.status or 'no status'})")
            continue
        came = _bring(name, dataset, delivery.address, file_name, job)
        files += [_fetched(name, path, origin, job, choice.area) for path, origin in came]
    noted = job.noted(name)
    if lacking:
        job.note(name, {**noted, "reference": ""})  # so that the next run orders anew
        raise OnlineError(
            f"{dataset.title}: Geonorge could not make {', '.join(lacking)}", hint=dataset.hint
        )
    job.note(name, {**noted, "done": True})
    return files


def _ordered(name: str, dataset: Dataset, choice: Choice, job: _Job) -> geonorge.Receipt:
    """Return how the remembered order stands; where there is none of the kind, place one."""
    noted = job.noted(name)
    same = noted.get("order") == choice.body
    if same and noted.get("reference"):
        try:
            return geonorge.read_order(dataset, choice, str(noted["reference"]))
        except geonorge.MissingError as error:
            job.progress(f"{error.message}; ordering anew")
    receipt = geonorge.place_order(dataset, choice)
    told = {"order": choice.body, "reference": receipt.reference, "placed": _now()}
    came = noted["came"] if same else {}
    job.note(name, {**told, "area": choice.area, "crs": job.crs, "came": came})
    return receipt


def _bring(
    name: str, dataset: Dataset, address: str, file_name: str, job: _Job
) -> list[tuple[Path, Origin]]:
    """Download one file, see that it is whole, and put it in the folder with its origin."""
    noted = job.noted(name)
    if whole := _whole(noted["came"].get(file_name) or [file_name], job):
        return whole
    _refuse_foreign(job.folder / file_name)
    job.progress(f"{dataset.title}: downloading {file_name}")
    arriving = job.folder / ".arriving" / file_name  # until it was looked at
    try:
        digest = web.download(
            address,
            arriving,
            hint=f"What came is kept: run the same command again. {dataset.hint}",
            check=geonorge.checker(
                dataset, missing=f"{dataset.title}: Geonorge no longer has {file_name} ready"
            ),
        )
    except geonorge.MissingError:
        job.note(name, {**noted, "reference": ""})  # so that the next run orders anew
        raise
    about = Origin(
        dataset.title, dataset.page, _now(), dataset.licence, dataset.attribution, digest
    )
    try:
        came = _put(name, arriving, job.folder, about)
    finally:
        arriving.unlink(missing_ok=True)
        if not any(arriving.parent.iterdir()):
            arriving.parent.rmdir()
    noted["came"][file_name] = [path.name for path, _ in came]
    job.note(name, noted)
    return came


def _put(name: str, arriving: Path, folder: Path, about: Origin) -> list[tuple[Path, Origin]]:
    """Put a file that arrived whole into the folder, rasters unpacked."""
    _check_archive(arriving)
    if name == "elevation" and zipfile.is_zipfile(arriving):
        return _unpack_rasters(arriving, folder, about)
    path = folder / arriving.name
    write_origin(path, about)
    arriving.replace(path)
    return [(path, about)]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _safe_name(name: str) -> str:
    """Return a file name that stays in its folder and is not hidden."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return re.sub(r"[^\w.()-]+", "_", last).lstrip(".")[-150:]


def _refuse_foreign(path: Path) -> None:
    if path.exists() and not origin_path(path).exists():
        raise InputError(
            f"{path}: is there already, and was not fetched by this command",
            hint="Name it in the strategy file, or move it away and run again.",
        )


def _check_archive(path: Path) -> None:
    """Refuse a zip that is damaged, or whose files would leave the folder it is unpacked in."""
    if path.suffix.lower() != ".zip":
        return
    damaged = "Run the same command again: it is fetched anew."
    try:
        with zipfile.ZipFile(path) as archive:
            outside = [n for n in archive.namelist() if _leaves(n)]
            broken = None if outside else archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise OnlineError(f"{path.name}: came damaged ({error})", hint=damaged) from error
    if outside:
        raise OnlineError(
            f"{path.name}: holds a file that would leave its folder ({outside[0]!r})",
            hint="It was not kept. Tell the owner of the data set.",
        )
    if broken is not None:
        raise OnlineError(f"{path.name}: came damaged ({broken})", hint=damaged)


def _leaves(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or bool(re.match(r"[A-Za-z]:", name))


def _unpack_rasters(path: Path, folder: Path, about: Origin) -> list[tuple[Path, Origin]]:
    """Unpack the rasters of a zip beside each other: heights are read from plain files."""
    found = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            name = _safe_name(member.filename)
            if member.is_dir() or not name.lower().endswith(RASTERS):
                continue
            raster = folder / name
            _refuse_foreign(raster)
            with web.beside(raster) as part:
                with archive.open(member) as stream, part.open("wb") as file:
                    while block := stream.read(1 << 20):
                        file.write(block)
                origin = Origin(**{**asdict(about), "sha256": sha256(part)})
                write_origin(raster, origin)
            found.append((raster, origin))
    if not found:
        raise OnlineError(
            f"{path.name}: holds no GeoTIFF",
            hint=f"Download the heights by hand from {about.address}.",
        )
    return found


# -- OpenStreetMap -------------------------------------------------------------------------------


def _fetch_streets(job: _Job) -> list[FetchedFile]:
    """Fetch what the shipped criteria and the map need, so far around as services count."""
    if kept := _kept("osm", job):
        return kept
    number = job.place.number
    path = job.folder / f"OpenStreetMap_{number}.osm.pbf"
    _refuse_foreign(path)
    job.progress(f"OpenStreetMap: streets and services of {job.place.name}")
    plan = Strategy.model_validate({"area": {"kommune": number}, "parcels": {"source": "grid:100"}})
    zone = geonorge.zone_of_place(job.place)
    bounds = geonorge.bounds_around(job.place, zone, plan.margin_m + BEYOND_M)
    box = gpd.GeoSeries([shapely.box(*bounds)], crs=zone).segmentize(1000.0).to_crs(WGS84)
    municipalities = {"admin_level": ["7"]}  # so that `kommune` is found in the file
    came = online.fetch_extract(
        cast("shapely.Polygon", box.envelope.iloc[0]),
        tags={**tags_of(selections_of(plan)), **municipalities},
        cache_dir=job.folder,
    )
    origin = Origin(
        f"OpenStreetMap: {job.place.name}",
        "https://www.openstreetmap.org/copyright",
        _now(),
        OSM_LICENCE,
        OSM_ATTRIBUTION,
        sha256(came),
    )
    write_origin(path, origin)
    came.replace(path)
    job.note("osm", {"came": {"osm": [path.name]}, "area": "kommune", "done": True})
    return [_fetched("osm", path, origin, job, "kommune")]


# -- what to write in the strategy ---------------------------------------------------------------


def strategy_snippet(files: Sequence[FetchedFile]) -> str:
    """Return the lines of a strategy file that name the files.

    Parameters
    ----------
    files
        What `fetch` returned, or what its error has.
    """
    if not files:
        return ""
    paths = {
        name: [json.dumps(f.path.as_posix(), ensure_ascii=False) for f in files if f.name == name]
        for name in NAMES
    }
    own_border = [f for f in files if f.name == "borders" and f.area == "kommune"]
    lines = [
        "# Stiene regnes fra mappen der strategifilen ligger.",
        "[area]",
        f'kommune = "{files[0].kommune}"',
    ]
    if own_border:
        lines.append(f"# boundary = {paths['borders'][0]}  # i stedet for kommune")
    for section, key, name in (
        ("parcels", "source", "parcels"),
        ("osm", "source", "osm"),
        ("population", "grid", "population"),
    ):
        if paths[name]:
            lines += ["", f"[{section}]", f"{key} = {paths[name][0]}"]
            lines += [f"# {key} = {other}" for other in paths[name][1:]]
    if paths["population"]:
        lines.append('# ages = "ssb"  # alder hentes fra Statistikkbanken')
    if paths["elevation"]:
        lines += ["", "[terrain]", f"elevation = [{', '.join(paths['elevation'])}]"]
    return "\n".join(lines) + "\n"
