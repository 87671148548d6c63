"""Processing steps: from a band's definition and an image's coefficients to numbers, and to pixels.

============= =============================== ==========================================================
function      result                          coefficients
============= =============================== ==========================================================
`linear`      ``value * gain + bias``         ``gain, bias``; one number is a gain with bias 0; without
                                              a parameter, the line from the band's `data_range` to the
                                              step's
`reflectance` as `linear`, then clipped to    as `linear`
              the step's `data_range`
`offset`      ``value + bias``                one number, ``bias``
`temperature` ``k2 / ln(k1 / value + 1)``     ``k1, k2``; without a parameter, the image's
                                              ``brightness_temperature_k1_k2``
`clip`        clipped to the step's           none
              `data_range`
============= =============================== ==========================================================

A step's ``parameter`` is one of

- the name of a coefficient list of the image (`IMAGE_COEFFICIENTS`): the entry at ``index``, counted from 0,
  is used; where the step has no ``index``, the entry of the band, ``vendor_order - 1``;
- ``extra_properties.<key>``: a number of the image, for instance an offset that came with a newer processor;
- one or two numbers, separated by a comma: the same for every image.

Steps compute in float64. Only the end result is converted to the output type
(`dawnlight.raster._dtypes.cast`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import BandError
from dawnlight.raster._dtypes import natural_range
from dawnlight.raster._levels import BandScaling, ProcessingStep, Range, at_level

__all__ = ["IMAGE_COEFFICIENTS", "STEP_FUNCTIONS", "BoundStep", "apply_steps", "bind_steps"]

IMAGE_COEFFICIENTS = (
    "radiance_gain_bias",
    "reflectance_gain_bias",
    "reflectance_scale",
    "temperature_gain_bias",
    "brightness_temperature_k1_k2",
)
"""The attributes of an image that a step's ``parameter`` may name."""

_EXTRA = "extra_properties."


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundStep:
    """A step with its numbers filled in for one band of one image; pickles, and names no catalog object."""

    function: str
    """A key of `STEP_FUNCTIONS`."""
    coefficients: tuple[float, ...] = ()
    """As many as the function takes."""
    clip: Range | None = None
    """Least and greatest result, where the function clips."""


def _linear(values: NDArray[np.float64], step: BoundStep) -> NDArray[np.float64]:
    gain, bias = step.coefficients
    return values * gain + bias


def _offset(values: NDArray[np.float64], step: BoundStep) -> NDArray[np.float64]:
    return values + step.coefficients[0]


def _temperature(values: NDArray[np.float64], step: BoundStep) -> NDArray[np.float64]:
    k1, k2 = step.coefficients
    # No radiance, no temperature: NaN, not the 0 K that the formula would tend to.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(values > 0, k2 / np.log1p(k1 / values), np.nan)


def _same(values: NDArray[np.float64], step: BoundStep) -> NDArray[np.float64]:
    return values


STEP_FUNCTIONS: Mapping[str, Callable[[NDArray[np.float64], BoundStep], NDArray[np.float64]]] = (
    MappingProxyType(
        {
            "linear": _linear,
            "reflectance": _linear,
            "offset": _offset,
            "temperature": _temperature,
            "clip": _same,
        }
    )
)
"""The functions that a processing step may name."""

_CLIPPING = frozenset({"reflectance", "clip"})
_DEFAULT_PARAMETER = {"temperature": "brightness_temperature_k1_k2"}


