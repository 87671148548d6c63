"""When an image was taken: from the tags of its file, or from its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dawnlight.errors import ParameterError
from dawnlight.search import parse_time, time_to_wire

__all__ = ["Acquisition", "find_acquisition", "find_in_name", "find_in_tags", "parse_compact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """When an image was taken, and how that is known."""

    start: str
    """In wire spelling."""
    end: str | None = None
    """In wire spelling."""
    source: str
    """``"argument"``, ``"pattern"``, ``"tag NAME"`` or ``"name"``."""


# Tags that say when, the surest first. A name in two parts is a date and its time of day. Upper and lower
# case are alike, and what stands before a "#" (the group of a former netCDF file) does not count.
_START = (
    ("acquired",),
    ("acquisitiondatetime",),
    ("acquisition_datetime",),
    ("acquisition_date",),
    ("acquisitiondate",),
    ("datetime",),
    ("start_datetime",),
    ("date_acquired", "scene_center_time"),
    ("sensing_time",),
    ("sensing_start",),
    ("datatake_sensing_start",),
    ("product_start_time",),
    ("time_coverage_start",),
    ("rangebeginningdate", "rangebeginningtime"),
)
_END = (
    ("acquired_end",),
    ("end_datetime",),
    ("product_stop_time",),
    ("time_coverage_end",),
    ("rangeendingdate", "rangeendingtime"),
)
# Often the time of processing (TIFF: when the file was made), so a date in the name goes before these.
_DOUBTFUL = (("date",), ("tifftag_datetime",))

_TIFF_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_CLOCK = r"(?:[T_ -]?(?P<H>\d\d)[:-]?(?P<M>\d\d)[:-]?(?P<S>\d\d))?"
# Not inside a longer number: 2022042050729 is neither 20220420 nor 2022042.
_NAME_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<!\d)(?P<Y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d){_CLOCK}(?!\d)",
        rf"(?<!\d)(?P<Y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d){_CLOCK}(?!\d)",
        # A year and day of year; the A of MODIS or the s (start) of GOES tells it from other numbers.
        rf"(?<![A-Za-z\d])[As](?P<Y>\d{{4}})(?P<j>\d{{3}}){_CLOCK}\d?(?!\d)",
    )
)
_COMPACT_DATES = (*_NAME_DATES[:2], re.compile(rf"(?P<Y>\d{{4}})(?P<j>\d{{3}}){_CLOCK}"))
# Satellites that image the Earth; other numbers of eight digits are seldom dates of these years.
_FIRST, _LAST = datetime(1960, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def find_acquisition(tags: Mapping[str, str], name: str) -> Acquisition | None:
    """Find when an image was taken.

    Parameters
    ----------
    tags : mapping
        Metadata items of a file.
    name : str
        Name of the file or image.

    Returns
    -------
    Acquisition or None
        From a tag that says when the image was acquired, else from the name, else from a tag that may say
        when the file was made, such as TIFFTAG_DATETIME.

    Examples
    --------
    >>> found = find_acquisition({"TIFFTAG_DATETIME": "2017:05:10 19:44:53"}, "CBERS_4_AWFI_20170420_146_129")
    >>> found.start, found.source
    ('2017-04-20T00:00:00Z', 'name')
    """
    return find_in_tags(tags) or find_in_name(name) or find_in_tags(tags, doubtful=True)


def find_in_tags(tags: Mapping[str, str], *, doubtful: bool = False) -> Acquisition | None:
    """Find when an image was taken in the metadata of its file.

    Parameters
    ----------
    tags : mapping
        Metadata items of the file.
    doubtful : bool, default: False
        Look at the tags that may hold the time of processing instead of the others.

    Returns
    -------
    Acquisition or None
        None also where a tag holds no time that can be read.
    """
    items = {key.rpartition("#")[2].lower(): (key, value) for key, value in tags.items()}
    for keys in _DOUBTFUL if doubtful else _START:
        start = _read_tag(items, keys)
        if start is not None:
            ends = (_read_tag(items, keys) for keys in _END)
            end = next((end for end in ends if end is not None), None)
            return Acquisition(
                start=time_to_wire(start),
                end=time_to_wire(end) if end is not None and end > start else None,
                source=f"tag {items[keys[0]][0]}",
            )
    return None


def find_in_name(name: str) -> Acquisition | None:
    """Find the first date in a name: ISO, YYYYMMDD, or year and day as in A2022033, with time or without.

    Parameters
    ----------
    name : str
        Name of a file or image.

    Returns
    -------
    Acquisition or None

    Examples
    --------
    >>> find_in_name("exe_2024-06-02_12-21-19_UTM").start, find_in_name("MOD10A2.A2022033.h09v05").start
    ('2024-06-02T12:21:19Z', '2022-02-02T00:00:00Z')
    """
    found = sorted(_find_dates(name), key=lambda item: item[0])
    return Acquisition(start=time_to_wire(found[0][1]), source="name") if found else None


def parse_compact(text: str) -> datetime:
    """Read a date that stands alone: ISO, YYYYMMDD or YYYYDDD, with time or without.

    Parameters
    ----------
    text : str
        The date.

    Returns
    -------
    datetime
        UTC.

    Raises
    ------
    ParameterError
        It is no date.
    """
    for pattern in _COMPACT_DATES:
        match = pattern.fullmatch(text)
        moment = _to_moment(match) if match else None
        if moment is not None:
            return moment
    raise ParameterError(f"{text!r} is no date")


def _find_dates(name: str) -> Iterator[tuple[int, datetime]]:
    for pattern in _NAME_DATES:
        for match in pattern.finditer(name):
            moment = _to_moment(match)
            if moment is not None and _FIRST <= moment < _LAST:
                yield match.start(), moment
                break


def _to_moment(match: re.Match[str]) -> datetime | None:
    parts = {key: int(value) for key, value in match.groupdict().items() if value is not None}
    try:
        if "j" in parts:
            day = datetime(parts["Y"], 1, 1, tzinfo=UTC) + timedelta(days=parts["j"] - 1)
            if not parts["j"] or day.year != parts["Y"]:
                return None
        else:
            day = datetime(parts["Y"], parts["m"], parts["d"], tzinfo=UTC)
    except ValueError:
        return None
    try:
        return day.replace(hour=parts.get("H", 0), minute=parts.get("M", 0), second=parts.get("S", 0))
    except ValueError:
        return day  # digits that are no time of day belong to something else


def _read_tag(items: Mapping[str, tuple[str, str]], keys: tuple[str, ...]) -> datetime | None:
    texts = [items[key][1].strip() for key in keys if key in items]
    if keys[0] not in items or not texts[0]:
        return None
    text = "T".join(texts) if len(texts) == len(keys) else texts[0]
    text = _TIFF_TIME.sub(r"\1-\2-\3T\4", text)
    readers: tuple[Callable[[Any], datetime], ...] = (parse_time, parse_compact)
    for read in readers:
        try:
            moment = read(text)
        except ParameterError:
            continue
        return moment if _FIRST <= moment < _LAST else None
    return None
