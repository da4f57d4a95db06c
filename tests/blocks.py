"""Opens the block of a page by the description of its format alone: no code of the package."""

import base64
import gzip
import json
import re

import numpy as np
import shapely
from pyproj import Transformer


def block_of(page):
    """Return the bytes of a page's block."""
    found = re.search(r'<script type="application/octet-stream"[^>]*>([^<]*)</script>', page)
    return gzip.decompress(base64.b64decode(found[1]))


def opened(block):
    """Return the JSON of a block with its arrays in place."""
    size = int.from_bytes(block[:4], "little")
    arrays = block[4 + size :]
    assert (4 + size) % 8 == 0

    def revive(value):
        if list(value) != ["$"]:
            return value
        kind, offset, *sizes = value["$"]
        assert offset % 8 == 0
        if kind == "v":
            return varints(arrays[offset : offset + sizes[0]], sizes[1])
        return np.frombuffer(arrays, np.dtype(f"<{kind}"), sizes[0], offset)

    return json.loads(block[4 : 4 + size], object_hook=revive)


def varints(content, count):
    """Read zigzag LEB128 numbers, one at a time."""
    numbers, number, shift = [], 0, 0
    for byte in content:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number // 2 if number % 2 == 0 else -(number + 1) // 2)
            number = shift = 0
    assert len(numbers) == count
    return np.array(numbers, dtype=np.int64)


def vertices_of(packed):
    """Return (k, 2) steps of a packed shape."""
    new = np.column_stack([packed["x"], packed["y"]])
    if packed["seen"] is None:
        return np.cumsum(new, axis=0) * packed["step"]
    known, vertices, at = [], [], 0
    moves = iter(new)
    for seen in packed["seen"]:
        if seen == 0:
            before = vertices[-1] if vertices else np.zeros(2, dtype=np.int64)
            at = len(known)
            known.append(before + next(moves))
        else:
            at += seen - 1 if seen > 0 else seen
        vertices.append(known[at])
    return np.array(vertices).reshape(-1, 2) * packed["step"]


def lines_of(packed, data, crs):
    """Return the lines of each feature, (k, 2) in `crs`: rings without their closing vertex."""
    xy = (vertices_of(packed) + data["origin"]) * data["unit"]
    to_crs = Transformer.from_crs(3857, crs, always_xy=True)
    xy = np.column_stack(to_crs.transform(*xy.T)) if len(xy) else xy
    lines = iter(np.split(xy, np.cumsum(packed["vertices"])[:-1]))
    return [[next(lines) for _ in range(count)] for count in packed["lines"]]


def outlines_of(packed, data, crs):
    """Return a closed MultiLineString per feature, or a Point."""
    return [
        shapely.Point(rings[0][0])
        if len(rings[0]) == 1
        else shapely.MultiLineString([np.vstack([ring, ring[:1]]) for ring in rings])
        for rings in lines_of(packed, data, crs)
    ]
