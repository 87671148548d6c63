"""Changing the grid of an array, and cutting it along a geometry."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import BandInfo, bands_of
from dawnlight.accessor._georeference import geobox_of, geocontext_of, spatial_dims
from dawnlight.accessor._missing import hide, to_floating, with_encoding
from dawnlight.accessor._native import is_stored, native_dtype
from dawnlight.errors import GridError, ParameterError
from dawnlight.geo import GeoBox, Window, normalize_geometry, reproject_geometry, same_crs

__all__ = ["clip", "reproject"]


def reproject(
    array: xr.DataArray,
    geocontext: Any,
    *,
    like: Any,
    crs: Any,
    resolution: float | None,
    all_touched: bool | None,
    resampler: Any,
    chunks: int | None,
) -> xr.DataArray:
    """Warp to another grid; see `Placing.reproject`."""
    from dawnlight.raster._labels_grid import write_grid
    from dawnlight.raster._sources import BandSpec
    from dawnlight.raster._warp_array import array_table, plan_warp, warp_array

    source, (ydim, xdim) = geobox_of(array), spatial_dims(array)
    floating = to_floating(array)
    inner = _inner_dtype(floating)
    infos = bands_of(array)
    many = array.sizes["band"] if "band" in array.dims else 1
    if len(infos) != many:
        infos = {str(number): BandInfo(name=str(number)) for number in range(many)}
    names = list(infos)
    kernels = _kernels(names, infos, resampler)
    known = {name: info.nodata for name, info in infos.items()} if is_stored(array) else {}
    specs = [
        BandSpec(
            name=name, dtype=inner.name, nodata=known.get(name), category=kernel is None, resampler=kernel
        )
        for name, kernel in zip(names, kernels, strict=True)
    ]
    target, cutline = _target(
        array, array_table(source, specs), geocontext, like, crs, resolution, all_touched
    )
    plan = plan_warp(source, target, specs, cutline)
    others = [dim for dim in array.dims if dim not in (ydim, xdim, "band")]
    ordered = floating.transpose(*others, *(["band"] if "band" in array.dims else []), ydim, xdim)
    data = ordered.data if "band" in array.dims else ordered.data[..., None, :, :]
    if ordered.chunks is None:
        values: Any = warp_array(plan, np.asarray(data))
    else:
        from dawnlight.raster._dask_warp import warp_dask

        side = (chunks or max(data.chunks[-2], default=1), chunks or max(data.chunks[-1], default=1))
        values = warp_dask(plan, data, side)
    variable = xr.Variable(
        ordered.dims, values if "band" in array.dims else values[..., 0, :, :], floating.attrs
    )
    kept = {name: value for name, value in ordered.coords.items() if not {ydim, xdim} & {*value.dims}}
    found = write_grid(xr.DataArray(variable, kept, name=array.name), target, (ydim, xdim))
    found.attrs = {name: value for name, value in floating.attrs.items() if name != "crs"}
    found = found.transpose(*array.dims)
    return with_encoding(found, {**floating.encoding, "grid_mapping": "spatial_ref"})


def _inner_dtype(floating: xr.DataArray) -> np.dtype[Any]:
    """Type in which values are resampled: that of the files, so that they are rounded as loading rounds."""
    from dawnlight.raster._dtypes import DATA_TYPES

    native = native_dtype(floating)
    if native is not None and native in DATA_TYPES.values():
        return native
    return np.dtype(np.float64) if floating.dtype.itemsize > 4 else np.dtype(np.float32)


def _kernels(names: list[str], infos: Mapping[str, BandInfo], resampler: Any) -> list[str | None]:
    """Kernel of each band; None protects classes: nearest, or mode where pixels get coarser."""
    from dawnlight.raster._sources import normalize_resampler

    if isinstance(resampler, Mapping):
        chosen = {
            str(name): normalize_resampler(value, f"resampler[{name!r}]") for name, value in resampler.items()
        }
        default = chosen.pop("default_", "near")
        unknown = set(chosen) - set(names)
        if unknown:
            raise ParameterError(
                f"resampler names the band {sorted(unknown)[0]!r}, which is not among {names}"
            )
    else:
        chosen, default = {}, normalize_resampler(resampler)
    return [chosen.get(name, None if infos[name].is_category else default) for name in names]


def _target(
    array: xr.DataArray, table: Any, geocontext: Any, like: Any, crs: Any, resolution: Any, all_touched: Any
) -> tuple[GeoBox, Any]:
    """Grid to warp to, and what to cut it along; what the context leaves open comes from the array."""
    from dawnlight.catalog._grids import adjust_context, resolve_grid

    if like is not None:
        if geocontext is not None or crs is not None or resolution is not None:
            raise ParameterError("like= gives the whole grid; leave geocontext, crs and resolution out")
        if isinstance(like, xr.DataArray | xr.Dataset):
            return geobox_of(like), None
        return resolve_grid(adjust_context(like), table)
    if geocontext is None:
        if crs is None and resolution is None:
            raise ParameterError("reproject needs a geocontext, like=, or at least crs= or resolution=")
        geocontext = geocontext_of(array).assign(shape=None)
    return resolve_grid(adjust_context(geocontext, crs, resolution, all_touched), table)


def clip(array: xr.DataArray, geometry: Any, *, crs: Any, all_touched: bool, crop: bool) -> xr.DataArray:
    """Keep what lies in a geometry; see `Placing.clip`."""
    from dawnlight.raster._cutline import Cutline

    geobox, (ydim, xdim) = geobox_of(array), spatial_dims(array)
    shape = to_grid(geometry, geobox, crs)
    if crop:
        window = window_of(shape, geobox)
        if window is None:
            raise GridError(f"the geometry does not touch the array with the bounds {geobox.bounds}")
        array = array.isel({ydim: window.slices[0], xdim: window.slices[1]})
        geobox = geobox.window(window)
    cutline = Cutline(shape, geobox, all_touched=all_touched)
    return hide(array, ~inside(array, cutline, (ydim, xdim)))


def to_grid(geometry: Any, geobox: GeoBox, crs: Any) -> Any:
    """Return a geometry in the CRS of a grid; without ``crs`` it is in longitude and latitude."""
    import shapely

    if crs is None:
        return reproject_geometry(normalize_geometry(geometry), "EPSG:4326", geobox.crs)
    shape: Any = geometry if isinstance(geometry, shapely.Geometry) else shapely.geometry.shape(geometry)
    return shape if same_crs(crs, geobox.crs) else reproject_geometry(shape, crs, geobox.crs)


def window_of(shape: Any, geobox: GeoBox) -> Window | None:
    """Pixels of a grid that the box around a geometry touches; None where there are none."""
    import shapely

    if shapely.is_empty(shape):
        return None
    inverse = ~geobox.transform
    corners = shapely.get_coordinates(shapely.box(*shape.bounds))
    cols = inverse.a * corners[:, 0] + inverse.b * corners[:, 1] + inverse.c
    rows = inverse.d * corners[:, 0] + inverse.e * corners[:, 1] + inverse.f
    y, x = math.floor(rows.min() + 1e-9), math.floor(cols.min() + 1e-9)
    height = max(math.ceil(rows.max() - 1e-9) - y, 1)
    width = max(math.ceil(cols.max() - 1e-9) - x, 1)
    return Window(y, x, height, width).intersect(Window(0, 0, *geobox.shape))


def inside(array: xr.DataArray, cutline: Any, dims: tuple[Hashable, Hashable]) -> xr.DataArray:
    """Return which pixels a cutline on the array's grid keeps; lazy if the array is."""
    ydim, xdim = dims
    chunked = dict(zip(array.dims, array.chunks, strict=True)) if array.chunks is not None else None
    if chunked is None:
        kept: Any = cutline.inside(Window(0, 0, *cutline.geobox.shape))
    else:
        from dawnlight.raster._dask_cut import inside_dask

        kept = inside_dask(cutline, (chunked[ydim], chunked[xdim]))
    return xr.DataArray(kept, dims=dims)
