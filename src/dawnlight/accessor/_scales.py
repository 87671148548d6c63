"""Scaling of values that are loaded already, by the same rules as loading."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import bands_of, records_of, with_records
from dawnlight.accessor._georeference import spatial_dims
from dawnlight.accessor._missing import to_floating, with_encoding
from dawnlight.accessor._native import native_dtype
from dawnlight.errors import BandError, ParameterError

__all__ = ["scale"]


def scale(array: xr.DataArray, scaling: Any, data_type: str | None) -> xr.DataArray:
    """Scale every band; see `Computing.scale`."""
    from dawnlight.raster._dtypes import masked_dtype, numpy_dtype
    from dawnlight.raster._labels import storage_encoding
    from dawnlight.raster._levels import BandScaling
    from dawnlight.raster._scaling import resolve_scaling

    records = records_of(array)
    names = list(bands_of(array))
    if not names or any(
        "data_range" not in records.get(name, {}) for name in names if _is_amount(records, name)
    ):
        raise BandError(
            "scaling needs what the catalog knows of the bands (their ranges), and the array has it not, or "
            "its values were scaled before; calculate with the array itself, such as array / 10000"
        )
    if native_dtype(array) is None and array.dtype.kind == "f":
        raise ParameterError(
            "the array was calculated with, so the ranges of its bands no longer fit its values; scale first"
        )
    known = [BandScaling.from_attributes(name, records[name]) for name in names]
    scales, resolved = resolve_scaling(known, None, scaling, data_type)
    inner = numpy_dtype(resolved)
    floating = to_floating(array)
    parts = [floating.isel(band=[k]) for k in range(len(names))] if "band" in array.dims else [floating]
    done = [
        _scale_band(part, None if scales is None else scales[k], inner, masked_dtype(inner))
        for k, part in enumerate(parts)
    ]
    joined = xr.concat(done, "band", join="exact") if "band" in array.dims else done[0]
    joined = joined.transpose(*array.dims)
    changed = {
        name: records[name]
        if scales is None or scales[k] is None
        else _scaled(records[name], scales[k], resolved)
        for k, name in enumerate(names)
    }
    joined = with_records(joined, changed)
    joined.attrs = {**array.attrs, "data_type": resolved}
    joined.name = array.name
    nodata = [None if scales is not None else info.nodata for info in bands_of(array).values()]
    mapping = {name: array.encoding[name] for name in ("grid_mapping",) if name in array.encoding}
    return with_encoding(joined, {**mapping, **storage_encoding(inner, nodata, masked=True)})


def _is_amount(records: Any, name: str) -> bool:
    return records.get(name, {}).get("type") not in ("class", "mask")


def _scaled(record: Any, wish: Any, data_type: str) -> dict[str, Any]:
    """Record of a band whose numbers are no longer those of the files."""
    stored = ("nodata", "display_range", "data_range", "physical_range", "physical_range_unit")
    kept = {name: value for name, value in record.items() if name not in stored}
    return {**kept, "data_type": data_type, "display_range": list(wish[2:]) if wish else [0, 255]}


def _scale_band(part: xr.DataArray, wish: Any, inner: np.dtype[Any], outer: np.dtype[Any]) -> xr.DataArray:
    """Scale one band; ``()`` stretches each time slot from its least to its greatest value."""
    if part.size == 0:
        return part.astype(outer)
    extremes: list[xr.DataArray] = []
    if wish == ():
        dims = list(spatial_dims(part))
        extremes = [
            part.fillna(np.array(np.inf, part.dtype)).min(dims),
            part.fillna(np.array(-np.inf, part.dtype)).max(dims),
        ]
    part = part.transpose(..., *spatial_dims(part))
    found: xr.DataArray = xr.apply_ufunc(
        _scale_values,
        part,
        *extremes,
        kwargs={"wish": wish, "inner": inner.name, "outer": outer.name},
        dask="parallelized",
        output_dtypes=[outer],
        keep_attrs=True,
    )
    return found


def _scale_values(
    values: NDArray[Any], *extremes: NDArray[Any], wish: Any, inner: str, outer: str
) -> NDArray[Any]:
    from dawnlight.raster._scaling import apply_scale

    out = np.empty(values.shape, dtype=outer)
    if extremes:
        low, high = (np.broadcast_to(edge, (*values.shape[:-2], 1, 1)) for edge in extremes)
        for place in np.ndindex(values.shape[:-2]):
            span = float(low[place].item()), float(high[place].item())
            out[place] = apply_scale(values[place], wish, inner, extremes=span)
    else:
        out[...] = apply_scale(values, wish, inner)
    out[np.isnan(values)] = np.nan
    return out
