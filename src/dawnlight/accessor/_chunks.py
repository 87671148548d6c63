"""Chunks of lazy arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import xarray as xr

__all__ = ["rechunk"]


def rechunk(array: xr.DataArray, sizes: Mapping[Hashable, Any]) -> xr.DataArray:
    """Return a lazy array in other chunks; arrays in memory, and all coordinates, stay as they are.

    (`xarray.DataArray.chunk` makes coordinates lazy, too, and then comparing them computes.)
    """
    if array.chunks is None:
        return array
    found = array.copy(
        data=array.data.rechunk({array.get_axis_num(dim): size for dim, size in sizes.items()})
    )
    found.encoding = dict(array.encoding)
    return found
