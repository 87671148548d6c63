"""Tiles of web maps from lazy arrays: each is computed when it is asked for, from no more than it needs."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import BandInfo
from dawnlight.accessor._coarse import coarsen
from dawnlight.accessor._fused import window_in
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._pictures import Shades, Style, shade
from dawnlight.accessor._previews import Preview, make_preview, shown_slots
from dawnlight.accessor._shading import all_colors
from dawnlight.accessor._variables import as_array, each_variable, picture_names
from dawnlight.accessor._warps import reproject
from dawnlight.errors import GridError, ParameterError
from dawnlight.geo import GeoBox, Window, XYZTile, from_bounds

__all__ = [
    "MERCATOR",
    "Look",
    "Pyramid",
    "TileSource",
    "choose_look",
    "empty_png",
    "encode_png",
    "mercator_bounds",
    "to_grid",
]

MERCATOR = "EPSG:3857"
LIMIT = 85.05112878
"""Degrees of latitude where web maps end."""

_MOST_PIXELS = 2**26
_OVERVIEW = 512
_CLASSES = 256


class Pyramid:
    """An array at full resolution and at halves, quarters, ... of it; nothing is computed for that.

    Parameters
    ----------
    obj : xarray object
        What the map shows.
    bands : str or sequence of str, optional
        As for `Looking.show`.
    slots : int
        Most time slots.
    """

    def __init__(self, obj: xr.DataArray | xr.Dataset, bands: str | Sequence[str] | None, slots: int) -> None:
        self._bands = bands
        self._slots = slots
        self._obj = obj
        self._levels: dict[int, Preview] = {}
        self.full = self.level(0)
        self._obj = self._only_shown(obj)

    @cached_property
    def geobox(self) -> GeoBox:
        """Grid at full resolution."""
        return geobox_of(self.full.array)

    @cached_property
    def is_dear(self) -> bool:
        """Whether coarse pixels cost as much as fine ones: values were calculated and are not there yet."""
        if self.full.array.chunks is None:
            return False
        return not _only_reads(self._obj)

    @cached_property
    def resolution(self) -> float:
        """Side of a pixel in units of the map, which are metres at the equator."""
        minx, miny, maxx, maxy = mercator_bounds(self.geobox)
        ny, nx = self.geobox.shape
        return math.sqrt((maxx - minx) * (maxy - miny) / (ny * nx))

    def level_for(self, tile: XYZTile) -> int:
        """Return how many times the pixels may be halved for a tile: they stay as fine as the tile's."""
        most = max(int(math.log2(min(self.geobox.shape))) - 1, 0)
        return min(max(math.floor(math.log2(tile.resolution / self.resolution) + 1e-9), 0), most)

    def level(self, number: int) -> Preview:
        """Return all slots (slot, band, y, x) with pixels ``2**number`` times as large."""
        if number not in self._levels:
            self._levels[number] = self._preview(self._obj, self._bands, number)
        return self._levels[number]

    def parts(self, number: int, slot: int) -> list[xr.DataArray]:
        """Return one slot of a level band by band."""
        others = [dim for dim in self._obj.dims if dim not in (*spatial_dims(self._obj), "band")]
        obj: Any = self._obj
        if others:
            chosen = shown_slots(obj.sizes[others[0]], self._slots)[slot]
            obj = obj.isel({others[0]: slice(chosen, chosen + 1)})
        if isinstance(obj, xr.Dataset):
            names = {str(name): name for name in picture_names(obj)}
            return [self._preview(obj[names[info.name]], None, number).array for info in self.full.bands]
        if "band" not in obj.dims:
            return [self._preview(obj, None, number).array]
        return [self._preview(obj, [info.name], number).array for info in self.full.bands]

    def _preview(self, obj: Any, bands: str | Sequence[str] | None, number: int) -> Preview:
        whole = 10**9
        if number == 0:
            return make_preview(as_array(obj), bands, slots=self._slots, side=whole)
        dims = spatial_dims(obj)
        side = math.ceil(max(obj.sizes[dim] for dim in dims) / 2**number)
        if isinstance(obj, xr.Dataset) and _only_reads(obj):
            coarse = each_variable(obj, lambda array: coarsen(array, dims, side))
            return make_preview(as_array(coarse), bands, slots=self._slots, side=whole)
        return make_preview(as_array(obj), bands, slots=self._slots, side=side)

    def _only_shown(self, obj: xr.DataArray | xr.Dataset) -> xr.DataArray | xr.Dataset:
        """Of a dataset, the variables that are shown, so that no other is touched."""
        if isinstance(obj, xr.DataArray):
            return obj
        shown = {info.name for info in self.full.bands}
        return obj[[name for name in picture_names(obj) if str(name) in shown]]


def _only_reads(obj: xr.DataArray | xr.Dataset) -> bool:
    from dawnlight.raster._dask_source import find_source

    parts = obj.data_vars.values() if isinstance(obj, xr.Dataset) else [obj]
    return all(part.chunks is not None and find_source(part.data) is not None for part in parts)


