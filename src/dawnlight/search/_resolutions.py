"""Ground resolutions with their unit, and the one scale on which they are compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dawnlight.errors import ParameterError

__all__ = ["METERS_PER_DEGREE", "ResolutionValue", "parse_resolution", "resolution_to_meters"]

METERS_PER_DEGREE = 111_111.0
"""Length of one degree wherever degrees and metres are compared; exact nowhere, the same everywhere."""

_TEXT = re.compile(
    r"(?P<value>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<unit>m|met(?:er|re)s?|°|deg|degrees?)\.?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ResolutionValue:
    """A number with its unit, as it stands in a filter.

    Parameters
    ----------
    value : float
        The size of a pixel.
    unit : {"meters", "degrees"}
        What `value` counts.

    Examples
    --------
    >>> from dawnlight.search import ResolutionValue
    >>> ResolutionValue(0.5, "degrees").meters
    55555.5
    """

    value: float
    unit: str

    def __post_init__(self) -> None:
        if self.unit not in {"meters", "degrees"}:
            raise ParameterError(
                f"resolution unit {self.unit!r} is unknown; allowed are 'meters' and 'degrees'"
            )
        if _to_finite(self.value) is None:
            raise ParameterError(f"resolution value {self.value!r} must be a finite number")

    @property
    def meters(self) -> float:
        """The resolution in metres, a degree counted as 111 111 m."""
        return float(self.value) * (METERS_PER_DEGREE if self.unit == "degrees" else 1.0)

    def to_wire(self) -> dict[str, Any]:
        """Spell it as documents do.

        Returns
        -------
        dict
            ``{"value": ..., "unit": ...}``.
        """
        return {"value": self.value, "unit": self.unit}


def parse_resolution(text: str) -> ResolutionValue:
    """Read a resolution such as ``"60m"``, ``"-6.5 deg."`` or ``"1.234 °"``.

    Parameters
    ----------
    text : str
        A decimal number without exponent, optional spaces, and a unit with an optional period, in any
        case: m, meter(s), metre(s), °, deg, degree(s).

    Returns
    -------
    ResolutionValue
        The number and its unit.

    Raises
    ------
    ParameterError
        The text is something else, for example a number without a unit.

    Examples
    --------
    >>> from dawnlight.search import parse_resolution
    >>> parse_resolution("60  m.")
    ResolutionValue(value=60.0, unit='meters')
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise ParameterError(
            f"resolution {text[:80]!r} cannot be read; allowed is a number with a unit, "
            "such as '10 m' or '0.1 degrees'"
        )
    unit = "meters" if match["unit"].lower().startswith("m") else "degrees"
    return ResolutionValue(float(match["value"]), unit)


def resolution_to_meters(value: Any) -> float | None:  # any JSON value a document may hold
    """Put the resolution of a document on the scale on which resolutions are compared and sorted.

    Parameters
    ----------
    value : mapping, ResolutionValue, float or None
        ``{"value": ..., "unit": ...}`` or a number, which means metres.

    Returns
    -------
    float or None
        Metres; None where the value is missing or not a resolution that can be compared.

    Examples
    --------
    >>> from dawnlight.search import resolution_to_meters
    >>> resolution_to_meters({"value": 2, "unit": "degrees"})
    222222.0
    """
    if isinstance(value, ResolutionValue):
        return value.meters
    if not isinstance(value, Mapping):
        return _to_finite(value)
    number, unit = _to_finite(value.get("value")), value.get("unit")
    if number is None or unit not in ("meters", "degrees"):
        return None
    return ResolutionValue(number, unit).meters


def _to_finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
