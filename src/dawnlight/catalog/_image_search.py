"""ImageSearch: a search for images, with what only images can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dawnlight.catalog._enums import AggregateDateField
from dawnlight.catalog._image import Image
from dawnlight.catalog._search import GeoSearch
from dawnlight.geo import GeoContext
from dawnlight.geo._geometry import GeometryLike
from dawnlight.search import parse_time

if TYPE_CHECKING:
    from dawnlight.catalog._image_collection import ImageCollection

__all__ = ["ImageSearch", "ImageSummaryResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSummaryResult:
    """What the images of a search add up to.

    Parameters
    ----------
    count : int
        Number of images.
    bytes : int, optional
        Size of their files in bytes, as far as it is known.
    products : tuple of str, optional
        Ids of the products they belong to; None in the summary of an interval.
    interval_start : datetime, optional
        First instant of the interval, in UTC; None in the summary of the whole.

    Examples
    --------
    >>> from dawnlight.catalog import ImageSummaryResult
    >>> ImageSummaryResult(count=1234, bytes=5678900, products=("fields",))
    Summary of 1,234 images
     - Total bytes: 5,678,900
     - Products: fields
    """

    count: int
    bytes: int | None = None
    products: tuple[str, ...] | None = None
    interval_start: datetime | None = None

    def __repr__(self) -> str:
        lines = [f"Summary of {self.count:,} images"]
        if self.interval_start is not None:
            lines.append(f" - Interval start: {self.interval_start.isoformat()}")
        if self.bytes is not None:
            lines.append(f" - Total bytes: {self.bytes:,}")
        if self.products is not None:
            lines.append(f" - Products: {', '.join(self.products)}")
        return "\n".join(lines)


class ImageSearch(GeoSearch[Image]):
    """A search for images; `Image.search` and `Product.images` start one.

    Parameters
    ----------
    model : type
        `Image` or a class derived from it.
    client : CatalogClient, optional
        The catalog; the default one if not given.
    url : str, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.
    includes : bool, default True
        As for `Search`.
    request_params, headers : mapping, optional
        Accepted for catalogs behind HTTP; not used by embedded ones.

    Examples
    --------
    >>> import dawnlight as dl
    >>> dl.Image.search(client=dl.open("memory://")).summary().count
    0
    """

    def collect(self, geocontext: GeoContext | GeometryLike | None = None, **kwargs: Any) -> ImageCollection:
        """Read all images into a collection.

        Parameters
        ----------
        geocontext : GeoContext or geometry, optional
            Where to load pixels later. By default what `intersects` was given; with neither, the
            collection has none. No band or product is looked up here: what the context leaves open is
            found when pixels are asked for.
        **kwargs
            Further arguments for the collection.

        Returns
        -------
        ImageCollection
            In the order of the search.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.search(client=dl.open("memory://")).collect()
        ImageCollection of 0 images
        """
        from dawnlight.catalog._image_collection import ImageCollection

        return ImageCollection(self, geocontext=self._place if geocontext is None else geocontext, **kwargs)

    def summary(self) -> ImageSummaryResult:
        """Add up the images, without reading them. Sort and limit play no part.

        Returns
        -------
        ImageSummaryResult
            Their number, size and products.

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.search(client=dl.open("memory://")).summary().products
        ()
        """
        found = self._client.store.summary(self._query)
        return ImageSummaryResult(count=found.count, bytes=found.bytes, products=tuple(found.products))

    def summary_interval(
        self,
        aggregate_date_field: str | None = None,
        interval: str = "year",
        start_datetime: str | datetime | None = None,
        end_datetime: str | datetime | None = None,
    ) -> list[ImageSummaryResult]:
        """Add up the images by intervals of time, without reading them. Sort and limit play no part.

        Parameters
        ----------
        aggregate_date_field : str or AggregateDateField, default "acquired"
            Which time counts: ``"acquired"``, ``"created"``, ``"modified"`` or ``"published"``. Images
            without it are left out.
        interval : str or Interval, default "year"
            ``"year"``, ``"quarter"``, ``"month"``, ``"week"`` (from Monday), ``"day"``, ``"hour"`` or
            ``"minute"``, in UTC.
        start_datetime, end_datetime : str or datetime, optional
            First and last instant that count, both included; None, 0 and ``""`` are no bound.

        Returns
        -------
        list of ImageSummaryResult
            In order of time, without intervals that have no images.

        Raises
        ------
        BadRequestError
            A field, interval or time cannot be used (also a `ValueError`).

        Examples
        --------
        >>> import dawnlight as dl
        >>> dl.Image.search(client=dl.open("memory://")).summary_interval(interval="month")
        []
        """
        found = self._client.store.intervals(
            self._query,
            str(aggregate_date_field or AggregateDateField.ACQUIRED),
            str(interval),
            start_datetime or None,
            end_datetime or None,
        )
        return [
            ImageSummaryResult(count=each.count, bytes=each.bytes, interval_start=parse_time(each.start))
            for each in found
        ]
