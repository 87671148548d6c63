"""Two coordinates that go together, as numbers or as sequences of equal length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from dawnlight.errors import ParameterError

__all__ = ["PairValues", "as_pairs"]

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
PairValues: TypeAlias = "float | Sequence[float] | Array"
"""One number, or a sequence of numbers."""


def as_pairs(
    name_a: str, a: PairValues, name_b: str, b: PairValues, error: type[ParameterError]
) -> tuple[Array, Array]:
    """Return two arrays of equal length.

    Parameters
    ----------
    name_a, name_b : str
        What to call them in messages.
    a, b : number or sequence of numbers
        Both numbers, or both sequences.
    error : type of ParameterError
        What to raise.

    Returns
    -------
    tuple of ndarray of float64, shape (n,)

    Raises
    ------
    ParameterError
        Of the type given: they are not finite numbers, or do not pair up.

    Examples
    --------
    >>> as_pairs("row", 1, "col", 2, ParameterError)
    (array([1.]), array([2.]))
    """
    try:
        first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise error(f"{name_a}={a!r} and {name_b}={b!r} must be numbers, or sequences of numbers") from None
    if first.ndim > 1 or first.shape != second.shape:
        raise error(
            f"{name_a} and {name_b} must both be numbers, or sequences of the same length; "
            f"they are {_size(first)} and {_size(second)}"
        )
    first, second = first.reshape(-1), second.reshape(-1)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise error(f"{name_a}={a!r} and {name_b}={b!r} must be finite")
    return first, second


def _size(array: Array) -> str:
    return "one number" if array.ndim == 0 else f"{len(array)} numbers" if array.ndim == 1 else "nested"
