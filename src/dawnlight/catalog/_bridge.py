"""From images and bands of the catalog to the plain values that the raster engine takes."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from dawnlight.catalog._definitions import BandDefinition
from dawnlight.catalog._described import Described
from dawnlight.catalog._file_columns import Description, Integers, spelled
from dawnlight.errors import BandError, ParameterError, RasterNotFoundError, UnsavedObjectError
from dawnlight.geo import GeoBox
from dawnlight.raster._sources import Layout
from dawnlight.raster._steps import BoundStep, bind_steps
from dawnlight.raster._table import Files, SourceTable

if TYPE_CHECKING:
    from dawnlight.catalog._bands import Band
    from dawnlight.catalog._image import Image

__all__ = ["build_table", "many_objects", "pixel_size"]

_COEFFICIENTS = (
    "extra_properties",
    "radiance_gain_bias",
    "reflectance_gain_bias",
    "reflectance_scale",
    "temperature_gain_bias",
    "brightness_temperature_k1_k2",
)
_Rows = NDArray[np.intp]


@contextmanager
def many_objects() -> Iterator[None]:
    """Keep the garbage collector from walking the heap again and again while many small values are made.

    They form no cycles, and thousands of images make the walk cost more than the work itself.
    """
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()


def build_table(
    described: Described,
    names: Sequence[str],
    definitions: Mapping[str, Mapping[str, BandDefinition]],
    dtypes: Sequence[np.dtype[Any]],
    *,
    missing: str = "raise",
) -> tuple[SourceTable, list[tuple[str, str]]]:
    """Build the source table of images and bands.

    Parameters
    ----------
    described
        Images in the order of the collection, with their columns.
    names
        Requested bands; may repeat.
    definitions
        What `definitions_of` returned.
    dtypes
        NumPy type in which each band is read.
    missing
        ``"raise"``: an image without a file for a band is an error. ``"mask"``: the band is absent there.

    Returns
    -------
    table : SourceTable
    absent : list of (image id, band name)
        What was missing.
    """
    if described.columns.headerless:
        _no_headers(described.images[described.columns.headerless[0]])
    filler = _Filler(described, names, definitions, dtypes)
    for product, rows in _alike(described, definitions):
        filler.add(product, rows)
    ids = described.columns.values["id"]
    if filler.absent and missing != "mask":
        row, position = min(filler.absent)
        raise RasterNotFoundError(
            f"image {ids[row]!r} has no file for band {names[position]!r} ({len(filler.absent)} such bands "
            "in all); leave the image out, or pass errors='mask' to have its pixels masked and listed by "
            ".dl.report()"
        )
    return filler.build(), [(ids[row], names[position]) for row, position in sorted(filler.absent)]


def _alike(
    described: Described, definitions: Mapping[str, Mapping[str, BandDefinition]]
) -> list[tuple[str, _Rows]]:
    """Group rows by product and by what decides which raster band serves a catalog band."""
    products, product_of = described.columns.products()
    groups = []
    for number, product in enumerate(products):
        rows = np.arange(len(product_of)) if len(products) == 1 else (product_of == number).nonzero()[0]
        named = any(definition.band.vendor_band_name for definition in definitions[product].values())
        kinds = described.columns.kinds(described=named)[rows]
        if (kinds == kinds[:1]).all():
            groups.append((product, rows))
            continue
        order = np.argsort(kinds, kind="stable")
        parts = np.split(order, np.diff(kinds[order]).nonzero()[0] + 1)
        groups += [(product, rows[part]) for part in parts]
    return sorted(groups, key=lambda group: int(group[1][0]))


class _Filler:
    """Fills a source table column by column, which for thousands of images costs little more than for one."""

    def __init__(
        self,
        described: Described,
        names: Sequence[str],
        definitions: Mapping[str, Mapping[str, BandDefinition]],
        dtypes: Sequence[np.dtype[Any]],
    ) -> None:
        self.described = described
        self.names = names
        self.definitions = definitions
        self.dtypes = dtypes
        self.absent: list[tuple[int, int]] = []
        self._columns = described.columns
        self._taken: dict[int, list[tuple[_Rows, _Rows, list[int]]]] = {}
        self._layouts: dict[Layout, int] = {}
        self._steps: dict[tuple[BoundStep, ...], int] = {(): 0}
        self._file_of, self._band_of, self._layout_of, self._steps_of = (
            np.full((len(names), len(self._columns)), start, dtype=np.int32).T for start in (-1, 0, -1, 0)
        )

    def add(self, product: str, rows: _Rows) -> None:
        """Fill the rows of images whose files serve the bands in the same way."""
        bands = self.definitions[product]
        first = self._columns.files_of(int(rows[0]))
        places = [_place(bands[name].band, first) for name in self.names]
        self.absent += [(row, k) for k, place in enumerate(places) if place is None for row in rows.tolist()]
        for number in sorted({place[0] for place in places if place is not None}):
            column = self._columns.columns[number]
            in_column = column.places(rows)
            positions = [k for k, place in enumerate(places) if place is not None and place[0] == number]
            self._taken.setdefault(number, []).append((rows, in_column, positions))
            numbers = column.numbers[in_column]
            firsts = _firsts(numbers, len(self._columns.descriptions.found))
            for position in positions:
                band = places[position][1]  # type: ignore[index]  # of these no place is None
                self._band_of[rows, position] = band + 1
                layouts = np.full(len(self._columns.descriptions.found), -1, dtype=np.int32)
                for description, at in firsts:
                    layouts[description] = self._layout(
                        product, position, band, description, number, int(in_column[at])
                    )
                self._layout_of[rows, position] = layouts[numbers]
                definition = bands[self.names[position]]
                if definition.steps:
                    self._steps_of[rows, position] = self._bind(definition, rows.tolist())

    def build(self) -> SourceTable:
        """Return the finished table."""
        parts: list[Files] = []
        grids: list[Integers] = []
        grid_of = self._columns.descriptions.grids()
        start = 0
        for number, taken in sorted(self._taken.items()):
            column = self._columns.columns[number]
            files, numbers = column.files, np.arange(len(column.files))
            used = np.zeros(len(files), dtype=bool)
            for _, in_column, _ in taken:
                used[in_column] = True
            if used.all():
                grids.append(grid_of[column.numbers])
            else:
                files = files.take(used.nonzero()[0])
                grids.append(grid_of[column.numbers[used]])
                numbers = np.cumsum(used) - 1
            for rows, in_column, positions in taken:
                for position in positions:
                    self._file_of[rows, position] = start + numbers[in_column]
            parts.append(files)
            start += len(files)
        return self._finish(parts, np.concatenate(grids) if grids else np.zeros(0, dtype=np.int32))

    def _finish(self, files: Sequence[Files], grid_of: Integers) -> SourceTable:
        descriptions = self._columns.descriptions
        used = np.flatnonzero(np.bincount(grid_of)) if grid_of.size else np.zeros(0, dtype=np.intp)
        numbers = np.zeros(int(used[-1]) + 1 if used.size else 0, dtype=np.int32)
        numbers[used] = np.arange(len(used))
        return SourceTable(
            images=self._columns.ids,
            files=tuple(files),
            grids=tuple(descriptions.box(number) for number in used.tolist()),
            grid_of=numbers[grid_of],
            layouts=tuple(self._layouts),
            file_of=self._file_of,
            band_of=self._band_of,
            layout_of=self._layout_of,
            steps=tuple(self._steps),
            steps_of=self._steps_of,
        )

    def _layout(
        self, product: str, position: int, band: int, description: int, column: int, place: int
    ) -> int:
        definition = self.definitions[product][self.names[position]]
        file = self._columns.descriptions.found[description]
        stored = file.bands[band]
        dtype, nodata = stored["dtype"], stored.get("nodata")
        if not definition.steps and not np.can_cast(np.dtype(dtype), self.dtypes[position], casting="safe"):
            raise BandError(
                f"band {definition.band.id!r} is defined as {definition.band.data_type}, but "
                f"{self._columns.columns[column].files.hrefs[place]!r} stores {dtype}, which does not fit; "
                "correct the band's data_type"
            )
        own = definition.band.nodata if definition.band.nodata is not None else nodata
        layout = Layout(
            dtype=dtype,
            nodata=None if own is None else float(own),
            mask=stored.get("mask", "none"),
            overviews=file.overviews,
            block=file.block,
        )
        return self._layouts.setdefault(layout, len(self._layouts))

    def _bind(self, definition: BandDefinition, rows: Sequence[int]) -> list[int]:
        known: dict[bytes | str, int] = {}
        found = []
        for row in rows:
            coefficients = _coefficients(self.described.images[row])
            key = spelled(coefficients)
            if key not in known:
                bound: tuple[BoundStep, ...] = bind_steps(
                    definition.steps,
                    definition.scaling,
                    coefficients,
                    image_name=f"image {self._columns.values['id'][row]!r}",
                )
                known[key] = self._steps.setdefault(bound, len(self._steps))
            found.append(known[key])
        return found


def _coefficients(image: Image) -> Mapping[str, Any]:
    """Return what processing steps look at: as stored where it was not touched, else as the object has it."""
    document = image._saved_document
    return {
        name: getattr(image, name)
        if document is None or name in image._values
        else document.attributes.get(name)
        for name in _COEFFICIENTS
    }


def _firsts(numbers: Integers, count: int) -> list[tuple[int, int]]:
    """Return the different numbers in the order in which they come, each with its first place."""
    first = np.full(count, -1, dtype=np.intp)
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    here = (first >= 0).nonzero()[0]
    here = here[np.argsort(first[here])]
    return list(zip(here.tolist(), first[here].tolist(), strict=True))


def _no_headers(image: Image) -> NoReturn:
    """Say why nothing can be loaded from an image."""
    if not image.files:
        raise RasterNotFoundError(
            f"image {image.id!r} has no files (storage_state={image.storage_state!r}); "
            "nothing can be loaded from it"
        )
    if image._saved_document is None:
        raise UnsavedObjectError(
            f"image {image.id!r} was never saved; save it to register its files, then load it"
        )
    raise ParameterError(
        f"image {image.id!r} was saved without looking at its files; add them again: dawnlight add --update"
    )


def _place(band: Band, files: Sequence[Description]) -> tuple[int, int] | None:
    """File and raster band of a catalog band: by name where files name their bands, else by its indices."""
    named = [
        (number, index)
        for number, file in enumerate(files)
        for index, name in enumerate(file.names)
        if name == band.name
    ]
    if named:
        return named[0]
    if any(name is not None for file in files for name in file.names):
        return None
    if band.vendor_band_name:
        described = [
            (number, index)
            for number, file in enumerate(files)
            for index, stored in enumerate(file.bands)
            if stored.get("description") == band.vendor_band_name
        ]
        if len(described) == 1:
            return described[0]
    number, index = band.file_index or 0, band.band_index or 0
    if number < len(files) and index < len(files[number].bands):
        return number, index
    return None


def pixel_size(grid: GeoBox) -> float:
    """Side of a pixel in CRS units: of a rectangular one, the side of the square of equal area."""
    return math.sqrt(grid.resolution[0] * grid.resolution[1])
