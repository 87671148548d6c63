"""From a dim of bands to variables of a dataset and back, each with its own type and CF attributes."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import KEY, BandInfo, bands_of, records_of
from dawnlight.accessor._georeference import spatial_dims
from dawnlight.accessor._native import is_stored, native_dtype
from dawnlight.errors import BandError, ParameterError

__all__ = ["as_array", "each_variable", "picture_names", "through_array", "to_dataarray", "to_dataset"]


def to_dataset(array: xr.DataArray, dim: str) -> xr.Dataset:
    """Make a variable of each band; nothing is computed.

    Parameters
    ----------
    array
        With the dim.
    dim
        ``"band"``, or another one, which is taken apart as xarray does it.
    """
    if dim not in array.dims:
        raise ParameterError(
            f"dim={dim!r} must be a dim of the array; it has {', '.join(map(str, array.dims))}"
        )
    if dim != "band":
        return array.to_dataset(dim)
    infos = bands_of(array) or {str(k): BandInfo(name=str(k)) for k in range(array.sizes["band"])}
    if len(infos) < array.sizes["band"]:
        counts = Counter(map(str, array.coords["band"].values))
        twice = next(name for name, count in counts.items() if count > 1)
        raise BandError(
            f"band {twice!r} is in the array twice; variables of a dataset need names of their own"
        )
    records = records_of(array)
    variables = {
        name: _variable(array.isel(band=position), info, records.get(name, {}))
        for position, (name, info) in enumerate(infos.items())
    }
    kept = {name: value for name, value in array.attrs.items() if name != "data_type"}
    return xr.Dataset(variables, attrs=kept)


def _variable(part: xr.DataArray, info: BandInfo, record: Mapping[str, Any]) -> xr.DataArray:
    from dawnlight.raster._dtypes import data_type_of, masked_dtype
    from dawnlight.raster._labels import storage_encoding

    native = native_dtype(part)
    own = _own_dtype(part, native, info)
    variable = part.drop_vars([name for name in ("band", "wavelength", "band_type") if name in part.coords])
    variable.attrs = _attributes(info, record, own)
    encoding: dict[str, Any] = {}
    if own is not None and native is not None:
        wide = masked_dtype(own)
        if wide != variable.dtype:
            variable = variable.astype(wide)
        encoding = storage_encoding(own, [info.nodata], masked=True)
    elif own is not None:
        if own != variable.dtype:
            variable = variable.astype(own)
        if info.nodata is not None and _fits(info.nodata, own):
            encoding = {"_FillValue": own.type(info.nodata)}
    if own is not None:
        variable.attrs["data_type"] = data_type_of(own)
    if "spatial_ref" in part.coords:
        encoding["grid_mapping"] = "spatial_ref"
    variable.encoding = encoding
    return variable.rename(info.name)


def _own_dtype(part: xr.DataArray, native: np.dtype[Any] | None, info: BandInfo) -> np.dtype[Any] | None:
    """Type of the band's values, which can be narrower than that of the array; None if unknown."""
    if not is_stored(part):
        return None
    held = native if native is not None else part.dtype
    if info.dtype is not None and info.dtype.kind in "iu" and np.can_cast(info.dtype, held):
        return info.dtype if held.kind in "iu" else held
    return held


def _fits(nodata: float, dtype: np.dtype[Any]) -> bool:
    return bool(nodata == int(nodata) and np.iinfo(dtype).min <= nodata <= np.iinfo(dtype).max)


def _attributes(info: BandInfo, record: Mapping[str, Any], own: np.dtype[Any] | None) -> dict[Hashable, Any]:
    attrs: dict[Hashable, Any] = {"long_name": info.description or info.name}
    if info.wavelength is not None:
        attrs["wavelength"], attrs["wavelength_units"] = info.wavelength, "nm"
    if info.is_category and own is not None:
        labelled = [(value, label) for value, label in enumerate(info.class_labels) if label]
        if labelled:
            attrs["flag_values"] = np.array([value for value, _ in labelled], dtype=own)
            attrs["flag_meanings"] = " ".join(re.sub(r"[^\w.+@-]+", "_", label) for _, label in labelled)
    kept = {**record, **({"wavelength": info.wavelength} if info.wavelength is not None else {})}
    if info.type is not None:
        kept["type"] = info.type
    if kept:
        attrs[KEY] = json.dumps({info.name: kept})
    return attrs


def picture_names(dataset: xr.Dataset) -> list[Hashable]:
    """Names of the variables that have pixels.

    Raises
    ------
    BandError
        There is none.
    """
    dims = set(spatial_dims(dataset))
    found = [name for name, variable in dataset.data_vars.items() if dims <= set(variable.dims)]
    if not found:
        raise BandError(
            f"no variable of the dataset has the dims {' and '.join(map(str, sorted(map(str, dims))))}"
        )
    return found


def to_dataarray(dataset: xr.Dataset) -> xr.DataArray:
    """Join the variables that have pixels along a dim of bands; nothing is computed."""
    from dawnlight.raster._dtypes import common_type, data_type_of, numpy_dtype
    from dawnlight.raster._labels import storage_encoding

    ydim, xdim = spatial_dims(dataset)
    names = picture_names(dataset)
    parts = {str(name): dataset[name] for name in names}
    infos = bands_of(dataset[names])
    joined = dataset[names].to_dataarray("band", name="pixels")
    others = [dim for dim in joined.dims if dim not in ("band", ydim, xdim)]
    joined = joined.transpose(*others, "band", ydim, xdim)
    records = {name: records_of(part).get(name, {}) for name, part in parts.items()}
    attrs = {KEY: json.dumps(records)} if any(records.values()) else {}
    joined = joined.assign_coords(band=("band", list(parts), attrs))
    waves = [info.wavelength for info in infos.values()]
    if any(wave is not None for wave in waves):
        joined.coords["wavelength"] = ("band", [np.nan if wave is None else wave for wave in waves])
    if any(info.type is not None for info in infos.values()):
        joined.coords["band_type"] = ("band", [info.type or "" for info in infos.values()])
    joined.attrs = dict(dataset.attrs)
    natives = [native_dtype(part) for part in parts.values()]
    held = [
        part.dtype if part.dtype.kind in "iu" else native
        for part, native in zip(parts.values(), natives, strict=True)
    ]
    if all(dtype is not None for dtype in held):
        common = common_type([data_type_of(dtype) for dtype in held if dtype is not None])
        joined.attrs["data_type"] = common
        if all(native is not None for native in natives):
            nodata = [info.nodata for info in infos.values()]
            joined.encoding = storage_encoding(numpy_dtype(common), nodata, masked=True)
    if "spatial_ref" in joined.coords:
        joined.encoding["grid_mapping"] = "spatial_ref"
    return joined


def as_array(obj: Any) -> xr.DataArray:
    """Return an array, or the variables of a dataset joined to one."""
    return to_dataarray(obj) if isinstance(obj, xr.Dataset) else obj


def through_array(obj: Any, function: Callable[[xr.DataArray], xr.DataArray]) -> Any:
    """Apply a function of an array to an array, or to the variables of a dataset joined to one."""
    return to_dataset(function(to_dataarray(obj)), "band") if isinstance(obj, xr.Dataset) else function(obj)


def each_variable(obj: Any, function: Callable[[xr.DataArray], xr.DataArray]) -> Any:
    """Apply a function to an array, or to each variable of a dataset that has pixels; others are left out."""
    if isinstance(obj, xr.DataArray):
        return function(obj)
    return xr.Dataset({name: function(obj[name]) for name in picture_names(obj)}, attrs=obj.attrs)
