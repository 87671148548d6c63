"""The methods of an image that make it from files or arrays."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from dawnlight.catalog._enums import DocumentState
from dawnlight.catalog._mappings import ImageUploadOptions
from dawnlight.errors import (
    ConflictError,
    DeletedObjectError,
    GridError,
    ObjectStateError,
    ParameterError,
    ParameterTypeError,
)
from dawnlight.geo import GeoBox, normalize_crs
from dawnlight.search import Document

if TYPE_CHECKING:
    from dawnlight.catalog._image import Image
    from dawnlight.catalog._upload import ImageUpload
    from dawnlight.ingest._arrays import PixelArray

__all__ = ["ImageUploads"]

_GRID = ("cs_code", "projection", "geotrans", "x_pixels", "y_pixels")


class ImageUploads:
    """How `Image` comes from files and arrays."""

    __slots__ = ()

    def upload(
        self,
        files: str | os.PathLike[str] | IO[Any] | Iterable[str | os.PathLike[str] | IO[Any]],
        upload_options: ImageUploadOptions | Mapping[str, Any] | None = None,
        overwrite: bool = False,
    ) -> ImageUpload:
        """Make the image from files, in the background.

        The files are copied into the catalog's folder, checked and converted there, in a process of its own.
        When this method returns, the upload is safe: if this process ends, the next one that opens the
        catalog carries on. The image is in the catalog once the upload is a success, see
        `ImageUpload.wait_for_completion`, and not before.

        Attributes that were set stay; grid, footprint and sizes that were not are taken from the files. The
        bands of the product say which raster band is which.

        Parameters
        ----------
        files : path, file open for reading, or iterable of them
            GeoTIFF or JPEG 2000. Several files make up one image; open files are closed.
        upload_options : ImageUploadOptions or mapping, optional
            Overviews and their resampling.
        overwrite : bool, default False
            Whether the image may take the place of one in the catalog. Readers see the old one or the new
            one; the files of the old one stay for a while, so that arrays made from them still load.

        Returns
        -------
        ImageUpload
            Pending.

        Raises
        ------
        ParameterError
            The image lacks an id or a time of acquisition, or there is no file.
        ObjectStateError
            The image or its product is in the wrong state: UNSAVED and SAVED are needed.
        ConflictError
            There is such an image, and `overwrite` is False.
        RasterNotFoundError
            There is no such file.
        DeletedObjectError
            The image was deleted.

        Examples
        --------
        >>> import dawnlight as dl
        >>> image = dl.Image(product_id="fields", name="a", acquired="2023-06-01")
        >>> upload = image.upload("field.tif")  # doctest: +SKIP
        >>> upload.wait_for_completion()  # doctest: +SKIP
        >>> upload.status  # doctest: +SKIP
        'success'
        """
        from dawnlight.ingest._submit import submit_files

        image = cast("Image", self)
        _check_uploadable(image, overwrite)
        if image.cs_code is not None or image.projection is not None:
            warnings.warn(
                "cs_code and projection of an uploaded image come from its files; those given must agree",
                FutureWarning,
                stacklevel=2,
            )
        given, names = _normalize_files(files)
        sources = [file if isinstance(file, Path) else _binary(file) for file in given]
        try:
            options = _complete_options(upload_options, "file", names, sum(map(_size_of, sources)))
            upload = _make_upload(image, options)
            upload._accept(
                submit_files(
                    image._client.store, upload._to_new_document({}), sources, names, overwrite=overwrite
                )
            )
        finally:
            for file in (*given, *sources):
                if not isinstance(file, Path):
                    file.close()
        return upload

    def upload_ndarray(
        self,
        ndarray: Any,
        upload_options: ImageUploadOptions | Mapping[str, Any] | None = None,
        raster_meta: Mapping[str, Any] | None = None,
        overviews: Sequence[int] | None = None,
        overview_resampler: str | None = None,
        overwrite: bool = False,
    ) -> ImageUpload:
        """Make the image from arrays, in the background.

        Where the pixels lie is said by the image (`geotrans` and `cs_code` or `projection`), by
        `raster_meta`, or by a labelled array itself, in this order.

        Parameters
        ----------
        ndarray : array or iterable of arrays
            Rows and columns, or bands, rows and columns; each array becomes a file. NumPy arrays: masked
            pixels become nodata, or transparent where no value is free for it. `xarray.DataArray`: with its
            grid, band names and missing pixels; a lazy one is computed block by block. All of a type in
            `Image.SUPPORTED_DATATYPES`.
        upload_options : ImageUploadOptions or mapping, optional
            Overviews and their resampling; it stays as it is.
        raster_meta : mapping, optional
            What `Image.ndarray` and others return with ``raster_info=True``.
        overviews : list of int, optional
            How much coarser each overview is, such as ``[2, 4]``; at most 16. By default as many as are
            of use.
        overview_resampler : OverviewResampler or str, optional
            How they are computed; by default the average, and for classes the most frequent value.
        overwrite : bool, default False
            As for `upload`.

        Returns
        -------
        ImageUpload
            Pending.

        Raises
        ------
        ParameterError
            An array has the wrong shape or type, something is missing, or an option cannot be used.
        GridError
            Nothing says where the pixels lie, or the image says something else.
        ObjectStateError, ConflictError, DeletedObjectError
            As for `upload`.

        Examples
        --------
        >>> import dawnlight as dl
        >>> image = dl.Image(product_id="fields", name="b", acquired="2023-06-01")
        >>> upload = image.upload_ndarray(stack.mean("time"))  # doctest: +SKIP
        """
        from dawnlight.ingest._arrays import normalize_arrays
        from dawnlight.ingest._submit import submit_arrays

        image = cast("Image", self)
        _check_uploadable(image, overwrite)
        if image.cs_code is not None and image.projection is not None:
            warnings.warn("both cs_code and projection are set; cs_code is used", FutureWarning, stacklevel=2)
        arrays = normalize_arrays(ndarray)
        boxes = _grids_of(image, arrays, raster_meta)
        names = [f"array {number}" for number in range(len(arrays))]
        more = {"overviews": overviews, "overview_resampler": overview_resampler}
        options = _complete_options(
            upload_options, "ndarray", names, sum(array.nbytes for array in arrays), **more
        )
        upload = _make_upload(image, options)
        document = _without_grid(upload._to_new_document({}))
        bands = _bands_by_file(image, len(arrays))
        upload._accept(
            submit_arrays(
                image._client.store,
                document,
                list(zip(arrays, boxes, bands, strict=True)),
                overwrite=overwrite,
            )
        )
        return upload


def _check_uploadable(image: Image, overwrite: bool) -> None:
    """Check all that must hold before any data is looked at."""
    if image._deleted:
        raise DeletedObjectError(f"{image._title} was deleted and cannot be used any more")
    if image.id is None or image.product_id is None:
        raise ParameterError("the image has no id: give it a product and a name before uploading")
    if image.acquired is None:
        raise ParameterError(f"{image._title}: acquired must be set before uploading")
    if image.state is not DocumentState.UNSAVED:
        raise ObjectStateError(
            f"{image._title} is {image.state}; upload with a new Image of the same id, and overwrite=True "
            "to replace the one in the catalog"
        )
    store = image._client.store
    if not overwrite and store.exists("image", image.id):
        raise ConflictError(
            f"image {image.id!r} is in the catalog already; overwrite=True puts the new one in its place"
        )
    product = image._references.get("product")
    if product is not None and product.state is not DocumentState.SAVED:
        raise ObjectStateError(f"product {image.product_id!r} is {product.state}; save it first")
    if not store.exists("product", image.product_id):
        raise ParameterError(f"there is no product {image.product_id!r} in the catalog; save it first")


def _make_upload(image: Image, options: ImageUploadOptions) -> ImageUpload:
    from dawnlight.catalog._upload import ImageUpload

    return ImageUpload(client=image._client, image=image, image_upload_options=options)


def _grids_of(image: Image, arrays: Sequence[PixelArray], meta: Mapping[str, Any] | None) -> list[GeoBox]:
    """Find where each array lies; arrays of other sizes than the first cover the same ground."""
    first = arrays[0]
    for name, size in (("y_pixels", first.shape[0]), ("x_pixels", first.shape[1])):
        if getattr(image, name) not in (None, size):
            raise GridError(f"{image._title}: {name} is {getattr(image, name)}, and the array has {size}")
    meta = meta or {}
    geotrans = image.geotrans or meta.get("geoTransform")
    crs = image.cs_code or image.projection or _crs_of(meta)
    boxes = []
    for array in arrays:
        own = array.geobox
        if own is not None and image.geotrans is None and image.cs_code is None:
            boxes.append(own)
            continue
        if geotrans is None and own is None:
            raise GridError(
                f"{image._title}: nothing says where the pixels lie; set geotrans, or pass raster_meta"
            )
        if crs is None and own is None:
            raise GridError(
                f"{image._title}: nothing says what the coordinates are; set cs_code, or pass raster_meta"
            )
        transform = tuple(geotrans) if geotrans is not None else own.geotrans  # type: ignore[union-attr]
        system = normalize_crs(crs) if crs is not None else own.crs  # type: ignore[union-attr]
        box = GeoBox.from_geotrans(transform, first.shape, system)
        boxes.append(box if array.shape == first.shape else box.zoom_to(array.shape))
    return boxes


def _without_grid(upload: Document) -> Document:
    """Leave out what the files say: several may have grids of their own."""
    image = upload.attributes["image"]
    plain = {name: value for name, value in image["attributes"].items() if name not in _GRID}
    attributes = {**upload.attributes, "image": {**image, "attributes": plain}}
    return Document(kind="image_upload", id=upload.id, attributes=attributes)


def _bands_by_file(image: Image, count: int) -> list[list[Document]]:
    bands = [band._to_document() for band in image._client._bands(str(image.product_id))]
    return [[band for band in bands if (band.get("file_index") or 0) == number] for number in range(count)]


def _crs_of(meta: Mapping[str, Any]) -> Any:
    """Return the CRS of a description of a raster: the exact spelling before the one that loses details."""
    system = meta.get("coordinateSystem") or {}
    if system.get("epsg"):
        return f"EPSG:{system['epsg']}"
    return system.get("wkt") or system.get("proj4")


def _normalize_files(files: Any) -> tuple[list[Any], list[str]]:
    given = [files] if isinstance(files, (str, os.PathLike)) or hasattr(files, "read") else files
    if not isinstance(given, Iterable):
        raise ParameterTypeError(
            f"files={files!r:.100} must be a path, a file open for reading, or several of them"
        )
    found: list[Any] = []
    for number, file in enumerate(given):
        if isinstance(file, (str, os.PathLike)):
            found.append(Path(os.fspath(file)).absolute())
        elif hasattr(file, "read"):
            found.append(file)
        else:
            raise ParameterTypeError(
                f"files[{number}]={file!r:.100} must be a path or a file open for reading"
            )
    if not found:
        raise ParameterError("files holds no file")
    names = [
        str(file) if isinstance(file, Path) else str(getattr(file, "name", f"file {number}"))
        for number, file in enumerate(found)
    ]
    return found, names


def _binary(file: Any) -> Any:
    """Return a file open for reading bytes; one that was opened as text is opened again."""
    if not isinstance(file, io.TextIOBase):
        return file
    name = getattr(file, "name", None)
    if not isinstance(name, (str, os.PathLike)):
        raise ParameterTypeError(f"{file!r} gives text; pass one that gives bytes")
    return open(name, "rb")


def _size_of(file: Any) -> int:
    if isinstance(file, Path):
        return file.stat().st_size if os.path.isfile(file) else 0
    with suppress(OSError, ValueError):
        here = file.tell()
        size: int = file.seek(0, io.SEEK_END) - here
        file.seek(here)
        return size
    return 0


def _complete_options(
    options: ImageUploadOptions | Mapping[str, Any] | None,
    kind: str,
    names: Sequence[str],
    size: int,
    **more: Any,
) -> ImageUploadOptions:
    """Return the options of one upload; those of the caller stay as they are."""
    if options is None:
        given: dict[str, Any] = {}
    elif isinstance(options, ImageUploadOptions):
        given = dict(options.serialize())
    elif isinstance(options, Mapping):
        given = dict(options)
    else:
        raise ParameterTypeError(f"upload_options={options!r:.100} must be ImageUploadOptions or a mapping")
    given |= {name: value for name, value in more.items() if value}
    factors = given.get("overviews") or ()
    if len(factors) > 16 or any(int(factor) < 2 for factor in factors):
        raise ParameterError(f"overviews={list(factors)} must be up to 16 whole numbers of 2 or more")
    given |= {"upload_type": kind, "image_files": list(names), "upload_size": int(size)}
    return ImageUploadOptions(**given)
