"""Numbers of pixels and snapping to a lattice, safe from floating-point noise."""

from __future__ import annotations

import math

from dawnlight.errors import GridError

__all__ = ["count_pixels", "snap_outwards"]

_NOISE = 1e-9
_MAX_NOISE = 0.1
_MAX_INDEX = 2.0**52


def count_pixels(extent: float, resolution: float) -> int:
    """Return how many pixels stand for an extent: rounded half up, and at least 1.

    Parameters
    ----------
    extent, resolution : float
        In the same unit; the resolution is positive.

    Returns
    -------
    int

    Examples
    --------
    >>> count_pixels(25, 10), count_pixels(24.9, 10), count_pixels(1, 10)
    (3, 2, 1)
    """
    pixels = _ratio(extent, resolution)
    return max(1, math.floor(pixels + 0.5 + _noise(pixels)))


def snap_outwards(low: float, high: float, resolution: float) -> tuple[float, int]:
    """Move the ends of an interval outwards to multiples of a resolution.

    Parameters
    ----------
    low, high : float
        ``low <= high``.
    resolution : float
        Positive.

    Returns
    -------
    start : float
        A multiple of the resolution, ``start <= low`` up to noise.
    n : int
        At least 1; ``start + n * resolution >= high`` up to noise.

    Notes
    -----
    An end within a billionth of its own size of a multiple counts as that multiple, so 0.3 / 0.1 does not
    cost a pixel.

    Examples
    --------
    >>> snap_outwards(3, 37, 10)
    (0.0, 4)
    >>> snap_outwards(0.1, 0.1 + 0.2, 0.1)
    (0.1, 2)
    """
    first, last = _ratio(low, resolution), _ratio(high, resolution)
    start = math.floor(first + _noise(first))
    stop = math.ceil(last - _noise(last))
    return start * resolution + 0.0, max(1, stop - start)


def _ratio(length: float, resolution: float) -> float:
    ratio = length / resolution
    if not abs(ratio) < _MAX_INDEX:
        raise GridError(
            f"resolution={resolution!r} is too fine for an extent or position of {length!r}; "
            "is it in the units of the crs (degrees in EPSG:4326)?"
        )
    return ratio


def _noise(ratio: float) -> float:
    return min(_NOISE * max(1.0, abs(ratio)), _MAX_NOISE)
