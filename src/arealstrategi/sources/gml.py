"""What GDAL is given to open: plain files as they are, members of a ZIP, GML with a schema.

GDAL writes a schema (``.gfs``) beside every GML it reads, and of features with several geometries,
as the cadastre's and the plans' have them, it takes the last, which is often the point for the
label. Both are put right by letting it read a link in a folder of its own, beside a schema that
names the polygon.
"""

from __future__ import annotations

import mmap
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from xml.parsers import expat

from arealstrategi.errors import InputError

GML = (".gml", ".xml")
IN_ZIP = (".shp", ".gml", ".gpkg", ".geojson", ".json", ".fgb", ".gdb", ".tab", ".kml", ".sqlite")
POLYGONAL = {3, 6, 10, 12, 15, 16, 17}  # OGR's numbers of what has area
FEATURES_LOOKED_AT = 20
LONGEST_FEATURE = 64 << 20

_AREAS = {
    "Polygon", "MultiPolygon", "Surface", "MultiSurface", "CompositeSurface", "OrientableSurface",
    "PolyhedralSurface",
}  # fmt: skip
_CLASS = re.compile(r"<GMLFeatureClass>.*?</GMLFeatureClass>", re.DOTALL)
_GEOMETRY = re.compile(r"<GeometryName>.*?<GeometryType>(-?\d+)</GeometryType>", re.DOTALL)
_EXTENT = re.compile(r"\s*<Extent[XY]M(?:in|ax)>.*?</Extent[XY]M(?:in|ax)>", re.DOTALL)


@contextmanager
def gdal_path(path: Path, schema: str = "") -> Iterator[str]:
    """Give what GDAL can open in place of a file, for as long as it is read.

    Parameters
    ----------
    path
        File or folder.
    schema
        What `polygon_schema` returned for it.

    Raises
    ------
    InputError
        It is a ZIP that cannot be read, or does not hold exactly one data set.
    """
    zipped = path.suffix.lower() == ".zip" and path.is_file()
    member = _member(path) if zipped else ""
    suffix = Path(member or path).suffix.lower()
    if suffix not in GML:
        yield f"/vsizip/{{{path}}}/{member}" if zipped else str(path)
        return
    with tempfile.TemporaryDirectory(prefix="arealstrategi-") as folder:
        link = Path(folder) / f"data{suffix}"
        if zipped:
            _unpack(path, member, link)
        else:
            _link(path, link)
            if path.with_suffix(".xsd").is_file():
                _link(path.with_suffix(".xsd"), link.with_suffix(".xsd"))
        if schema:
            link.with_suffix(".gfs").write_text(schema, encoding="utf-8")
        yield str(link)


def schema_option(at: str) -> dict[str, str]:
    """Return the option that makes GDAL keep to the schema beside a GML, if there is one."""
    schema = Path(at).with_suffix(".gfs")
    return {"GFS_TEMPLATE": str(schema)} if at.endswith(GML) and schema.is_file() else {}


def polygon_schema(at: str) -> str:
    """Make the schema that GDAL wrote beside a GML take each feature's polygon, and return it.

    Parameters
    ----------
    at
        What `gdal_path` gave, after GDAL has listed its layers.

    Returns
    -------
    The schema; empty where there is none.
    """
    schema = Path(at).with_suffix(".gfs")
    if not schema_option(at):
        return ""
    told = schema.read_text(encoding="utf-8")
    with Path(at).open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as m:
        told = _CLASS.sub(lambda found: _with_polygon(found[0], m), _EXTENT.sub("", told))
    schema.write_text(told, encoding="utf-8")
    return told


def _with_polygon(described: str, data: mmap.mmap) -> str:
    geometry = _GEOMETRY.search(described)
    name = re.search(r"<ElementPath>([^<]*)</ElementPath>", described)
    if geometry is None or name is None:
        return described
    if (int(geometry[1]) & 0x7FFFFFFF) % 1000 in POLYGONAL:
        return described
    path = _path_to_polygon(data, name[1].rsplit("|", 1)[-1].encode())
    if path is None:
        return described
    leaf = path.rsplit("|", 1)[-1]
    taken = (
        f"<GeomPropertyDefn><Name>{leaf}</Name><ElementPath>{path}</ElementPath>"
        "<Type>Unknown</Type></GeomPropertyDefn>"
    )
    return described.replace(geometry[0], taken)


def _path_to_polygon(data: mmap.mmap, name: bytes) -> str | None:
    """Return the elements between a feature and its polygon, of the first features of a name."""
    begins = re.compile(rb"<((?:[\w.-]+:)?" + re.escape(name) + rb")[\s>]")
    for found in islice(begins.finditer(data), FEATURES_LOOKED_AT):
        end = data.find(b"</" + found[1] + b">", found.end(), found.end() + LONGEST_FEATURE)
        path = _first_area(data[found.start() : end] if end > 0 else b"")
        if path:
            return path
    return None


def _first_area(feature: bytes) -> str | None:
    open_elements: list[str] = []
    paths: list[str] = []

    def begin(name: str, _attributes: dict[str, str]) -> None:
        local = name.rsplit(":", 1)[-1]
        if local in _AREAS:
            paths.append("|".join(open_elements[1:]))
        open_elements.append(local)

    def end(_name: str) -> None:
        open_elements.pop()

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    with suppress(expat.ExpatError):  # what came before the fault counts
        parser.Parse(feature)
    return next((path for path in paths if path), None)


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path.resolve())
    except OSError:  # Windows without the right to make links
        shutil.copyfile(path, link)


def _member(path: Path) -> str:
    """Return the one data set in a ZIP: a file, a FileGDB, or the folder of several Shapefiles."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise _unreadable(path, error) from error
    sets = {_data_set(name) for name in names if ".." not in name.parts and not name.is_absolute()}
    found = sorted(sets - {None}, key=str)
    folders = {name.parent for name in found if name is not None}
    if len(found) > 1 and len(folders) == 1 and all(str(n).lower().endswith(".shp") for n in found):
        folder = str(*folders)
        return "" if folder == "." else folder
    if len(found) != 1:
        told = ", ".join(map(str, found)) or "none"
        raise InputError(
            f"{path}: holds {len(found)} data sets ({told})",
            hint="Unpack it and give the file you need.",
        )
    return str(found[0])


def _data_set(name: PurePosixPath) -> PurePosixPath | None:
    for folder in (name, *name.parents):
        if folder.suffix.lower() == ".gdb":
            return folder
    return name if name.suffix.lower() in IN_ZIP else None


def _unpack(path: Path, member: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = archive.getinfo(member).file_size
            if size > shutil.disk_usage(target.parent).free:
                raise InputError(
                    f"{path}: unpacked, {member} has {size / 1e9:.1f} GB, for which there is no "
                    f"room in {target.parent.parent}",
                    hint="Unpack it where there is room and give the file itself.",
                )
            with archive.open(member) as packed, target.open("wb") as stream:
                shutil.copyfileobj(packed, stream, 1 << 20)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, KeyError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path}: cannot be read ({error})",
        hint="The ZIP is damaged or locked with a password. Unpack it and give the file itself.",
    )
