"""Masked arrays: values in their own type with the missing ones marked, as NumPy has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["to_masked"]


def to_masked(values: NDArray[Any], dtype: np.dtype[Any]) -> np.ma.MaskedArray[Any, Any]:
    """Turn widened values with NaN for missing pixels into a masked array of their own type.

    Parameters
    ----------
    values
        Any shape; integers widened to a float type without loss, NaN where missing.
    dtype
        Type to return.

    Returns
    -------
    numpy.ma.MaskedArray
        With a full mask. Values under it are 0.
    """
    mask = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    data = values
    if mask.any():
        data = np.where(mask, values.dtype.type(0), values)
    return np.ma.MaskedArray(data.astype(dtype, copy=False), mask=mask, copy=False)
