"""Pixel methods of `ImageCollection`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from dawnlight.catalog._bridge import many_objects
from dawnlight.catalog._enums import DownloadFileFormat, ResampleAlgorithm
from dawnlight.catalog._keys import group_by_key, make_key
from dawnlight.catalog._loading import Loading, Options, prepare, scaling_of
from dawnlight.errors import EmptyCollectionError, ParameterError, ParameterTypeError
from dawnlight.raster._layers import one_by_one

if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

    import xarray as xr

    from dawnlight.catalog._image import Image
    from dawnlight.catalog._image_collection import ImageCollection
    from dawnlight.catalog._image_columns import ImageColumns
    from dawnlight.geo import GeoContext, GeometryLike
    from dawnlight.geo._crs import CRSLike
    from dawnlight.raster._chunks import ChunksLike

__all__ = ["ImageCollectionPixels"]

Predicates = str | Callable[["Image"], Any] | Sequence["str | Callable[[Image], Any]"] | None


class ImageCollectionPixels:
    """What `ImageCollection` can do with its pixels."""

    _columns: ImageColumns | None = None
    """What the latest call found out about the images; the next one sees whether it still holds."""

    def stack(
        self,
        bands: str | Sequence[str],
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        flatten: Predicates = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        raster_info: bool = False,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        *,
        chunks: ChunksLike = "auto",
        errors: str = "raise",
    ) -> Any:
        """Stack the images along time, as a lazy labelled array on one grid.

        Nothing is read until values are computed. Take slices before arithmetic: then only the slice is read.

        Parameters
        ----------
        bands : str or sequence of str
            Names, as a list or in one string with spaces. An alpha band must be the last one.
        geocontext : GeoContext or geometry, optional
            Where and on which grid; its geometry cuts the pixels. By default the collection's. What an `AOI`
            leaves open comes from the images: the CRS that most have, and the grid of the finest band asked
            for.
        crs : CRS-like, optional
            Output CRS in place of the context's.
        resolution : float, optional
            Pixel size in units of the output CRS in place of the context's.
        all_touched : bool, optional
            Keep all pixels that the context's geometry touches, not only those whose centre is inside.
        flatten : str, callable or sequence of them, optional
            Mosaic images with the same key into one time slot. Keys as for `groupby`, such as
            ``"acquired"`` or ``["acquired.year", "acquired.month", "acquired.day"]``; the slots are sorted
            by them.
        mask_nodata : bool, default True
            Mask each band where its own pixel is missing: its nodata value, the file's mask, NaN, or no file.
        mask_alpha : bool or str, optional
            Mask all bands where the alpha band is 0. True, or the name of a band to use. By default True when
            all products have a band ``alpha``. An alpha band that was not asked for is not in the result.
        bands_axis : int, default 1
            Axis of the bands among the four; -1 gives (time, y, x, band).
        raster_info : bool, default False
            Return a list of dicts about the raster of each time slot, too.
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
            With ``chunks=None``: show a progress bar; by default on a terminal only.
        max_workers : int, optional
            With ``chunks=None``: number of threads; by default the number of cores plus 4, at most 32.
        chunks : "auto", int, mapping or None, default "auto"
            Size of the lazy chunks: automatic, a side in pixels, or sizes by dimension. None loads now.
        errors : {"raise", "mask"}, default "raise"
            ``"mask"``: a file that cannot be read leaves its pixels masked, with a warning and a line in
            ``.dl.report()``. Never silently.

        Returns
        -------
        xarray.DataArray
            (time, band, y, x). ``time`` is UTC in the order of the collection, and may repeat. If anything is
            masked, integers come as floats with NaN there (8 and 16 bits as float32, 32 as float64), and
            ``encoding`` keeps the integer type for writing. Without masks: the native type and raw values.
        list of dict
            Only with ``raster_info=True``.

        Raises
        ------
        EmptyCollectionError, BandError, GridError, CRSError, ParameterError
            An argument cannot be used (also `ValueError`); at the call, before anything is read.
        RasterError
            When computing: a file cannot be read; the message names image, band, file and place.

        Examples
        --------
        >>> stack = images.stack("red nir", resolution=20, crs="EPSG:32631")  # doctest: +SKIP
        >>> stack.isel(time=0).mean().compute()  # doctest: +SKIP
        """
        if bands_axis not in range(-4, 4):
            raise ParameterError(f"bands_axis={bands_axis!r} must be from -4 to 3")
        layers, groups = self._layers(flatten)
        loading = self._prepare(
            layers,
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
        from dawnlight.catalog._pixel_labels import label_stack
        from dawnlight.catalog._pixel_labels import raster_info as describe

        array = _values(loading, chunks, max_workers, progress)
        result = label_stack(array, loading, groups)
        result = _with_bands_at(result, bands_axis)
        if raster_info:
            return result, [describe(loading, layer) for layer in range(len(loading.layers))]
        return result

    def mosaic(
        self,
        bands: str | Sequence[str],
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
        progress: bool | None = None,
        raster_info: bool = False,
        *,
        max_workers: int | None = None,
        chunks: ChunksLike = "auto",
        errors: str = "raise",
    ) -> Any:
        """Paint all images into one lazy labelled array; the last image of the collection is on top.

        A missing pixel lets the image below show through. Where an alpha band masks, one image answers for
        all bands: the topmost whose alpha is not 0.

        Parameters
        ----------
        bands, geocontext, crs, resolution, all_touched, mask_nodata, mask_alpha, resampler
            As for `stack`.
        bands_axis : int, default 0
            Axis of the bands among the three; -1 gives (y, x, band).
        processing_level, scaling, data_type, progress, max_workers, chunks, errors
            As for `stack`.
        raster_info : bool, default False
            Return a dict about the raster, too.

        Returns
        -------
        xarray.DataArray
            (band, y, x), with masked pixels as `stack` has them.
        dict
            Only with ``raster_info=True``.

        Raises
        ------
        EmptyCollectionError, BandError, GridError, CRSError, ParameterError
            An argument cannot be used (also `ValueError`); at the call, before anything is read.
        RasterError
            When computing: a file cannot be read; the message names image, band, file and place.

        Examples
        --------
        >>> newest_on_top = images.sort("acquired").mosaic("red green blue")  # doctest: +SKIP
        """
        if bands_axis not in range(-3, 3):
            raise ParameterError(f"bands_axis={bands_axis!r} must be from -3 to 2")
        loading = self._prepare(
            None,
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
        from dawnlight.catalog._pixel_labels import label_mosaic
        from dawnlight.catalog._pixel_labels import raster_info as describe

        array = _values(loading, chunks, max_workers, progress)
        result = _with_bands_at(label_mosaic(array[0], loading), bands_axis)
        return (result, describe(loading)) if raster_info else result

    def scaling_parameters(
        self,
        bands: str | Sequence[str],
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """Resolve a scaling request as `stack` and `mosaic` would, without reading anything.

        Parameters
        ----------
        bands, processing_level, scaling, data_type
            As for `Image.scaling_parameters`.

        Returns
        -------
        scales : list or None
            None, ``()`` or four numbers for each band; the same for all products.
        data_type : str
            Common output type.

        Raises
        ------
        EmptyCollectionError
            There are no images, so no bands.
        ParameterError
            The request cannot be met, or products would be scaled differently (also a `ValueError`).
        """
        images = self._images()
        products = list(dict.fromkeys(str(image.product_id) for image in images))
        return scaling_of(products, images[0]._client, bands, processing_level, scaling, data_type)

    def download(
        self,
        bands: str | Sequence[str],
        geocontext: GeoContext | GeometryLike | None = None,
        crs: CRSLike | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        dest: str | PathLike[str] | Sequence[str | PathLike[str]] | None = None,
        format: str = DownloadFileFormat.TIF,
        resampler: str | Mapping[str, str] = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: object = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
    ) -> list[Any]:
        """Save each image as a file of its own.

        Parameters
        ----------
        bands, geocontext, crs, resolution, all_touched, resampler, processing_level, scaling, data_type
            As for `stack`. No alpha band is added.
        dest : path or sequence of paths, optional
            A folder, in which files are called ``<image id>-<bands>.<format>``; or one path for each image,
            whose extension decides the format. By default the working folder.
        format : DownloadFileFormat, default "tif"
            ``"tif"``, ``"png"`` or ``"jpg"``.
        progress : bool, optional
            Show a progress bar.
        max_workers : int, optional
            How many files are written at a time; by default one for each core.

        Returns
        -------
        list
            Where the files are, in the order of the collection.

        Raises
        ------
        RuntimeError
            Two images would get the same file name.
        ParameterError, ParameterTypeError
            An argument cannot be used (also `ValueError`, `TypeError`).
        RasterError
            A file cannot be read. Files that were finished before stay.
        """
        from dawnlight.catalog._downloads import at_once, default_name, destinations, save, save_all

        images = self._images()
        options = {
            "bands": bands,
            "geocontext": geocontext,
            "crs": crs,
            "resolution": resolution,
            "all_touched": all_touched,
            "mask_alpha": False,
            "resampler": resampler,
            "processing_level": processing_level,
            "scaling": scaling,
            "data_type": data_type,
        }
        loadings = [self._prepare_one(image, options) for image in images]
        names = [
            default_name(str(image.id), loading.request.names, format)
            for image, loading in zip(images, loadings, strict=True)
        ]
        paths = destinations(dest, names)
        count = at_once(len(images), max_workers)
        jobs = [
            partial(save, one, path, format, str(path), jobs=count)
            for one, path in zip(loadings, paths, strict=True)
        ]
        return save_all(jobs, max_workers=max_workers, progress=progress)

    def download_mosaic(
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
        mask_alpha: bool | str | None = None,
        nodata: float | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Save all images as one file, the last image on top.

        Parameters
        ----------
        bands, geocontext, crs, resolution, all_touched, resampler, processing_level, scaling, data_type
            As for `stack`.
        dest : str, path or binary file, optional
            Where to write. By default ``mosaic-<bands>.<format>`` in the working folder, or
            ``<image id>-<bands>.<format>`` for a single image.
        format : DownloadFileFormat, default "tif"
            ``"tif"``, ``"png"`` or ``"jpg"``, where ``dest`` does not say.
        mask_alpha : bool or str, optional
            As for `stack`. The alpha band is in the file only if it was asked for.
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
        ParameterError, BandError, EmptyCollectionError
            An argument cannot be used (also `ValueError`).
        RasterError
            A file cannot be read; nothing is left under the name.
        """
        from dawnlight.catalog._downloads import default_name, save

        loading = self._prepare(
            None,
            bands=bands,
            geocontext=geocontext,
            crs=crs,
            resolution=resolution,
            all_touched=all_touched,
            mask_alpha=mask_alpha,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
        )
        images = loading.images
        stem = str(images[0].id) if len(images) == 1 else "mosaic"
        name = default_name(stem, loading.request.names[: loading.request.keep], format)
        return save(loading, dest, format, name, nodata=nodata, progress=progress)

    # -- settling ------------------------------------------------------------------------------------

    def _images(self) -> list[Image]:
        images = list(cast("ImageCollection", self))
        if not images:
            raise EmptyCollectionError("the collection is empty; there is nothing to load")
        return images

    def _prepare(self, layers: Sequence[Sequence[int]] | None, **options: Any) -> Loading:
        """Settle a call for the given layers; None paints all images into one."""
        images = self._images()
        members = [list(range(len(images)))] if layers is None else layers
        found = prepare(
            images,
            members,
            lambda: cast("ImageCollection", self).geocontext,
            Options(**options),
            known=self._columns,
        )
        self._columns = found.described.columns
        return found

    def _prepare_one(self, image: Image, options: Mapping[str, Any]) -> Loading:
        return prepare([image], [[0]], lambda: cast("ImageCollection", self).geocontext, Options(**options))

    def _layers(self, flatten: Predicates) -> tuple[Sequence[Sequence[int]], dict[str, list[Any]]]:
        """Numbers of the images of each time slot, and the keys of the slots by name."""
        images = self._images()
        if flatten is None:
            with many_objects():
                return one_by_one(len(images)), {}
        predicates = (flatten,) if isinstance(flatten, str) or callable(flatten) else tuple(flatten)
        if not predicates:
            raise ParameterTypeError("flatten is empty; name at least one key, such as 'acquired'")
        key = make_key(predicates)
        keys = [key(image) for image in images]
        layers = group_by_key(keys)
        return layers, _group_columns(predicates, [keys[members[0]] for members in layers])


def _group_columns(predicates: tuple[Any, ...], keys: list[Any]) -> dict[str, list[Any]]:
    """Keys of the groups as coordinates, named after the attribute or function."""
    columns: dict[str, list[Any]] = {}
    for position, predicate in enumerate(predicates):
        name = predicate if isinstance(predicate, str) else getattr(predicate, "__name__", "key")
        name = f"group_{name.strip('<>')}".replace(".", "_")
        if name in columns:
            name = f"{name}_{position + 1}"
        values = [key[position] if len(predicates) > 1 else key for key in keys]
        columns[name] = [
            value if isinstance(value, bool | int | float) or value is None else str(value)
            for value in values
        ]
    return columns


def _values(loading: Loading, chunks: ChunksLike, max_workers: int | None, progress: bool | None) -> Any:
    if chunks is None:
        return loading.load(max_workers=max_workers, progress=progress)
    return loading.to_dask(chunks)


def _with_bands_at(array: xr.DataArray, axis: int) -> xr.DataArray:
    dims = [str(dim) for dim in array.dims if dim != "band"]
    dims.insert(axis % array.ndim, "band")
    return array.transpose(*dims)
