"""Periods of the calendar, as groups of time slots."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError

__all__ = ["group_by_calendar", "starts_of"]

_ALLOWED = "days, weeks, months or years such as '1D', '2W', '1M', '1Y', or 'season'"
_SPEC = re.compile(r"([1-9]\d*)?([DWMY])")
_MONDAY = 3
"""1970-01-01, from which NumPy counts, was three days after a Monday."""


def group_by_calendar(obj: Any, period: str) -> Any:
    """Group an array or dataset by the coordinate ``period``, the first day of each slot's period."""
    if "time" not in obj.dims or "time" not in obj.coords or obj.coords["time"].dtype.kind != "M":
        raise ParameterError(
            "groups by calendar need the dim 'time' with dates as its coordinate; the array has the dims "
            f"{tuple(map(str, obj.dims))}"
        )
    starts = starts_of(np.asarray(obj.coords["time"].values), period)
    return obj.assign_coords(period=("time", starts.astype("datetime64[ns]"))).groupby("period")


def starts_of(times: NDArray[np.datetime64], period: str) -> NDArray[np.datetime64]:
    """Return the first day of the period that each time falls into.

    Parameters
    ----------
    times
        Instants (UTC); NaT stays NaT.
    period
        ``"1D"``, ``"1W"``, ``"1M"``, ``"1Y"`` with any number, or ``"season"``.

    Returns
    -------
    numpy.ndarray of datetime64[D]
        Weeks begin on Monday. Several days or weeks are counted from 1970, months and years from January of
        the year 0, so a slot's period does not depend on the others. Seasons begin in December, March, June
        and September.

    Examples
    --------
    >>> starts_of(np.array(["2023-02-17"], "datetime64[s]"), "3M")
    array(['2023-01-01'], dtype='datetime64[D]')
    """
    days = times.astype("datetime64[D]")
    text = str(period)
    if text == "season":
        return _months(days, 3, 1)
    match = _SPEC.fullmatch(text)
    if match is None:
        raise ParameterError(f"period={period!r} must be {_ALLOWED}")
    count, unit = int(match[1] or 1), match[2]
    if unit in "MY":
        return _months(days, count * (12 if unit == "Y" else 1), 0)
    size, offset = (count, 0) if unit == "D" else (7 * count, _MONDAY)
    numbers = days.astype(np.int64)
    found = ((numbers + offset) // size * size - offset).astype("datetime64[D]")
    found[np.isnat(days)] = np.datetime64("NaT")
    return found


def _months(days: NDArray[np.datetime64], size: int, offset: int) -> NDArray[np.datetime64]:
    """First day of runs of months, counted from January of the year 0 less ``offset`` months."""
    numbers = days.astype("datetime64[M]").astype(np.int64) + 1970 * 12 + offset
    found = (numbers // size * size - 1970 * 12 - offset).astype("datetime64[M]").astype("datetime64[D]")
    found[np.isnat(days)] = np.datetime64("NaT")
    return found
