"""What `.dl` can do on xarray's `DataArray` and `Dataset`: ask, reshape, compute, look, and save.

``import dawnlight`` registers it. What it tells comes from coordinates, so it stays true after slicing and
arithmetic.
"""

from __future__ import annotations

from dawnlight.accessor._dataarray import DataArrayAccessor
from dawnlight.accessor._dataset import DatasetAccessor

__all__ = ["DataArrayAccessor", "DatasetAccessor"]
