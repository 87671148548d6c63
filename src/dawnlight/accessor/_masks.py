"""Hiding pixels: by class bands, quality bits or a function, grown by some pixels."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import bands_of
from dawnlight.accessor._georeference import spatial_dims
from dawnlight.accessor._missing import hide, nodata_of
from dawnlight.errors import BandError, ParameterError, ParameterTypeError

__all__ = ["Rule", "hidden_pixels", "mask", "rule_bands"]

Rule = Any
"""A mapping as `dawnlight.raster._mask_rules.resolve_mask_rule` reads it, or a function of the array."""


def mask(array: xr.DataArray, rule: Rule, *, dilation: int) -> xr.DataArray:
    """Return the array with hidden pixels missing; bands that the rule looks at stay whole."""
    hidden = hidden_pixels(array, rule, dilation=dilation)
    if "band" in array.dims:
        looked_at = rule_bands(rule)
        names = [str(name) for name in array.coords["band"].values] if looked_at else []
        if looked_at and len(looked_at) < len(names):
            spared = xr.DataArray([name in looked_at for name in names], dims="band")
            hidden = hidden & ~spared
    return hide(array, hidden)


def rule_bands(rule: Rule) -> list[str]:
    """Names of the bands that a rule looks at; none for a function."""
    return [] if callable(rule) else list(map(str, rule))


def hidden_pixels(array: xr.DataArray, rule: Rule, *, dilation: int = 0) -> xr.DataArray:
    """Return where the rule hides pixels: bool, without the dim ``band``, lazy if the array is."""
    try:
        pixels = operator.index(dilation)
    except TypeError:
        raise ParameterTypeError(f"dilation={dilation!r} must be a whole number of pixels") from None
    if pixels < 0:
        raise ParameterError(f"dilation={dilation!r} must be 0 or more")
    hidden = _by_function(array, rule) if callable(rule) else _by_bands(array, rule)
    return _grown(hidden, pixels) if pixels else hidden


def _by_function(array: xr.DataArray, rule: Callable[[xr.DataArray], Any]) -> xr.DataArray:
    hidden = rule(array)
    if (
        not isinstance(hidden, xr.DataArray)
        or hidden.dtype != bool
        or not set(hidden.dims) <= set(array.dims)
    ):
        what = (
            f"{hidden.dtype} of {hidden.dims}" if isinstance(hidden, xr.DataArray) else type(hidden).__name__
        )
        raise ParameterTypeError(
            f"the mask function must return a boolean DataArray, True where hidden, with dims among "
            f"{tuple(map(str, array.dims))}; it returned {what}"
        )
    return hidden


def _by_bands(array: xr.DataArray, rule: Rule) -> xr.DataArray:
    from dawnlight.raster._mask_rules import resolve_mask_rule

    infos = bands_of(array)
    if "band" not in array.dims or not infos:
        raise BandError(
            "the array has no dim 'band' with names, so the mask rule has no class band to look at; apply it "
            "before selecting bands, or pass a function"
        )
    names = list(infos)
    total: xr.DataArray | None = None
    for part in resolve_mask_rule(rule, {name: info.class_labels for name, info in infos.items()}):
        classes = array.isel(band=names.index(part.band))
        classes = classes.drop_vars(
            [name for name in ("band", "wavelength", "band_type") if name in classes.coords]
        )
        hidden: xr.DataArray = xr.apply_ufunc(
            part.hidden,
            classes,
            kwargs={"nodata": nodata_of(array, infos[part.band])},
            dask="parallelized",
            output_dtypes=[bool],
            keep_attrs="override",
        )
        total = hidden if total is None else total | hidden
    assert total is not None
    return total.rename("hidden")


def _grown(hidden: xr.DataArray, pixels: int) -> xr.DataArray:
    from dawnlight.raster._mask_rules import dilate

    ydim, xdim = spatial_dims(hidden)
    last = hidden.transpose(..., ydim, xdim)
    if last.chunks is None:
        return last.copy(data=dilate(np.asarray(last.data), pixels))
    depth = {axis: min(pixels, last.shape[axis]) for axis in (last.ndim - 2, last.ndim - 1)}
    grown = last.data.map_overlap(dilate, pixels=pixels, depth=depth, boundary=False, dtype=bool)
    return last.copy(data=grown)
