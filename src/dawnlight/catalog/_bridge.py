"""From images and bands of the catalog to the plain values that the raster engine takes."""

from __future__ import annotations

import gc
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from dawnlight.errors import BandError, ParameterError, RasterNotFoundError, UnsavedObjectError
from dawnlight.geo import GeoBox
from dawnlight.raster._dtypes import numpy_dtype
from dawnlight.raster._levels import BandScaling, at_level, resolve_level
from dawnlight.raster._sources import Layout
from dawnlight.raster._steps import BoundStep, bind_steps
from dawnlight.raster._table import SourceTable

if TYPE_CHECKING:
    from dawnlight.catalog._bands import Band
    from dawnlight.catalog._image import Image

__all__ = ["BandDefinition", "build_table", "column", "definitions_of", "many_objects", "pixel_size"]

_COEFFICIENTS = (
    "extra_properties",
    "radiance_gain_bias",
    "reflectance_gain_bias",
    "reflectance_scale",
    "temperature_gain_bias",
    "brightness_temperature_k1_k2",
)


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


_DESCRIPTION = operator.itemgetter("crs", "geotrans", "shape", "block")

_WIRE = {"_file_headers": "file_headers"}


def column(images: Iterable[Image], name: str) -> list[Any]:
    """Return one attribute of many images: as stored where it was not touched, else as the object has it.

    Reading what is stored spares converting thousands of values that are only looked at once.
    """
    wire = _WIRE.get(name, name)
    return [
        getattr(image, name)
        if (document := image._saved_document) is None or name in image._values
        else document.id
        if name == "id"
        else document.attributes.get(wire)
        for image in images
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class BandDefinition:
    """A band of a product as loading needs it, at one processing level."""

    band: Band
    """The catalog object."""
    scaling: BandScaling
    """Type and ranges."""
    level: str | None
    """Processing level asked for."""
    data_type: str = field(default="UInt16")
    """Type name at that level."""

    @property
    def is_category(self) -> bool:
        """Whether values are labels."""
        return self.scaling.is_category

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy type at the processing level."""
        return numpy_dtype(self.data_type)


def definitions_of(
    product_ids: Iterable[str], names: Sequence[str], level: str | None, client: Any
) -> dict[str, dict[str, BandDefinition]]:
    """Look up the bands of every product, the requested ones at a processing level.

    Returns
    -------
    dict
        Product id to band name to definition, of all bands that the product has.

    Raises
    ------
    BandError
        A requested band is missing from a product, or has no such level.
    """
    found: dict[str, dict[str, BandDefinition]] = {}
    for product_id in product_ids:
        bands = {band.name: band for band in client._bands(product_id)}
        missing = [name for name in names if name not in bands]
        if missing:
            have = ", ".join(sorted(bands)) or "no bands"
            raise BandError(f"band {missing[0]!r} is not available in product {product_id!r}; it has {have}")
        found[product_id] = {
            name: _definition(band, level if name in names else None) for name, band in bands.items()
        }
    return found


def _definition(band: Band, level: str | None) -> BandDefinition:
    scaling = BandScaling.from_attributes(str(band.name), band.serialize())
    data_type = at_level(scaling, level).data_type
    return BandDefinition(band=band, scaling=scaling, level=level, data_type=data_type)


def build_table(
    images: Sequence[Image],
    names: Sequence[str],
    definitions: Mapping[str, Mapping[str, BandDefinition]],
    dtypes: Sequence[np.dtype[Any]],
    *,
    missing: str = "raise",
) -> tuple[SourceTable, list[tuple[str, str]]]:
    """Build the source table of images and bands.

    Parameters
    ----------
    images
        In the order of the collection.
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
    ids = [str(image_id) for image_id in column(images, "id")]
    products = [str(product_id) for product_id in column(images, "product_id")]
    headers = [
        found or _no_headers(image)
        for image, found in zip(images, column(images, "_file_headers"), strict=True)
    ]
    builder = _Columns(names, definitions, dtypes, len(images))
    for (product, _), rows in _alike(products, headers, definitions).items():
        builder.add(product, rows, images, headers)
    if builder.absent and missing != "mask":
        row, position = min(builder.absent)
        raise RasterNotFoundError(
            f"image {ids[row]!r} has no file for band {names[position]!r} ({len(builder.absent)} such bands "
            "in all); leave the image out, or pass errors='mask' to have its pixels masked and listed by "
            ".dl.report()"
        )
    return builder.build(ids), [(ids[row], names[position]) for row, position in sorted(builder.absent)]


def _alike(
    products: Sequence[str],
    headers: Sequence[Sequence[Mapping[str, Any]]],
    definitions: Mapping[str, Mapping[str, BandDefinition]],
) -> dict[tuple[str, Any], list[int]]:
    """Group rows by product and by what decides which raster band serves a catalog band."""
    described = {
        product: any(definition.band.vendor_band_name for definition in bands.values())
        for product, bands in definitions.items()
    }
    groups: dict[tuple[str, Any], list[int]] = {}
    for row, (product, files) in enumerate(zip(products, headers, strict=True)):
        key: list[Any] = [(len(header["bands"]), *header.get("names", ())) for header in files]
        if described[product]:
            key.append(tuple(band.get("description") for header in files for band in header["bands"]))
        groups.setdefault((product, tuple(key)), []).append(row)
    return groups


class _Columns:
    """Fills a source table column by column, which for thousands of images costs little more than for one."""

    def __init__(
        self,
        names: Sequence[str],
        definitions: Mapping[str, Mapping[str, BandDefinition]],
        dtypes: Sequence[np.dtype[Any]],
        count: int,
    ) -> None:
        self.names = names
        self.definitions = definitions
        self.dtypes = dtypes
        self.absent: list[tuple[int, int]] = []
        self._files: dict[tuple[str, int, int, int], int] = {}
        self._grids: dict[tuple[Any, ...], int] = {}
        self._descriptions: dict[tuple[Any, ...], int] = {}
        self._grid_of: list[int] = []
        self._layout_keys: dict[tuple[Any, ...], int] = {}
        self._layouts: list[Layout] = []
        self._steps: dict[tuple[BoundStep, ...], int] = {(): 0}
        shape = (count, len(names))
        self._file_of = np.full(shape, -1, dtype=np.int32)
        self._band_of = np.zeros(shape, dtype=np.int32)
        self._layout_of = np.full(shape, -1, dtype=np.int32)
        self._steps_of = np.zeros(shape, dtype=np.int32)

    def add(
        self,
        product: str,
        rows: list[int],
        images: Sequence[Image],
        headers: Sequence[Sequence[Mapping[str, Any]]],
    ) -> None:
        """Fill the rows of images whose files serve the bands in the same way."""
        bands = self.definitions[product]
        places = [_place(bands[name].band, headers[rows[0]]) for name in self.names]
        self.absent.extend((row, k) for k, place in enumerate(places) if place is None for row in rows)
        for number in sorted({place[0] for place in places if place is not None}):
            files = [headers[row][number] for row in rows]
            numbers, described = self._number_files(files)
            for position, place in enumerate(places):
                if place is None or place[0] != number:
                    continue
                self._file_of[rows, position] = numbers
                self._band_of[rows, position] = place[1] + 1
                self._layout_of[rows, position] = self._number_layouts(
                    product, position, files, described, place[1]
                )
                if resolve_level(bands[self.names[position]].scaling, bands[self.names[position]].level):
                    self._steps_of[rows, position] = [
                        self._bind(images[row], product, position) for row in rows
                    ]

    def build(self, ids: Sequence[str]) -> SourceTable:
        """Return the finished table."""
        hrefs, sizes, modified, grid_of = zip(*self._files, strict=True) if self._files else ((), (), (), ())
        grids = [GeoBox.from_geotrans(key[1:7], (key[7], key[8]), key[0]) for key in self._grids]
        return SourceTable(
            images=tuple(ids),
            hrefs=hrefs,
            sizes=np.array(sizes, dtype=np.int64),
            modified=np.array(modified, dtype=np.int64),
            grids=tuple(grids),
            grid_of=np.array(grid_of, dtype=np.int32),
            layouts=tuple(self._layouts),
            file_of=self._file_of,
            band_of=self._band_of,
            layout_of=self._layout_of,
            steps=tuple(self._steps),
            steps_of=self._steps_of,
        )

    def _number_files(self, files: Sequence[Mapping[str, Any]]) -> tuple[list[int], list[int]]:
        """Return the number of each file, and of what it says about its grid and storage."""
        keys = [
            (crs, *geotrans, *shape, *block, *map(tuple, header.get("overviews", ())))
            for header, (crs, geotrans, shape, block) in zip(files, map(_DESCRIPTION, files), strict=True)
        ]
        known = len(self._descriptions)
        described = _numbered(self._descriptions, keys)
        for key in list(self._descriptions)[known:]:
            self._grid_of.append(self._grids.setdefault(key[:9], len(self._grids)))
        grids = self._grid_of
        marks = [
            (header["href"], header.get("size_bytes") or -1, header.get("modified_ns") or -1, grids[number])
            for header, number in zip(files, described, strict=True)
        ]
        return _numbered(self._files, marks), described

    def _number_layouts(
        self,
        product: str,
        position: int,
        files: Sequence[Mapping[str, Any]],
        described: Sequence[int],
        index: int,
    ) -> list[int]:
        stored = [header["bands"][index] for header in files]
        keys = [
            (product, position, number, b["dtype"], b.get("nodata"), b.get("mask"))
            for number, b in zip(described, stored, strict=True)
        ]
        known = len(self._layout_keys)
        numbers = _numbered(self._layout_keys, keys)
        if len(self._layout_keys) > known:
            for row, number in enumerate(numbers):
                if number == len(self._layouts):
                    self._layouts.append(self._layout(product, position, files[row], stored[row]))
        return numbers

    def _layout(
        self, product: str, position: int, header: Mapping[str, Any], stored: Mapping[str, Any]
    ) -> Layout:
        definition = self.definitions[product][self.names[position]]
        dtype, nodata = stored["dtype"], stored.get("nodata")
        stepped = resolve_level(definition.scaling, definition.level)
        if not stepped and not np.can_cast(np.dtype(dtype), self.dtypes[position], casting="safe"):
            raise BandError(
                f"band {definition.band.id!r} is defined as {definition.band.data_type}, but "
                f"{header['href']!r} stores {dtype}, which does not fit; correct the band's data_type"
            )
        own = definition.band.nodata if definition.band.nodata is not None else nodata
        height, width = header["block"]
        return Layout(
            dtype=dtype,
            nodata=None if own is None else float(own),
            mask=stored.get("mask", "none"),
            overviews=tuple((ny, nx) for ny, nx in header.get("overviews", ())),
            block=(height, width),
        )

    def _bind(self, image: Image, product: str, position: int) -> int:
        definition = self.definitions[product][self.names[position]]
        steps = resolve_level(definition.scaling, definition.level)
        attributes = {name: getattr(image, name) for name in _COEFFICIENTS}
        bound: tuple[BoundStep, ...] = bind_steps(
            steps, definition.scaling, attributes, image_name=f"image {image.id!r}"
        )
        return self._steps.setdefault(bound, len(self._steps))


def _numbered(known: dict[Any, int], keys: Sequence[Any]) -> list[int]:
    """Return the number of each key, giving new ones the next."""
    return [known.setdefault(key, len(known)) for key in keys]


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


def _place(band: Band, headers: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """File and raster band of a catalog band: by name where files name their bands, else by its indices."""
    named = [
        (number, index)
        for number, header in enumerate(headers)
        for index, name in enumerate(header.get("names", ()))
        if name == band.name
    ]
    if named:
        return named[0]
    if any(name is not None for header in headers for name in header.get("names", ())):
        return None
    if band.vendor_band_name:
        described = [
            (number, index)
            for number, header in enumerate(headers)
            for index, stored in enumerate(header["bands"])
            if stored.get("description") == band.vendor_band_name
        ]
        if len(described) == 1:
            return described[0]
    number, index = band.file_index or 0, band.band_index or 0
    if number < len(headers) and index < len(headers[number]["bands"]):
        return number, index
    return None


def pixel_size(grid: GeoBox) -> float:
    """Side of a pixel in CRS units: of a rectangular one, the side of the square of equal area."""
    return math.sqrt(grid.resolution[0] * grid.resolution[1])
