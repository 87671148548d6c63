"""From images and bands of the catalog to the plain values that the raster engine takes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from dawnlight.errors import BandError, ParameterError, RasterNotFoundError, UnsavedObjectError
from dawnlight.geo import GeoBox
from dawnlight.raster._dtypes import numpy_dtype
from dawnlight.raster._levels import BandScaling, at_level, resolve_level
from dawnlight.raster._sources import Layout
from dawnlight.raster._steps import BoundStep, bind_steps
from dawnlight.raster._table import SourceTable, TableBuilder

if TYPE_CHECKING:
    from dawnlight.catalog._bands import Band
    from dawnlight.catalog._image import Image

__all__ = ["BandDefinition", "build_table", "column", "definitions_of", "pixel_size"]

_COEFFICIENTS = (
    "extra_properties",
    "radiance_gain_bias",
    "reflectance_gain_bias",
    "reflectance_scale",
    "temperature_gain_bias",
    "brightness_temperature_k1_k2",
)


_WIRE = {"_file_headers": "file_headers"}


def column(images: Iterable[Image], name: str) -> list[Any]:
    """Return one attribute of many images: as stored where it was not touched, else as the object has it.

    Reading what is stored spares converting thousands of values that are only looked at once.
    """
    values = []
    for image in images:
        document = image._saved_document
        if document is None or name in image._values:
            values.append(getattr(image, name))
        else:
            values.append(document.id if name == "id" else document.attributes.get(_WIRE.get(name, name)))
    return values


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
    builder = _Builder(names, definitions, dtypes)
    facts = zip(
        images, *(column(images, name) for name in ("id", "product_id", "_file_headers")), strict=True
    )
    for image, image_id, product, headers in facts:
        builder.add(image, str(image_id), str(product), headers or _no_headers(image))
    if builder.absent and missing != "mask":
        image_id, name = builder.absent[0]
        raise RasterNotFoundError(
            f"image {image_id!r} has no file for band {name!r} ({len(builder.absent)} such bands in all); "
            "leave the image out, or pass errors='mask' to have its pixels masked and listed by .dl.report()"
        )
    return builder.table.build(), builder.absent


class _Builder:
    """Adds images to a table; what many images share is worked out once."""

    def __init__(
        self,
        names: Sequence[str],
        definitions: Mapping[str, Mapping[str, BandDefinition]],
        dtypes: Sequence[np.dtype[Any]],
    ) -> None:
        self.names = names
        self.definitions = definitions
        self.dtypes = dtypes
        self.table = TableBuilder(len(names))
        self.absent: list[tuple[str, str]] = []
        self._places: dict[tuple[Any, ...], list[tuple[int, int] | None]] = {}
        self._layouts: dict[tuple[Any, ...], int] = {}
        self._steps = {
            product: [bool(resolve_level(bands[name].scaling, bands[name].level)) for name in names]
            for product, bands in definitions.items()
        }

    def add(self, image: Image, image_id: str, product: str, headers: Sequence[Mapping[str, Any]]) -> None:
        """Add a row for an image."""
        table = self.table
        table.add_image(image_id)
        files: dict[int, int] = {}
        stepped = self._steps[product]
        for position, place in enumerate(self._find(product, headers)):
            if place is None:
                self.absent.append((image_id, self.names[position]))
                continue
            number, index = place
            header = headers[number]
            file = files.get(number)
            if file is None:
                file = files[number] = self._file(header)
            layout = self._layout(product, position, header, index)
            steps = self._bind(image, product, position) if stepped[position] else 0
            table.set_cell(position, file, index + 1, layout, steps)

    def _find(self, product: str, headers: Sequence[Mapping[str, Any]]) -> list[tuple[int, int] | None]:
        """Find the number of the file and the index of the raster band that serve each band asked for."""
        key = (product, *[(str(h.get("names", "")), len(h["bands"])) for h in headers])
        places = self._places.get(key)
        if places is None:
            bands = self.definitions[product]
            places = self._places[key] = [_place(bands[name].band, headers) for name in self.names]
        return places

    def _file(self, header: Mapping[str, Any]) -> int:
        key = (header["crs"], *header["geotrans"], *header["shape"])
        grid = self.table.known_grid(key)
        if grid is None:
            geotrans, shape = tuple(header["geotrans"]), tuple(header["shape"])
            grid = self.table.grid(key, GeoBox.from_geotrans(geotrans, shape, header["crs"]))
        return self.table.file(header["href"], header.get("size_bytes"), header.get("modified_ns"), grid)

    def _layout(self, product: str, position: int, header: Mapping[str, Any], index: int) -> int:
        stored = header["bands"][index]
        key = (
            product,
            position,
            stored["dtype"],
            stored.get("nodata"),
            stored.get("mask"),
            str(header.get("overviews")),
            *header["block"],
        )
        number = self._layouts.get(key)
        if number is None:
            number = self._layouts[key] = self._new_layout(product, position, header, stored)
        return number

    def _new_layout(
        self, product: str, position: int, header: Mapping[str, Any], stored: Mapping[str, Any]
    ) -> int:
        definition = self.definitions[product][self.names[position]]
        dtype, nodata = stored["dtype"], stored.get("nodata")
        stepped = self._steps[product][position]
        if not stepped and not np.can_cast(np.dtype(dtype), self.dtypes[position], casting="safe"):
            raise BandError(
                f"band {definition.band.id!r} is defined as {definition.band.data_type}, but "
                f"{header['href']!r} stores {dtype}, which does not fit; correct the band's data_type"
            )
        own = definition.band.nodata if definition.band.nodata is not None else nodata
        height, width = header["block"]
        layout = Layout(
            dtype=dtype,
            nodata=None if own is None else float(own),
            mask=stored.get("mask", "none"),
            overviews=tuple((ny, nx) for ny, nx in header.get("overviews", ())),
            block=(height, width),
        )
        return self.table.layout(layout)

    def _bind(self, image: Image, product: str, position: int) -> int:
        definition = self.definitions[product][self.names[position]]
        steps = resolve_level(definition.scaling, definition.level)
        attributes = {name: getattr(image, name) for name in _COEFFICIENTS}
        bound: tuple[BoundStep, ...] = bind_steps(
            steps, definition.scaling, attributes, image_name=f"image {image.id!r}"
        )
        return self.table.steps(bound)


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
