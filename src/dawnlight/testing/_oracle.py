"""Two oracles for resampling: GDAL's warp made exact, and each kernel written plainly in NumPy.

Neither shares code with the engine. The NumPy one takes its positions from PROJ pixel by pixel and its
weights from the textbook formulas, in float64, with no care for speed.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import MaskFlags, Resampling
from rasterio.vrt import WarpedVRT

from dawnlight.geo import GeoBox
from dawnlight.geo._crs import same_crs, transformer
from dawnlight.raster._overviews import LevelChoice

__all__ = ["choose_of", "gdal_warp", "positions", "reference_warp"]

Floats = NDArray[np.float64]

_GDAL_NAMES = {"near": "nearest", "cubicspline": "cubic_spline"}
_TIE = 1e-8
_EDGE = 1e-3


def choose_of(lazy: Any, image: int = 0, band: int = 0) -> LevelChoice:
    """Return which level of a source a lazy raster reads, and how wide its kernel is there.

    Parameters
    ----------
    lazy : LazyRaster
        As `make_lazy` returns.
    image, band : int, default: 0
        Which source.

    Returns
    -------
    LevelChoice
    """
    from dawnlight.geo import Window

    plan = lazy.plan
    for read in plan.image_reads(image, [band], Window(0, 0, *plan.geobox.shape)):
        return read.level  # type: ignore[no-any-return]  # a LevelChoice
    raise AssertionError("the source does not touch the output")


def gdal_warp(
    path: str | os.PathLike[str],
    target: GeoBox,
    kernel: str,
    level: LevelChoice,
    *,
    src_nodata: float | None = None,
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Warp a whole file with GDAL, exactly: no approximate transform, and a fixed kernel scale.

    Parameters
    ----------
    path : str or path-like
        The file.
    target : GeoBox
        The output grid.
    kernel : str
        Name of the resampler as the API has it.
    level : LevelChoice
        Which overview to take the pixels from, and how wide the kernel is on it.
    src_nodata : float, optional
        Nodata value in place of the file's.

    Returns
    -------
    data : ndarray, (band, y, x)
        In the file's dtype; an alpha band is left out.
    valid : ndarray of bool, (band, y, x)
        Where GDAL has a value.
    """
    scale = {}
    if kernel in ("bilinear", "cubic", "cubicspline", "lanczos"):
        scale = {"XSCALE": repr(1 / level.scale[1]), "YSCALE": repr(1 / level.scale[0])}
    opened = {"overview_level": level.level - 1} if level.level else {}
    with rasterio.open(path, **opened) as file:
        flags = file.mask_flag_enums
        has_alpha = any(MaskFlags.alpha in found for found in flags)
        count = file.count - has_alpha
        nodata = file.nodata if src_nodata is None else src_nodata
        options: dict[str, Any] = {"src_nodata": nodata} if src_nodata is not None else {}
        if nodata is None and not has_alpha:
            options["add_alpha"] = True
        with WarpedVRT(
            file,
            crs=target.crs.to_wkt(),
            transform=target.transform,
            width=target.width,
            height=target.height,
            resampling=Resampling[_GDAL_NAMES.get(kernel, kernel)],
            tolerance=1e-6,
            **options,
            **scale,
        ) as warped:
            bands = list(range(1, count + 1))
            data = warped.read(bands)
            if nodata is None:
                alpha = warped.read(warped.count) != 0
                valid = np.broadcast_to(alpha, data.shape)
            else:
                valid = warped.read_masks(bands) != 0
    return data, valid


def positions(source: GeoBox, target: GeoBox, *, corner: bool = False) -> tuple[Floats, Floats]:
    """Return the exact source positions (x, y), in pixels, of a grid's pixel centres or corners.

    Parameters
    ----------
    source, target : GeoBox
        Position on which grid, of which grid's pixels.
    corner : bool, default: False
        True gives the corners, one row and column more.

    Returns
    -------
    tuple of ndarray, (y, x)
        Not finite where there is none. Longitudes are those within half a turn of the source's middle.
    """
    half, more = (0.0, 1) if corner else (0.5, 0)
    rows, cols = np.meshgrid(
        np.arange(target.height + more) + half, np.arange(target.width + more) + half, indexing="ij"
    )
    x, y = _apply(target.transform, cols, rows)
    if not same_crs(source.crs, target.crs):
        x, y = transformer(target.crs, source.crs).transform(x, y, errcheck=False)
    if source.crs.is_geographic:
        middle, _ = _apply(source.transform, source.width / 2, source.height / 2)
        sign = math.copysign(1.0, source.transform.a)
        with np.errstate(invalid="ignore"):
            x = x - 360 * sign * np.floor(sign * (x - middle) / 360 + 0.5)
    with np.errstate(invalid="ignore", over="ignore"):
        u, v = _apply(~source.transform, x, y)
    return np.asarray(u), np.asarray(v)


