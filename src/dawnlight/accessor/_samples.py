"""Values at points."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._missing import to_floating, with_encoding
from dawnlight.accessor._places import read_places
from dawnlight.errors import ParameterError

__all__ = ["column", "sample"]

_METHODS = ("near", "bilinear")
Ints = NDArray[np.intp]


def sample(array: xr.DataArray, points: Any, *, crs: Any, method: str) -> xr.DataArray:
    """Pick values at points; see `Placing.sample`."""
    if method not in _METHODS:
        raise ParameterError(f"method={method!r} must be one of {', '.join(map(repr, _METHODS))}")
    geobox, dims = geobox_of(array), spatial_dims(array)
    places = read_places(points, crs, points=True, parameter="points")
    xy = shapely.get_coordinates(places.on(geobox)).reshape(-1, 2)
    inverse = ~geobox.transform
    with np.errstate(invalid="ignore"):
        cols = inverse.a * xy[:, 0] + inverse.b * xy[:, 1] + inverse.c
        rows = inverse.d * xy[:, 0] + inverse.e * xy[:, 1] + inverse.f
        inside = (cols >= 0) & (rows >= 0) & (cols < geobox.width) & (rows < geobox.height)
    cols, rows = np.where(inside, cols, 0.5), np.where(inside, rows, 0.5)
    floating = to_floating(array)
    y, x = np.floor(rows).astype(np.intp), np.floor(cols).astype(np.intp)
    if geobox.size == 0:
        found = floating.sum(list(dims)).where(False).expand_dims(point=len(xy), axis=-1)
    else:
        found = _pick(floating, dims, y, x)
        if method == "bilinear":
            found = _only_amounts(_blend(floating, dims, rows, cols, found), found, array)
    found = found.where(xr.DataArray(inside, dims="point"))
    found = found.assign_coords(
        {
            "point": ("point", column(places.names)),
            dims[0]: ("point", _centres(geobox, x, y)[1]),
            dims[1]: ("point", _centres(geobox, x, y)[0]),
        }
    )
    found.attrs = dict(floating.attrs)
    found.name = array.name
    return with_encoding(found, floating.encoding if method == "near" else {})


def column(names: tuple[Hashable, ...]) -> Any:
    """Names as a coordinate: numbers or texts, and texts where they are mixed."""
    column = (
        np.asarray(names) if len({type(name) for name in names}) <= 1 else np.asarray(list(map(str, names)))
    )
    return column if column.ndim == 1 else np.asarray(list(map(str, names)))


def _centres(geobox: Any, x: Ints, y: Ints) -> tuple[Any, Any]:
    t = geobox.transform
    return t.a * (x + 0.5) + t.b * (y + 0.5) + t.c, t.d * (x + 0.5) + t.e * (y + 0.5) + t.f


def _pick(array: xr.DataArray, dims: tuple[Hashable, Hashable], y: Ints, x: Ints) -> xr.DataArray:
    """Values of pixels along ``point``; of a lazy array only the window around those of a chunk is read."""
    ydim, xdim = dims
    array = array.drop_vars([name for name in dims if name in array.coords])
    if array.chunks is None:
        return array.isel({ydim: xr.DataArray(y, dims="point"), xdim: xr.DataArray(x, dims="point")})
    sizes = dict(zip(array.dims, array.chunks, strict=True))
    chunk_y = np.searchsorted(np.cumsum(sizes[ydim]), y, side="right")
    chunk_x = np.searchsorted(np.cumsum(sizes[xdim]), x, side="right")
    order: list[int] = []
    parts = []
    for chunk in dict.fromkeys(zip(chunk_y.tolist(), chunk_x.tolist(), strict=True)):
        members = np.flatnonzero((chunk_y == chunk[0]) & (chunk_x == chunk[1]))
        top, left = y[members].min(), x[members].min()
        # Plain slices first: they reach the files, which lists of positions do not.
        window = array.isel({ydim: slice(top, y[members].max() + 1), xdim: slice(left, x[members].max() + 1)})
        if window.sizes[ydim] == window.sizes[xdim] == 1:
            part = window.isel({ydim: 0, xdim: 0}).expand_dims(point=len(members), axis=-1)
        else:
            part = window.isel(
                {
                    ydim: xr.DataArray(y[members] - top, dims="point"),
                    xdim: xr.DataArray(x[members] - left, dims="point"),
                }
            )
        parts.append(part.transpose(..., "point"))
        order.extend(members.tolist())
    if not parts:
        return array.isel({ydim: xr.DataArray(y, dims="point"), xdim: xr.DataArray(x, dims="point")})
    joined = (
        xr.concat(parts, "point", join="exact", coords="minimal", compat="override")
        if len(parts) > 1
        else parts[0]
    )
    back = np.argsort(order)
    return joined if (back == np.arange(len(back))).all() else joined.isel(point=back)


def _blend(
    array: xr.DataArray, dims: tuple[Hashable, Hashable], rows: Any, cols: Any, own: xr.DataArray
) -> xr.DataArray:
    """Linear between the four pixels around, without missing ones; missing where the point's own pixel is."""
    top, left = np.floor(rows - 0.5), np.floor(cols - 0.5)
    fy, fx = rows - 0.5 - top, cols - 0.5 - left
    total: Any = 0.0
    weight: Any = 0.0
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            y, x = (top + dy).astype(np.intp), (left + dx).astype(np.intp)
            there = (y >= 0) & (x >= 0) & (y < array.sizes[dims[0]]) & (x < array.sizes[dims[1]])
            share = xr.DataArray(np.where(there, wy * wx, 0.0), dims="point")
            value = _pick(array, dims, np.where(there, y, 0), np.where(there, x, 0))
            total = total + (value * share).fillna(0.0)
            weight = weight + share * value.notnull()
    blended: xr.DataArray = (total / weight.where(weight > 0)).astype(array.dtype)
    return blended.where(own.notnull()).transpose(*own.dims)


def _only_amounts(blended: xr.DataArray, own: xr.DataArray, array: xr.DataArray) -> xr.DataArray:
    """Classes are never blended: their bands keep the pixel's own value."""
    infos = bands_of(array)
    if not any(info.is_category for info in infos.values()):
        return blended
    if "band" not in array.dims:
        return own
    labels = xr.DataArray([info.is_category for info in infos.values()], dims="band")
    return blended.where(~labels, own).transpose(*own.dims)
