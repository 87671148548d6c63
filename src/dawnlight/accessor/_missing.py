"""Missing pixels: NaN among floats, a nodata value among integers, and the way from one to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import BandInfo, bands_of
from dawnlight.accessor._native import native_dtype
from dawnlight.accessor._shading import fill_value_of

__all__ = ["hide", "nodata_of", "to_floating"]


def nodata_of(array: xr.DataArray, info: BandInfo | None) -> float | None:
    """Value of missing pixels in a band of an array of integers; None among floats, where NaN says it."""
    return fill_value_of(array, info)


def to_floating(array: xr.DataArray) -> xr.DataArray:
    """Return floats with NaN for missing pixels; integers are widened without loss, their type noted."""
    from dawnlight.raster._dtypes import data_type_of, masked_dtype
    from dawnlight.raster._labels import storage_encoding

    if array.dtype.kind == "f":
        return array
    narrow = {"bool": "uint8", "int8": "int16", "int64": "float64", "uint64": "float64"}.get(array.dtype.name)
    if narrow is not None:
        array = array.astype(narrow)
        if array.dtype.kind == "f":
            return array
    infos = list(bands_of(array).values())
    if "band" in array.dims and len(infos) == array.sizes["band"]:
        values = [nodata_of(array, info) for info in infos]
    else:
        values = [nodata_of(array, infos[0] if len(infos) == 1 else None)]
    wide = array.astype(masked_dtype(array.dtype))
    if any(value is not None for value in values):
        marks: Any = xr.DataArray([np.nan if v is None else v for v in values], dims="band")
        wide = wide.where(array != (marks if len(values) > 1 else marks.values[0]))
    wide.attrs = {**array.attrs, "data_type": data_type_of(array.dtype)}
    wide.attrs.pop("_FillValue", None)
    return with_encoding(wide, {**_mapping(array), **storage_encoding(array.dtype, values, masked=True)})


def hide(array: xr.DataArray, hidden: xr.DataArray) -> xr.DataArray:
    """Return the array with some pixels missing; the values keep their type noted."""
    floating = to_floating(array)
    found = floating.where(~hidden).transpose(*array.dims)
    found.attrs = dict(floating.attrs)
    return with_encoding(found.rename(array.name), floating.encoding)


def with_encoding(array: xr.DataArray, encoding: Any) -> xr.DataArray:
    """Note on an array how its values are stored; chunk sizes of the file it came from do not count."""
    kept = ("dtype", "_FillValue", "scale_factor", "add_offset", "grid_mapping")
    array.encoding = {name: value for name, value in encoding.items() if name in kept}
    if array.encoding.get("_FillValue", 0) is None and native_dtype(array) is not None:
        # Floats without any mask, where NaN was a value like others, now have missing pixels.
        array.encoding["_FillValue"] = np.array(np.nan, array.dtype)[()]
    return array


def _mapping(array: xr.DataArray) -> dict[str, Any]:
    found = array.encoding.get("grid_mapping")
    return {} if found is None else {"grid_mapping": found}
