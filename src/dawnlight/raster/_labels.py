"""Labels for the pixels: coordinates, CRS and how to store them, as an xarray `DataArray`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import rioxarray  # noqa: F401  registers `.rio`
import xarray as xr
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._dtypes import nodata_in

__all__ = ["Labels", "coordinate", "label", "storage_encoding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What the axes of a result are called."""

    geobox: GeoBox
    """The output grid; must not be rotated."""
    bands: tuple[str, ...]
    """Names along ``band``."""
    times: NDArray[np.datetime64] | None = None
    """Instants (UTC) along ``time``, NaT where unknown; None for a single layer without the axis."""
    along_time: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Further coordinates along ``time``."""
    along_band: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Further coordinates along ``band``."""
    band_attrs: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the coordinate ``band``."""
    grid_attrs: Mapping[str, Any] = field(default_factory=dict)
    """Further attributes of the coordinate ``spatial_ref``; they outlast arithmetic."""
    scalars: Mapping[str, Any] = field(default_factory=dict)
    """Coordinates without an axis."""
    attrs: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of the array."""
    encoding: Mapping[str, Any] = field(default_factory=dict)
    """How to write the values to a file: see `storage_encoding`."""


def label(array: Any, labels: Labels) -> xr.DataArray:
    """Return a labelled array.

    Parameters
    ----------
    array
        NumPy or dask array, (time, band, y, x), or (band, y, x) where ``labels.times`` is None.
    labels
        The names.

    Returns
    -------
    xarray.DataArray
        Dims as above. Coordinates ``time`` (datetime64[ns], UTC), ``band``, ``y`` and ``x`` (pixel centres in
        CRS units), ``spatial_ref`` (CF grid mapping, found by ``.rio`` and ``.odc``).
    """
    geobox = labels.geobox
    coords: dict[str, Any] = {
        "band": ("band", np.array(labels.bands, dtype=str), dict(labels.band_attrs)),
        "y": ("y", geobox.y),
        "x": ("x", geobox.x),
    }
    dims: tuple[str, ...] = ("band", "y", "x")
    if labels.times is not None:
        coords["time"] = ("time", labels.times.astype("datetime64[ns]"))
        dims = ("time", *dims)
        coords.update({name: ("time", coordinate(values)) for name, values in labels.along_time.items()})
    coords.update({name: ("band", coordinate(values)) for name, values in labels.along_band.items()})
    coords.update(labels.scalars)
    result: xr.DataArray = xr.DataArray(
        array, dims=dims, coords=coords, name="pixels", attrs=dict(labels.attrs)
    )
    result = result.rio.write_crs(geobox.crs.to_wkt(), inplace=True)
    result = result.rio.write_transform(geobox.transform, inplace=True)
    result = result.rio.write_coordinate_system(inplace=True)
    result["spatial_ref"].attrs.update(labels.grid_attrs)
    result.encoding.update(labels.encoding)
    # Among the attributes, not in the encoding where rioxarray puts it: so those who open a file of it
    # without decode_coords="all" find the CRS, too.
    result.attrs["grid_mapping"] = result.encoding.pop("grid_mapping")
    return result


def coordinate(values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
    """Return a coordinate's values with one type: numbers as float with NaN for None, texts with "" for None.

    An array has its type already.
    """
    if isinstance(values, np.ndarray):
        return values
    if all(value is None or isinstance(value, bool | int | float | np.number) for value in values):
        numbers = [np.nan if value is None else value for value in values]
        return np.array(numbers)
    if all(value is None or isinstance(value, np.datetime64) for value in values):
        return np.array(
            [np.datetime64("NaT") if value is None else value for value in values], "datetime64[ns]"
        )
    return np.array(["" if value is None else str(value) for value in values], dtype=str)


_WIDER = {
    "uint8": "int16",
    "int8": "int16",
    "uint16": "int32",
    "int16": "int32",
    "uint32": "int64",
    "int32": "int64",
}


def storage_encoding(dtype: np.dtype[Any], nodata: Sequence[float | None], masked: bool) -> dict[str, Any]:
    """Return how masked values go to a file and come back as the same integers.

    Parameters
    ----------
    dtype
        Type of the values before masking.
    nodata
        The bands' own value for missing pixels.
    masked
        Whether missing pixels are NaN.

    Returns
    -------
    dict
        ``dtype`` and ``_FillValue``, for `xarray.DataArray.encoding`. Where the bands share no value that can
        mark missing pixels, the next wider integer type gives one. For unmasked values only the type, and
        for floats that NaN is a value like others.
    """
    if not masked:
        return {"dtype": dtype.name, **({"_FillValue": None} if dtype.kind == "f" else {})}
    if dtype.kind == "f":
        return {"dtype": dtype.name, "_FillValue": np.array(np.nan, dtype)[()]}
    values = set(nodata)
    if len(values) == 1:
        value = nodata_in(dtype, values.pop())
        if value is not None:
            return {"dtype": dtype.name, "_FillValue": value}
    wider = np.dtype(_WIDER[dtype.name])
    return {"dtype": wider.name, "_FillValue": wider.type(np.iinfo(wider).min)}
