"""Small catalogs with real tiny files, for tests of everything that loads pixels through the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from dawnlight.catalog import (
    Band,
    CatalogClient,
    ClassBand,
    File,
    GenericBand,
    Image,
    ImageCollection,
    MaskBand,
    Product,
    SpectralBand,
)
from dawnlight.geo import GeoBox, spell_crs
from dawnlight.testing._rasters import write_raster

__all__ = ["Archive"]

_KINDS: Mapping[str, type[Band]] = {
    "spectral": SpectralBand,
    "class": ClassBand,
    "mask": MaskBand,
    "generic": GenericBand,
}


class Archive:
    """A catalog whose images get their files made.

    Parameters
    ----------
    client : CatalogClient
        An empty catalog.
    folder : Path
        Where the files go.
    """

    def __init__(self, client: CatalogClient, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def add_product(self, product_id: str, bands: Mapping[str, Mapping[str, Any]]) -> Product:
        """Save a product.

        Parameters
        ----------
        product_id : str
            Its id.
        bands : mapping
            Attributes by band name, in order; ``kind`` is "spectral" (by default), "class", "mask" or
            "generic". Each band has a file of its own.

        Returns
        -------
        Product
        """
        product = Product(id=product_id, name=product_id.title(), client=self.client)
        product.save()
        for index, (name, given) in enumerate(bands.items()):
            attributes = dict(given)
            kind = _KINDS[attributes.pop("kind", "spectral")]
            if kind is not MaskBand:
                attributes.setdefault("data_range", (0, 10000))
                attributes.setdefault("display_range", (0, 4000))
            attributes.setdefault("data_type", "UInt16")
            attributes = {"file_index": index, "band_index": 0, "sort_order": index, **attributes}
            kind(name=name, product=product, client=self.client, **attributes).save()
        return product

    def add_image(
        self,
        product_id: str,
        name: str,
        geobox: GeoBox | Mapping[str, GeoBox],
        bands: Mapping[str, ArrayLike],
        *,
        files: Mapping[str, Mapping[str, Any]] | None = None,
        **attributes: Any,  # Any: those of an image
    ) -> Image:
        """Save an image and write its files.

        Parameters
        ----------
        product_id, name : str
            Its product and name.
        geobox : GeoBox or mapping
            Grid of all bands, or by band name.
        bands : mapping
            Pixels (y, x) by band name, in the order of the product's bands.
        files : mapping, optional
            Arguments of `write_raster` by band name.
        **attributes
            Of the image.

        Returns
        -------
        Image
        """
        paths = []
        for band, pixels in bands.items():
            grid = geobox if isinstance(geobox, GeoBox) else geobox[band]
            path = self.folder / product_id.replace(":", "-") / f"{name}-{band}.tif"
            paths.append(write_raster(path, pixels, grid, **(files or {}).get(band, {})))
        first = geobox if isinstance(geobox, GeoBox) else next(iter(geobox.values()))
        known = {
            "geometry": first.footprint(),
            "cs_code": spell_crs(first.crs),
            "geotrans": first.geotrans,
            "x_pixels": first.width,
            "y_pixels": first.height,
            "files": [File(href=str(path), size_bytes=path.stat().st_size) for path in paths],
        }
        image = Image(name=name, product_id=product_id, client=self.client, **{**known, **attributes})
        image.save()
        return image

    def collection(self, *names: str, geocontext: Any = None) -> ImageCollection:
        """Return images by id, in this order, as loaded from the catalog."""
        found = [Image.get(name, client=self.client) for name in names]
        return ImageCollection([image for image in found if image is not None], geocontext=geocontext)
