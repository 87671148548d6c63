"""What `.dl` saves: GeoTIFF, Zarr, downloads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, TypeVar

import xarray as xr

if TYPE_CHECKING:
    import os

__all__ = ["Finishing"]

T = TypeVar("T", xr.DataArray, xr.Dataset)


class Finishing(Generic[T]):
    """Saving, the same for arrays and datasets. Lazy arrays are computed piece by piece."""

    _obj: T

    def to_cog(
        self,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        nodata: float | None = None,
        compress: str = "deflate",
        overviews: bool | str = True,
        progress: bool | None = None,
    ) -> Any:
        """Save as a cloud-optimised GeoTIFF.

        The file appears when it is complete. Memory stays bounded: a few chunks are computed at a time.

        Parameters
        ----------
        path : str, path or binary file
            With several time slots, a name with ``{time}``, ``{date}``, ``{id}`` or ``{number}`` in it, which
            is filled in for each: ``"out/{date}.tif"``.
        nodata : float, optional
            Value for missing pixels. By default the bands' own if they share one; for floats NaN; else one
            that a wider type has room for. Valid pixels that have it beside missing ones are an error.
        compress : str, default "deflate"
            ``"deflate"``, ``"lzw"``, ``"zstd"``, ``"lerc"`` or ``"none"``, all without loss.
        overviews : bool or str, default True
            Whether to make overviews, or how: ``"nearest"`` (True), ``"average"``, ``"mode"``, ...
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        pathlib.Path, list of pathlib.Path or None
            Where the file is; a list where the array has a dim ``time``; None for an open file.

        Raises
        ------
        ParameterError
            The array has several time slots and the name has no room for them, or an argument cannot be used.
        RasterWriteError
            The file could not be written; nothing is left of it.

        Examples
        --------
        >>> stack.dl.composite(mask={"scl": [3, 8, 9]}).dl.to_cog("median.tif")  # doctest: +SKIP
        """
        from dawnlight.accessor._files import to_cog
        from dawnlight.accessor._variables import as_array

        return to_cog(
            as_array(self._obj),
            path,
            nodata=nodata,
            compress=compress,
            overviews=overviews,
            progress=progress,
        )

    def download(
        self,
        dest: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        format: str = "tif",
        *,
        nodata: float | None = None,
        progress: bool | None = None,
    ) -> list[Any]:
        """Save every time slot as a file of its own, named as `ImageCollection.download` names files.

        Parameters
        ----------
        dest : path or sequence of paths, optional
            A folder, in which files are called ``<image id>-<bands>.<format>`` (``mosaic-...`` where several
            images are in one); or one path for each slot, whose extension decides the format. By default the
            working folder.
        format : str, default "tif"
            ``"tif"``, ``"png"`` or ``"jpg"``. Pictures hold bytes: scale first, for example with
            ``.dl.scale("display")``.
        nodata : float, optional
            Value for missing pixels in a GeoTIFF; see `to_cog`.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        list
            Where the files are.

        Raises
        ------
        ParameterError, ParameterTypeError
            An argument cannot be used, or the format cannot hold such pixels.
        RasterWriteError
            A file could not be written. Files that were finished before stay.

        Examples
        --------
        >>> stack.dl.download("scenes")  # doctest: +SKIP
        """
        from dawnlight.accessor._files import download
        from dawnlight.accessor._variables import as_array

        return download(as_array(self._obj), dest, format=format, nodata=nodata, progress=progress)

    def to_zarr(
        self,
        path: str | os.PathLike[str] | Any,  # Any: a Zarr store
        *,
        chunks: Mapping[str, int] | None = None,
        overwrite: bool = False,
        progress: bool | None = None,
    ) -> Any:
        """Save as Zarr, region by region; a run that was broken off goes on where it stopped.

        All labels are kept, with the CRS as CF has it and as the GeoZarr conventions ``proj:`` and
        ``spatial:`` have it. ``xarray.open_zarr(path, decode_coords="all")`` brings the array back. The
        attribute ``zarr_conventions`` is a list of mappings, which netCDF cannot hold: to save what was
        reopened as netCDF, too, write ``reopened.drop_attrs(deep=False).to_netcdf(...)``; the CRS is kept.

        Parameters
        ----------
        path : str, path or Zarr store
            Where to write. An unfinished copy of the same array (same labels, types and chunks) is completed.
        chunks : mapping of int, optional
            Sizes of the store's chunks by dim. By default one time slot and the sizes of the lazy chunks, at
            most 1024 pixels a side. Irregular lazy chunks are made regular.
        overwrite : bool, default False
            Replace what is there.
        progress : bool, optional
            Show a progress bar.

        Returns
        -------
        str, path or store
            `path` as it was given.

        Raises
        ------
        MissingExtraError
            zarr is not installed (extra ``zarr``).
        ParameterError
            There is something else at `path`, or a chunk size cannot be used.

        Examples
        --------
        >>> stack.dl.to_zarr("stack.zarr")  # doctest: +SKIP
        """
        from dawnlight.accessor._zarr import to_zarr

        return to_zarr(self._obj, path, chunks=chunks, overwrite=overwrite, progress=progress)
