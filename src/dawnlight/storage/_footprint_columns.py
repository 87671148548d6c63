"""Footprints of many images at once; the same results as `_footprints` gives for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from dawnlight.storage._footprints import WKB_HEADER, check_geometry, encode_footprint

__all__ = ["FootprintColumn", "check_footprints"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Mask: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FootprintColumn:
    """The geometries of images, as documents and as the table hold them."""

    geometries: list[dict[str, Any]]
    """GeoJSON in stored spelling."""
    wkb: list[bytes | bytearray]
    bounds: tuple[list[float], list[float], list[float], list[float]]
    """minx, miny, maxx, maxy in degrees; ``minx > maxx`` across the antimeridian."""
    inexact: list[int]
    """Places of those whose WKB is not the geometry itself, because it had to be cut or repaired."""


def check_footprints(values: Sequence[Any]) -> FootprintColumn:
    """Check geometries and turn them into what documents and the table hold.

    Raises
    ------
    Refusal
        One of them is no geometry in longitude and latitude.
    """
    found: list[Any] = [None] * len(values)
    for length, places in _by_length(values).items():
        rings = _read_rings([values[place]["coordinates"][0] for place in places], length)
        if rings is not None:
            sound = _is_sound(rings) & _is_convex(rings)
            spelled = _spell_rings(rings[sound], length)
            if len(spelled) == len(values):
                found = spelled
                break
            for place, footprint in zip(np.array(places)[sound].tolist(), spelled, strict=True):
                found[place] = footprint
    inexact = []
    for place, value in enumerate(values):
        if found[place] is None:
            geometry = check_geometry(value)
            single = encode_footprint(geometry)
            found[place] = geometry, single.wkb, *single.bounds
            if not single.exact:
                inexact.append(place)
    geometries, wkb, *bounds = (list(column) for column in zip(*found, strict=True))
    return FootprintColumn(geometries=geometries, wkb=wkb, bounds=tuple(bounds), inexact=inexact)  # type: ignore[arg-type]


def _by_length(values: Sequence[Any]) -> dict[int, list[int]]:
    """Return the places of polygons of one ring, by the number of its positions."""
    found: dict[int, list[int]] = {}
    for place, value in enumerate(values):
        length = _ring_length(value)
        if length >= 4:
            found.setdefault(length, []).append(place)
    return found


def _ring_length(value: Any) -> int:
    """Return the number of positions of a polygon's only ring; 0 for any other value."""
    if type(value) is not dict or len(value) != 2 or value.get("type") != "Polygon":
        return 0
    rings: Any = value.get("coordinates")
    if type(rings) not in (list, tuple) or len(rings) != 1 or type(rings[0]) not in (list, tuple):
        return 0
    return len(rings[0])


def _read_rings(rings: Sequence[Any], length: int) -> Array | None:
    """Read rings of so many positions; None where one holds anything but pairs of numbers."""
    positions = list(chain.from_iterable(rings))
    if not set(map(type, positions)) <= {list, tuple} or set(map(len, positions)) != {2}:
        return None
    numbers = list(chain.from_iterable(positions))
    if not set(map(type, numbers)) <= {float, int}:
        return None
    try:
        return np.array(numbers, dtype=np.float64).reshape(-1, length, 2)
    except OverflowError:
        return None


def _is_sound(rings: Array) -> Mask:
    """Tell which rings are closed, have an extent, and lie within the world."""
    xs, ys = rings[..., 0], rings[..., 1]
    inside = (np.abs(xs) <= 180.0).all(axis=1) & (np.abs(ys) <= 90.0).all(axis=1)  # NaN is not
    closed = (rings[:, 0] == rings[:, -1]).all(axis=1)
    return np.asarray(inside & closed & (np.ptp(xs, axis=1) > 0) & (np.ptp(ys, axis=1) > 0), dtype=np.bool_)


def _is_convex(rings: Array) -> Mask:
    """Tell which closed rings turn the same way at each corner, once around: these cannot cross themselves.

    Going once around, x grows on one side and falls on the other: two changes of direction.
    """
    edges = np.diff(rings, axis=1)
    after = np.roll(edges, -1, axis=1)
    turns = edges[..., 0] * after[..., 1] - edges[..., 1] * after[..., 0]
    same = (turns > 0).all(axis=1) | (turns < 0).all(axis=1)
    if rings.shape[1] <= 5:
        return np.asarray(same, dtype=np.bool_)  # three or four corners cannot go around twice
    east = edges[..., 0] > 0
    changes = (east != np.roll(east, -1, axis=1)).sum(axis=1)
    return np.asarray(same & (changes == 2), dtype=np.bool_)


def _spell_rings(rings: Array, length: int) -> list[tuple[Any, ...]]:
    """Return GeoJSON, WKB and the four bounds of each ring."""
    record = np.empty(len(rings), dtype=[("header", f"V{WKB_HEADER.size}"), ("ring", "<f8", (length, 2))])
    record["header"] = np.void(WKB_HEADER.pack(1, 3, 1, length))
    record["ring"] = rings
    # Python's SQLite module looks for a way to adapt bytes, each time, and takes a bytearray as it is.
    raw, step = bytearray(record.tobytes()), record.dtype.itemsize
    bounds = np.concatenate([rings.min(axis=1), rings.max(axis=1)], axis=1)
    geometries = [{"type": "Polygon", "coordinates": [ring]} for ring in rings.tolist()]
    wkb = [raw[at : at + step] for at in range(0, len(raw), step)]
    return list(zip(geometries, wkb, *bounds.T.tolist(), strict=True))
