"""ImageCollection: images, and the place for which to load them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from dawnlight.catalog._collection import Collection
from dawnlight.catalog._collection_composite import ImageCollectionComposites
from dawnlight.catalog._collection_pixels import ImageCollectionPixels
from dawnlight.catalog._image import Image
from dawnlight.errors import ParameterError
from dawnlight.geo import AOI, GeoContext, normalize_geometry
from dawnlight.geo._geometry import GeometryLike

if TYPE_CHECKING:
    import geopandas
    import pandas as pd  # type: ignore[import-untyped]  # it ships no types

__all__ = ["ImageCollection"]


class ImageCollection(ImageCollectionComposites, ImageCollectionPixels, Collection[Image]):
    """Images, in the order in which they are stacked and painted.

    Parameters
    ----------
    iterable : iterable of Image, optional
        The images; none by default.
    geocontext : GeoContext or geometry, optional
        Where and on which grid to load pixels. A geometry becomes ``AOI(geometry=...)``.

    Raises
    ------
    ParameterError
        An item is no image (also a `ValueError`).

    Examples
    --------
    >>> import dawnlight as dl
    >>> images = dl.ImageCollection(
    ...     [
    ...         dl.Image(id="fields:a", acquired="2023-06-01", cloud_fraction=0.7),
    ...         dl.Image(id="fields:b", acquired="2023-06-11", cloud_fraction=0.1),
    ...     ]
    ... )
    >>> images
    ImageCollection of 2 images
      * Dates: Jun 01, 2023 to Jun 11, 2023
      * Products: fields: 2
    >>> images.filter(lambda image: image.cloud_fraction < 0.5)[0].name
    'b'
    """

    _item_type = Image
    _not_inherited = Collection._not_inherited | {"_columns"}

    def __init__(
        self,
        iterable: Iterable[Image] | None = None,
        geocontext: GeoContext | GeometryLike | None = None,
    ) -> None:
        super().__init__(iterable)
        self._geocontext = _to_context(geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """Where pixels are loaded by default; None if nothing was chosen.

        It cannot be changed; slices, filtered and sorted collections and groups have the same one.
        """
        return self._geocontext

    def filter_coverage(self, geom: GeometryLike, minimum_coverage: float = 1) -> Self:
        """Keep the images whose footprint covers enough of a geometry.

        Parameters
        ----------
        geom : GeoJSON mapping, GeoContext, shapely geometry or object with ``__geo_interface__``
            In longitude and latitude.
        minimum_coverage : float, default 1
            Part of the geometry's area that must be covered, from 0 to 1.

        Returns
        -------
        ImageCollection
            With the same geocontext.

        Raises
        ------
        GeometryError
            `geom` is no geometry, or an image has none (also a `ValueError`).

        Examples
        --------
        >>> import dawnlight as dl
        >>> from shapely.geometry import box
        >>> images = dl.ImageCollection([dl.Image(id="fields:a", geometry=box(0, 0, 1, 1))])
        >>> len(images.filter_coverage(box(0, 0, 2, 1))), len(images.filter_coverage(box(0, 0, 2, 1), 0.4))
        (0, 1)
        """
        if not 0 <= minimum_coverage <= 1:
            raise ParameterError(f"minimum_coverage={minimum_coverage!r} must be from 0 to 1")
        wanted = normalize_geometry(geom)
        return self._like(image for image in self if image.coverage(wanted) >= minimum_coverage)

    def summary(self) -> pd.DataFrame:
        """Return a table of what the images have in their attributes.

        Returns
        -------
        pandas.DataFrame
            One row per product, in the order in which they first occur: number of images, first and last
            ``acquired`` (UTC), mean ``cloud_fraction`` of those that have one, and bytes of their files.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.ImageCollection([dl.Image(id="fields:a"), dl.Image(id="fields:b")]).summary()["images"]
        product_id
        fields    2
        Name: images, dtype: int64
        """
        import pandas as pd

        rows = []
        for product_id in dict.fromkeys(image.product_id for image in self):
            images = [image for image in self if image.product_id == product_id]
            times = [image.acquired for image in images if image.acquired is not None]
            clouds = [image.cloud_fraction for image in images if image.cloud_fraction is not None]
            sizes = [file.size_bytes or 0 for image in images for file in image.files or ()]
            rows.append(
                {
                    "product_id": product_id,
                    "images": len(images),
                    "first_acquired": min(times, default=None),
                    "last_acquired": max(times, default=None),
                    "cloud_fraction": sum(clouds) / len(clouds) if clouds else None,
                    "bytes": sum(sizes),
                }
            )
        columns = ["product_id", "images", "first_acquired", "last_acquired", "cloud_fraction", "bytes"]
        table = pd.DataFrame(rows, columns=columns).set_index("product_id")
        for name in ("first_acquired", "last_acquired"):
            table[name] = pd.to_datetime(table[name], utc=True)
        return table.astype({"images": "int64", "cloud_fraction": "float64", "bytes": "int64"})

    def to_geodataframe(self) -> geopandas.GeoDataFrame:
        """Return the images as a table with their footprints.

        Returns
        -------
        geopandas.GeoDataFrame
            One row per image, in order, indexed by ``id``: the attributes that at least one of them has,
            times as timestamps in UTC, the footprint as geometry in ``EPSG:4326``.

        Raises
        ------
        MissingExtraError
            geopandas is not installed.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.ImageCollection([dl.Image(id="fields:a", cloud_fraction=0.5)]).to_geodataframe().shape
        (1, 5)
        """
        from dawnlight.catalog._frames import to_geodataframe

        return to_geodataframe(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_columns"}

    def __repr__(self) -> str:
        from dawnlight.catalog._reprs import images_text

        return images_text(self)

    def _repr_html_(self) -> str:
        from dawnlight.catalog._html import images_html

        return images_html(self)

    def _product_counts(self) -> Counter[str]:
        return Counter(str(image.product_id) for image in self)


def _to_context(value: Any) -> GeoContext | None:
    if value is None or isinstance(value, GeoContext):
        return value
    return AOI(geometry=value)
