"""Values in the type of the files, as NumPy has them: a masked array where pixels can be missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["is_stored", "native_dtype", "to_native"]


def native_dtype(array: xr.DataArray) -> np.dtype[Any] | None:
    """Return the type of the values before they were widened to hold NaN; None after arithmetic.

    Loading notes it in ``encoding`` (the type to store, which may be one wider to have room for a fill value)
    and ``attrs``; slicing keeps both, and arithmetic drops the encoding.
    """
    from dawnlight.raster._dtypes import numpy_dtype

    if array.dtype.kind != "f" or "dtype" not in array.encoding:
        return None
    stored = np.dtype(array.encoding["dtype"])
    name = array.attrs.get("data_type")
    noted = numpy_dtype(name) if isinstance(name, str) else None
    return noted if noted is not None and np.can_cast(noted, stored) else stored


def is_stored(array: xr.DataArray) -> bool:
    """Whether the values are still those that were loaded, so that what is known of the bands fits them."""
    from dawnlight.raster._dtypes import numpy_dtype

    if array.dtype.kind == "f":
        return native_dtype(array) is not None
    name = array.attrs.get("data_type")
    return bool(array.encoding) and isinstance(name, str) and numpy_dtype(name) == array.dtype


def to_native(array: xr.DataArray) -> NDArray[Any]:
    """Compute an array and return it as NumPy has it.

    Returns
    -------
    numpy.ma.MaskedArray or numpy.ndarray
        A plain array where nothing can be missing: integers, and floats that were loaded without masks.
    """
    from dawnlight.raster._masked import to_masked

    values = np.asarray(array.values)
    if values.dtype.kind != "f" or (
        "dtype" in array.encoding and array.encoding.get("_FillValue", 0) is None
    ):
        return values
    dtype = native_dtype(array)
    if dtype is not None and dtype.kind != "f":
        found = to_masked(values, dtype)
        # Values that were changed in place no longer fit the type they once had.
        if np.array_equal(found.data, np.where(found.mask, values.dtype.type(0), values)):
            return found
    return to_masked(values, values.dtype if dtype is None or dtype.kind != "f" else dtype)
