"""Image: one acquisition of a product, with its metadata and the files that hold its pixels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._attributes import Attribute
from dawnlight.catalog._bulk import BulkSaving
from dawnlight.catalog._client import CatalogClient
from dawnlight.catalog._composites import (
    GeometryAttribute,
    ListAttribute,
    MappingAttribute,
    TupleAttribute,
    to_geojson,
)
from dawnlight.catalog._enums import StorageState
from dawnlight.catalog._image_pixels import ImagePixels
from dawnlight.catalog._image_uploads import ImageUploads
from dawnlight.catalog._mappings import File
from dawnlight.catalog._named import NamedCatalogObject
from dawnlight.catalog._scalars import (
    EnumAttribute,
    FloatAttribute,
    IntegerAttribute,
    StringAttribute,
    TimeAttribute,
)
from dawnlight.errors import GeometryError, GridError, UnsavedObjectError
from dawnlight.geo import AOI, coverage, normalize_geometry
from dawnlight.geo._geometry import GeometryLike
from dawnlight.search import Document, Eq, Query

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from dawnlight.catalog._collection import Collection
    from dawnlight.catalog._image_search import ImageSearch
    from dawnlight.catalog._search import Search
    from dawnlight.catalog._upload import ImageUpload

__all__ = ["Image"]


_REMOTE = StorageState.REMOTE.value


def _pairs(doc: str) -> ListAttribute[Any]:
    pairs: ListAttribute[Any] = ListAttribute(FloatAttribute())
    return ListAttribute(
        pairs, f"{doc} One entry per band in `Band.vendor_order`: two coefficients, or none."
    )


class Image(ImagePixels, ImageUploads, NamedCatalogObject, BulkSaving, kind="image"):
    """An image: when and where it was taken, and the files that hold its pixels.

    Parameters
    ----------
    client : CatalogClient, optional
        The catalog; the default one if not given.
    **attributes
        Values of the attributes.

    Examples
    --------
    >>> import dawnlight as dl
    >>> image = dl.Image(product_id="fields", name="2023-06-01", acquired="2023-06-01T10:30Z")
    >>> image.id
    'fields:2023-06-01'
    >>> image.acquired.year
    2023
    """

    SUPPORTED_DATATYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
    """NumPy types that pixels can have."""

    geometry = GeometryAttribute(
        "Footprint in longitude and latitude (WGS 84); `ImageSearch.intersects` searches by it."
        "\n\nFilterable."
    )
    cs_code = StringAttribute(
        "Coordinate reference system as a code such as ``EPSG:32615`` or ``ESRI:54009``. Goes before "
        "`projection`."
    )
    projection = StringAttribute("Coordinate reference system as PROJ string or WKT.")
    geotrans = TupleAttribute(
        6,
        "From pixel to coordinates, in the order of GDAL: x of the upper left corner, width of a pixel, row "
        "rotation, y of the upper left corner, column rotation, height of a pixel (negative if north is up).",
    )
    x_pixels = IntegerAttribute("Number of columns.")
    y_pixels = IntegerAttribute("Number of rows.")
    acquired = TimeAttribute("When the sensor took it, in UTC.\n\nFilterable, sortable.")
    acquired_end = TimeAttribute("When the sensor had finished, in UTC.\n\nFilterable, sortable.")
    published = TimeAttribute("When the provider published it, in UTC.\n\nFilterable, sortable.")
    storage_state = EnumAttribute(
        StorageState, "Whether the pixels can be loaded from here.\n\nFilterable, sortable."
    )
    files = ListAttribute(MappingAttribute(File), "The files that hold the pixels.")
    area = FloatAttribute("Area of the ground it covers, in square kilometres.\n\nFilterable, sortable.")
    azimuth_angle = FloatAttribute("Direction to the sensor, in degrees.\n\nFilterable, sortable.")
    bits_per_pixel = ListAttribute(FloatAttribute(), "Mean number of bits of a pixel, per band.")
    bright_fraction = FloatAttribute(
        "Part of the image whose blue reflectance is above 0.4, from 0 to 1.\n\nFilterable, sortable."
    )
    brightness_temperature_k1_k2 = _pairs("Constants K1 and K2 for the brightness temperature.")
    c6s_dlsr = _pairs("Coefficients of the atmospheric correction to surface reflectance.")
    cloud_fraction = FloatAttribute(
        "Part of the image that clouds hide, from 0 to 1.\n\nFilterable, sortable."
    )
    confidence_dlsr = FloatAttribute("Confidence in the atmospheric correction.\n\nFilterable, sortable.")
    alt_cloud_fraction = FloatAttribute(
        "`cloud_fraction` by a second method that the product describes.\n\nFilterable, sortable."
    )
    processing_pipeline_id = StringAttribute(
        "Which pipeline made the image from the raw data.\n\nFilterable, sortable."
    )
    fill_fraction = FloatAttribute("Part of the image that has data, from 0 to 1.\n\nFilterable, sortable.")
    incidence_angle = FloatAttribute("Incidence angle of the sensor, in degrees.\n\nFilterable, sortable.")
    radiance_gain_bias = _pairs("Gain and bias from pixel values to radiance.")
    reflectance_gain_bias = _pairs("Gain and bias from pixel values to reflectance.")
    reflectance_scale = ListAttribute(FloatAttribute(), "Factors from radiance to reflectance, per band.")
    roll_angle = FloatAttribute("Roll angle of the satellite, in degrees.\n\nFilterable, sortable.")
    solar_azimuth_angle = FloatAttribute("Direction to the sun, in degrees.\n\nFilterable, sortable.")
    solar_elevation_angle = FloatAttribute("Height of the sun, in degrees.\n\nFilterable, sortable.")
    temperature_gain_bias = _pairs("Gain and bias from pixel values to temperature.")
    view_angle = FloatAttribute("View angle of the sensor, in degrees.\n\nFilterable, sortable.")
    satellite_id = StringAttribute("Which satellite of a constellation took it.\n\nFilterable, sortable.")
    provider_id = StringAttribute("What the provider calls it.\n\nFilterable, sortable.")
    provider_url = StringAttribute("Web page of the provider about it.")
    preview_url = StringAttribute("Web address of a picture of it.")
    preview_file = StringAttribute("File of a georeferenced picture of it with three or four bands.")

    # What the files said about themselves when they were registered; the raster layer reads and writes it.
    # Assign a new list: changes in place are not seen.
    _file_headers: Attribute[Any] = Attribute(wire_name="file_headers")

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageSearch:
        """Start a search for images.

        Parameters
        ----------
        client : CatalogClient, optional
            The catalog; the default one if not given.
        request_params, headers : mapping, optional
            Accepted for catalogs behind HTTP; not used by embedded ones.

        Returns
        -------
        ImageSearch
            All images, to be narrowed down. Nothing is read before it is iterated.

        Examples
        --------
        >>> import dawnlight as dl
        >>> for image in dl.Image.search(client=dl.open("memory://")).limit(10):
        ...     print(image.name)
        """
        from dawnlight.catalog._image_search import ImageSearch

        return ImageSearch(cls, client=client, request_params=request_params, headers=headers)

    @classmethod
    def _collection_type(cls) -> type[Collection[Any]]:
        from dawnlight.catalog._image_collection import ImageCollection

        return ImageCollection

    @property
    def date(self) -> datetime | None:
        """The same as `acquired`."""
        return self.acquired

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The footprint as GeoJSON."""
        return to_geojson(self._footprint())

    def _footprint(self) -> BaseGeometry:
        if self.geometry is None:
            raise GeometryError(f"{self._title} has no geometry")
        return self.geometry

    def coverage(self, geom: GeometryLike) -> float:
        """Return the part of a geometry that lies on the image's footprint.

        Parameters
        ----------
        geom : GeoJSON mapping, GeoContext, shapely geometry or object with ``__geo_interface__``
            In longitude and latitude.

        Returns
        -------
        float
            From 0 to 1, by true area on the ellipsoid.

        Raises
        ------
        GeometryError
            The image has no footprint, or `geom` is no geometry.

        Examples
        --------
        >>> import dawnlight as dl
        >>> from shapely.geometry import box
        >>> image = dl.Image(id="fields:a", geometry=box(0, 0, 1, 1))
        >>> image.coverage(box(0, 0, 2, 1))
        0.5
        """
        return coverage(normalize_geometry(geom), self._footprint())

    @property
    def geocontext(self) -> AOI:
        """The grid of the image's own pixels.

        Known size and geotransform give the bounds in the image's CRS and the shape; a geotransform alone
        gives the resolution. The footprint is its geometry; loading the image without a context does not
        use it as a cutline. Of a rotated image (with a warning) this is the upright grid around it.

        It follows the attributes: change `geotrans`, and it changes.
        """
        inputs = (self.geometry, self.cs_code, self.projection, self.geotrans, self.x_pixels, self.y_pixels)
        known = self._loaded.get("geocontext")
        if known is None or known[0] != inputs:
            known = inputs, self._make_geocontext()
            self._loaded["geocontext"] = known
        context: AOI = known[1]
        return context

    def _make_geocontext(self) -> AOI:
        crs, geotrans = self.cs_code or self.projection, self.geotrans
        common: dict[str, Any] = {"geometry": self.geometry, "align_pixels": False}
        if geotrans is None:
            # Without a geometry there are no bounds, so they have no system either.
            return (
                AOI(crs=crs, **common)
                if self.geometry is not None
                else AOI(crs=crs, bounds_crs=None, **common)
            )
        x0, dx, rx, y0, ry, dy = geotrans
        if rx or ry:
            warnings.warn(
                f"{self._title} is rotated; its geocontext is the upright grid around it", stacklevel=4
            )
        if self.x_pixels is None or self.y_pixels is None:
            width, height = math.hypot(dx, ry), math.hypot(rx, dy)
            if not math.isclose(width, height, rel_tol=1e-9):
                raise GridError(
                    f"{self._title} has pixels of {width:g} x {height:g} and no x_pixels and y_pixels; one "
                    "resolution cannot describe it"
                )
            return AOI(crs=crs, resolution=width, **common)
        xs = [x0 + dx * i + rx * j for i in (0, self.x_pixels) for j in (0, self.y_pixels)]
        ys = [y0 + ry * i + dy * j for i in (0, self.x_pixels) for j in (0, self.y_pixels)]
        bounds = (min(xs), min(ys), max(xs), max(ys))
        return AOI(crs=crs, bounds=bounds, bounds_crs=crs, shape=(self.y_pixels, self.x_pixels), **common)

    # -- files -----------------------------------------------------------------------------------------

    def _completed(self, document: Document, known: dict[str, Any]) -> Document:
        """Read from the files what the image does not say: grid, size, footprint, and how to load them."""
        given = document.attributes
        if not given.get("files") or given.get("storage_state") == _REMOTE:
            return document
        from dawnlight.ingest import complete_image_document

        product_id = str(given.get("product_id"))
        if product_id not in known:
            query = Query(kind="band", where=Eq("product_id", product_id))
            known[product_id] = list(self._client.store.search(query))
        return complete_image_document(document, known[product_id])

    def _completed_changes(self, changes: dict[str, Any]) -> dict[str, Any]:
        """Look at the files again when other files are given."""
        saved = self._saved_document
        if saved is None or not changes.get("files"):
            return changes
        before = {name: value for name, value in saved.attributes.items() if name != "file_headers"}
        merged = {name: value for name, value in {**before, **changes}.items() if value is not None}
        found = self._completed(Document(kind="image", id=saved.id, attributes=merged), {}).attributes
        return {
            **changes,
            **{name: found[name] for name in found if found[name] != saved.attributes.get(name)},
        }

    def image_uploads(self) -> Search[ImageUpload]:
        """Start a search for the uploads that made this image.

        Returns
        -------
        Search
            Nothing is read before it is iterated.

        Raises
        ------
        UnsavedObjectError
            The image has no id yet.
        """
        from dawnlight.catalog._upload import ImageUpload

        if self.id is None or self.product_id is None:
            raise UnsavedObjectError("the image has no id yet, so it can have no uploads")
        mine = Eq("product_id", self.product_id) & Eq("image_id", self.id)
        return ImageUpload.search(client=self._client).filter(mine)

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import image_html

        return image_html(self)
