"""Scaling: from what a user asks for to numbers for each band, and from numbers to pixels.

`resolve_scaling` is the whole of ``scaling_parameters`` in the public API. It is pure and decides three
things: the output type, one *mode* for the call, and for every band `None` (leave), ``()`` (stretch from the
least and greatest value found) or ``(in_min, in_max, out_min, out_max)``.

How type and mode follow from each other when the caller leaves them open::

    mode named by a string ────────────────► type of the mode
    data_type given ───────────────────────► mode of the type (Byte: display, floats: physical, else raw)
    neither: what all tuples hint at ──────► type of the mode
             the hints contradict ─────────► smallest type for all output numbers ──► mode of that type
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dawnlight.errors import BandError, ParameterError
from dawnlight.raster._dtypes import (
    DATA_TYPES,
    cast,
    check_data_type,
    common_type,
    data_type_of,
    is_float_type,
    natural_range,
)
from dawnlight.raster._levels import BandScaling, LeveledBand, Range, at_level
from dawnlight.raster._scalespec import Element, Mode, Percent, normalize_scaling

__all__ = ["Scale", "apply_scale", "resolve_common_scaling", "resolve_scaling"]

Scale = tuple[()] | tuple[float, float, float, float] | None
"""What happens to one band: nothing; stretched from its own least and greatest value to 0-255; or mapped."""

_TYPE_OF_MODE: Mapping[Mode, str] = {"auto": "Byte", "display": "Byte", "physical": "Float64"}
_FULL_BYTE: Range = (0, 255)
_FLOAT_BYTE: Range = (0, 255.99)
# Not a mode: the tuple gives whole output numbers, which the output type must be able to hold.
_NUMBERS: Literal["numbers"] = "numbers"


def resolve_scaling(
    bands: Sequence[BandScaling],
    processing_level: str | None = None,
    scaling: object = None,
    data_type: str | None = None,
) -> tuple[list[Scale] | None, str]:
    """Resolve a scaling request for the bands of one product.

    Parameters
    ----------
    bands : sequence of BandScaling
        The bands asked for, in order, without an alpha band that was added for masking only.
    processing_level : str or None, default None
        Level whose result the ranges refer to; None is ``"default"``.
    scaling : None, str, iterable or mapping, default None
        A mode (``"raw"``, ``"auto"``, ``"display"``, ``"physical"``) for all bands; or an element for each
        band; or elements by band name, with ``"default_"`` for other bands that are neither mask nor class.
        An element is None, a mode, or a tuple of 0, 2 or 4 numbers or percentages (``"2%"``).
    data_type : str or None, default None
        Output type; None lets it follow from the bands and `scaling`.

    Returns
    -------
    scales : list or None
        One entry for each band; None when no band is scaled.
    data_type : str
        Name of the output type.

    Raises
    ------
    ParameterError
        Something in `scaling` or `data_type` cannot be used; the message names the band and what is allowed.
    BandError
        A band does not have the processing level.

    Notes
    -----
    Where a tuple gives whole output numbers, the smallest integer type that holds all output numbers is
    taken. A number that is not whole makes the output Float64; so does one that is written as a float where
    the output spans no more than 1, because ``(0.0, 1.0)`` means the unit interval, not two grey levels.

    Examples
    --------
    >>> red = BandScaling(name="red", display_range=(0, 4000))
    >>> resolve_scaling([red], scaling="display")
    ([(0, 4000, 0, 255)], 'Byte')
    """
    scales, resolved = _resolve(bands, processing_level, scaling, data_type)
    if scales is not None and all(scale is None for scale in scales):
        return None, resolved
    return scales, resolved


def resolve_common_scaling(
    products: Mapping[str, Sequence[BandScaling]],
    processing_level: str | None = None,
    scaling: object = None,
    data_type: str | None = None,
) -> tuple[list[Scale] | None, str]:
    """Resolve a scaling request for bands that come from several products.

    Parameters
    ----------
    products : mapping of str to sequence of BandScaling
        Product id to the bands asked for, in the same order for every product; at least one product.
    processing_level, scaling, data_type
        As in `resolve_scaling`.

    Returns
    -------
    scales : list or None
        One entry for each band; None only when `scaling` is None.
    data_type : str
        Common type of the products' output types.

    Raises
    ------
    BandError
        The products' definitions lead to different scales; the message names the first band that differs.
    ParameterError
        As in `resolve_scaling`.

    Examples
    --------
    >>> eight, sixteen = BandScaling(name="b", data_type="Byte"), BandScaling(name="b", data_type="UInt16")
    >>> resolve_common_scaling({"p": [eight], "q": [sixteen]})
    (None, 'UInt16')
    """
    if not products:
        raise ParameterError("scaling needs the bands of at least one product")
    # An iterator would be used up by the first product.
    spec = (
        list(scaling) if isinstance(scaling, Iterable) and not isinstance(scaling, str | Mapping) else scaling
    )
    resolved = {
        product: _resolve(bands, processing_level, spec, data_type) for product, bands in products.items()
    }
    first, *others = resolved
    scales = resolved[first][0]
    for other in others:
        # Both are None or both are lists of one entry a band: that depends on `scaling` alone.
        pairs = zip(products[first], scales or (), resolved[other][0] or ())  # noqa: B905
        for band, mine, its in pairs:
            if mine != its:
                raise BandError(
                    f"band {band.name!r} would be scaled differently: {mine} in product {first!r}, "
                    f"{its} in {other!r}; give explicit numbers for it in scaling"
                )
    return scales, common_type(kind for _, kind in resolved.values())


def _resolve(
    bands: Sequence[BandScaling], processing_level: str | None, scaling: object, data_type: str | None
) -> tuple[list[Scale] | None, str]:
    leveled = [at_level(band, processing_level) for band in bands]
    if data_type is not None:
        data_type = check_data_type(data_type)
    elements = normalize_scaling(scaling, bands)
    if all(element is None for element in elements):
        nothing: list[Scale] | None = None if scaling is None else [None] * len(leveled)
        return nothing, data_type or common_type(band.data_type for band in leveled)
    mode = _explicit_mode(leveled, elements)
    if mode is None and data_type is None:
        mode = _implied_mode(leveled, elements)
        if mode is None:
            data_type = _smallest_type(leveled, elements)
    if mode is None:
        mode = _mode_of_type(data_type)
    if data_type is None:
        data_type = _TYPE_OF_MODE.get(mode) or common_type(band.data_type for band in leveled)
    fill = partial(_resolve_element, mode=mode, data_type=data_type)
    return [fill(band, element) for band, element in zip(leveled, elements, strict=True)], data_type


# -- mode and type -----------------------------------------------------------------------------------


def _explicit_mode(bands: Sequence[LeveledBand], elements: Sequence[Element]) -> Mode | None:
    named = {
        element: band.name
        for band, element in zip(reversed(bands), reversed(elements), strict=True)
        if isinstance(element, str) and not band.is_category
    }
    if named.keys() == {"auto", "display"}:
        return "display"
    if len(named) > 1:
        told = ", ".join(f"{mode!r} for band {band!r}" for mode, band in named.items())
        raise ParameterError(f"scaling modes cannot be mixed (only 'auto' and 'display' can): {told}")
    return next(iter(named), None)


def _implied_mode(bands: Sequence[LeveledBand], elements: Sequence[Element]) -> Mode | None:
    hints: set[Mode | Literal["numbers"]] = set()
    for band, element in zip(bands, elements, strict=True):
        if isinstance(element, str):
            if band.is_category:
                hints.add(element)
        elif element is not None:
            hint = _hint_of(element)
            hints.update(() if hint is None else (hint,))
    if hints == {"auto", "display"}:
        return "display"
    if len(hints) == 1:
        (hint,) = hints
        return None if hint == _NUMBERS else hint
    return None


def _hint_of(element: tuple[float | Percent, ...]) -> Mode | Literal["numbers"] | None:
    if len(element) < 4:
        return "auto" if not element else "display"
    if not _output_numbers(element):
        return None
    return "physical" if _wants_float(element) else _NUMBERS


def _output_numbers(element: tuple[float | Percent, ...]) -> list[float]:
    return [bound for bound in element[2:] if not isinstance(bound, Percent)]


def _wants_float(element: tuple[float | Percent, ...]) -> bool:
    numbers = _output_numbers(element)
    if any(number != int(number) for number in numbers):
        return True
    return any(isinstance(number, float) for number in numbers) and max(numbers) - min(numbers) <= 1


def _smallest_type(bands: Sequence[LeveledBand], elements: Sequence[Element]) -> str:
    numbers: list[float] = []
    for band, element in zip(bands, elements, strict=True):
        if element is None or isinstance(element, str):
            if is_float_type(band.data_type):
                return "Float64"
            numbers.extend(band.data_range)
        elif len(element) < 4:
            numbers.extend(_FULL_BYTE)
        elif _wants_float(element):
            return "Float64"
        else:
            numbers.extend(_output_numbers(element))
    if not numbers:
        raise ParameterError(
            "scaling gives percentages only, so neither mode nor output type can be told; "
            "give data_type=, or a mode for one of the bands"
        )
    for name in ("Byte", "UInt16", "Int16", "UInt32", "Int32"):
        low, high = natural_range(name)
        if low <= min(numbers) and max(numbers) <= high:
            return name
    return "Float64"


def _mode_of_type(data_type: str | None) -> Mode:
    if data_type == "Byte":
        return "display"
    return "physical" if data_type in ("Float32", "Float64") else "raw"


# -- one band ----------------------------------------------------------------------------------------


def _resolve_element(band: LeveledBand, element: Element, *, mode: Mode, data_type: str) -> Scale:
    floating = is_float_type(data_type)
    if element is None or (isinstance(element, str) and (band.is_category or element == "raw")):
        return None
    if element == () or element == "auto":
        return ()
    source: Range
    target: Range
    if mode == "raw":
        source, target = natural_range(band.data_type), natural_range(data_type)
    elif mode == "physical":
        source, target = band.data_range, band.physical_range
    else:
        source, target = band.display_range, _FLOAT_BYTE if floating else _FULL_BYTE
    if element == "physical" and source == target:
        return None
    bounds = tuple(element) if not isinstance(element, str) else ()
    inputs = bounds[:2] or source
    outputs = bounds[2:] or target
    # 100 % of what is shown is 255.99, so that truncation gives all 256 levels the same share.
    output_span = target if mode in ("raw", "physical") else _FLOAT_BYTE
    in_min, in_max = (_to_number(b, source, is_float_type(band.data_type)) for b in inputs)
    out_min, out_max = (_to_number(b, output_span, floating) for b in outputs)
    if in_min == in_max:
        raise ParameterError(
            f"scaling of band {band.name!r}: the input range {tuple(map(str, inputs))} comes down to "
            f"({in_min}, {in_max}), which is empty; its ends must differ"
            + ("" if is_float_type(band.data_type) else " as whole numbers")
        )
    return (in_min, in_max, out_min, out_max)


def _to_number(bound: float | Percent, span: Range, keep_fraction: bool) -> float:
    value = bound.of(span) if isinstance(bound, Percent) else bound
    return value if keep_fraction else int(value)


# -- pixels ------------------------------------------------------------------------------------------


def apply_scale(
    array: NDArray[Any],
    scale: Scale,
    dtype: DTypeLike,
    *,
    extremes: Range | None = None,
) -> NDArray[Any]:
    """Scale the pixels of one band and convert them to the output type.

    ``(v - in_min) * (out_max - out_min) / (in_max - in_min) + out_min`` in float64, then
    `dawnlight.raster._dtypes.cast`: rounded half away from zero and limited to what the type holds. The
    ranges themselves do not limit anything.

    Parameters
    ----------
    array : numpy.ndarray
        Values of one band, any shape; not changed. Masked pixels are the caller's.
    scale : None, () or tuple of 4 numbers
        An entry of what `resolve_scaling` returns.
    dtype : dtype-like
        Output type.
    extremes : tuple of 2 numbers, optional
        Least and greatest valid value of the whole window, all its chunks together. Needed for ``()``. Where
        they are equal, or not finite because no pixel is valid, every pixel becomes 0.

    Returns
    -------
    numpy.ndarray
        Of the output type; `array` itself when there is nothing to do.

    Raises
    ------
    ParameterError
        ``()`` without `extremes`.

    Examples
    --------
    >>> apply_scale(np.array([0, 2000, 5000], "uint16"), (0, 4000, 0, 255), "uint8")
    array([  0, 128, 255], dtype=uint8)
    """
    if scale is None:
        return cast(array, dtype)
    if not scale:
        if extremes is None:
            raise ParameterError("automatic scaling needs the least and greatest value of the whole window")
        low, high = extremes
        if not (np.isfinite(low) and np.isfinite(high)) or low == high:
            return np.zeros(array.shape, DATA_TYPES[data_type_of(dtype)])
        scale = (float(low), float(high), *_FULL_BYTE)
    convert = partial(_map, scale=scale, dtype=dtype)
    if array.dtype.kind == "u" and array.dtype.itemsize <= 2 and array.size > 2 * 256**array.dtype.itemsize:
        # Fewer values than pixels: work each value out once.
        table: NDArray[Any] = convert(np.arange(256**array.dtype.itemsize, dtype=array.dtype))
        result: NDArray[Any] = table[array]
        return result
    return convert(array)


def _map(array: NDArray[Any], scale: tuple[float, float, float, float], dtype: DTypeLike) -> NDArray[Any]:
    in_min, in_max, out_min, out_max = scale
    values = array.astype(np.float64)
    # In this order the product of whole numbers is exact, so halves are halves when they get rounded.
    values -= in_min
    values *= out_max - out_min
    values /= in_max - in_min
    values += out_min
    return cast(values, dtype)
