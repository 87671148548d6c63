"""The many spellings of ``scaling=``, brought to one: an element for each band."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal, cast

import numpy as np

from dawnlight.errors import ParameterError
from dawnlight.raster._levels import BandScaling, Range

__all__ = ["MODES", "Element", "Mode", "Percent", "normalize_scaling"]

Mode = Literal["raw", "auto", "display", "physical"]
MODES: tuple[Mode, ...] = ("raw", "auto", "display", "physical")

_PERCENT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*%\s*")
_ALLOWED = (
    "allowed are None, one of 'raw', 'auto', 'display', 'physical', or a tuple of 0, 2 or 4 numbers or "
    "percentages like '2%'"
)


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of a range that is not known yet; below 0 or above 100 lies outside of it."""

    value: float

    def of(self, span: Range) -> float:
        """Return the number at this share of `span`.

        Examples
        --------
        >>> Percent(25).of((0, 4000))
        1000.0
        """
        low, high = span
        return low + self.value / 100 * (high - low)

    def __str__(self) -> str:
        return f"{self.value:g}%"


Element = Mode | tuple[float | Percent, ...] | None
"""One band's wish, with every number a plain int or float."""


def normalize_scaling(scaling: object, bands: Sequence[BandScaling]) -> list[Element]:
    """Return one element for each band, whatever form `scaling` has.

    Parameters
    ----------
    scaling : None, str, iterable or mapping
        See `dawnlight.raster._scaling.resolve_scaling`. An iterator is used up.
    bands : sequence of BandScaling
        The bands asked for.

    Returns
    -------
    list of None, str or tuple
        As long as `bands`.

    Raises
    ------
    ParameterError
        The form, the number of elements or an element cannot be used.

    Examples
    --------
    >>> normalize_scaling({"default_": (0, "50%")}, [BandScaling(name="red")])
    [(0, Percent(value=50.0))]
    """
    if scaling is None:
        return [None] * len(bands)
    if isinstance(scaling, str):
        return [_to_mode(scaling, "scaling")] * len(bands)
    if isinstance(scaling, Mapping):
        return [_to_element(_look_up(scaling, band), f"scaling[{band.name!r}]") for band in bands]
    if isinstance(scaling, bytes) or not isinstance(scaling, Iterable):
        raise ParameterError(
            f"scaling={scaling!r} must be None, a mode ('raw', 'auto', 'display', 'physical'), "
            "a sequence with one element for each band, or a mapping by band name"
        )
    elements = list(scaling)
    if len(elements) != len(bands):
        hint = ""
        if len(bands) == 1 and elements and all(_is_number(element) for element in elements):
            hint = f"; for one band, wrap the range in a list: [{tuple(elements)!r}]"
        raise ParameterError(f"scaling has {len(elements)} elements for {len(bands)} bands{hint}")
    return [
        _to_element(e, f"scaling[{i}], band {b.name!r}")
        for i, (e, b) in enumerate(zip(elements, bands, strict=True))
    ]


def _look_up(scaling: Mapping[object, object], band: BandScaling) -> object:
    if band.name in scaling:
        return scaling[band.name]
    return None if band.is_category else scaling.get("default_")


def _to_mode(text: str, where: str) -> Mode:
    if text not in MODES:
        raise ParameterError(f"{where}: {text!r} is not a mode; {_ALLOWED}")
    return cast(Mode, str(text))


def _to_element(element: object, where: str) -> Element:
    if element is None:
        return None
    if isinstance(element, str):
        return _to_mode(element, where)
    if isinstance(element, np.ndarray) and element.ndim == 1:
        element = tuple(element)
    if not isinstance(element, list | tuple):
        raise ParameterError(f"{where}: {element!r} cannot be used; {_ALLOWED}")
    if len(element) not in (0, 2, 4):
        raise ParameterError(f"{where}: {element!r} has {len(element)} numbers; {_ALLOWED}")
    return tuple(_to_bound(bound, f"{where}: {element!r}") for bound in element)


def _to_bound(bound: object, where: str) -> float | Percent:
    if isinstance(bound, str):
        match = _PERCENT.fullmatch(bound)
        if match is not None and math.isfinite(float(match[1])):
            return Percent(float(match[1]))
    elif _is_number(bound):
        if isinstance(bound, Integral):
            return int(bound)
        number = float(cast(Real, bound))
        if math.isfinite(number):
            return number
    raise ParameterError(f"{where}: {bound!r} is neither a finite number nor a percentage like '2%'")


def _is_number(value: object) -> bool:
    # A truth value counts as a number in Python; here it can only be a mistake.
    return isinstance(value, Real) and not isinstance(value, bool)
