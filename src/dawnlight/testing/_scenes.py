"""Hypothesis strategies for whole pixel requests: images of all kinds, layers, masks, kernels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._plan import MaskPolicy
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._sources import RESAMPLERS, RasterSource
from dawnlight.testing._engine import make_lazy, target_over, turned
from dawnlight.testing._memory import MemoryReader

__all__ = ["Scene", "paint_plainly", "scenes"]

_PLACE = GeoBox.from_geotrans((500000, 100, 0, 5000000, 0, -100), (40, 40), 32632)
_TARGETS = {32632: 100, 32633: 130, 4326: 0.0012, 3035: 90, "ESRI:54009": 150}
_DTYPES = ("uint8", "uint16", "int16", "int32", "float32")


@dataclass(frozen=True, kw_only=True, repr=False)
class Scene:
    """A request and the files that it is about."""

    reader: RasterReader
    """Who reads them."""
    rows: list[list[RasterSource | None]]
    """Sources, (image, band)."""
    target: GeoBox
    """The output grid."""
    layers: list[list[int]]
    """Images of each layer in paint order."""
    kernels: list[str | None]
    """Resampler of each band."""
    category: list[bool]
    """Which bands are labels."""
    dtypes: list[str]
    """Type of each band."""
    masks: MaskPolicy
    """Which pixels count as missing."""
    nodata: float | None
    """Of the band definitions."""
    cutline: Cutline | None
    """What the result is cut along."""

    def __repr__(self) -> str:
        def spell(source: RasterSource | None) -> str:
            if source is None:
                return "-"
            t = ", ".join(f"{number:g}" for number in source.geobox.geotrans)
            layout = source.layout
            return f"{layout.mask}, overviews {layout.overviews}, {source.geobox.shape} at ({t})"

        rows = "\n".join(f"    {k}: " + " | ".join(map(spell, row)) for k, row in enumerate(self.rows))
        return (
            f"Scene(layers={self.layers}, kernels={self.kernels}, category={self.category}, "
            f"dtypes={self.dtypes}, masks={self.masks}, nodata={self.nodata}, cutline={self.cutline}, "
            f"target={self.target}, images:\n{rows})"
        )

    def lazy(self, reader: RasterReader | None = None, **changes: Any) -> LazyRaster:
        """Return the lazy raster of the request, with some of its parts replaced.

        Parameters
        ----------
        reader : RasterReader, optional
            In place of the scene's own.
        **changes
            Arguments of `make_lazy`.
        """
        options = {
            "kernel": self.kernels,
            "layers": self.layers,
            "dtype": self.dtypes,
            "nodata": self.nodata,
            "category": self.category,
            "masks": self.masks,
            "cutline": self.cutline,
            **changes,
        }
        rows = options.pop("rows", self.rows)
        return make_lazy(rows, self.target, reader or self.reader, **options)


@st.composite
def scenes(draw: st.DrawFn, *, kernels: tuple[str, ...] = tuple(RESAMPLERS)) -> Scene:
    """Draw a request.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    kernels : tuple of str
        Resamplers to choose from.

    Returns
    -------
    Scene
    """
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    bands = draw(st.integers(1, 3))
    images = draw(st.integers(1, 4))
    reader = MemoryReader()
    dtypes = [draw(st.sampled_from(_DTYPES)) for _ in range(bands)]
    nodata = draw(st.sampled_from([None, None, 0.0, 7.0]))
    rows = [_image(draw, rng, reader, k, dtypes, nodata) for k in range(images)]
    crs = draw(st.sampled_from(list(_TARGETS)))
    pad = draw(st.sampled_from([-0.3, 0.0, 0.4]))
    coarser = draw(st.sampled_from([0.7, 1, 1, 2.3, 5]))
    target = target_over(_PLACE, crs, _TARGETS[crs] * coarser, pad=pad)
    numbers = st.integers(0, images - 1)
    layers = draw(st.lists(st.lists(numbers, max_size=4), min_size=1, max_size=3))
    category = [draw(st.booleans()) and dtypes[k].startswith("uint8") for k in range(bands)]
    chosen = [None if category[k] else draw(st.sampled_from(kernels)) for k in range(bands)]
    alpha = draw(st.sampled_from([None, None, bands - 1]))
    cutline = None
    if draw(st.booleans()):
        x, y = _middle(target)
        disk = shapely.Point(x, y).buffer(
            draw(st.floats(0.1, 0.8)) * min(target.resolution) * min(target.shape)
        )
        cutline = Cutline(disk, target, all_touched=draw(st.booleans()))
    return Scene(
        reader=reader,
        rows=rows,
        target=target,
        layers=layers,
        kernels=chosen,
        category=category,
        dtypes=dtypes,
        masks=MaskPolicy(nodata=draw(st.sampled_from([True, True, False])), alpha=alpha),
        nodata=nodata,
        cutline=cutline,
    )


def _image(
    draw: st.DrawFn,
    rng: np.random.Generator,
    reader: MemoryReader,
    number: int,
    dtypes: list[str],
    nodata: float | None,
) -> list[RasterSource | None]:
    """One image whose bands lie on one grid or on two, in one file or several."""
    grids = [_grid(draw) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    row: list[RasterSource | None] = []
    for band, dtype in enumerate(dtypes):
        if row and draw(st.integers(0, 9)) == 0:
            row.append(None)
            continue
        grid = grids[band % len(grids)]
        pixels = _pixels(rng, grid.shape, dtype)
        levels = _reduced(pixels) if draw(st.booleans()) else []
        mask, masks = None, []
        if draw(st.integers(0, 2)) == 0:
            mask = _blobs(rng, grid.shape)
            masks = [_blobs(rng, level.shape) for level in levels]
        (source,) = reader.add(
            f"{number}-{band}",
            pixels,
            grid,
            image=f"i{number}",
            nodata=nodata,
            mask=mask,
            overviews=levels,
            overview_masks=masks,
        )
        row.append(source)
    return row


def _grid(draw: st.DrawFn) -> GeoBox:
    step = draw(st.sampled_from([100.0, 100.0, 50.0, 170.0]))
    ny, nx = draw(st.integers(1, 45)), draw(st.integers(1, 45))
    x = 500000 + 100 * draw(st.integers(-20, 30))
    y = 5000000 - 100 * draw(st.integers(-20, 30))
    sign = draw(st.sampled_from([1, 1, 1, -1]))
    found = GeoBox.from_geotrans((x, step, 0, y - (sign < 0) * ny * step, 0, -sign * step), (ny, nx), 32632)
    return turned(found, draw(st.sampled_from([0, 0, 0, 0, 30])))


def _pixels(rng: np.random.Generator, shape: tuple[int, int], dtype: str) -> NDArray[Any]:
    if dtype.startswith("float"):
        values = rng.normal(50, 20, shape)
        values[rng.random(shape) < 0.1] = np.nan
        return values.astype(dtype)
    return rng.integers(0, 12 if dtype == "uint8" else 200, shape).astype(dtype)


def _reduced(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    levels = [pixels[::2, ::2], pixels[::4, ::4]]
    return [level for level in levels if min(level.shape) > 1]


def _blobs(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    small = rng.random((shape[0] // 5 + 1, shape[1] // 5 + 1)) > 0.4
    return np.asarray(small.repeat(5, 0).repeat(5, 1)[: shape[0], : shape[1]])


def _middle(box: GeoBox) -> tuple[float, float]:
    west, south, east, north = box.bounds
    return (west + east) / 2, (south + north) / 2


def paint_plainly(scene: Scene) -> NDArray[np.float64]:
    """Return what a request must give, painted pixel by pixel.

    Each image is resampled on its own; how images come together is written here once more, without care for
    speed.

    Parameters
    ----------
    scene : Scene
        The request.

    Returns
    -------
    ndarray of float64, (layer, band, y, x)
        NaN is masked.
    """
    every = [[k] for k in range(len(scene.rows))]
    veiled = [_veiled(scene, row) for row in scene.rows]
    alone = scene.lazy(rows=veiled, layers=every, masks=MaskPolicy(nodata=True), cutline=None)[:]
    alone = alone.astype(np.float64)
    bare = [[source and _bare(scene, source, band) for band, source in enumerate(row)] for row in scene.rows]
    stored = scene.lazy(
        rows=bare, layers=every, masks=MaskPolicy(nodata=False), cutline=None, kernel="near", nodata=None
    )
    covered = scene.lazy(
        rows=[_ones(scene, row) for row in bare],
        layers=every,
        masks=MaskPolicy(nodata=True),
        cutline=None,
        kernel="near",
    )
    raw, there = stored[:].astype(np.float64), ~np.isnan(covered[:])
    inside = np.ones(scene.target.shape, bool)
    if scene.cutline is not None:
        from dawnlight.geo import Window

        inside = scene.cutline.inside(Window(0, 0, *scene.target.shape))
    fill = 0.0 if scene.nodata is None else scene.nodata
    out = np.full((len(scene.layers), *alone.shape[1:]), np.nan)
    for layer, members in enumerate(scene.layers):
        for y, x in np.ndindex(scene.target.shape):
            values = _pixel(scene, alone[:, :, y, x], raw[:, :, y, x], there[:, :, y, x], members, fill)
            if not inside[y, x]:
                values = [np.nan if scene.masks.active else fill] * len(values)
            out[layer, :, y, x] = values
    return out


def _pixel(
    scene: Scene,
    alone: NDArray[np.float64],
    raw: NDArray[np.float64],
    there: NDArray[np.bool_],
    members: list[int],
    fill: float,
) -> list[float]:
    """Values of all bands at one pixel of a layer."""
    count, alpha = alone.shape[1], scene.masks.alpha
    if alpha is not None:
        for image in reversed(members):
            if not np.isnan(alone[image, alpha]) and alone[image, alpha] != 0:
                hole = np.nan if scene.masks.nodata else fill
                return [hole if np.isnan(value) else value for value in alone[image]]
        return [np.nan] * count
    values = []
    for band in range(count):
        seen = [alone[image, band] for image in reversed(members) if not np.isnan(alone[image, band])]
        beneath = [raw[image, band] for image in reversed(members) if there[image, band]]
        if seen:
            values.append(seen[0])
        elif scene.masks.nodata:
            values.append(np.nan)
        else:
            values.append(beneath[0] if beneath else fill)
    return values


def _bare(scene: Scene, source: RasterSource, band: int) -> RasterSource:
    """Return a source whose pixels all count, at the level that the band's kernel reads."""
    whole = scene.category[band] or scene.kernels[band] in AREA_KERNELS
    layout = dataclasses.replace(
        source.layout, nodata=None, mask="none", overviews=() if whole else source.layout.overviews
    )
    return dataclasses.replace(source, layout=layout)