def mercator_bounds(geobox: GeoBox) -> tuple[float, float, float, float]:
    """Return the box around a grid in the projection of web maps.

    Raises
    ------
    GridError
        It lies beyond their end.
    """
    from dawnlight.geo._extent import reproject_bounds

    minx, miny, maxx, maxy = reproject_bounds(geobox.bounds, geobox.crs, "EPSG:4326")
    miny, maxy = max(miny, -LIMIT), min(maxy, LIMIT)
    if miny >= maxy:
        raise GridError(f"the array lies beyond {LIMIT:g} degrees, where web maps end: {geobox}")
    found: tuple[float, float, float, float] = reproject_bounds(
        (minx, miny, maxx, maxy), "EPSG:4326", MERCATOR
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How all tiles are coloured, so that they fit together."""

    style: Style
    bands: tuple[BandInfo, ...]
    shades: Shades
    """What was looked at to choose the colours, and what explains them."""
    overview: xr.DataArray | None
    """The values of all slots in few pixels on the grid of the map; None where that would cost too much."""


def choose_look(pyramid: Pyramid, style: Style, most_pixels: int = _MOST_PIXELS) -> Look:
    """Choose the colours from an overview of all slots, or from their middle if they are dear to compute.

    Parameters
    ----------
    pyramid
        What is shown.
    style
        How the user wants it.
    most_pixels
        Most pixels to compute for that.
    """
    ny, nx = pyramid.geobox.shape
    level = max(math.ceil(math.log2(max(ny, nx) / _OVERVIEW)), 0)
    level = min(level, max(int(math.log2(min(ny, nx))) - 1, 0))
    dear = pyramid.is_dear and pyramid.full.array.size > most_pixels
    preview = pyramid.full if dear else pyramid.level(level)
    seen = _middle(preview.array) if dear else _on_map(preview.array)
    bands = tuple(_with_colors(info) for info in preview.bands)
    shades = shade(Preview(array=seen, bands=bands, titles=preview.titles, total=preview.total), style)
    fixed = replace(style, gamma=shades.gamma)
    if shades.channels:
        fixed = replace(fixed, stretch=list(shades.channels))
    elif shades.limits is not None:
        fixed = replace(fixed, stretch=shades.limits)
    return Look(style=fixed, bands=bands, shades=shades, overview=None if dear else seen)


def _middle(array: xr.DataArray) -> xr.DataArray:
    """Return the pixels in the middle of the first slot."""
    ydim, xdim = spatial_dims(array)
    rows, cols = (
        slice(max(array.sizes[dim] - _OVERVIEW, 0) // 2, (array.sizes[dim] + _OVERVIEW) // 2)
        for dim in (ydim, xdim)
    )
    return array[:1].isel({ydim: rows, xdim: cols})


def _on_map(array: xr.DataArray) -> xr.DataArray:
    """Return an overview on the grid of the map, with about as many pixels."""
    bounds = mercator_bounds(geobox_of(array))
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    side = max(*geobox_of(array).shape, 64)
    return to_grid(array, from_bounds(bounds, crs=MERCATOR, resolution=longest / side)).compute()


def _with_colors(info: BandInfo) -> BandInfo:
    """Give every class a colour that does not depend on which others are in sight."""
    if info.type != "class" or len(info.colormap) >= _CLASSES:
        return info
    return replace(info, colormap=all_colors(info, _CLASSES))


class TileSource:
    """The tiles of one time slot.

    Parameters
    ----------
    pyramid : Pyramid
        What is shown.
    look : Look
        How.
    slot : int
        Number of the slot.
    most_pixels : int, default 67,108,864
        Most pixels of the array that one tile may compute.
    """

    def __init__(self, pyramid: Pyramid, look: Look, slot: int, most_pixels: int = _MOST_PIXELS) -> None:
        self._pyramid = pyramid
        self._look = look
        self._slot = slot
        self._most = most_pixels
        self._levels: dict[int, _Level] = {}
        self._lock = threading.Lock()

    @property
    def least_zoom(self) -> int:
        """The lowest zoom level at which tiles surely do not take too many pixels."""
        array = self._pyramid.full.array[:1]
        if not self._pyramid.is_dear or array.size <= self._most:
            return 0
        side = math.sqrt(self._most / array.sizes["band"]) * self._pyramid.resolution
        return max(math.ceil(math.log2(2 * math.pi * 6378137 / side)), 0)

    def values(self, z: int, x: int, y: int) -> xr.DataArray | None:
        """Compute the values of a tile, as `.dl.reproject` gives them on the tile's grid.

        Returns
        -------
        xarray.DataArray or None
            (slot, band, y, x), one slot; None if the array has nothing there.

        Raises
        ------
        InvalidTileError
            There is no such tile.
        ParameterError
            It would take too many pixels.
        """
        tile = XYZTile(x, y, z)
        level = self._level(self._pyramid.level_for(tile))
        classes = any(info.is_category for info in self._look.bands)
        region = _needed(level.geobox, tile.geobox, classes)
        if region is None:
            return None
        count = region.height * region.width * level.array.sizes["band"] * level.weight
        if count > self._most:
            raise ParameterError(
                f"this tile would compute {count:,} pixels of the array, more than {self._most:,}; zoom in, "
                "or show an array that only reads: it has overviews"
            )
        return to_grid(level.part(region), tile.geobox)

    def png(self, z: int, x: int, y: int) -> bytes:
        """Compute a tile as a PNG picture of 256 x 256 pixels, transparent where nothing is."""
        values = self.values(z, x, y)
        if values is None:
            return empty_png()
        preview = Preview(array=values, bands=self._look.bands, titles=("",), total=1)
        return encode_png(shade(preview, self._look.style).pixels[0])

    def _level(self, number: int) -> _Level:
        with self._lock:
            if number not in self._levels:
                template = self._pyramid.level(number).array[self._slot : self._slot + 1]
                parts = self._pyramid.parts(number, self._slot)
                cutters = [
                    _cutter(part, info.name) for part, info in zip(parts, self._look.bands, strict=True)
                ]
                self._levels[number] = _Level(template, cutters, number, dear=self._pyramid.is_dear)
            return self._levels[number]


class _Level:
    """One slot at one resolution."""

    def __init__(self, array: xr.DataArray, cutters: Sequence[Cutter], number: int, *, dear: bool) -> None:
        self.array = array
        self.geobox = geobox_of(array)
        self._dims = spatial_dims(array)
        self._cutters = cutters
        # A coarse pixel of values that were calculated costs all those that it stands for.
        self.weight = 4**number if dear else int(array.chunks is not None)

    def part(self, region: Window) -> xr.DataArray:
        """Compute a rectangle; one of a single row or column gets a neighbour, so that its grid is known."""
        region = region.pad(1).intersect(Window(0, 0, *self.geobox.shape)) or region
        ydim, xdim = self._dims
        rows, cols = region.slices
        part = self.array.isel({ydim: rows, xdim: cols})
        values = [cut(rows, cols) for cut in self._cutters]
        found = part.copy(data=np.concatenate(values, axis=1).astype(part.dtype, copy=False))
        found.encoding = dict(self.array.encoding)
        return found


Cutter = Callable[[slice, slice], NDArray[Any]]
"""Gives a rectangle of rows and columns of one band and slot, (1, 1, y, x)."""


def _cutter(part: xr.DataArray, band: str) -> Cutter:
    """Return how to get rectangles: from memory, from the files, or from blocks computed and kept."""
    if part.chunks is None:
        values = np.asarray(part.values)
        return lambda rows, cols: values[..., rows, cols]
    return _reader(part, band) or _blocks(part)


def _blocks(part: xr.DataArray) -> Cutter:
    from dawnlight.raster._dask_blocks import Blocks

    return Blocks(part.data).window


def _reader(part: xr.DataArray, band: str) -> Cutter | None:
    """Return what reads exactly the pixels asked for; None of values that were calculated.

    Of several slices of a lazy array, dask lets only the first reach the files; this goes there itself.
    """
    from dawnlight.raster._dask_source import find_source, layer_ids

    lazy = find_source(part.data)
    if lazy is None or "id" not in part.coords:
        return None
    window = window_in(part, lazy.plan.geobox)
    names = [lazy.plan.bands[number].name for number in lazy.output.keep]
    ids, known = str(np.ravel(part.coords["id"].values)[0]), layer_ids(lazy)
    if window is None or names.count(band) != 1 or known.count(ids) != 1:
        return None
    layer, number, top, left = known.index(ids), names.index(band), window.y, window.x

    def read(rows: slice, cols: slice) -> NDArray[Any]:
        found: NDArray[Any] = lazy[
            layer : layer + 1,
            number : number + 1,
            top + rows.start : top + rows.stop,
            left + cols.start : left + cols.stop,
        ]
        return found

    return read


def _needed(source: GeoBox, target: GeoBox, classes: bool) -> Window | None:
    """Pixels of a grid that the warp to another one reads."""
    from dawnlight.raster._sources import BandSpec
    from dawnlight.raster._warp_array import plan_warp, source_window

    kernel = None if classes else "near"
    spec = BandSpec(name="0", dtype="float32", nodata=None, category=classes, resampler=kernel)
    return source_window(plan_warp(source, target, [spec]), Window(0, 0, *target.shape))


def to_grid(array: xr.DataArray, target: GeoBox) -> xr.DataArray:
    return reproject(
        array,
        None,
        like=target,
        crs=None,
        resolution=None,
        all_touched=None,
        resampler="near",
        chunks=None,
    )


def encode_png(pixels: Any) -> bytes:
    """Return colours (y, x, 4) as a PNG picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


def empty_png() -> bytes:
    """Return a tile without anything."""
    return encode_png(np.zeros((256, 256, 4), np.uint8))
