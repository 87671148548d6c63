"""The seven pixel types: their names, their common type, and the one way to convert between them.

Names are GDAL's (``"Byte"``, ``"UInt16"``, ...), because bands are described with them; arrays carry the
NumPy types. The lattice that `common_type` climbs::

    Byte ──► UInt16 ──► UInt32 ────────────┐
      │         └────►┐                    ▼
      └────► Int16 ──► Int32 ──► Float32 ──► Float64

Every step keeps all values, but for Int32 to Float32, which the catalog's rules ask for and which rounds
numbers beyond 2**24.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dawnlight.errors import ParameterError, UnsupportedRasterError

__all__ = [
    "DATA_TYPES",
    "cast",
    "check_data_type",
    "common_type",
    "data_type_of",
    "is_float_type",
    "masked_dtype",
    "natural_range",
    "nodata_in",
    "numpy_dtype",
]

DATA_TYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        "Byte": np.dtype(np.uint8),
        "UInt16": np.dtype(np.uint16),
        "Int16": np.dtype(np.int16),
        "UInt32": np.dtype(np.uint32),
        "Int32": np.dtype(np.int32),
        "Float32": np.dtype(np.float32),
        "Float64": np.dtype(np.float64),
    }
)
"""The supported types, from GDAL's name to NumPy's, in the order in which a common type is looked for."""

_NAMES = {dtype: name for name, dtype in DATA_TYPES.items()}

_CASTS_TO: Mapping[str, frozenset[str]] = {
    "Byte": frozenset(DATA_TYPES),
    "UInt16": frozenset({"UInt16", "UInt32", "Int32", "Float32", "Float64"}),
    "Int16": frozenset({"Int16", "Int32", "Float32", "Float64"}),
    "UInt32": frozenset({"UInt32", "Float64"}),
    "Int32": frozenset({"Int32", "Float32", "Float64"}),
    "Float32": frozenset({"Float32", "Float64"}),
    "Float64": frozenset({"Float64"}),
}

_DEFAULT = "UInt16"


def check_data_type(name: object, *, parameter: str = "data_type") -> str:
    """Return `name` if it is one of the seven type names.

    Parameters
    ----------
    name : object
        What the caller gave.
    parameter : str, default "data_type"
        Where it was given; named in the message.

    Returns
    -------
    str
        The name, unchanged.

    Raises
    ------
    ParameterError
        It is not exactly one of the names; spelling and case count.

    Examples
    --------
    >>> check_data_type("UInt16")
    'UInt16'
    """
    if isinstance(name, str) and name in DATA_TYPES:
        return str(name)
    hint = ""
    if isinstance(name, str):
        same = [known for known in DATA_TYPES if known.lower() == name.lower()]
        near = same or get_close_matches(name, DATA_TYPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ParameterError(f"{parameter}={name!r} must be one of {', '.join(DATA_TYPES)}{hint}")


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return the NumPy type of a type name.

    Parameters
    ----------
    name : str
        One of the keys of `DATA_TYPES`.

    Returns
    -------
    numpy.dtype
        In native byte order.

    Raises
    ------
    ParameterError
        The name is not one of the seven.

    Examples
    --------
    >>> numpy_dtype("Int16")
    dtype('int16')
    """
    return DATA_TYPES[check_data_type(name)]


def data_type_of(dtype: DTypeLike) -> str:
    """Return the type name of a NumPy type.

    Parameters
    ----------
    dtype : dtype-like
        Any spelling NumPy understands; byte order does not matter.

    Returns
    -------
    str
        One of the keys of `DATA_TYPES`.

    Raises
    ------
    UnsupportedRasterError
        The type is not one of the seven; the message says why and what to store instead.

    Examples
    --------
    >>> data_type_of("float32")
    'Float32'
    """
    given = np.dtype(dtype)
    found = _NAMES.get(given.newbyteorder("="))
    if found is None:
        raise UnsupportedRasterError(f"pixels of type {given.name!r} are not supported: {_reason(given)}")
    return found


