"""What `.dl` tells of an array: where it lies, what its bands are, what happened while it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import xarray as xr

if TYPE_CHECKING:
    import affine
    import pyproj

    from dawnlight.accessor._bands import BandInfo
    from dawnlight.catalog import CatalogClient, ImageCollection
    from dawnlight.geo import AOI, GeoBox
    from dawnlight.raster._explain import Explanation

__all__ = ["Asking"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Asking(Generic[T]):
    """Questions, the same for arrays and datasets."""

    _obj: T

    @property
    def crs(self) -> pyproj.CRS:
        """Coordinate reference system.

        Raises
        ------
        CRSError
            The array tells none; `.rio.write_crs` gives it one.
        """
        from dawnlight.accessor._georeference import crs_of

        return crs_of(self._obj)

    @property
    def geobox(self) -> GeoBox:
        """Pixel grid, from the coordinates as they are now.

        Raises
        ------
        GridError
            Dims y and x are missing, or their coordinates are not evenly spaced.
        CRSError
            The array tells no CRS.
        """
        from dawnlight.accessor._georeference import geobox_of

        return geobox_of(self._obj)

    @property
    def transform(self) -> affine.Affine:
        """From (column, row) to (x, y), pixel corners; that of `geobox`."""
        return self.geobox.transform

    @property
    def geocontext(self) -> AOI:
        """The grid as a context, to load other images on the same pixels.

        A grid whose rows run from south to north gives the same place with north up.

        Raises
        ------
        GridError, CRSError
            As for `geobox`.
        """
        from dawnlight.accessor._georeference import geocontext_of

        return geocontext_of(self._obj)

    @property
    def bands(self) -> dict[str, BandInfo]:
        """What is known of each band, by name and in the order of the array."""
        from dawnlight.accessor._bands import bands_of

        return bands_of(self._obj)

    @property
    def images(self) -> ImageCollection:
        """The images behind the array, in the order of time, from the default catalog.

        `find_images` takes another catalog, and keeps apart the images that share a time slot.

        Raises
        ------
        ParameterError
            The array has no coordinate ``id``.
        NotFoundError
            The catalog has not all of them.
        """
        from dawnlight.catalog import ImageCollection

        groups = self.find_images()
        return ImageCollection([image for group in groups for image in group], geocontext=self.geocontext)

    def find_images(self, client: CatalogClient | None = None) -> list[ImageCollection]:
        """Return the catalog objects behind each time slot.

        Parameters
        ----------
        client : CatalogClient, optional
            The catalog; the default one if not given.

        Returns
        -------
        list of ImageCollection
            One for each time slot, or a single one where the array has no time; in the order in which the
            images were painted, the last on top.

        Raises
        ------
        ParameterError
            The array has no coordinate ``id``: it was not loaded by Dawnlight, or was reduced over time.
        NotFoundError
            The catalog has not all of them.
        """
        from dawnlight.accessor._images import find_images

        return find_images(self._obj, client)

    def raster_info(self) -> Any:
        """Describe the raster with the keys that the reference platform uses; no pixel is read.

        Returns
        -------
        dict or list of dict
            One for each time slot; a single one where there is no time. Keys such as ``geoTransform``,
            ``size``, ``coordinateSystem``, ``cornerCoordinates``, ``wgs84Extent`` and ``bands``.
        """
        from dawnlight.accessor._images import raster_info

        return raster_info(self._obj)

    def explain(self) -> Explanation:
        """Explain what computing the array reads and needs, before any pixel is read; no file is opened.

        Slices are taken into account, and so is a mosaic or composite. Of arithmetic, what it reads is
        explained, not what it computes.

        Returns
        -------
        Explanation
            Chunks and tasks, images used and skipped, internal tiles, requests and bytes, memory of a task,
            how each kind of file is read (reader, overview, kernel), and why this CRS, resolution and
            chunking. Prints as text, shows as a table in notebooks, and has ``to_dict()``. Counts of tasks
            and images are exact, the rest are estimates; ``notes`` says what they rest on.

        Raises
        ------
        ParameterError
            The array is not lazy, or Dawnlight did not load it.

        Examples
        --------
        >>> stack = images.stack("red nir")  # doctest: +SKIP
        >>> print(stack.isel(time=0).dl.explain())  # doctest: +SKIP
        """
        from dawnlight.accessor._explaining import explain

        return explain(self._obj)

    def report(self) -> list[dict[str, Any]]:
        """List the reads that failed and were tolerated.

        An array loaded with ``errors="mask"`` has missing pixels where a file could not be read. What is
        computed, sliced or calculated from it knows of them, too.

        Returns
        -------
        list of dict
            One each failed read of an image and band that the array still has, in the order in which they
            happened: ``image``, ``bands``, ``href``, ``window`` (y, x, height, width in pixels of the file),
            ``level`` (overview, 0 is full resolution) and ``reason``. Empty if nothing failed, and always
            for arrays loaded with ``errors="raise"``. A lazy array lists what failed so far.

        Warns
        -----
        RuntimeWarning
            The values were computed by another process, so what failed is not known here.

        Notes
        -----
        Failures are kept by the process that computes. The workers of a `distributed` cluster send them to
        the scheduler, so ask before the cluster is closed; other schedulers of several processes keep them
        to themselves. Of arithmetic between two arrays, those of the first are listed.

        Examples
        --------
        >>> import xarray as xr
        >>> xr.DataArray([[1, 2]], dims=("y", "x")).dl.report()
        []
        """
        from dawnlight.accessor._reports import report_of

        return report_of(self._obj)