def _veiled(scene: Scene, row: list[RasterSource | None]) -> list[RasterSource | None]:
    """Write an image again with the zeros of its alpha band as a mask of its other bands."""
    alpha = None if scene.masks.alpha is None else row[scene.masks.alpha]
    if alpha is None:
        return row
    reader = scene.reader
    assert isinstance(reader, MemoryReader)
    visible = _visible(reader, alpha)
    found: list[RasterSource | None] = []
    for band, source in enumerate(row):
        if source is None or band == scene.masks.alpha or source.geobox != alpha.geobox:
            found.append(source)
            continue
        levels, masks = reader.levels(source), reader.masks(source)
        if source.layout.overviews != alpha.layout.overviews:
            levels, masks = levels[:1], masks[:1]
        masks = [mask & seen for mask, seen in zip(masks, visible, strict=False)]
        found += reader.add(
            f"veiled-{source.file.href}",
            levels[0],
            source.geobox,
            image=source.image,
            nodata=source.layout.nodata,
            mask=masks[0],
            overviews=levels[1:],
            overview_masks=masks[1:],
        )
    return found


def _visible(reader: MemoryReader, alpha: RasterSource) -> list[NDArray[np.bool_]]:
    """Where an alpha band is there and not 0, at each level."""
    found = []
    for level, mask in zip(reader.levels(alpha), reader.masks(alpha), strict=True):
        seen = mask & (level != 0) & (level == level)
        if alpha.layout.nodata is not None:
            seen &= level != alpha.layout.nodata
        found.append(seen)
    return found


def _ones(scene: Scene, row: list[Any]) -> list[RasterSource | None]:
    """Make sources of the same grids whose pixels are all 1."""
    found: list[RasterSource | None] = []
    for source in row:
        if source is None:
            found.append(None)
            continue
        assert isinstance(scene.reader, MemoryReader)
        href = f"ones-{source.file.href}"
        ones = np.ones(source.geobox.shape, source.layout.dtype)
        levels = [np.ones(shape, source.layout.dtype) for shape in source.layout.overviews]
        found += scene.reader.add(href, ones, source.geobox, image=source.image, overviews=levels)
    return found