def reference_warp(
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    source: GeoBox,
    target: GeoBox,
    kernel: str,
    level: LevelChoice | None = None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Resample one band plainly.

    Parameters
    ----------
    pixels, valid : ndarray, (y, x)
        Of the level that is read.
    source : GeoBox
        Grid of the full resolution.
    target : GeoBox
        The output grid.
    kernel : str
        Name of the resampler as the API has it.
    level : LevelChoice, optional
        By default full resolution and a kernel of natural size.

    Returns
    -------
    values : ndarray of float64, (y, x)
        Rounded half up and limited as the type of `pixels` has it.
    valid : ndarray of bool, (y, x)
    """
    zoom = level.zoom if level else (1.0, 1.0)
    scale = level.scale if level else (1.0, 1.0)
    if kernel in ("near", "bilinear", "cubic", "cubicspline", "lanczos"):
        x, y = positions(source, target)
        values, good = _interpolate(pixels, valid, x * zoom[1], y * zoom[0], kernel, scale)
    else:
        x, y = positions(source, target, corner=True)
        values, good = _reduce(pixels, valid, x * zoom[1], y * zoom[0], kernel)
    if pixels.dtype.kind in "iu":
        info = np.iinfo(pixels.dtype)
        values = np.clip(np.floor(values + 0.5), info.min, info.max)
    return values, good


def kernel_weight(kernel: str, t: Floats) -> Floats:
    """Return the textbook weight of a kernel at distances `t`, in pixels.

    Parameters
    ----------
    kernel : {"bilinear", "cubic", "cubicspline", "lanczos"}
        Which one.
    t : ndarray
        Distances.

    Returns
    -------
    ndarray
    """
    t = np.abs(t)
    if kernel == "bilinear":
        return np.clip(1 - t, 0, None)
    if kernel == "cubic":  # Keys 1981, a = -0.5
        near = 1.5 * t**3 - 2.5 * t**2 + 1
        far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        return np.where(t <= 1, near, np.where(t < 2, far, 0.0))
    if kernel == "cubicspline":
        near = 2 / 3 - t**2 + t**3 / 2
        return np.where(t < 1, near, np.where(t < 2, (2 - t) ** 3 / 6, 0.0))
    return np.where(t < 3, np.sinc(t) * np.sinc(t / 3), 0.0)


_REACH = {"bilinear": 1, "cubic": 2, "cubicspline": 2, "lanczos": 3}


def _interpolate(
    pixels: NDArray[Any],
    valid: NDArray[np.bool_],
    x: Floats,
    y: Floats,
    kernel: str,
    scale: tuple[float, float],
) -> tuple[Floats, NDArray[np.bool_]]:
    height, width = pixels.shape
    out = np.zeros(x.shape)
    with np.errstate(invalid="ignore"):
        good = (x >= -_EDGE) & (y >= -_EDGE) & (x < width + _EDGE) & (y < height + _EDGE)
    x, y = np.where(good, x, 0.5), np.where(good, y, 0.5)
    home_x = np.clip(np.floor(x + _TIE).astype(int), 0, width - 1)
    home_y = np.clip(np.floor(y + _TIE).astype(int), 0, height - 1)
    good &= valid[home_y, home_x]
    values = pixels.astype(np.float64)
    own = values[home_y, home_x]
    if kernel == "near":
        out[good] = own[good]
        return out, good
    total, weight, missing = _sums(values, valid, x, y, kernel, scale)
    if kernel == "cubic" and scale == (1.0, 1.0):
        # Where one of the sixteen is missing, bilinear.
        total2, weight2, _ = _sums(values, valid, x, y, "bilinear", scale)
        total, weight = np.where(missing, total2, total), np.where(missing, weight2, weight)
    safe = weight > 1e-3
    value = np.where(safe, total / np.where(safe, weight, 1.0), own)
    out[good] = value[good]
    return out, good


def _sums(
    values: Floats,
    valid: NDArray[np.bool_],
    x: Floats,
    y: Floats,
    kernel: str,
    scale: tuple[float, float],
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Weighted sum, sum of weights, and whether a pixel in reach is missing."""
    height, width = values.shape
    reach_y, reach_x = (math.ceil(_REACH[kernel] * s) + 1 for s in scale)
    total, weight = np.zeros(x.shape), np.zeros(x.shape)
    missing = np.zeros(x.shape, bool)
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    for j in range(-reach_y, reach_y + 1):
        for i in range(-reach_x, reach_x + 1):
            column, row = left + i, top + j
            share = kernel_weight(kernel, (column + 0.5 - x) / scale[1]) * kernel_weight(
                kernel, (row + 0.5 - y) / scale[0]
            )
            inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
            at = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
            here = inside & valid[at]
            total += np.where(here, share * np.where(here, values[at], 0.0), 0.0)
            weight += np.where(here, share, 0.0)
            missing |= ~here & (-1 <= i <= 2) & (-1 <= j <= 2)
    return total, weight, missing


def _reduce(
    pixels: NDArray[Any], valid: NDArray[np.bool_], x: Floats, y: Floats, kernel: str
) -> tuple[Floats, NDArray[np.bool_]]:
    """Reduce the upright rectangle that has each output pixel's size, pixel by pixel."""
    height, width = pixels.shape
    out = np.zeros((x.shape[0] - 1, x.shape[1] - 1))
    good = np.zeros(out.shape, bool)
    for row, col in np.ndindex(out.shape):
        corner = np.array([x[row, col], y[row, col]])
        right = np.array([x[row, col + 1], y[row, col + 1]]) - corner
        down = np.array([x[row + 1, col], y[row + 1, col]]) - corner
        half = np.hypot(right, down) / 2
        middle = corner + (right + down) / 2
        low, high = middle - half, middle + half
        if not np.isfinite([*low, *high]).all():
            continue
        columns, shares_x = _covered(low[0], high[0], width)
        rows, shares_y = _covered(low[1], high[1], height)
        if not len(columns) or not len(rows):
            continue
        here = valid[np.ix_(rows, columns)].ravel()
        if not here.any():
            continue
        values = pixels[np.ix_(rows, columns)].astype(np.float64).ravel()[here]
        weights = np.outer(shares_y, shares_x).ravel()[here]
        out[row, col], good[row, col] = _reduced(values, weights, kernel), True
    return out, good


def _covered(low: float, high: float, size: int) -> tuple[NDArray[np.int64], Floats]:
    """Pixels that an interval touches, and how much of each."""
    if high <= 0 or low >= size:
        return np.empty(0, np.int64), np.empty(0)
    first, stop = math.floor(low + 1e-6), math.ceil(high - 1e-6)
    numbers = np.arange(max(first, 0), min(max(stop, first + 1), size))
    shares = np.minimum(high, numbers + 1) - np.maximum(low, numbers)
    return numbers, np.maximum(shares, 1e-6)


def _reduced(values: Floats, weights: Floats, kernel: str) -> float:
    if kernel == "average":
        return float((values * weights).sum() / weights.sum())
    if kernel == "mode":
        kinds = list(dict.fromkeys(values.tolist()))
        sums = [weights[values == kind].sum() for kind in kinds]
        best = max(sums)
        return float(next(k for k, s in zip(kinds, sums, strict=True) if s >= best * (1 - 1e-9)))
    if kernel in ("max", "min"):
        return float(values.max() if kernel == "max" else values.min())
    share = {"med": 0.5, "q1": 0.25, "q3": 0.75}[kernel]
    return float(np.sort(values)[max(math.ceil(share * len(values)) - 1, 0)])


def _apply(transform: Any, u: Any, v: Any) -> tuple[Any, Any]:  # Any: numbers or arrays
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * u + b * v + c, d * u + e * v + f
