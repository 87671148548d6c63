"""Hypothesis strategies for whole pixel requests: images of all kinds, layers, masks, kernels."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from hypothesis import strategies as st
from numpy.typing import NDArray

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._lazy import LazyRaster
from dawnlight.raster._neighbours import reach
from dawnlight.raster._overviews import AREA_KERNELS, LevelChoice
from dawnlight.raster._plan import MaskPolicy, Read, ReadPlan
from dawnlight.raster._reader import RasterReader
from dawnlight.raster._sources import RESAMPLERS, RasterSource
from dawnlight.raster._warp import place
from dawnlight.testing._engine import make_lazy, target_over, turned
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._oracle import reference_warp

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
def scenes(draw: st.DrawFn, *, kernels: tuple[str, ...] = tuple(RESAMPLERS), tiled: bool = False) -> Scene:
    """Draw a request.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    kernels : tuple of str
        Resamplers to choose from.
    tiled : bool, default: False
        Whether most images are parts of one large grid, and several are in each layer.

    Returns
    -------
    Scene
    """
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    bands = draw(st.integers(1, 3))
    images = draw(st.integers(2 if tiled else 1, 4))
    reader = MemoryReader()
    dtypes = [draw(st.sampled_from(_DTYPES)) for _ in range(bands)]
    nodata = draw(st.sampled_from([None, None, 0.0, 7.0]))
    rows = [
        _image(draw, rng, reader, k, dtypes, nodata, tiled=tiled and draw(st.integers(0, 4)) > 0)
        for k in range(images)
    ]
    crs = draw(st.sampled_from(list(_TARGETS)))
    pad = draw(st.sampled_from([-0.3, 0.0, 0.4]))
    coarser = draw(st.sampled_from([0.7, 1, 1, 2.3, 5]))
    target = target_over(_PLACE, crs, _TARGETS[crs] * coarser, pad=pad)
    numbers = st.integers(0, images - 1)
    if tiled:
        layers = [draw(st.permutations(range(images)))]
    else:
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
    *,
    tiled: bool,
) -> list[RasterSource | None]:
    """One image whose bands lie on one grid or on two, in one file or several."""
    grids = [_tile(draw) if tiled else _grid(draw) for _ in range(draw(st.sampled_from([1, 1, 2])))]
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


def _tile(draw: st.DrawFn) -> GeoBox:
    """Return a part of one large grid."""
    ny, nx = draw(st.integers(4, 40)), draw(st.integers(4, 40))
    row, col = draw(st.integers(-10, 20)), draw(st.integers(-10, 20))
    return GeoBox.from_geotrans((500000 + 100 * col, 100, 0, 5000000 - 100 * row, 0, -100), (ny, nx), 32632)


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

    How images come together is written here once more, without care for speed: at the files' own pixels,
    where kernels look at neighbours, and on the output. Only the kernels themselves are those of the engine.

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
        inside = scene.cutline.inside(Window(0, 0, *scene.target.shape))
    fill = 0.0 if scene.nodata is None else scene.nodata
    out = np.full((len(scene.layers), *raw.shape[1:]), np.nan)
    for layer, members in enumerate(scene.layers):
        alone = np.stack([_resampled(scene, members, image) for image in range(len(scene.rows))])
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


def _resampled(scene: Scene, members: list[int], image: int) -> NDArray[np.float64]:
    """Resample the bands of one image of a layer, (band, y, x), NaN where it has nothing."""
    found = np.full((len(scene.dtypes), *scene.target.shape), np.nan)
    if image not in members:
        return found
    plan, window = scene.lazy(layers=[members]).plan, Window(0, 0, *scene.target.shape)
    order = list(dict.fromkeys(reversed(members)))
    for band, dtype in enumerate(scene.dtypes):
        for read in plan.image_reads(image, [band], window):
            if read.shift is not None or read.kernel == "near" or band == scene.masks.alpha:
                region, seers, beyond = read.window, [image], (0, 0)
            else:
                beyond = reach(read)
                region, seers = Window(0, 0, *read.level.shape), order
                region = Window(
                    -beyond[0],
                    -beyond[1],
                    region.height + 2 * beyond[0],
                    region.width + 2 * beyond[1],
                )
            data, valid, rank = _canvas(scene, plan, read, region, seers)
            own = seers.index(image)
            out = np.zeros((1, *scene.target.shape), dtype)
            ok, mine = np.zeros(out.shape, bool), np.zeros(out.shape, bool)
            here = replace(read, window=region, beyond=beyond)
            place(here, data, valid, window, out, ok)
            if read.shift is None and read.kernel != "near":
                kernel = "max" if read.kernel in AREA_KERNELS else "near"
                place(replace(here, kernel=kernel), data, valid & (rank <= own), window, out.copy(), mine)
                ok &= mine
            found[band] = np.where(ok[0], out[0].astype(np.float64), np.nan)
    return found


def _canvas(
    scene: Scene, plan: ReadPlan, read: Read, region: Window, order: list[int]
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.int64]]:
    """Return what some images show on the level of a read, the topmost first: values, validity, image."""
    band = read.bands[0]
    data = np.zeros((1, *region.shape), scene.dtypes[band])
    valid = np.zeros(data.shape, bool)
    rank = np.full(data.shape, 99)
    own = scene.rows[read.image][band]
    assert own is not None
    for position, image in enumerate(order):
        source = scene.rows[image][band]
        if source is None:
            continue
        part = plan.part(image, (band,), read.kernel)
        at = _offset(own.geobox, source.geobox, read.level, part.level)
        if image != read.image and at is None:
            continue
        row, col = at or (0, 0)
        assert isinstance(scene.reader, MemoryReader)
        level = part.level.level
        pixels = scene.reader.levels(source)[level]
        there = _visible_at(scene.reader, source, level)
        seen = _unveiled(scene, part, image, band)
        if seen is None:
            continue
        for y, x in np.ndindex(pixels.shape):
            v, u = y + row - region.y, x + col - region.x
            if not (0 <= v < region.height and 0 <= u < region.width) or rank[0, v, u] != 99:
                continue
            shown = there[y, x] if part.veil is None else seen[y, x]
            if shown:
                data[0, v, u], valid[0, v, u], rank[0, v, u] = pixels[y, x], there[y, x], position
    return data, valid, rank


def _offset(own: GeoBox, other: GeoBox, level: LevelChoice, its_level: LevelChoice) -> tuple[int, int] | None:
    """Row and column of a grid's first pixel on another; None if their pixels do not coincide."""
    mine, its = (np.reshape(tuple(box.transform), (3, 3)) for box in (own, other))
    shift = np.linalg.inv(mine) @ its
    steps = shift[1::-1, 2]
    square = np.allclose(shift[:2, :2], np.eye(2), atol=1e-6)
    if not square or not np.allclose(steps, np.round(steps), atol=1e-4):
        return None
    if level.zoom != its_level.zoom:
        drift = np.abs(np.subtract(level.zoom, its_level.zoom))
        if (drift * (np.array(other.shape) + np.abs(steps)) > 1e-3).any():
            return None
    at = np.round(steps) * level.zoom
    if (np.abs(at - np.round(at)) > 1e-3).any():
        return None
    return int(np.round(at[0])), int(np.round(at[1]))


