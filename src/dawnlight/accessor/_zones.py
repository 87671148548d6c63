"""Statistics of zones, each pixel weighted by the exact part of it that lies inside."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._chunks import rechunk
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._missing import to_floating
from dawnlight.accessor._places import read_places
from dawnlight.accessor._samples import column
from dawnlight.accessor._warps import window_of
from dawnlight.errors import GridError, MissingExtraError, ParameterError
from dawnlight.geo import GeoBox, Window

__all__ = ["STATISTICS", "zonal"]

STATISTICS = (
    "count",
    "sum",
    "mean",
    "min",
    "max",
    "variance",
    "stdev",
    "median",
    "mode",
    "variety",
)
_WHOLE = ("median", "mode", "variety")
_SUMS = ("count", "sum", "variety")


def zonal(array: xr.DataArray, polygons: Any, stats: str | Sequence[str], *, crs: Any) -> Any:
    """Reduce over zones; see `Placing.zonal`."""
    _need_exactextract()
    wanted = [stats] if isinstance(stats, str) else list(stats)
    unknown = [name for name in wanted if name not in STATISTICS]
    if unknown or not wanted:
        raise ParameterError(f"stats={stats!r} must be among {', '.join(map(repr, STATISTICS))}")
    geobox, dims = geobox_of(array), spatial_dims(array)
    if not geobox.is_axis_aligned:
        raise GridError(f"zonal statistics need an upright grid, and {geobox} is rotated; reproject first")
    places = read_places(polygons, crs, points=False, parameter="polygons")
    if not places.names:
        raise ParameterError("polygons is empty; give at least one")
    floating = to_floating(array)
    zones = [_zone(floating, geobox, dims, shape, wanted) for shape in places.on(geobox)]
    joined = xr.concat(zones, "zone", join="exact", coords="minimal", compat="override")
    joined = joined.assign_coords(zone=("zone", column(places.names)))
    joined.attrs = {}
    return joined[wanted[0]].rename(wanted[0]) if isinstance(stats, str) else joined


def _need_exactextract() -> None:
    try:
        import exactextract  # noqa: F401
    except ImportError:
        raise MissingExtraError("exactextract", "zonal", ".dl.zonal") from None


def _zone(
    array: xr.DataArray,
    geobox: GeoBox,
    dims: tuple[Hashable, Hashable],
    shape: Any,
    wanted: Sequence[str],
) -> xr.Dataset:
    """Statistics of one zone; only the window around it is looked at."""
    window = window_of(shape, geobox)
    if window is None:
        nothing = array.isel({dims[0]: slice(0, 1), dims[1]: slice(0, 1)}).sum(dims) * 0.0
        return xr.Dataset({name: nothing if name in _SUMS else nothing.where(False) for name in wanted})
    part = array.isel({dims[0]: window.slices[0], dims[1]: window.slices[1]})
    part = part.drop_vars([name for name in part.coords if {*part.coords[name].dims} & {*dims}])
    weights = _weights(part, geobox.window(window), dims, shape)
    valid = weights.where(part.notnull(), 0.0)
    count = valid.sum(dims)
    filled = part.fillna(0.0).astype(np.float64)
    total = (filled * valid).sum(dims)
    some = count > 0
    mean = (total / count.where(some)).rename(None)
    found: dict[str, Callable[[], xr.DataArray]] = {
        "count": lambda: count,
        "sum": lambda: total,
        "mean": lambda: mean,
        "min": lambda: part.where(valid > 0).fillna(np.inf).min(dims).where(some),
        "max": lambda: part.where(valid > 0).fillna(-np.inf).max(dims).where(some),
        "variance": lambda: _variance(filled, valid, mean, count, dims),
        "stdev": lambda: _variance(filled, valid, mean, count, dims) ** 0.5,
    }
    found.update({name: partial(_whole, part, valid, dims, name) for name in _WHOLE})
    return xr.Dataset({name: found[name]() for name in wanted})


def _variance(values: Any, valid: Any, mean: Any, count: Any, dims: Any) -> xr.DataArray:
    squares: xr.DataArray = (((values - mean) ** 2).fillna(0.0) * valid).sum(dims)
    variance: xr.DataArray = squares / count.where(count > 0)
    return variance


def _whole(part: xr.DataArray, valid: xr.DataArray, dims: Any, name: str) -> xr.DataArray:
    """Apply a statistic that needs all values of the zone at once."""
    part, valid = (rechunk(each, dict.fromkeys(dims, -1)) for each in (part, valid))
    found: xr.DataArray = xr.apply_ufunc(
        _reduce,
        part,
        valid,
        kwargs={"name": name},
        input_core_dims=[list(dims), list(dims)],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs="override",
    )
    return found


def _reduce(values: NDArray[Any], weights: NDArray[Any], name: str) -> NDArray[np.float64]:
    """Reduce (..., y, x) to (...), each picture by itself."""
    out = np.full(values.shape[:-2], np.nan)
    for place in np.ndindex(out.shape):
        inside = weights[place] > 0
        # Equal values count as one, with the sum of what they cover.
        found, numbers = np.unique(values[place][inside], return_inverse=True)
        covered = np.bincount(numbers.ravel(), weights=weights[place][inside])
        if name == "variety":
            out[place] = len(found)
        elif len(found):
            # Of equals the greatest is the mode, as exactextract has it.
            most = np.flatnonzero(covered == covered.max())[-1]
            out[place] = found[most] if name == "mode" else _median(found, covered)
    return out


def _median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    """Weighted median as exactextract defines it: ranks stretched by weights, linear between values."""
    last = len(values) - 1
    before = np.cumsum(weights) - weights
    ranks = np.arange(last + 1) * weights + last * before
    return float(np.interp(0.5 * last * weights.sum(), ranks, values.astype(np.float64)))


def _weights(part: xr.DataArray, geobox: GeoBox, dims: tuple[Hashable, Hashable], shape: Any) -> xr.DataArray:
    """Part of each pixel that lies in the zone, from 0 to 1; worked out chunk by chunk for a lazy array."""
    rows = xr.DataArray(np.arange(geobox.height), dims=[dims[0]])
    cols = xr.DataArray(np.arange(geobox.width), dims=[dims[1]])
    if part.chunks is not None:
        sizes = dict(zip(part.dims, part.chunks, strict=True))
        rows, cols = rows.chunk({dims[0]: sizes[dims[0]]}), cols.chunk({dims[1]: sizes[dims[1]]})
    found: xr.DataArray = xr.apply_ufunc(
        _cover,
        rows,
        cols,
        kwargs={"geobox": geobox, "wkb": shapely.to_wkb(shape)},
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return found


def _cover(rows: NDArray[Any], cols: NDArray[Any], geobox: GeoBox, wkb: bytes) -> NDArray[np.float64]:
    """Return the covered part of the pixels of runs of rows and columns, which arrive as (y, 1) and (x,)."""
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    out = np.zeros((rows.size, cols.size))
    if out.size == 0:
        return out
    y, x = int(rows.ravel()[0]), int(cols.ravel()[0])
    grid = geobox.window(Window(y, x, *out.shape))
    shape = shapely.intersection(shapely.from_wkb(wkb), shapely.box(*grid.bounds))
    if shapely.is_empty(shape) or shapely.area(shape) == 0:
        return out
    minx, miny, maxx, maxy = grid.bounds
    raster = NumPyRasterSource(np.zeros(out.shape, np.uint8), minx, miny, maxx, maxy)
    feature = {"type": "Feature", "geometry": shapely.geometry.mapping(shape), "properties": {}}
    (result,) = exact_extract(raster, [feature], ["cell_id", "coverage"])
    found = result["properties"]
    out.flat[np.asarray(found["cell_id"], dtype=np.intp)] = found["coverage"]
    if grid.transform.e > 0:
        out = out[::-1]
    return out[:, ::-1] if grid.transform.a < 0 else out
