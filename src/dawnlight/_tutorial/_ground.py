"""The land itself: a function of place alone, the same from whatever grid it is looked at.

Places are kilometres east (x) and north (y) of the middle of the demo country. It has a sea in the
north-west, a river that comes down from wooded mountains in the south-east, fields, a town and villages::

      sea  /            N
     _____/   plain     ↑
    coast  ~~~ town
             ~~~~  river
                 ~~~ mountains
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dawnlight._tutorial._noise import Floats, Texture, hash_unit, make_texture, smoothstep

__all__ = [
    "CROPS",
    "ESTATE_KM",
    "STRIP_KM",
    "TOWNS",
    "Ground",
    "bend",
    "crop_of",
    "field_length",
    "make_ground",
    "plough_angle",
]

TOWNS = (
    (-1.3, 0.9, 1.5),
    (4.6, 5.4, 0.8),
    (-6.4, -3.6, 0.75),
    (1.2, -5.4, 0.6),
    (7.2, 0.6, 0.5),
    (-7.6, 1.0, 0.4),
)
"""Centres and radii in kilometres; the first is the town, the rest are villages."""

CROPS = ("wheat", "maize", "rape", "beet", "pasture", "fallow")

ESTATE_KM = (2.9, 2.3)
"""Size of an estate on the plan of the fields; each has its own direction of ploughing."""

STRIP_KM = 0.24
"""Width of the strips that an estate is cut into, and so of its fields."""

Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is on the ground at every pixel; all arrays have one shape. Shares run from 0 to 1."""

    height: Floats
    """Metres above the sea."""
    slope_east: Floats
    """Metres per metre."""
    slope_north: Floats
    water: Floats
    """Share covered by sea, river or lake."""
    depth: Floats
    """How deep the water looks, 0 shallow and 1 deep."""
    sand: Floats
    forest: Floats
    conifers: Floats
    """Share of the forest that stays green."""
    rock: Floats
    built: Floats
    roof: Floats
    """Brightness of what is built."""
    crop: NDArray[np.int8]
    """Index into `CROPS`, everywhere; it shows where nothing else does."""
    sowing: Floats
    """Shift of the field's calendar in days."""
    soil: Floats
    """Brightness of the bare soil around 1."""
    grain: Floats
    """Fine texture, mean 0 and deviation 1."""


@cache
def _texture(name: str) -> Texture:
    seeds = {
        # name: seed, kilometres, roughness
        "shape": (11, 23.0, 2.1),
        "ridges": (12, 17.0, 1.75),
        "warp": (13, 9.0, 2.0),
        "patches": (14, 21.0, 1.15),
        "grain": (15, 5.12, 0.55),
    }
    seed, period, roughness = seeds[name]
    return make_texture(seed, period=period, roughness=roughness, side=1024 if name == "patches" else 512)


def make_ground(x: Floats, y: Floats) -> Ground:
    """Describe the ground at places.

    Parameters
    ----------
    x, y : numpy.ndarray of float32
        Kilometres east and north, of one shape.

    Returns
    -------
    Ground
    """
    grain = _texture("grain").sample(x, y)
    patches = _texture("patches").sample(x, y)
    step = 0.02
    height = _height(x, y)
    slope_east = (_height(x + step, y) - height) / (1000 * step)
    slope_north = (_height(x, y + step) - height) / (1000 * step)
    seaward, across = (y - x) / math.sqrt(2), (x + y) / math.sqrt(2)
    offshore = _offshore(x, y, seaward)
    river = _river(seaward, across)
    lake = smoothstep(-0.03, 0.03, 0.42 - np.hypot(x - 6.3, (y + 3.1) * 1.5) + 0.06 * patches)
    water = np.maximum(np.maximum(smoothstep(-0.012, 0.012, offshore), river), lake)
    open_sea = np.clip(offshore / 1.6 + 0.08 * patches, 0, 1).astype(np.float32)
    beach = smoothstep(-0.13, -0.05, offshore + 0.03 * patches) * smoothstep(0.15, 0.06, river)
    built, roof = _towns(x, y, patches)
    forest = smoothstep(-0.12, 0.12, (height - 190) / 420 + 0.32 * patches) * (1 - smoothstep(0, 0.3, built))
    forest = np.maximum(
        forest, smoothstep(1.3, 1.42, patches + 0.16 * grain) * (1 - smoothstep(0, 0.1, built))
    )
    crop, sowing, soil, hedge = _fields(x, y, grain)
    return Ground(
        height=height,
        slope_east=slope_east,
        slope_north=slope_north,
        water=water,
        depth=open_sea * smoothstep(0.0, 0.2, offshore) + 0.35 * lake,
        sand=beach,
        forest=np.maximum(forest, hedge * 0.7),
        conifers=smoothstep(250, 620, height + 90 * patches),
        rock=smoothstep(760, 900, height + 60 * patches + 25 * grain),
        built=built,
        roof=roof,
        crop=crop,
        sowing=sowing,
        soil=soil,
        grain=grain,
    )


def _height(x: Floats, y: Floats) -> Floats:
    inland: Floats = (x - y) / math.sqrt(2)
    shape = _texture("shape").sample(x, y)
    ridges = 1 - np.abs(_texture("ridges").sample(x, y)) * np.float32(0.62)
    mountains = smoothstep(1.2, 8.5, inland + 1.3 * shape)
    rolling = 28 * (shape + 1.5) * smoothstep(-6, 0, inland)
    height: Floats = rolling + mountains * (230 + 640 * np.maximum(ridges, -0.2) + 90 * shape)
    return height


