"""Which scenes there are, and the pixels of each: tiles of two UTM zones, dates over a year, swath edges."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray

from dawnlight._tutorial._ground import Ground, make_ground
from dawnlight._tutorial._noise import Floats
from dawnlight._tutorial._seasons import BANDS, make_reflectance, sun_of
from dawnlight._tutorial._weather import (
    CIRRUS,
    CLOUD_HIGH,
    CLOUD_MEDIUM,
    NODATA,
    classify,
    coarsen_classes,
    make_weather,
    seen_through,
)
from dawnlight.geo._crs import normalize_crs, transformer
from dawnlight.geo._geobox import GeoBox

__all__ = [
    "CENTER",
    "PIXEL_METRES",
    "TILES",
    "Picture",
    "Scene",
    "Tile",
    "TilePainter",
    "list_scenes",
    "lonlat_of",
]

CENTER = (6.0, 45.0)
"""Longitude and latitude of the middle of the demo country, on the border of two UTM zones."""

_KM_NORTH = 111.13
_KM_EAST = 111.32 * math.cos(math.radians(CENTER[1]))
_TILE_KM = 10.24
PIXEL_METRES = 1000 * _TILE_KM
"""Side of a tile in metres: divided by the pixels along it, the size of a pixel."""
_OVERLAP_KM = 0.4  # beyond the middle line; keeps tiles that are turned against each other from gaping
_COVERS = (0.26, 0.10, 0.40, 0.07, 0.18, 0.28)
_YEAR = 2023
# Days of the year, from 0, for six dates: one in winter, most while things grow. Other numbers lie between.
_DAYS = (19, 104, 139, 187, 232, 301, 384)


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the squares that scenes are cut into."""

    name: str
    epsg: int
    east: int
    """-1 west of the zone border, 1 east of it."""
    north: int


