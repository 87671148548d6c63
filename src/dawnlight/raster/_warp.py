"""From the pixels of one read to pixels of the output: pasting where grids agree, resampling elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._dtypes import nodata_in
from dawnlight.raster._overviews import AREA_KERNELS
from dawnlight.raster._plan import Read, kernel_radius

__all__ = ["place"]

_KINDS = {"bilinear": 0, "cubic": 1, "cubicspline": 2, "lanczos": 3}
_REDUCTIONS = {
    "average": (0, 0.0),
    "mode": (1, 0.0),
    "max": (2, 0.0),
    "min": (3, 0.0),
    "med": (4, 0.5),
    "q1": (4, 0.25),
    "q3": (4, 0.75),
}
_MIXING = frozenset({*_KINDS, "average"})
_ALL_VALID = np.empty((0, 0, 0), dtype=np.bool_)
# Kernels are compiled once for each of these types; the others are computed exactly as float64.
_COMPILED = frozenset({"uint8", "uint16", "int16", "float32", "float64"})

Pixels = NDArray[Any]
Valid = NDArray[np.bool_]


def place(
    read: Read, data: Pixels, valid: Valid | None, window: Window, out: Pixels, out_valid: Valid
) -> None:
    """Put the pixels of a read into a window of the output.

    Parameters
    ----------
    read
        The read, as planned for this window.
    data
        Pixels of ``read.window``, (band, y, x), in the type of the output band.
    valid
        Which of them count, or None when all do.
    window
        Rows and columns of the whole output.
    out, out_valid
        Arrays (band, height, width) for the window, filled where the read has valid pixels; elsewhere they
        are left as they are. ``out_valid`` must come in all False.
    """
    if read.shift is not None:
        _paste(read, data, valid, window, out, out_valid)
    else:
        _resample(read, data, valid, window, out, out_valid)


def _paste(
    read: Read, data: Pixels, valid: Valid | None, window: Window, out: Pixels, out_valid: Valid
) -> None:
    assert read.shift is not None
    top = read.window.y - read.shift[0] - window.y
    left = read.window.x - read.shift[1] - window.x
    part = np.s_[:, top : top + read.window.height, left : left + read.window.width]
    if valid is None:
        out[part] = data
        out_valid[part] = True
    else:
        np.copyto(out[part], data, where=valid)
        out_valid[part] = valid


def _resample(
    read: Read, data: Pixels, valid: Valid | None, window: Window, out: Pixels, out_valid: Valid
) -> None:
    from dawnlight.raster import _kernels

    level = read.level
    offset = (read.window.y, read.window.x)
    origin = (window.y, window.x)
    ok = _ALL_VALID if valid is None or valid.all() else valid
    src = np.ascontiguousarray(data)
    if read.kernel == "near":
        where = read.pair.coordinates(window).where
        missed = _kernels.nearest(src, ok, offset, level.shape, where, origin, level.zoom, out, out_valid)
        _check(missed, read, window)
        return
    result = out
    if src.dtype.name not in _COMPILED:
        src = src.astype(np.float64)
        result = np.zeros(out.shape, dtype=np.float64)
    _check(_mix(read, src, ok, window, result, out_valid, _limits(out.dtype)), read, window)
    if result is not out:
        np.copyto(out, result, where=out_valid, casting="unsafe")
    if read.kernel in _MIXING and out.dtype.kind in "iu":
        _avoid_nodata(read, out, out_valid)


def _mix(
    read: Read,
    src: Pixels,
    ok: Valid,
    window: Window,
    out: Pixels,
    out_valid: Valid,
    limits: tuple[tuple[float, float], bool],
) -> int:
    """Run the kernel of a read that looks at more than one pixel; return how many pixels it missed."""
    from dawnlight.raster import _kernels, _kernels_area

    level, origin = read.level, (window.y, window.x)
    source: tuple[Any, ...] = (src, ok, (read.window.y, read.window.x), level.shape)
    end: tuple[Any, ...] = (*limits, out, out_valid)
    if read.kernel in AREA_KERNELS:
        corners = read.pair.corners(window)
        place = (read.beyond, corners.where, origin, level.zoom)
        world = (read.pair.period * level.zoom[1], read.pair.ratio, read.pair.torn)
        whole: tuple[Any, ...] = (*source, *place, *world, *_REDUCTIONS[read.kernel], *end)
        missed = int(_kernels_area.area(*whole))
        return missed + (_stand_in(read, src, ok, window, out, out_valid) if corners.dense_x.size else 0)
    source = (*source, read.pair.coordinates(window).where, origin, level.zoom)
    if read.kernel in ("bilinear", "cubic") and level.scale == (1.0, 1.0):
        kernel = _kernels.bilinear if read.kernel == "bilinear" else _kernels.cubic
        return int(kernel(*source, *end))
    radius = tuple(kernel_radius(read.kernel, scale) for scale in level.scale)
    source = (*source, _KINDS[read.kernel], radius, level.scale, *end)
    return int(_kernels.separable(*source))


def _stand_in(read: Read, src: Pixels, ok: Valid, window: Window, out: Pixels, out_valid: Valid) -> int:
    """Show the pixel at the centre where the corners of an output pixel lie at other ends of a map.

    Elsewhere a footprint holds its centre, so there is nothing to fill in.
    """
    from dawnlight.raster import _kernels

    level, where = read.level, read.pair.coordinates(window).where
    found, valid = np.zeros_like(out), np.zeros_like(out_valid)
    offset, origin = (read.window.y, read.window.x), (window.y, window.x)
    missed: int = _kernels.nearest(src, ok, offset, level.shape, where, origin, level.zoom, found, valid)
    fresh = valid & ~out_valid
    np.copyto(out, found, where=fresh)
    out_valid |= fresh
    return missed


def _avoid_nodata(read: Read, out: Pixels, out_valid: Valid) -> None:
    """Move values that a kernel mixed to the nodata value one step off it, as GDAL does.

    Else they would be holes in every file that the result is written to.
    """
    for values, valid, source in zip(out, out_valid, read.sources, strict=True):
        nodata = nodata_in(out.dtype, source.layout.nodata)
        if nodata is None or source.steps:
            continue
        step = 1 if nodata == np.iinfo(out.dtype).min else -1
        values[(values == nodata) & valid] = int(nodata) + step


def _limits(dtype: np.dtype[Any]) -> tuple[tuple[float, float], bool]:
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return (float(info.min), float(info.max)), True
    return (0.0, 0.0), False


def _check(missed: int, read: Read, window: Window) -> None:
    """Turn a window that was planned too small into an error instead of a hole."""
    if missed:
        raise AssertionError(
            f"{missed} pixels of {window} need pixels outside {read.window} of {read.sources[0].file.href!r} "
            f"(kernel {read.kernel}, level {read.level.level}); please report this"
        )