def _reason(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "c":
        return "complex numbers have no order to scale or mask by; store amplitude and phase as two bands"
    if dtype == np.int8:
        return "signed bytes are not among the catalog's types; store them as Int16"
    if dtype.kind in "iu" and dtype.itemsize == 8:
        return "64-bit integers do not survive masking and scaling unchanged; store them as Int32 or Float64"
    if dtype == np.float16:
        return "half precision is not among the catalog's types; store it as Float32"
    return f"supported are {', '.join(DATA_TYPES)}"


def is_float_type(name: str) -> bool:
    """Tell whether a type name stands for floating-point numbers.

    Examples
    --------
    >>> is_float_type("Float32"), is_float_type("Byte")
    (True, False)
    """
    return DATA_TYPES[name].kind == "f"


def natural_range(name: str) -> tuple[float, float]:
    """Return the range that a type stands for where nothing else is known.

    For integers this is all they can hold; for floats it is 0.0 to 1.0.

    Examples
    --------
    >>> natural_range("Int16"), natural_range("Float64")
    ((-32768, 32767), (0.0, 1.0))
    """
    dtype = DATA_TYPES[name]
    if dtype.kind == "f":
        return (0.0, 1.0)
    info = np.iinfo(dtype)
    return (int(info.min), int(info.max))


def common_type(names: Iterable[str | None]) -> str:
    """Return the first type that all the given types convert to.

    The result does not depend on their order.

    Parameters
    ----------
    names : iterable of str or None
        Type names; None, a band that states no type, counts as UInt16.

    Returns
    -------
    str
        A type name.

    Raises
    ------
    ParameterError
        A name is unknown, or there are none.

    Examples
    --------
    >>> common_type(["UInt16", "Int16"])
    'Int32'
    >>> common_type(["UInt32", "Float32"])
    'Float64'
    """
    wanted = {_DEFAULT if name is None else check_data_type(name) for name in names}
    if not wanted:
        raise ParameterError("a common data type needs at least one band")
    shared = frozenset.intersection(*(_CASTS_TO[name] for name in wanted))
    return next(name for name in DATA_TYPES if name in shared)


def masked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the floating type that holds every value of `dtype` and NaN besides.

    Parameters
    ----------
    dtype : dtype-like
        A supported NumPy type.

    Returns
    -------
    numpy.dtype
        float32 for integers of 8 and 16 bits, float64 for those of 32 bits; floats stay.

    Raises
    ------
    UnsupportedRasterError
        The type is not supported.

    Examples
    --------
    >>> masked_dtype("uint16"), masked_dtype("int32"), masked_dtype("float32")
    (dtype('float32'), dtype('float64'), dtype('float32'))
    """
    own = DATA_TYPES[data_type_of(dtype)]
    if own.kind == "f":
        return own
    return np.dtype(np.float32) if own.itemsize <= 2 else np.dtype(np.float64)


def nodata_in(dtype: np.dtype[Any], nodata: float | None) -> Any:
    """Return a nodata value as a number of a type.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the pixels.
    nodata : float or None
        What marks missing pixels.

    Returns
    -------
    numpy scalar or None
        None where no pixel of the type can have the value, or where it is NaN, which needs no comparison.

    Examples
    --------
    >>> nodata_in(np.dtype("uint8"), 255.0), nodata_in(np.dtype("uint8"), -9999.0)
    (np.uint8(255), None)
    """
    if nodata is None or np.isnan(nodata):
        return None
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        if not float(nodata).is_integer() or not info.min <= nodata <= info.max:
            return None
        return dtype.type(int(nodata))
    with np.errstate(over="ignore"):
        value = dtype.type(nodata)
    return value if np.isinf(value) == np.isinf(nodata) else None


def cast(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Convert an array to another supported type, as GDAL does when it copies pixels.

    ============== ==========================================================================
    from, to       rule
    ============== ==========================================================================
    int to int     values beyond the target's range become its nearest end
    float to int   rounded to the nearest whole number, halves away from zero, then as above;
                   infinities become the ends, NaN becomes 0 (mask it before: 0 is a value)
    int to float   nearest number of the target
    float to float nearest number; what float32 cannot hold becomes infinite; NaN stays
    ============== ==========================================================================

    Parameters
    ----------
    array : numpy.ndarray
        Of any shape and a supported type. It is not changed.
    dtype : dtype-like
        The type to convert to.

    Returns
    -------
    numpy.ndarray
        `array` itself where it has the type already, else a new array.

    Raises
    ------
    UnsupportedRasterError
        Either type is not supported.

    Examples
    --------
    >>> cast(np.array([-3.0, 0.5, 2.5, 300.0, np.nan]), "uint8")
    array([  0,   1,   3, 255,   0], dtype=uint8)
    """
    source = DATA_TYPES[data_type_of(array.dtype)]
    target = DATA_TYPES[data_type_of(dtype)]
    if array.dtype == target:
        return array
    if target.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(target)
    info = np.iinfo(target)
    if source.kind == "f":
        # All bounds of the integer targets are exact in float64, not in float32.
        rounded = _round_half_away(array.astype(np.float64))
        np.clip(rounded, info.min, info.max, out=rounded)
        np.nan_to_num(rounded, copy=False, nan=0.0)
        return rounded.astype(target)
    own = np.iinfo(source)
    if own.min < info.min or own.max > info.max:
        array = np.clip(array, max(own.min, info.min), min(own.max, info.max))
    return array.astype(target)


def _round_half_away(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # Not floor(x + 0.5): that lifts 0.49999999999999994 to 1. The fraction below is exact.
    whole = np.empty_like(values)
    np.trunc(values, out=whole)
    with np.errstate(invalid="ignore"):
        fraction = values - whole
    whole += fraction >= 0.5
    whole -= fraction <= -0.5
    return whole