def bind_steps(
    steps: Sequence[ProcessingStep],
    band: BandScaling,
    image: Mapping[str, Any],
    *,
    image_name: str = "the image",
) -> tuple[BoundStep, ...]:
    """Fill in the coefficients of processing steps for one band of one image.

    Parameters
    ----------
    steps : sequence of ProcessingStep
        What `resolve_level` returned.
    band : BandScaling
        The band as stored (not `at_level`): gives ``vendor_order`` and the `data_range` that the first step
        starts from.
    image : mapping
        Attributes of the image by name; only `IMAGE_COEFFICIENTS` and ``extra_properties`` are looked at.
    image_name : str
        Named in messages.

    Returns
    -------
    tuple of BoundStep
        One for each step, ready for `apply_steps`.

    Raises
    ------
    BandError
        The function is unknown, or the image does not have the coefficients.

    Examples
    --------
    >>> band = BandScaling(name="red", vendor_order=1)
    >>> step = ProcessingStep(function="linear", parameter="radiance_gain_bias")
    >>> bind_steps([step], band, {"radiance_gain_bias": [[0.01, -0.1]]})[0].coefficients
    (0.01, -0.1)
    """
    bound = []
    source_range = at_level(replace(band, processing_levels=None), None).data_range
    for position, step in enumerate(steps):
        where = f"band {band.name!r}, processing step {position + 1} ({step.function})"
        if step.function not in STEP_FUNCTIONS:
            raise BandError(f"{where}: the function is not known; known are {', '.join(STEP_FUNCTIONS)}")
        result_range = step.data_range or natural_range(step.data_type or "Float64")
        parameter = step.parameter or _DEFAULT_PARAMETER.get(step.function)
        found = _find_coefficients(parameter, step, band, image, f"{where} on {image_name}")
        bound.append(
            BoundStep(
                function=step.function,
                coefficients=_complete(step.function, found, source_range, result_range, where),
                clip=result_range if step.function in _CLIPPING else None,
            )
        )
        source_range = result_range
    return tuple(bound)


def _find_coefficients(
    parameter: str | None, step: ProcessingStep, band: BandScaling, image: Mapping[str, Any], where: str
) -> tuple[float, ...] | None:
    if parameter is None:
        return None
    if parameter.startswith(_EXTRA):
        key = parameter.removeprefix(_EXTRA)
        entry: Any = (image.get("extra_properties") or {}).get(key)
    elif parameter in IMAGE_COEFFICIENTS:
        entry = _entry_of(image.get(parameter), parameter, step, band, where)
    else:
        entry = parameter.split(",")
    if entry is None:
        raise BandError(f"{where}: parameter={parameter!r} has no value there; set it on the image")
    try:
        numbers = tuple(float(number) for number in (entry if isinstance(entry, list | tuple) else [entry]))
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise BandError(
            f"{where}: parameter={parameter!r} gives {entry!r}; it must be numbers ('0.0001,-0.1'), "
            f"'extra_properties.<key>' or one of {', '.join(IMAGE_COEFFICIENTS)}"
        )
    return numbers


def _entry_of(
    entries: Sequence[Any] | None, parameter: str, step: ProcessingStep, band: BandScaling, where: str
) -> Any:
    if not entries:
        return None
    index = step.index
    if index is None and band.vendor_order is not None:
        index = band.vendor_order - 1
    if index is None:
        raise BandError(
            f"{where}: parameter={parameter!r} is a list by band; "
            "give the step an index or the band a vendor_order"
        )
    if not 0 <= index < len(entries):
        raise BandError(f"{where}: index={index} is outside {parameter}, which has {len(entries)} entries")
    return entries[index] or None


def _complete(
    function: str, found: tuple[float, ...] | None, source: Range, result: Range, where: str
) -> tuple[float, ...]:
    if function == "clip":
        return ()
    if function in ("linear", "reflectance"):
        if found is None:
            if source[0] == source[1]:
                raise BandError(f"{where}: the data_range before it, {source}, is empty; give a parameter")
            gain = (result[1] - result[0]) / (source[1] - source[0])
            return (gain, result[0] - source[0] * gain)
        if len(found) == 1:
            return (found[0], 0.0)
    needed = 1 if function == "offset" else 2
    if found is None or len(found) != needed:
        raise BandError(f"{where}: needs {needed} coefficient(s), the parameter gives {list(found or ())}")
    return found


def apply_steps(values: NDArray[Any], steps: Sequence[BoundStep]) -> NDArray[Any]:
    """Run bound steps over stored numbers.

    Parameters
    ----------
    values : numpy.ndarray
        Stored numbers of one band, any shape and type; not changed. Masked pixels are the caller's: what
        comes out of them is not specified.
    steps : sequence of BoundStep
        In order.

    Returns
    -------
    numpy.ndarray
        float64 of the same shape; `values` itself when there are no steps.

    Examples
    --------
    >>> apply_steps(np.array([0, 5000], "uint16"), [BoundStep(function="linear", coefficients=(1e-4, -0.1))])
    array([-0.1,  0.4])
    """
    if not steps:
        return values
    result = values.astype(np.float64)
    for step in steps:
        result = STEP_FUNCTIONS[step.function](result, step)
        if step.clip is not None:
            result = np.clip(result, *step.clip)
    return result
