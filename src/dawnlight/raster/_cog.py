"""The fast reader: tiles of (cloud-optimised) GeoTIFFs, fetched and decoded without GDAL.

It parses a file's directories once, fetches only the tiles that a window touches, decompresses them with
libdeflate or zstd into a buffer that is used again, and undoes the predictor in the same pass that puts the
pixels in place. Tiles that a window uses only in part are kept decoded for the next window. Everything it
does not know how to decode (`NotFast`) is read by GDAL, with identical pixels.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError, RasterReadError
from dawnlight.geo import Window
from dawnlight.raster._decode import decompress, scratch
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import is_remote
from dawnlight.raster._local_file import LocalFile, LocalFiles
from dawnlight.raster._reader import Pixels, RasterReader
from dawnlight.raster._tiff import NotFast, TiffFile, TiffLevel, parse_tiff
from dawnlight.raster._tile_cache import TileCache, tiles

__all__ = ["CogReader", "shared_reader"]

_MAX_HEADERS = 20_000


class CogReader:
    """Reads GeoTIFF tiles by itself and leaves the rest to another reader.

    Parameters
    ----------
    fallback : RasterReader, optional
        Who reads what this reader does not; a `GdalReader` by default.

    Examples
    --------
    >>> reader = CogReader()
    >>> data, valid = reader.read(header.ref, (1,), 0, window, masks=("none",))  # doctest: +SKIP
    """

    def __init__(self, fallback: RasterReader | None = None) -> None:
        self._given = fallback
        self._fallback = fallback
        self._files = LocalFiles()
        self._headers: OrderedDict[FileRef, TiffFile | NotFast] = OrderedDict()
        self._lock = threading.Lock()
        self._cache: TileCache = tiles

    def __reduce__(self) -> tuple[Any, ...]:
        # Open files and headers stay; the copy is the reader that its process already has.
        return (shared_reader, ()) if self._given is None else (type(self), (self._given,))

    def __dask_tokenize__(self) -> tuple[str]:
        return ("dawnlight.CogReader",)

    @property
    def fallback(self) -> RasterReader:
        """Who reads what this reader does not."""
        if self._fallback is None:
            from dawnlight.raster._gdal import GdalReader

            self._fallback = GdalReader()
        return self._fallback

    def read(
        self,
        file: FileRef,
        bands: tuple[int, ...],
        level: int,
        window: Window,
        *,
        masks: tuple[str, ...],
        out: NDArray[Any] | None = None,
    ) -> Pixels:
        """Read a window of some bands of a file; see `RasterReader.read`."""
        if len(masks) != len(bands):
            raise ParameterError(f"{len(masks)} masks for {len(bands)} bands")
        try:
            plan = self._plan(file, bands, level, window, masks)
        except NotFast:
            return self.fallback.read(file, bands, level, window, masks=masks)
        tiff, pixels, mask = plan
        handle = self._files.open(file)
        samples = np.array([band - 1 for band in bands], dtype=np.int64)
        try:
            data = self._window(handle, file, pixels, samples, window, tiff.nodata, out)
            valid = None if set(masks) <= {"none"} else self._valid(handle, file, pixels, mask, masks, window)
        except RasterReadError as error:
            where = (
                f"rows {window.y}-{window.stop_y - 1}, columns {window.x}-{window.stop_x - 1}, level {level}"
            )
            raise RasterReadError(f"{file.href}: {error} ({where})") from error
        return data, valid

    def is_fast(self, file: FileRef) -> bool:
        """Whether this reader decodes a file itself."""
        try:
            self._header(file)
        except NotFast:
            return False
        return True

    def known(self, file: FileRef) -> TiffFile | NotFast | None:
        """Return a file's directories or why GDAL reads it, if it was opened before; nothing is opened."""
        if is_remote(file.href):
            return NotFast("remote files are left to GDAL")
        with self._lock:
            return self._headers.get(file)

    # -- what to read --------------------------------------------------------------------------------

    def _plan(
        self, file: FileRef, bands: tuple[int, ...], level: int, window: Window, masks: tuple[str, ...]
    ) -> tuple[TiffFile, TiffLevel, TiffLevel | None]:
        tiff = self._header(file)
        if level >= len(tiff.levels):
            raise NotFast("the overview is not in the file")
        pixels = tiff.levels[level]
        if tiff.levels[0].shape != file.shape or max(bands) > pixels.samples:
            raise NotFast("the file is not as it was registered")  # GDAL says how
        if window.y < 0 or window.x < 0 or window.stop_y > pixels.shape[0] or window.stop_x > pixels.shape[1]:
            raise RasterReadError(
                f"{file.href}: {window} is not inside the {pixels.shape} pixels of the level"
            )
        mask = None
        if "internal" in masks:
            mask = tiff.masks.get(pixels.shape)
            if mask is None or mask.dtype not in ("bit", "u1"):
                raise NotFast("its mask is not in the file")
        if "alpha" in masks and (pixels.alpha is None or pixels.dtype != "u1"):
            raise NotFast("its alpha band is not marked as one")
        return tiff, pixels, mask

    def _header(self, file: FileRef) -> TiffFile:
        """Directories of a file, parsed once."""
        with self._lock:
            found = self._headers.get(file)
            if found is not None:
                self._headers.move_to_end(file)
        if found is None:
            found = self._parse(file)
            with self._lock:
                self._headers[file] = found
                while len(self._headers) > _MAX_HEADERS:
                    self._headers.popitem(last=False)
        if isinstance(found, NotFast):
            raise found
        return found

    def _parse(self, file: FileRef) -> TiffFile | NotFast:
        if is_remote(file.href):
            return NotFast("remote files are left to GDAL")
        handle = self._files.open(file)
        try:
            return parse_tiff(handle.read, handle.size)
        except NotFast as verdict:
            return verdict

    # -- pixels --------------------------------------------------------------------------------------

    def _window(
        self,
        handle: LocalFile,
        file: FileRef,
        level: TiffLevel,
        samples: NDArray[np.int64],
        window: Window,
        nodata: float | None,
        given: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        from dawnlight.raster._kernels_unpack import unpack

        unsigned = "u1" if level.dtype == "bit" else f"u{level.dtype[1:]}"
        shape = (len(samples), *window.shape)
        fits = given is not None and given.shape == shape and given.dtype == np.dtype(level.dtype)
        out = given.view(unsigned) if given is not None and fits else np.empty(shape, dtype=unsigned)
        one = np.zeros(1, dtype=np.int64)
        planes = [(int(s), one) for s in samples] if level.separate else [(0, samples)]
        for part in _parts(window, level):
            for position, (plane, wanted) in enumerate(planes):
                target = out[position : position + 1] if level.separate else out
                number = level.tile_number(part.row, part.column, plane)
                if level.counts[number] == 0:
                    target[part.area] = _sparse(level.dtype, nodata)
                else:
                    tile, raw = self._tile(handle, file, level, part, number)
                    unpack(tile, wanted, raw, part.top, part.left, target, part.out_top, part.out_left)
        if given is not None and fits:
            return given
        return out if level.dtype == "bit" else out.view(level.dtype)

    def _tile(
        self, handle: LocalFile, file: FileRef, level: TiffLevel, part: _Part, number: int
    ) -> tuple[NDArray[Any], bool]:
        """Return a tile (rows, columns, samples), and whether it still holds differences.

        A tile that the window uses whole is decoded into a buffer of the thread; others are kept decoded.
        """
        from dawnlight.raster._kernels_unpack import integrate

        size = level.tile_bytes(part.row)
        if part.whole:
            return _shape(level, part.row, self._stored(handle, level, number, scratch(size)))

        def decode() -> NDArray[Any]:
            buffer = np.empty(size, dtype=np.uint8)
            tile, raw = _shape(level, part.row, self._stored(handle, level, number, buffer))
            if not raw:
                return tile
            summed = np.empty_like(tile)
            integrate(tile, summed)
            return summed

        return self._cache.get((file, level.shape, level.dtype, number), decode), False

    def _stored(
        self, handle: LocalFile, level: TiffLevel, number: int, buffer: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        packed = handle.read(int(level.offsets[number]), int(level.counts[number]))
        if len(packed) != int(level.counts[number]):
            raise RasterReadError("the file ends inside a tile")
        return decompress(level.compression, packed, buffer)

    def _valid(
        self,
        handle: LocalFile,
        file: FileRef,
        level: TiffLevel,
        mask: TiffLevel | None,
        masks: tuple[str, ...],
        window: Window,
    ) -> NDArray[np.bool_]:
        valid = np.ones((len(masks), window.height, window.width), dtype=np.bool_)
        first = np.zeros(1, dtype=np.int64)
        decoded: dict[str, NDArray[np.bool_]] = {}
        for position, kind in enumerate(masks):
            if kind == "none":
                continue
            if kind not in decoded:
                if kind == "internal":
                    assert mask is not None
                    decoded[kind] = self._window(handle, file, mask, first, window, None)[0] != 0
                else:
                    alpha = np.array([level.alpha], dtype=np.int64)
                    decoded[kind] = self._window(handle, file, level, alpha, window, None)[0] != 0
            valid[position] = decoded[kind]
        return valid


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a window takes from one tile."""

    row: int
    """Tile row."""
    column: int
    """Tile column."""
    top: int
    """First row of the tile that is used."""
    left: int
    """First column of the tile that is used."""
    out_top: int
    """Where that row goes in the window."""
    out_left: int
    """Where that column goes in the window."""
    area: tuple[slice, slice, slice]
    """The part of the output that the tile fills."""
    whole: bool
    """Whether all of the tile is used, as far as the image goes."""


def _parts(window: Window, level: TiffLevel) -> Iterator[_Part]:
    """Cut a window along the tiles."""
    height, width = level.tile
    for row in range(window.y // height, -(-window.stop_y // height)):
        for column in range(window.x // width, -(-window.stop_x // width)):
            y, x = row * height, column * width
            top, left = max(window.y - y, 0), max(window.x - x, 0)
            stop_y, stop_x = min(y + height, level.shape[0]), min(x + width, level.shape[1])
            out_top, out_left = max(y - window.y, 0), max(x - window.x, 0)
            yield _Part(
                row=row,
                column=column,
                top=top,
                left=left,
                out_top=out_top,
                out_left=out_left,
                area=np.s_[:, out_top : stop_y - window.y, out_left : stop_x - window.x],
                whole=not top and not left and window.stop_y >= stop_y and window.stop_x >= stop_x,
            )


def _shape(level: TiffLevel, row: int, data: NDArray[np.uint8]) -> tuple[NDArray[Any], bool]:
    """View unpacked bytes as (rows, columns, samples) of unsigned integers; True if differences remain."""
    rows, columns, count = level.tile_rows(row), level.tile[1], level.tile_samples
    if level.dtype == "bit":
        bits = np.unpackbits(data.reshape(rows, -1), axis=1)[:, :columns]
        return bits.reshape(rows, columns, 1), False
    width = int(level.dtype[1:])
    if level.predictor == 3:
        from dawnlight.raster._kernels_unpack import join_floats

        joined = np.empty_like(data)
        join_floats(data.reshape(rows, -1), width, count, joined.reshape(rows, -1))
        return joined.view(f"<u{width}").astype(f"u{width}", copy=False).reshape(rows, columns, count), False
    samples = data.view(f"u{width}")
    if level.swap:
        samples = samples.byteswap()
    return samples.reshape(rows, columns, count), level.predictor == 2


def _sparse(dtype: str, nodata: float | None) -> Any:
    """Value of a tile that is not stored, as the bits that the output holds: nodata, else 0."""
    if nodata is None or dtype == "bit":
        return 0
    kind = np.dtype(dtype)
    if kind.kind != "f":
        info = np.iinfo(kind)
        if np.isnan(nodata) or not info.min <= nodata <= info.max:
            return 0
    return np.array([nodata]).astype(kind).view(f"u{kind.itemsize}")[0]


_shared: CogReader | None = None


def shared_reader() -> CogReader:
    """Return the reader of this process, whose open files and headers serve all arrays."""
    global _shared
    if _shared is None:
        _shared = CogReader()
    return _shared
