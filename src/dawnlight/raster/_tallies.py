"""Statistics of the bands of a file, gathered while its pixels pass by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.raster._header import BandHeader

__all__ = ["Look", "Tally"]


@dataclass(slots=True)
class Tally:
    """Moments of the valid values of a band."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: NDArray[Any]) -> None:
        """Take more valid values into account."""
        if not values.size:
            return
        numbers = values.astype(np.float64).ravel()
        count, mean = numbers.size, float(numbers.mean())
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        numbers -= mean
        squares = float(np.dot(numbers, numbers))
        total = self.count + count
        shift = mean - self.mean
        self.squares += squares + shift**2 * self.count * count / total
        self.mean += shift * count / total
        self.count = total

    def to_tags(self) -> dict[str, str]:
        """Return GDAL's metadata items; none if there is no value, or one is infinite."""
        if not self.count or not all(map(math.isfinite, (self.low, self.high, self.mean, self.squares))):
            return {}
        return {
            "STATISTICS_MINIMUM": repr(self.low),
            "STATISTICS_MAXIMUM": repr(self.high),
            "STATISTICS_MEAN": repr(self.mean),
            "STATISTICS_STDDEV": repr(math.sqrt(self.squares / self.count)),
        }


@dataclass(slots=True)
class Look:
    """What a pass over all pixels finds."""

    bands: Sequence[BandHeader]
    """Of the file."""
    tallies: list[Tally] = field(init=False)
    """One for each band."""
    valid: int = 0
    """Pixels with data in at least one band."""

    def __post_init__(self) -> None:
        self.tallies = [Tally() for _ in self.bands]

    def add(self, data: NDArray[Any], valid: NDArray[np.bool_] | None) -> None:
        """Take pixels (band, y, x) into account, and the file's own mask of them."""
        anywhere = np.zeros(data.shape[1:], bool)
        whole = False
        for index, band in enumerate(self.bands):
            if band.color == "alpha" and len(self.bands) > 1:
                continue
            good = _good(data[index], None if valid is None else valid[index], band.nodata)
            if good is None or good.all():
                self.tallies[index].add(data[index])
                whole = True
            else:
                self.tallies[index].add(data[index][good])
                anywhere |= good
        self.valid += anywhere.size if whole else int(np.count_nonzero(anywhere))


def _good(
    data: NDArray[Any], valid: NDArray[np.bool_] | None, nodata: float | None
) -> NDArray[np.bool_] | None:
    """Return which values count; None stands for all."""
    good = valid
    if data.dtype.kind == "f":
        good = ~np.isnan(data) if good is None else good & ~np.isnan(data)
    if nodata is not None and not math.isnan(nodata):
        good = data != nodata if good is None else good & (data != nodata)
    return good
