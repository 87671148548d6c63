"""Composites: one value for each pixel out of all time slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._chunks import rechunk
from dawnlight.accessor._fused import reduce_source
from dawnlight.accessor._masks import Rule, hidden_pixels, rule_bands
from dawnlight.accessor._missing import hide, to_floating, with_encoding
from dawnlight.errors import BandError, ParameterError

__all__ = ["METHODS", "composite"]

METHODS = ("median", "mean", "min", "max", "first", "last", "count", "percentile")
_BLENDING = ("median", "mean", "percentile")


def composite(
    array: xr.DataArray,
    bands: str | Sequence[str] | None,
    method: str,
    *,
    mask: Rule | None,
    q: float | None,
    dilation: int,
) -> xr.DataArray:
    """Reduce over time; see `Computing.composite`."""
    if method not in METHODS:
        raise ParameterError(f"method={method!r} must be one of {', '.join(map(repr, METHODS))}")
    if (q is None) == (method == "percentile"):
        raise ParameterError(
            f"q={q!r}: method='percentile' needs q from 0 to 100, and no other method takes it"
        )
    if q is not None and not 0 <= q <= 100:
        raise ParameterError(f"q={q!r} must be from 0 to 100")
    if "time" not in array.dims:
        raise ParameterError(
            f"a composite is made over the dim 'time'; the array has {tuple(map(str, array.dims))}"
        )
    chosen = _select(array, bands, method, [] if mask is None else rule_bands(mask))
    hidden = None if mask is None else hidden_pixels(array, mask, dilation=dilation)
    share = 0.5 if q is None else q / 100
    fused = reduce_source(array, chosen, method, share, mask, dilation) if array.size else None
    if fused is not None:
        return _labelled(fused, chosen, method)
    floating = to_floating(chosen) if hidden is None else hide(chosen, hidden)
    return _labelled(_reduce(floating, method, share), floating, method)


def _select(
    array: xr.DataArray, bands: str | Sequence[str] | None, method: str, looked_at: Sequence[str]
) -> xr.DataArray:
    """Bands to reduce: those asked for, else those that are not there for masking and that can be blended."""
    infos = bands_of(array)
    if "band" not in array.dims or not infos:
        if bands is not None:
            raise BandError(f"bands={bands!r}: the array has no dim 'band' with names; leave bands out")
        return array
    names = list(infos)
    if bands is None:
        wanted = [name for name in names if name not in looked_at]
        if method in _BLENDING:
            wanted = [name for name in wanted if not infos[name].is_category]
        if not wanted:
            raise BandError(f"no band is left for method={method!r}: all are classes or masks; name bands=")
    else:
        wanted = bands.split() if isinstance(bands, str) else list(bands)
        missing = [name for name in wanted if name not in infos]
        if missing:
            raise BandError(f"bands: band {missing[0]!r} is not in the array; it has {', '.join(names)}")
        labels = [name for name in wanted if infos[name].is_category]
        if method in _BLENDING and labels:
            raise BandError(
                f"bands: {labels[0]!r} holds classes, of which there is no {method}; use 'first' or 'last'"
            )
    return array.isel(band=[names.index(name) for name in wanted])


def _reduce(array: xr.DataArray, method: str, share: float) -> xr.DataArray:
    if method == "count":
        return array.notnull().sum("time")
    if not array.sizes["time"]:
        nothing: xr.DataArray = array.sum("time")
        return nothing.where(False)
    if method == "mean":
        # In double precision, and without the warning that a mean of nothing gives.
        total, count = array.sum("time", dtype=np.float64), array.notnull().sum("time")
        mean: xr.DataArray = total / count.where(count > 0)
        return mean.astype(array.dtype)
    if method in ("min", "max"):
        edge = np.inf if method == "min" else -np.inf
        filled = array.fillna(np.array(edge, array.dtype))
        found = filled.min("time") if method == "min" else filled.max("time")
        return found.where(array.notnull().any("time"))
    array = rechunk(array, {"time": -1})
    reduced: xr.DataArray = xr.apply_ufunc(
        _pick if method in ("first", "last") else _quantile,
        array,
        kwargs={"last": method == "last"} if method in ("first", "last") else {"share": share},
        input_core_dims=[["time"]],
        dask="parallelized",
        output_dtypes=[array.dtype],
    )
    return reduced


def _quantile(values: NDArray[Any], share: float) -> NDArray[Any]:
    """Quantile along the last axis of what is not missing, linear between two; NaN where all is missing."""
    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = values.shape[-1] - np.isnan(values).sum(axis=-1)
    place = np.maximum(count - 1, 0) * share
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below = np.take_along_axis(ordered, low[..., None], axis=-1)[..., 0]
    above = np.take_along_axis(ordered, high[..., None], axis=-1)[..., 0]
    part = place - low
    return np.asarray(below * (1 - part) + above * part).astype(values.dtype)


def _pick(values: NDArray[Any], last: bool) -> NDArray[Any]:
    """First or last value along the last axis that is not missing; NaN where all are missing."""
    known = ~np.isnan(values)
    if last:
        known = known[..., ::-1]
    place = known.argmax(axis=-1)
    if last:
        place = values.shape[-1] - 1 - place
    return np.asarray(np.take_along_axis(values, place[..., None], axis=-1)[..., 0])


def _labelled(found: xr.DataArray, array: xr.DataArray, method: str) -> xr.DataArray:
    """Give a composite the labels that a mosaic has: its images, and its first and last time."""
    found = found.transpose(*[dim for dim in array.dims if dim != "time"])
    if "id" in array.coords and array.coords["id"].dims == ("time",):
        groups = [str(group) for group in array.coords["id"].values]
        ids = dict.fromkeys(each for group in groups for each in group.split(",") if each)
        found.coords["id"] = ",".join(ids)
    if "time" in array.coords and array.coords["time"].dtype.kind == "M":
        times = array.coords["time"].values
        times = times[~np.isnat(times)]
        if times.size:
            found.coords["time_first"], found.coords["time_last"] = times.min(), times.max()
    found.attrs = {name: value for name, value in array.attrs.items() if name != "data_type"}
    found.attrs["cell_methods"] = f"time: {method}"
    found.name = array.name
    encoding = {name: array.encoding[name] for name in ("grid_mapping",) if name in array.encoding}
    if method in ("min", "max", "first", "last"):  # values of the files themselves
        encoding = array.encoding
        if "data_type" in array.attrs:
            found.attrs["data_type"] = array.attrs["data_type"]
    return with_encoding(found, encoding)