def _offshore(x: Floats, y: Floats, seaward: Floats) -> Floats:
    # Kilometres out to sea, negative on land.
    coast: Floats = (
        seaward - 6.3 + 0.75 * _texture("shape").sample(x, y) + 0.16 * _texture("patches").sample(x, y)
    )
    return coast


def _river(seaward: Floats, across: Floats) -> Floats:
    t = seaward
    bends = 0.95 * np.sin(0.72 * t + 0.6) + 0.42 * np.sin(1.9 * t + 1.1) + 0.13 * np.sin(5.3 * t)
    lean = 0.95 * 0.72 * np.cos(0.72 * t + 0.6) + 0.42 * 1.9 * np.cos(1.9 * t + 1.1) + 0.69 * np.cos(5.3 * t)
    distance = np.abs(across - 0.2 - bends) / np.sqrt(1 + lean * lean)
    width = 0.028 + 0.045 * smoothstep(-8, 4, t) + 0.35 * smoothstep(4.8, 7.2, t)
    return smoothstep(0.010, -0.010, (distance - width).astype(np.float32)) * smoothstep(-11.5, -11.0, t)


def _towns(x: Floats, y: Floats, patches: Floats) -> tuple[Floats, Floats]:
    distances = [np.hypot(x - east, y - north) / radius for east, north, radius in TOWNS]
    density: Floats = (1 - np.minimum.reduce(distances)).astype(np.float32)
    built = smoothstep(0.02, 0.16, density + np.where(density > -0.5, 0.2 * patches, 0).astype(np.float32))
    # Blocks between streets, turned a little; streets are bright, roofs grey to red, courts green.
    u: Floats = (x * 0.94 + y * 0.34) / 0.11
    v: Floats = (y * 0.94 - x * 0.34) / 0.085
    column, row = np.floor(u), np.floor(v)
    block = hash_unit(column.astype(np.int32), row.astype(np.int32), 5)
    street = smoothstep(0.12, 0.05, u - column)
    street = np.maximum(street, smoothstep(0.15, 0.06, v - row))
    green = (block > 0.72) & (street < 0.5)
    built *= np.where(green, np.float32(0.35), np.float32(1))
    for start, end in pairwise(TOWNS):
        built = np.maximum(built, 0.75 * _road(x, y, start[:2], end[:2]))
    roof: Floats = (0.65 + 0.6 * block) * (1 - street) + 0.95 * street
    return built.astype(np.float32), roof.astype(np.float32)


def _road(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float]) -> Floats:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / length**2, 0, 1)
    sway = 0.35 * np.sin(np.pi * along) * np.sin(2.3 * np.pi * along)
    off_x = x - start[0] - along * dx + sway * dy / length
    off_y = y - start[1] - along * dy - sway * dx / length
    return smoothstep(0.016, 0.006, np.hypot(off_x, off_y).astype(np.float32))


def _fields(x: Floats, y: Floats, grain: Floats) -> tuple[NDArray[np.int8], Floats, Floats, Floats]:
    u, v = bend(x, y)
    estate = (np.floor(u / ESTATE_KM[0]).astype(np.int32), np.floor(v / ESTATE_KM[1]).astype(np.int32))
    angle = plough_angle(*estate)
    along, sideways = u * np.cos(angle) + v * np.sin(angle), v * np.cos(angle) - u * np.sin(angle)
    strip = sideways / np.float32(STRIP_KM)
    strip_id = np.floor(strip).astype(np.int32)
    length, shift = field_length(*estate, strip_id)
    part = along / length + shift
    part_id = np.floor(part).astype(np.int32)
    key = (*estate, strip_id, part_id)
    sowing = (hash_unit(*key, 6) - 0.5) * np.float32(28)
    soil = 0.8 + 0.45 * hash_unit(*key, 7) + 0.05 * grain
    edge = np.minimum(
        np.minimum(strip - strip_id, 1 - strip + strip_id) * STRIP_KM,
        np.minimum(part - part_id, 1 - part + part_id) * length,
    )
    hedge = smoothstep(0.014, 0.006, edge.astype(np.float32)) * (hash_unit(*estate, strip_id, 8) > 0.45)
    return crop_of(*key), sowing, soil.astype(np.float32), hedge.astype(np.float32)


def bend(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return where a place lies on the plan of the fields, which the land has bent a little."""
    warp = _texture("warp")
    return x + 0.22 * warp.sample(x, y), y + 0.22 * warp.sample(y + 3, x - 5)


def plough_angle(column: Ints, row: Ints) -> Floats:
    """Return the direction of ploughing on an estate, in radians from the plan's first axis."""
    return hash_unit(column, row, 1) * np.float32(np.pi)


def field_length(column: Ints, row: Ints, strip: Ints) -> tuple[Floats, Floats]:
    """Return how long the fields of a strip are in kilometres, and by what part of it they are shifted."""
    return 0.32 + 0.5 * hash_unit(column, row, strip, 2), hash_unit(column, row, strip, 3)


def crop_of(column: Ints, row: Ints, strip: Ints, part: Ints) -> NDArray[np.int8]:
    """Return what grows on a field as an index into `CROPS`."""
    shares = np.cumsum([0.26, 0.2, 0.12, 0.12, 0.22])
    return np.searchsorted(shares, hash_unit(column, row, strip, part, 4)).astype(np.int8)