TILES = (
    Tile("31TGL", 32631, -1, 1),
    Tile("32TKR", 32632, 1, 1),
    Tile("31TGK", 32631, -1, -1),
    Tile("32TKQ", 32632, 1, -1),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One tile on one date."""

    name: str
    tile: Tile
    acquired: datetime
    cover: float
    """Share of clouds over the whole country."""
    edge: tuple[float, float] | None
    """Edge of the swath: kilometres east at the middle, and the side not seen (-1 west, 1 east); or None."""

    @property
    def day(self) -> int:
        """Day of the year, from 1."""
        return self.acquired.timetuple().tm_yday


def list_scenes(count: int, tiles: Sequence[Tile] = TILES) -> list[Scene]:
    """Return the scenes, tile by tile within each date.

    Parameters
    ----------
    count : int
        How many; as many to a date as there are tiles, so the last date may be incomplete.
    tiles : sequence of Tile
        Which tiles; fewer of them leave more dates to the same number of scenes.

    Returns
    -------
    list of Scene
    """
    dates = -(-count // len(tiles))
    scenes = []
    for number in range(dates):
        day = round(float(np.interp(6 * number / dates, range(7), _DAYS)))
        # The two tracks fly over 3 minutes apart.
        offset = timedelta(days=day, hours=10, minutes=30 + 3 * (number % 2), seconds=21)
        acquired = datetime(_YEAR, 1, 1, tzinfo=UTC) + offset
        edge = ((-6.9, -1.0), (6.3, 1.0), None, None)[number % 4]
        for tile in tiles:
            name = f"S2D_{tile.name}_{acquired:%Y%m%d}"
            scenes.append(Scene(name, tile, acquired, _COVERS[number % len(_COVERS)], edge))
    return scenes[:count]


def lonlat_of(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitudes and latitudes of places in kilometres east and north of the middle."""
    return CENTER[0] + x / _KM_EAST, CENTER[1] + y / _KM_NORTH


def _tile_geobox(tile: Tile, size: int) -> GeoBox:
    """Return the pixel grid of a tile: about 10 km across, north up, `size` pixels along each side."""
    crs = normalize_crs(tile.epsg)
    middle = transformer(normalize_crs("EPSG:4326"), crs).transform(*CENTER)
    shift = 1000 * (_TILE_KM / 2 - _OVERLAP_KM)
    left = middle[0] + tile.east * shift - 500 * _TILE_KM
    top = middle[1] + tile.north * shift + 500 * _TILE_KM
    left, top = 60 * round(left / 60), 60 * round(top / 60)
    resolution = PIXEL_METRES / size
    return GeoBox((size, size), Affine(resolution, 0, left, 0, -resolution, top), crs)


def _places(geobox: GeoBox) -> tuple[Floats, Floats]:
    # Kilometres from the middle of the country. Exact on every 16th pixel and straight lines between: for
    # pixels of 10 m the error is below a millimetre.
    step = 16
    height, width = geobox.shape
    rows = np.arange(0, height + step, step) + 0.5
    columns = np.arange(0, width + step, step) + 0.5
    a, _, left, _, e, top = tuple(geobox.transform)[:6]
    easting, northing = np.meshgrid(left + a * columns, top + e * rows)
    lon, lat = transformer(geobox.crs, normalize_crs("EPSG:4326")).transform(easting, northing)
    x = _spread((lon - CENTER[0]) * _KM_EAST, step, geobox.shape)
    y = _spread((lat - CENTER[1]) * _KM_NORTH, step, geobox.shape)
    return x, y


def _spread(knots: NDArray[np.float64], step: int, shape: tuple[int, int]) -> Floats:
    share = np.arange(step) / step
    rows = (knots[:-1, None, :] * (1 - share)[:, None] + knots[1:, None, :] * share[:, None]).reshape(
        -1, knots.shape[1]
    )
    full = (rows[:, :-1, None] * (1 - share) + rows[:, 1:, None] * share).reshape(rows.shape[0], -1)
    return full[: shape[0], : shape[1]].astype(np.float32)


def _seen(scene: Scene, x: Floats, y: Floats) -> NDArray[np.bool_] | None:
    if scene.edge is None:
        return None
    east, side = scene.edge
    # The track runs a little west of north.
    return (x - (east - 0.23 * y)) * side < 0


def _footprint(scene: Scene, geobox: GeoBox) -> shapely.Geometry:
    """Return the outline of what the scene sees of its tile, in longitude and latitude."""
    tile = geobox.footprint()
    if scene.edge is None:
        return tile
    east, side = scene.edge
    corners = [(east - 0.23 * y, y) for y in (-50, 50)] + [(-side * 50, y) for y in (50, -50)]
    half = shapely.Polygon(np.column_stack(lonlat_of(*np.array(corners).T)))
    return tile.intersection(half)


@dataclass(frozen=True, slots=True)
class Picture:
    """The pixels of a scene and what its metadata say."""

    geobox: GeoBox
    numbers: NDArray[np.uint16]
    """Reflectance times 10,000, (band, y, x) in the order of `BANDS`; 0 where nothing was seen."""
    classes: NDArray[np.uint8]
    """Scene classes on pixels twice as large; 0 where nothing was seen."""
    footprint: shapely.Geometry
    """Outline of what was seen, in longitude and latitude."""
    cloud_fraction: float
    fill_fraction: float


class TilePainter:
    """Paints the scenes of one tile; the ground is worked out once.

    Parameters
    ----------
    tile : Tile
        The tile.
    size : int
        Pixels along each side; even.
    """

    def __init__(self, tile: Tile, size: int) -> None:
        self.geobox = _tile_geobox(tile, size)
        self._x, self._y = _places(self.geobox)
        self._ground: Ground = make_ground(self._x, self._y)

    def paint(self, scene: Scene) -> Picture:
        """Paint one scene of this tile."""
        sun = sun_of(scene.day)
        reflectance = make_reflectance(self._ground, scene.day, sun)
        weather = make_weather(self._x, self._y, day=scene.day, cover=scene.cover, sun=sun)
        classes = classify(self._ground, reflectance, weather, day=scene.day)
        numbers = _to_numbers(seen_through(reflectance, weather), seed=_seed_of(scene))
        seen = _seen(scene, self._x, self._y)
        if seen is not None:
            numbers[:, ~seen] = 0
            classes[~seen] = NODATA
        coarse = coarsen_classes(classes)
        valid = int(np.count_nonzero(classes))
        cloudy = np.isin(classes, (CLOUD_MEDIUM, CLOUD_HIGH, CIRRUS))
        return Picture(
            geobox=self.geobox,
            numbers=numbers,
            classes=coarse,
            footprint=_footprint(scene, self.geobox),
            cloud_fraction=round(int(np.count_nonzero(cloudy)) / max(valid, 1), 4),
            fill_fraction=round(valid / classes.size, 4),
        )


def _seed_of(scene: Scene) -> int:
    """Return a number that stays the same from run to run, unlike Python's own hash."""
    return zlib.crc32(scene.name.encode())


def _to_numbers(reflectance: Floats, *, seed: int) -> NDArray[np.uint16]:
    rng = np.random.default_rng(seed)
    numbers = np.empty(reflectance.shape, np.uint16)
    for band in range(len(BANDS)):
        values = reflectance[band] * np.float32(10000)
        values += 12 * rng.standard_normal(values.shape, np.float32)
        numbers[band] = np.clip(np.rint(values), 1, 20000)
    return numbers
