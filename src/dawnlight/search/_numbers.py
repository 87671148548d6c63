"""Pixel values in documents: JSON has no spelling for not-a-number and the infinities."""

from __future__ import annotations

import math

__all__ = ["NOT_FINITE", "number_to_wire", "wire_to_number"]

NOT_FINITE = ("nan", "inf", "-inf")
"""How documents spell the values that are not finite."""


def number_to_wire(value: float) -> float | str:
    """Spell a number for a document.

    Parameters
    ----------
    value : int or float
        Any number.

    Returns
    -------
    int, float or str
        The number, or one of `NOT_FINITE`.

    Examples
    --------
    >>> from dawnlight.search import number_to_wire
    >>> number_to_wire(-9999), number_to_wire(float("nan"))
    (-9999, 'nan')
    """
    return value if math.isfinite(value) else str(float(value))


def wire_to_number(value: float | str) -> float:
    """Read a number from a document.

    Parameters
    ----------
    value : int, float or str
        A number as `number_to_wire` spells it.

    Returns
    -------
    int or float
        The number; anything else that was given comes back as it is.

    Examples
    --------
    >>> from dawnlight.search import wire_to_number
    >>> wire_to_number(-9999), wire_to_number("-inf")
    (-9999, -inf)
    """
    return float(value) if value in NOT_FINITE else value  # type: ignore[return-value]  # what is foreign stays
