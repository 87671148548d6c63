"""Arrays that are to become images: one form for NumPy, masked and labelled arrays, lazy or not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import BandError, ParameterError, ParameterTypeError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._drafts import FileLayout
from dawnlight.raster._dtypes import numpy_dtype
from dawnlight.raster._gdal_header import DTYPES
from dawnlight.raster._writers_draft import write_draft
from dawnlight.search import Document, wire_to_number

__all__ = ["PixelArray", "normalize_arrays", "write_array"]

_BLOCK_BYTES = 64 * 2**20
_SIDE = 1024
_HORIZONTAL = frozenset(("x", "lon", "longitude", "easting"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelArray:
    """The pixels of one file."""

    data: Any
    """Array (band, y, x) of NumPy or dask; for masked ones of NumPy the data without the mask."""
    dtype: np.dtype[Any]
    """What is written; values are converted to it where missing ones made them floats."""
    mask: NDArray[np.bool_] | None = None
    """True = invalid, for masked arrays of NumPy."""
    missing: bool = False
    """Whether NaN stands for missing pixels, although `dtype` is an integer."""
    geobox: GeoBox | None = None
    """Where the pixels are, if the array says it."""
    names: tuple[str, ...] = ()
    """Names of the bands, if the array says them."""
    fill: float | None = None
    """Value that the array's own notes name for missing pixels."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.data.shape[1]), int(self.data.shape[2])

    @property
    def count(self) -> int:
        """Number of bands."""
        return int(self.data.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels as they are written."""
        return self.count * self.shape[0] * self.shape[1] * self.dtype.itemsize


def normalize_arrays(value: Any) -> list[PixelArray]:
    """Return arrays in one form; nothing is computed.

    Parameters
    ----------
    value : array or iterable of arrays
        NumPy arrays (masked or not), dask arrays, or xarray `DataArray`; each (y, x) or (band, y, x).

    Returns
    -------
    list of PixelArray
        One for each file.

    Raises
    ------
    ParameterError
        There is none, or one has another number of dims, another type, or no pixel.
    ParameterTypeError
        One is no array.
    """
    if _is_array(value):
        arrays = [value]
    else:
        try:
            arrays = list(value)
        except TypeError:
            raise ParameterTypeError(
                f"ndarray={value!r:.100} must be an array or an iterable of arrays"
            ) from None
    if not arrays:
        raise ParameterError("ndarray holds no array")
    return [_normalize(array, number if len(arrays) > 1 else None) for number, array in enumerate(arrays)]


def write_array(array: PixelArray, path: Path, geobox: GeoBox, bands: Sequence[Document]) -> None:
    """Write the pixels of a file, block by block.

    Parameters
    ----------
    array : PixelArray
        The pixels; lazy ones are computed a block at a time.
    path : Path
        File to make: an uncompressed GeoTIFF.
    geobox : GeoBox
        Where the pixels are.
    bands : sequence of Document
        Bands of the product that the file serves; their nodata value marks missing pixels.

    Raises
    ------
    RasterWriteError
        Not everything could be written.
    BandError
        Values do not fit the type that the array notes.
    """
    nodata = _choose_nodata(array, bands)
    alpha = nodata is None and (array.mask is not None or array.missing)
    count = array.count + alpha
    names = array.names or tuple("" for _ in range(array.count))
    layout = FileLayout(
        geobox=geobox,
        dtype=array.dtype.name,
        count=count,
        nodata=nodata,
        descriptions=[name or None for name in names] + [None] * alpha,
        colors=[None] * array.count + ["alpha"] if alpha else (),
    )
    tile = 512
    while tile > 64 and tile * tile * count * array.dtype.itemsize > _BLOCK_BYTES // 4:
        tile //= 2
    write_draft(path, _blocks(array, nodata, alpha=alpha), layout, tile=tile)


# -- in --------------------------------------------------------------------------------------------------


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape") and hasattr(value, "ndim")


def _normalize(array: Any, number: int | None) -> PixelArray:
    what = "ndarray" if number is None else f"ndarray[{number}]"
    if not _is_array(array):
        raise ParameterTypeError(f"{what}={array!r:.100} must be an array, not {type(array).__name__}")
    if hasattr(array, "dims") and hasattr(array, "coords"):
        return _from_labelled(array, what)
    if array.ndim not in (2, 3):
        raise ParameterError(f"{what} has shape {array.shape}; it must be (y, x), or (band, y, x)")
    _check_pixels(array, what)
    if array.ndim == 3 and 5 * array.shape[0] > min(array.shape[1:]):
        warnings.warn(
            f"{what} has shape {array.shape}: {array.shape[0]} bands of {array.shape[1]} x {array.shape[2]} "
            "pixels. If that is not what you mean, put the band axis first",
            UserWarning,
            stacklevel=5,
        )
    data = array[np.newaxis] if array.ndim == 2 else array
    mask = None
    if isinstance(array, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(data)
        data, mask = np.ma.getdata(data), mask if mask.any() else None
    return PixelArray(data=data, dtype=_check_dtype(array.dtype, what), mask=mask)


def _from_labelled(array: Any, what: str) -> PixelArray:
    if "time" in array.dims:
        if array.sizes["time"] != 1:
            raise ParameterError(
                f"{what} has {array.sizes['time']} times, and an image has one: upload each, "
                "for example array.isel(time=0)"
            )
        array = array.isel(time=0)
    spatial = [dim for dim in array.dims if dim != "band"]
    if len(spatial) != 2:
        raise ParameterError(f"{what} has dims {array.dims}; besides 'band' there must be two, y and x")
    if str(spatial[0]) in _HORIZONTAL:
        spatial.reverse()
    _check_pixels(array, what)
    geobox = array.dl.geobox
    names: tuple[str, ...] = ()
    if "band" in array.coords and array.coords["band"].dtype.kind in "UO":
        names = tuple(str(name) for name in np.atleast_1d(array.coords["band"].values))
    if "band" in array.dims:
        array = array.transpose("band", *spatial)
        data = array.data
    else:
        array = array.transpose(*spatial)
        data = array.data[np.newaxis]
    if isinstance(data, np.ma.MaskedArray):
        raise ParameterTypeError(f"{what} holds a masked array; labelled arrays mark missing pixels by NaN")
    noted = array.encoding.get("_FillValue")
    fill = None if noted is None else float(noted)
    native = _native_dtype(array)
    if native is not None:
        return PixelArray(data=data, dtype=native, missing=True, geobox=geobox, names=names, fill=fill)
    return PixelArray(data=data, dtype=_check_dtype(array.dtype, what), geobox=geobox, names=names, fill=fill)


def _native_dtype(array: Any) -> np.dtype[Any] | None:
    """Return the integer type of values that are floats only because some are missing; None for others.

    Loading notes it in the array's encoding and attributes, and arithmetic drops the encoding.
    """
    stored = array.encoding.get("dtype")
    if array.dtype.kind != "f" or stored is None or np.dtype(stored).kind not in "iu":
        return None
    name = array.attrs.get("data_type")
    native = numpy_dtype(name) if isinstance(name, str) else np.dtype(stored)
    return native if native.name in DTYPES and np.can_cast(native, np.dtype(stored)) else None


def _check_pixels(array: Any, what: str) -> None:
    if 0 in array.shape:
        raise ParameterError(f"{what} has shape {tuple(array.shape)} and thus no pixel")


def _check_dtype(dtype: Any, what: str) -> np.dtype[Any]:
    if np.dtype(dtype).name not in DTYPES:
        raise ParameterError(
            f"{what} holds {np.dtype(dtype).name}; images hold {', '.join(DTYPES)}: "
            "convert it, for example with .astype('int16')"
        )
    native: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    return native


# -- out -------------------------------------------------------------------------------------------------


def _choose_nodata(array: PixelArray, bands: Sequence[Document]) -> float | None:
    """Choose the value that marks missing pixels; None if there are none, or no value is free for it."""
    declared = {band.get("nodata") for band in bands}
    spelled = declared.pop() if len(declared) == 1 else None
    common = None if spelled is None else wire_to_number(spelled)
    if common is not None and not _holds(array.dtype, common):
        common = None
    if array.dtype.kind == "f":
        return common if common is not None and array.mask is not None else math.nan
    if array.missing:
        # Whether a value is free is not known before all is computed; a declared one is meant to be.
        own = array.fill if array.fill is not None and _holds(array.dtype, array.fill) else None
        return common if common is not None else own
    if array.mask is None:
        return common if common is not None else array.fill
    info = np.iinfo(array.dtype)
    valid = array.data[~array.mask]
    for value in (common, 0, info.min, info.max):
        if value is not None and not (valid == array.dtype.type(value)).any():
            return float(value)
    return None


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    if dtype.kind == "f":
        return True
    info = np.iinfo(dtype)
    return math.isfinite(value) and value == int(value) and info.min <= value <= info.max


def _blocks(array: PixelArray, nodata: float | None, *, alpha: bool) -> Iterator[tuple[Window, NDArray[Any]]]:
    for window in _windows(array):
        rows, columns = slice(window.y, window.stop_y), slice(window.x, window.stop_x)
        block = np.asarray(array.data[:, rows, columns])
        if array.missing:
            gone = np.isnan(block)
            values = _to_integers(block, gone, array.dtype, nodata)
        else:
            gone = np.zeros(0, bool) if array.mask is None else array.mask[:, rows, columns]
            values = block.astype(array.dtype, copy=False)
            if array.mask is not None and nodata is not None:
                values = np.where(gone, array.dtype.type(nodata), values)
        if alpha:
            opaque = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1
            shown = np.where(gone.all(axis=0), 0, opaque).astype(array.dtype)
            values = np.concatenate([values, shown[np.newaxis]])
        yield window, values


def _to_integers(
    block: NDArray[Any], gone: NDArray[np.bool_], dtype: np.dtype[Any], nodata: float | None
) -> NDArray[Any]:
    whole = np.where(gone, 0 if nodata is None else nodata, block)
    values = whole.astype(dtype)
    if not np.array_equal(values, whole):
        raise BandError(
            f"the array notes that its values are {dtype.name}, and they are not any more; convert it with "
            f".astype('float32'), or with .round().astype('{dtype.name}') where no pixel is missing"
        )
    return values


def _windows(array: PixelArray) -> Iterator[Window]:
    """Yield windows that follow the chunks of a lazy array, and are of bounded size for others."""
    height, width = array.shape
    chunks = getattr(array.data, "chunks", None)
    if chunks is None:
        step = max(_BLOCK_BYTES // (array.count * array.dtype.itemsize * width), 1)
        heights, widths = _steps(height, min(step, _SIDE)), [width]
    else:
        heights, widths = list(chunks[1]), list(chunks[2])
    y = 0
    for rows in heights:
        x = 0
        for columns in widths:
            yield Window(y, x, int(rows), int(columns))
            x += columns
        y += rows


def _steps(size: int, step: int) -> list[int]:
    return [min(step, size - start) for start in range(0, size, step)]
