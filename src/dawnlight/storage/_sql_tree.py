"""The R*Tree of footprints: what its rows are, and the rows that meet a place.

A row holds a box of longitude, latitude and time. Its number says more::

    id = 512 * key + 2 * cloud code + 1 on the second row of an image across the antimeridian

So an image that is too cloudy is passed over in the tree, and its row of the table, which lies on another
page of the file, is never read. The code is coarse, and grows or stays where the cloud fraction grows. So it
turns no image away that fits, and the exact columns are always looked at too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection

from dawnlight.storage._sql_dialect import Box, key_to_units

__all__ = [
    "ALL_CODES",
    "Candidate",
    "Slice",
    "candidates_in_boxes",
    "cloud_code",
    "extent_of_times",
    "key_of_row",
    "row_number",
]

_KEY_BITS, _CODES = 9, 255
_STEPS = 250.0

ALL_CODES = (0, _CODES)
"""First and last of the cloud codes."""


def cloud_code(fraction: float | None) -> int:
    """Return the code of a cloud fraction: 0 where there is none, else from 1 to 251."""
    return 0 if fraction is None else 1 + int(min(max(fraction, 0.0), 1.0) * _STEPS)


def key_of_row(number: int) -> int:
    """Return the key of the image that a row of the tree belongs to."""
    return number >> _KEY_BITS


def row_number(prefix: str = "", *, second: bool = False) -> str:
    """Say in SQL the number of an image's row of the tree, `cloud_code` included.

    Parameters
    ----------
    prefix : str
        Stands before the names of the columns: ``"NEW."``.
    second : bool
        The row behind the antimeridian.
    """
    code = f"coalesce(1 + CAST(min(max({prefix}cloud_fraction, 0.0), 1.0) * {_STEPS} AS INTEGER), 0)"
    return f"{1 << _KEY_BITS} * {prefix}key + 2 * {code}{' + 1' if second else ''}"


_CANDIDATES = f"SELECT id >> {_KEY_BITS}, mint, maxt FROM image_rt"
# Each by itself, so that each is one look at an index.
_EXTENT = (
    "SELECT (SELECT min(acquired) FROM image), (SELECT max(acquired) FROM image), "
    "(SELECT max(key) FROM image)"
)


Candidate: TypeAlias = "tuple[int, float, float]"
"""An image as the R*Tree knows it: its key, and a span of time that holds ``acquired``."""


class Slice(NamedTuple):
    """A part of the candidates by time, in units of the R*Tree."""

    ascending: bool
    """True: their spans begin in ``[first, last)``. False: their spans end in ``(first, last]``."""
    first: float
    last: float


def candidates_in_boxes(
    connection: Connection,
    boxes: Sequence[Box],
    times: tuple[float | None, float | None],
    most: int | None,
    part: Slice | None = None,
    codes: tuple[int, int] = ALL_CODES,
) -> list[Candidate] | None:
    """Find the images whose bounds share a point with any of some boxes, and a few more.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    boxes : sequence of tuple of float
        (minx, miny, maxx, maxy), degrees.
    times : tuple of float or None
        First and last time in units of the R*Tree; None for open.
    most : int or None
        How many are welcome at most; None for any number.
    part : Slice, optional
        Only those in a slice of time.
    codes : tuple of int
        First and last cloud code.

    Returns
    -------
    list of Candidate or None
        In no order; one may come twice. None where there are more.
    """
    test, bounds = "maxx >= ? AND minx <= ? AND maxy >= ? AND miny <= ?", []
    first, last = times
    if part is not None:
        test += " AND mint >= ? AND mint < ?" if part.ascending else " AND maxt > ? AND maxt <= ?"
        bounds += [part.first, part.last]
        # Follows for each image, but lets the tree pass over its nodes of other times.
        first = part.first if first is None else max(first, part.first)
        last = part.last if last is None else min(last, part.last)
    for bound, comparison in ((first, " AND maxt >= ?"), (last, " AND mint <= ?")):
        if bound is not None:
            test += comparison
            bounds.append(bound)
    if codes != ALL_CODES:
        test += f" AND (id >> 1) & {_CODES} BETWEEN ? AND ?"
        bounds += codes
    statement = " UNION ALL ".join([f"{_CANDIDATES} WHERE {test}"] * len(boxes))
    values = [value for minx, miny, maxx, maxy in boxes for value in (minx, maxx, miny, maxy, *bounds)]
    # The driver itself, because many small rows pass here.
    driver: Any = connection.connection.driver_connection
    found: list[Candidate]
    if most is None:
        found = driver.execute(statement, values).fetchall()
        return found
    if part is None:
        # Counting costs a tenth of fetching, and there may be very many.
        count = f"SELECT count(*) FROM ({statement} LIMIT ?)"
        if driver.execute(count, (*values, most + 1)).fetchone()[0] > most:
            return None
    found = driver.execute(f"{statement} LIMIT ?", (*values, most + 1)).fetchall()
    return None if len(found) > most else found


def extent_of_times(connection: Connection) -> tuple[float, float, int] | None:
    """Return the first and the last time of all images, in units of the R*Tree, and about their number."""
    driver: Any = connection.connection.driver_connection
    oldest, newest, last_key = driver.execute(_EXTENT).fetchone()
    return None if oldest is None else (key_to_units(oldest), key_to_units(newest), last_key)
