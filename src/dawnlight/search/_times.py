"""Points in time: read from any usual spelling, written in one, compared exact to the nanosecond.

Everything is UTC. A time without an offset is taken as UTC, a date as its first instant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, cast

import numpy as np

from dawnlight.errors import ParameterError

__all__ = ["parse_time", "time_to_key", "time_to_wire"]

_ISO = re.compile(
    r"""
    (?: (?P<year>\d{4}) (?: -(?P<month>\d{2}) )?
      | (?: (?P<ordinal>\d{4}-\d{3}) | (?P<week>\d{4}-?W\d{2}(?:-?\d)?) | (?P<day>\d{4}-\d{2}-\d{2}|\d{8}) )
        (?: [Tt\ ] (?P<hour>\d{2})
            (?: (?P<colon>:?) (?P<minute>\d{2})
                (?: (?P=colon) (?P<second>\d{2}) (?: [.,] (?P<fraction>\d+) )? )? )?
            \ ? (?P<zone> [Zz] | UTC | [+-]\d{2} (?: :?\d{2} )? )?
        )?
    )
    """,
    re.VERBOSE | re.ASCII,
)
_ALLOWED = (
    "an ISO 8601 string such as '2023-07-01', '2023-07-01T10:20:30.5Z' or '2023-07-01 10:20+02:00' "
    "(at most 9 digits of a second), or a datetime, date, numpy.datetime64 or pandas.Timestamp"
)


class _Instant(NamedTuple):
    """A point in time: whole seconds in UTC, without tzinfo, and the nanoseconds above them."""

    seconds: datetime
    nanoseconds: int


def parse_time(value: object) -> datetime:
    """Read a point in time.

    Parameters
    ----------
    value : str, datetime, date, numpy.datetime64 or pandas.Timestamp
        Strings are ISO 8601: year, year-month, date (also ``20230701``, ``2023-W26-6``, ``2023-182``), or
        date and time with ``T`` or a space between, up to nine digits of a second, then ``Z``, an offset, or
        nothing (UTC). What is left out counts as its first moment: ``"2023"`` is 2023-01-01T00:00:00Z.

    Returns
    -------
    datetime
        Aware, UTC. A ``pandas.Timestamp`` (which is a datetime) where nanoseconds need it.

    Raises
    ------
    ParameterError
        The value is not a point in time, lies outside the years 1 to 9999, or has nanoseconds outside
        the years 1678 to 2261, where no datetime can hold them.

    Examples
    --------
    >>> from dawnlight.search import parse_time
    >>> parse_time("2023-07-01 12:00+02:00")
    datetime.datetime(2023, 7, 1, 10, 0, tzinfo=datetime.timezone.utc)
    """
    instant = _read(value)
    microseconds, rest = divmod(instant.nanoseconds, 1000)
    if not rest:
        return instant.seconds.replace(microsecond=microseconds, tzinfo=UTC)
    import pandas as pd  # type: ignore[import-untyped]  # it ships no types

    try:
        stamp = pd.Timestamp(_spell_key(instant))
    except ValueError as error:  # pandas.errors.OutOfBoundsDatetime
        raise ParameterError(
            f"time {value!r} has nanoseconds, which can only be held between the years 1678 and 2261"
        ) from error
    return cast(datetime, stamp.tz_convert(UTC))


def time_to_wire(value: object) -> str:
    """Spell a point in time for documents and requests: the shortest exact form, ending in ``Z``.

    Parameters
    ----------
    value : str, datetime, date, numpy.datetime64 or pandas.Timestamp
        See `parse_time`.

    Returns
    -------
    str
        ``YYYY-MM-DDTHH:MM:SS[.f]Z`` with one to nine digits of a second where there are any.

    Raises
    ------
    ParameterError
        The value is not a point in time.

    Examples
    --------
    >>> from datetime import date
    >>> from dawnlight.search import time_to_wire
    >>> time_to_wire(date(2023, 7, 1)), time_to_wire("2023-07-01T12:00:00.500+02:00")
    ('2023-07-01T00:00:00Z', '2023-07-01T10:00:00.5Z')
    """
    instant = _read(value)
    fraction = f".{instant.nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{instant.seconds.isoformat()}{fraction}Z"


def time_to_key(value: object) -> str:
    """Spell a point in time at a fixed width, so that text order is time order.

    Parameters
    ----------
    value : str, datetime, date, numpy.datetime64 or pandas.Timestamp
        See `parse_time`.

    Returns
    -------
    str
        ``YYYY-MM-DDTHH:MM:SS.fffffffffZ``, always 30 characters. Two times are equal exactly if their
        keys are.

    Raises
    ------
    ParameterError
        The value is not a point in time.

    Examples
    --------
    >>> from dawnlight.search import time_to_key
    >>> time_to_key("2023-07-01")
    '2023-07-01T00:00:00.000000000Z'
    """
    if type(value) is str:
        key = _widen_wire(value)
        if key is not None:
            return key
    return _spell_key(_read(value))


def _widen_wire(text: str) -> str | None:
    """Return the key of a time in wire spelling, None for any other: the short way for stored documents."""
    head, fraction = text[:19], text[20:-1]
    if not 20 <= len(text) <= 30 or text[-1] != "Z" or text[10] != "T":
        return None
    if len(text) > 20 and (text[19] != "." or not (fraction.isascii() and fraction.isdigit())):
        return None
    try:
        if datetime.fromisoformat(head).isoformat() != head:
            return None
    except ValueError:
        return None
    return f"{head}.{fraction:0<9}Z"


def _spell_key(instant: _Instant) -> str:
    return f"{instant.seconds.isoformat()}.{instant.nanoseconds:09d}Z"


def _read(value: object) -> _Instant:
    if isinstance(value, str):
        return _read_text(str(value))
    if isinstance(value, datetime):  # pandas.Timestamp and pandas.NaT too
        return _read_datetime(value)
    if isinstance(value, date):
        return _Instant(datetime(value.year, value.month, value.day), 0)
    if isinstance(value, np.datetime64):
        # By way of its text: a cast to [ns] would overflow without a word.
        return _read_text(str(value))
    raise ParameterError(
        f"{value!r} of type {type(value).__name__} is not a point in time; allowed is {_ALLOWED}"
    )


@lru_cache(maxsize=2**14)
def _read_text(text: str) -> _Instant:
    match = _ISO.fullmatch(text.strip())
    if match is None:
        raise ParameterError(f"{text[:80]!r} is not a point in time; allowed is {_ALLOWED}")
    part = match.groupdict()
    fraction = (part["fraction"] or "").rstrip("0")
    if len(fraction) > 9:
        raise ParameterError(f"time {text[:80]!r} is finer than a nanosecond; round it first")
    try:
        seconds = _read_day(part).replace(
            hour=int(part["hour"] or 0), minute=int(part["minute"] or 0), second=int(part["second"] or 0)
        )
        return _Instant(seconds - _read_zone(part["zone"]), int(fraction.ljust(9, "0")))
    except (ValueError, OverflowError) as error:
        raise ParameterError(f"time {text[:80]!r} does not exist: {error}") from error


def _read_day(part: Mapping[str, str | None]) -> datetime:
    """Return the midnight at which a date begins."""
    if part["ordinal"]:
        year, number = int(part["ordinal"][:4]), int(part["ordinal"][5:])
        found = datetime(year, 1, 1) + timedelta(days=number - 1)
        if found.year != year:
            raise ValueError(f"{year} has no day {number}")
        return found
    text = part["week"] or part["day"] or f"{part['year']}-{part['month'] or '01'}-01"
    return datetime.fromisoformat(text)


def _read_zone(zone: str | None) -> timedelta:
    if zone is None or zone in {"Z", "z", "UTC"}:
        return timedelta()
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(f"offset {zone!r} is a day or more")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if zone[0] == "-" else offset


def _read_datetime(value: datetime) -> _Instant:
    if value != value:
        raise ParameterError(f"{value!r} is not a point in time; leave the value out or give one")
    # Built anew because pandas.Timestamp would carry its nanoseconds along.
    seconds = datetime(
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        tzinfo=value.tzinfo,
        fold=value.fold,
    )
    nanoseconds = value.microsecond * 1000 + int(getattr(value, "nanosecond", 0))
    if seconds.utcoffset() is not None:
        try:
            seconds = seconds.astimezone(UTC)
        except OverflowError as error:
            raise ParameterError(f"time {value!r} is outside the years 1 to 9999 in UTC") from error
        if seconds.microsecond:  # an offset with a fraction of a second
            nanoseconds += seconds.microsecond * 1000
            seconds += timedelta(seconds=nanoseconds // 10**9)
            nanoseconds %= 10**9
    return _Instant(seconds.replace(microsecond=0, tzinfo=None), nanoseconds)
