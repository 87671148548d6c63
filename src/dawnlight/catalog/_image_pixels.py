"""Pixel methods of `Image`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dawnlight.catalog._enums import DownloadFileFormat, ResampleAlgorithm
from dawnlight.catalog._loading import Loading, Options, prepare, scaling_of
from dawnlight.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import BinaryIO

    from dawnlight.catalog._image import Image
    from dawnlight.geo import GeoContext, GeometryLike
    from dawnlight.geo._crs import CRSLike

__all__ = ["ImagePixels"]


class ImagePixels:
    """What `Image` can do with its pixels."""

    __slots__ = ()

    def ndarray(
        self,
        bands: str | Sequence[str],
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        raster_info: bool = False,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
        progress: bool | None = None,
        *,
        errors: str = "raise",
    ) -> Any:
        """Load bands of this image now, as a NumPy array.

        Parameters
        ----------
        bands : str or sequence of str
            Names, as a list or in one string with spaces. An alpha band must be the last one.
        geocontext : GeoContext or geometry, optional
            Where and on which grid. By default the image's own grid, uncut. What an `AOI` leaves open (CRS,
            resolution) is taken from the image.
        crs : CRS-like, optional
            Output CRS in place of the context's.
        resolution : float, optional
            Pixel size in units of the output CRS in place of the context's.
        all_touched : bool, optional
            Keep all pixels that the context's geometry touches, not only those whose centre is inside.
        mask_nodata : bool, default True
            Mask each band where its own pixel is missing: its nodata value, the file's mask, NaN, or no file.
        mask_alpha : bool or str, optional
            Mask all bands where the alpha band is 0. True, or the name of a band to use. By default True when
            the product has a band ``alpha``. An alpha band that was not asked for is not in the result.
        bands_axis : int, default 0
            Axis of the bands, from -2 to 2; -1 gives (y, x, band).
        raster_info : bool, default False
            Return a dict about the raster, too.
        resampler : ResampleAlgorithm, str or mapping, default "near"
            Kernel for changing grid; or one by band name, ``"default_"`` for the others. Classes and masks
            are taken by nearest (by mode where pixels get coarser) unless named in a mapping.
        processing_level : str, optional
            Level as the bands' ``processing_levels`` define it.
        scaling : str, list or mapping, optional
            See `scaling_parameters`.
        data_type : str, optional
            Output type such as ``"Float32"``. By default the smallest common type of the bands.
        progress : bool, optional
            Show a progress bar; by default on a terminal only.
        errors : {"raise", "mask"}, default "raise"
            ``"mask"``: a file that cannot be read leaves its pixels masked, with a warning.

        Returns
        -------
        numpy.ma.MaskedArray or numpy.ndarray
            (band, y, x) unless ``bands_axis`` says otherwise; masked if ``mask_nodata`` or alpha masks.
        dict
            Only with ``raster_info=True``.

        Raises
        ------
        BandError
            A band is not available (also a `ValueError`).
        ParameterError, GridError, CRSError
            An argument cannot be used (also `ValueError`).
        RasterError
            A file cannot be read; the message names image, band, file and place (also an `OSError`).

        Examples
        --------
        >>> red, nir = image.ndarray("red nir")  # doctest: +SKIP
        """
        if bands_axis not in range(-2, 3):
            raise ParameterError(f"bands_axis={bands_axis!r} must be one of -2, -1, 0, 1, 2")
        loading = self._prepare(
            bands=bands,
            geocontext=geocontext,
            crs=crs,
            resolution=resolution,
            all_touched=all_touched,
            mask_nodata=mask_nodata,
            mask_alpha=mask_alpha,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            errors=errors,
        )
        array = loading.masked(loading.load(progress=progress)[0])
        array = np.moveaxis(array, 0, bands_axis)
        if raster_info:
            from dawnlight.catalog._pixel_labels import raster_info as describe

            return array, describe(loading)
        return array

    def scaling_parameters(
        self,
        bands: str | Sequence[str],
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """Resolve a scaling request as `ndarray` would, without reading anything.

        Parameters
        ----------
        bands : str or sequence of str
            Bands to be scaled.
        processing_level : str, optional
            Level whose ranges apply.
        scaling : str, list or mapping, optional
            ``"raw"``, ``"auto"``, ``"display"`` or ``"physical"`` for all bands; or an entry for each band;
            or entries by band name, with ``"default_"`` for bands that are not named. An entry is None
            (leave as is), a mode, ``()`` (from the pixels' own extremes to 0-255), ``(in_min, in_max)`` or
            ``(in_min, in_max, out_min, out_max)``; numbers may be percentages of the band's range (``"2%"``).
        data_type : str, optional
            Output type; by default it follows from the scaling.

        Returns
        -------
        scales : list or None
            None, ``()`` or four numbers for each band; None if nothing is scaled.
        data_type : str
            Name of the output type.

        Raises
        ------
        ParameterError
            The request cannot be met (also a `ValueError`).
        """
        image = cast("Image", self)
        return scaling_of([str(image.product_id)], image._client, bands, processing_level, scaling, data_type)

    def download(
        self,
        bands: str | Sequence[str],
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        dest: str | PathLike[str] | BinaryIO | None = None,
        format: str = DownloadFileFormat.TIF,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
        nodata: float | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Save bands of this image as a GeoTIFF, PNG or JPEG file.

        The file is written block by block with bounded memory and appears under its name only when it is
        whole.

        Parameters
        ----------
        bands, geocontext, crs, resolution, all_touched, resampler, processing_level, scaling, data_type
            As for `ndarray`. No alpha band is added.
        dest : str, path or binary file, optional
            Where to write. The extension decides the format. By default ``<image id>-<bands>.<format>`` in
            the working folder. Folders are made; a file of that name is replaced.
        format : DownloadFileFormat, default "tif"
            ``"tif"``, ``"png"`` or ``"jpg"``, where ``dest`` does not say.
        nodata : float, optional
            Value for missing pixels in a GeoTIFF, recorded in the file. By default the bands' own, if they
            share one that no valid pixel can have; else the file gets a mask, which hides pixels of which
            any band is missing. A valid pixel that has the value is an error, as it would be a hole.
            Pictures show missing pixels as 0.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        str or path
            ``dest`` as given, or the default name; None for a file object.

        Raises
        ------
        ParameterError, BandError
            An argument cannot be used (also `ValueError`).
        RasterError
            A file cannot be read; nothing is left under the name.
        """
        from dawnlight.catalog._downloads import default_name, save

        image = cast("Image", self)
        loading = self._prepare(
            bands=bands,
            geocontext=geocontext,
            crs=crs,
            resolution=resolution,
            all_touched=all_touched,
            mask_alpha=False,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
        )
        name = default_name(str(image.id), loading.request.names, format)
        return save(loading, dest, format, name, nodata=nodata, progress=progress)

    def _prepare(self, **options: Any) -> Loading:
        image = cast("Image", self)
        return prepare([image], [[0]], lambda: image.geocontext.assign(geometry=None), Options(**options))