def _unveiled(scene: Scene, part: Read, image: int, band: int) -> NDArray[np.bool_] | None:
    """Where the alpha band of an image shows the pixels of a band; None where it has no alpha band."""
    shape = part.level.shape
    mixes = part.shift is None and part.kernel != "near" and band != scene.masks.alpha
    if scene.masks.alpha is None or (not mixes and part.veil is None):
        return np.ones(shape, bool)
    alpha = scene.rows[image][scene.masks.alpha]
    if alpha is None:
        return None
    assert isinstance(scene.reader, MemoryReader)
    if alpha.geobox == part.pair.source:
        return _visible(scene.reader, alpha)[part.level.level]
    seen = _visible(scene.reader, alpha)[0]
    grid = part.pair.source.zoom_to(shape)
    shown, _ = reference_warp(seen.astype("uint8"), np.ones(seen.shape, bool), alpha.geobox, grid, "max")
    return np.asarray(shown != 0)


def _visible_at(reader: MemoryReader, source: RasterSource, level: int) -> NDArray[np.bool_]:
    """Where a band is there at a level."""
    pixels = reader.levels(source)[level]
    there = reader.masks(source)[level] & (pixels == pixels)
    if source.layout.nodata is not None:
        there &= pixels != source.layout.nodata
    return np.asarray(there)


def _visible(reader: MemoryReader, alpha: RasterSource) -> list[NDArray[np.bool_]]:
    """Where an alpha band is there and not 0, at each level."""
    return [
        _visible_at(reader, alpha, number) & (level != 0) for number, level in enumerate(reader.levels(alpha))
    ]


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
