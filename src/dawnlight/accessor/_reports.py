"""The failures that a tolerant load met, for values wherever they went."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import xarray as xr

__all__ = ["KEY", "SAVED", "known_failures", "report_of"]

KEY = "dawnlight_report"
"""Attribute of ``spatial_ref``: token of the log of failures."""

SAVED = "dawnlight_failures"
"""Attribute of saved arrays: the failures as JSON."""


def report_of(obj: xr.DataArray | xr.Dataset) -> list[dict[str, Any]]:
    """Return the failures behind an array: those of its own images and bands, as far as it has labels."""
    from dawnlight.raster._failures import failures_of

    reference = obj.coords.get("spatial_ref")
    token = None if reference is None else reference.attrs.get(KEY)
    if not isinstance(token, str):
        return []
    found = failures_of(token)
    if found is None:
        saved = _saved(obj)
        if saved is not None:
            return saved
        warnings.warn(
            "the failures of this array were noted by another process and are not known here; ask for the "
            "report where the values were computed",
            RuntimeWarning,
            stacklevel=3,
        )
        return []
    images, bands = _images(obj), _names(obj, "band")
    return [
        failure.to_dict()
        for failure in found
        if (images is None or failure.image in images)
        and (bands is None or not bands.isdisjoint(failure.bands))
    ]


def known_failures(obj: xr.DataArray | xr.Dataset) -> int:
    """Count what failed so far, as far as this process knows; it warns of nothing and asks nobody."""
    from dawnlight.raster._failures import noted

    reference = obj.coords.get("spatial_ref")
    token = None if reference is None else reference.attrs.get(KEY)
    return len(noted(token)) if isinstance(token, str) else 0


def _saved(obj: xr.DataArray | xr.Dataset) -> list[dict[str, Any]] | None:
    """Failures that were saved together with the values."""
    text = obj.attrs.get(SAVED)
    if not isinstance(text, str):
        return None
    found = json.loads(text)
    for failure in found:
        failure["bands"], failure["window"] = tuple(failure["bands"]), tuple(failure["window"])
    return list(found)


def _images(obj: xr.DataArray | xr.Dataset) -> set[str] | None:
    groups = _names(obj, "id")
    return None if groups is None else {each for group in groups for each in group.split(",")}


def _names(obj: xr.DataArray | xr.Dataset, name: str) -> set[str] | None:
    if name not in obj.coords:
        return None
    return {str(value) for value in np.atleast_1d(obj.coords[name].values)}
