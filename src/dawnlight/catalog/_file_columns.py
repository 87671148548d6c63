"""The files of many images: what they say alike, said once, and their names, sizes and dates by columns."""

from __future__ import annotations

import json
import marshal
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._columns import Names
from dawnlight.raster._table import Files

__all__ = ["Description", "Descriptions", "FileColumn", "FileLook", "Integers", "spelled"]

Integers = NDArray[np.int32]


class Description:
    """What many files say alike: everything but their names, sizes and dates.

    Parameters
    ----------
    fields : tuple
        Names of the bands served, bands, overviews, block, shape, geotransform and CRS, as stored.
    grid : int
        Number of the grid.
    """

    __slots__ = ("bands", "block", "grid", "names", "overviews")

    def __init__(self, fields: tuple[Any, ...], grid: int) -> None:
        names, bands, overviews, block, *_ = fields
        self.names: Sequence[str | None] = names or ()
        self.bands: Sequence[Mapping[str, Any]] = bands
        self.overviews = tuple((ny, nx) for ny, nx in overviews)
        self.block = (block[0], block[1])
        self.grid = grid


class FileColumn:
    """The first, second or a later file of every image that has so many.

    Attributes
    ----------
    files : Files
    numbers : numpy.ndarray of int32
        Numbers of the files' descriptions.
    rows : numpy.ndarray of int32 or None
        Numbers of the images; None if it is all of them.
    """

    __slots__ = ("files", "numbers", "rows")

    def __init__(self, files: Files, numbers: Integers, rows: Integers | None) -> None:
        self.files = files
        self.numbers = numbers
        self.rows = rows

    def places(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return where in this column the files of images are that have one."""
        return rows if self.rows is None else np.searchsorted(self.rows, rows)

    def take(self, rows: NDArray[np.intp], count: int) -> FileColumn | None:
        """Return the column of some images, given how many there were; None where no file is left."""
        if self.rows is None:
            return FileColumn(self.files.take(rows), self.numbers[rows], None)
        place_of = np.full(count, -1, dtype=np.intp)
        place_of[self.rows] = np.arange(len(self.rows))
        places = place_of[rows]
        here = np.flatnonzero(places >= 0)
        places = places[here]
        if not here.size:
            return None
        whole = len(here) == len(rows)
        return FileColumn(
            self.files.take(places), self.numbers[places], None if whole else here.astype(np.int32)
        )


class Descriptions:
    """The different descriptions of files, and the grids that they name."""

    def __init__(self) -> None:
        self.found: list[Description] = []
        self._fields: dict[bytes | str, int] = {}
        self._grids: dict[tuple[Any, ...], int] = {}
        self._places: list[tuple[Any, ...]] = []
        self._boxes: dict[int, GeoBox] = {}

    def number(self, fields: tuple[Any, ...]) -> int:
        """Return the number of a description; see `Description` for the fields."""
        key = spelled(fields)
        number = self._fields.get(key)
        if number is None:
            shape, geotrans, crs = fields[4:]
            place = (crs, *geotrans, *shape)
            grid = self._grids.setdefault(place, len(self._grids))
            if grid == len(self._places):
                self._places.append(place)
            number = self._fields[key] = len(self.found)
            self.found.append(Description(fields, grid))
        return number

    def grids(self) -> Integers:
        """Return the number of each description's grid."""
        return np.array([each.grid for each in self.found], dtype=np.int32)

    def box(self, grid: int) -> GeoBox:
        """Return a grid by its number."""
        found = self._boxes.get(grid)
        if found is None:
            crs, *rest = self._places[grid]
            found = self._boxes[grid] = GeoBox.from_geotrans(rest[:6], (rest[6], rest[7]), crs)
        return found

    def kinds(self, *, described: bool) -> NDArray[np.int64]:
        """Return numbers that are equal for descriptions that could serve bands in the same way."""
        known: dict[tuple[Any, ...], int] = {}
        kinds = []
        for each in self.found:
            texts = tuple(band.get("description") for band in each.bands) if described else ()
            kinds.append(known.setdefault((len(each.bands), *each.names, texts), len(known)))
        return np.array(kinds, dtype=np.int64)


class FileLook:
    """Collects one file of each image."""

    def __init__(self, descriptions: Descriptions) -> None:
        self._descriptions = descriptions
        self._latest: dict[tuple[Any, ...], tuple[tuple[Any, ...], int]] = {}
        self._hrefs: list[str] = []
        self._sizes = array("q")
        self._modified = array("q")
        self._numbers = array("i")
        self._rows: list[Iterable[int]] = []

    def add(self, headers: Sequence[Mapping[str, Any]], rows: Iterable[int]) -> None:
        """Look at the headers of files of images."""
        self._hrefs += [header["href"] for header in headers]
        self._sizes.fromlist([header.get("size_bytes") or -1 for header in headers])
        self._modified.fromlist([header.get("modified_ns") or -1 for header in headers])
        self._rows.append(rows)
        latest, numbers = self._latest, []
        for header in headers:
            geotrans, crs = header["geotrans"], header["crs"]
            fields = (
                header.get("names"),
                header["bands"],
                header.get("overviews", ()),
                header["block"],
                header["shape"],
                geotrans,
                crs,
            )
            # Files in one place are mostly alike, and comparing is quicker than spelling.
            place = crs, geotrans[0], geotrans[3]
            known = latest.get(place)
            if known is None or known[0] != fields:
                known = latest[place] = fields, self._descriptions.number(fields)
            numbers.append(known[1])
        self._numbers.fromlist(numbers)

    def column(self, count: int) -> FileColumn:
        """Return the column among so many images."""
        files = Files(
            Names(self._hrefs),
            np.array(self._sizes, dtype=np.int64),
            np.array(self._modified, dtype=np.int64),
        )
        rows = None
        if len(self._hrefs) < count:
            rows = np.concatenate([np.asarray(some, dtype=np.int32) for some in self._rows])
        return FileColumn(files, np.array(self._numbers, dtype=np.int32), rows)


def spelled(fields: Any) -> bytes | str:
    """Return a key that only equal JSON values have; sometimes equal values have several."""
    try:
        return marshal.dumps(fields, 2)  # the last version that writes each value wherever it stands
    except ValueError:
        return json.dumps(fields)  # other lists and mappings than plain ones
