"""The fast reader: tiles of (cloud-optimised) GeoTIFFs, fetched and decoded without GDAL.

It parses a file's directories once, fetches only the tiles that a window touches, decompresses them with
libdeflate or zstd into a buffer that is used again, and undoes the predictor in the same pass that puts the
pixels in place. Tiles of which another window needs a part are kept decoded for it. What it needs of
remote files is asked for all at once, and decoded as it comes. Everything it does not know how to decode
(`NotFast`) is read by GDAL, with identical pixels.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.errors import ParameterError, RasterError, RasterReadError
from dawnlight.geo import Window
from dawnlight.raster._buffers import lend, scratch
from dawnlight.raster._decode import decompress
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import is_remote
from dawnlight.raster._local_file import LocalFile, LocalFiles
from dawnlight.raster._reader import Pixels, RasterReader, Request
from dawnlight.raster._remote_ahead import Ahead, Wanted, current, io_pool, not_held, skip, take
from dawnlight.raster._remote_file import HeaderBytes, RemoteFile, can_ask
from dawnlight.raster._tiff import NotFast, TiffFile, TiffLevel, parse_tiff
from dawnlight.raster._tile_cache import TileCache, tiles
from dawnlight.raster._tile_parts import TilePart, tile_parts

__all__ = ["CogReader", "shared_reader"]

_MAX_HEADERS = 20_000
_PACKED = 16 * 2**20
"""Stored tiles up to so many bytes are read into a buffer of the thread."""


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
        self._headers: OrderedDict[FileRef, _Known] = OrderedDict()
        self._opening: dict[FileRef, threading.Lock] = {}
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
        extent: Window | None = None,
    ) -> Pixels:
        """Read a window of some bands of a file; see `RasterReader.read`."""
        if len(masks) != len(bands):
            raise ParameterError(f"{len(masks)} masks for {len(bands)} bands")
        request = Request(file, bands, level, window, masks, extent)
        try:
            plan = self._plan(request)
        except NotFast:
            return self.fallback.read(file, bands, level, window, masks=masks)
        handle: _Handle = plan.remote or self._files.open(file)
        samples = np.array([band - 1 for band in bands], dtype=np.int64)
        try:
            with self._fetching(request, plan) if plan.remote else nullcontext():
                data = self._window(handle, file, plan.pixels, samples, (window, extent), plan.nodata, out)
                if set(masks) <= {"none"}:
                    return data, None
                return data, self._valid(handle, file, plan.pixels, plan.mask, masks, (window, extent))
        except RasterReadError as error:
            where = (
                f"rows {window.y}-{window.stop_y - 1}, columns {window.x}-{window.stop_x - 1}, level {level}"
            )
            text = str(error).removeprefix(f"{file.href}: ")
            raise RasterReadError(f"{file.href}: {text} ({where})") from error

    def ahead(self, requests: Sequence[Request]) -> AbstractContextManager[object]:
        """Fetch what these reads of remote files need, until the context ends.

        Parameters
        ----------
        requests
            What the thread is going to `read`, in that order. Local files, and those that are left to the
            other reader, may be among them.

        Returns
        -------
        context manager
        """
        requests = [request for request in requests if is_remote(request.file.href)]
        if not requests:
            return nullcontext()
        failures = self._open_together({request.file for request in requests})
        wanted: list[Wanted] = []
        for request in requests:
            if request.file not in failures:
                try:
                    wanted += self._ranges(request, self._plan(request))
                except (NotFast, RasterError):
                    continue  # the read itself says what is wrong
        return Ahead(not_held(wanted), failures)

    def is_fast(self, file: FileRef) -> bool:
        """Whether this reader decodes a file itself."""
        return not isinstance(self._known(file).tiff, NotFast)

    def known(self, file: FileRef) -> TiffFile | NotFast | None:
        """Return a file's directories or why GDAL reads it, if it was opened before; nothing is opened."""
        with self._lock:
            found = self._headers.get(file)
        return found.tiff if found else None

    # -- what to read --------------------------------------------------------------------------------

    def _plan(self, request: Request) -> _Plan:
        file, bands, level, window, masks, _ = request
        known = self._known(file)
        tiff = known.tiff
        if isinstance(tiff, NotFast):
            raise tiff
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
        return _Plan(pixels=pixels, mask=mask, nodata=tiff.nodata, remote=known.remote)

    def _known(self, file: FileRef) -> _Known:
        """Directories of a file, parsed once."""
        with self._lock:
            found = self._headers.get(file)
            if found is not None:
                self._headers.move_to_end(file)
                return found
            opening = self._opening.setdefault(file, threading.Lock())
        for ahead in current():
            if file in ahead.failures:
                raise ahead.failures[file]
        with opening:
            try:
                found = self._headers.get(file) or self._parse(file)
            finally:
                with self._lock:
                    self._opening.pop(file, None)
            with self._lock:
                self._headers[file] = found
                while len(self._headers) > _MAX_HEADERS:
                    self._headers.popitem(last=False)
        return found

    def _parse(self, file: FileRef) -> _Known:
        try:
            if not is_remote(file.href):
                handle = self._files.open(file)
                return _Known(parse_tiff(handle.read, handle.size))
            if not can_ask(file.href):
                return _Known(NotFast("only GDAL finds its credentials here"))
            remote = RemoteFile(file)
            return _Known(parse_tiff(HeaderBytes(remote).read, remote.size), remote)
        except NotFast as verdict:
            return _Known(verdict)

    def _open_together(self, files: set[FileRef]) -> dict[FileRef, RasterError]:
        """Read the headers that are not known yet, all at once; return what failed."""
        failures: dict[FileRef, RasterError] = {}
        unknown = [file for file in files if file not in self._headers]
        opened = {file: io_pool().submit(self._known, file) for file in unknown[1:]}
        for file in unknown:
            try:
                if file in opened:
                    opened[file].result()
                else:
                    self._known(file)
            except RasterError as error:
                failures[file] = error
        return failures

    def _ranges(self, request: Request, plan: _Plan) -> list[Wanted]:
        """List the stored tiles that a read of a remote file needs, each as often as it is used."""
        assert plan.remote is not None
        looks = [(plan.pixels, tuple(band - 1 for band in request.bands))]
        if "internal" in request.masks and plan.mask is not None:
            looks.append((plan.mask, (0,)))
        if "alpha" in request.masks and plan.pixels.alpha is not None:
            looks.append((plan.pixels, (plan.pixels.alpha,)))
        found: list[Wanted] = []
        for level, samples in looks:
            for part in tile_parts(request.window, level, request.extent):
                for plane in samples if level.separate else (0,):
                    number = level.tile_number(part.row, part.column, plane)
                    count = int(level.counts[number])
                    if count and (part.whole or _cache_key(request.file, level, number) not in self._cache):
                        found.append((plan.remote, int(level.offsets[number]), count))
        return found

    def _fetching(self, request: Request, plan: _Plan) -> AbstractContextManager[object]:
        """Fetch what no surrounding `ahead` of this thread fetches."""
        wanted = not_held(self._ranges(request, plan))
        return Ahead(wanted) if wanted else nullcontext()

    # -- pixels --------------------------------------------------------------------------------------

    def _window(
        self,
        handle: _Handle,
        file: FileRef,
        level: TiffLevel,
        samples: NDArray[np.int64],
        place: _Place,
        nodata: float | None,
        given: NDArray[Any] | None = None,
    ) -> NDArray[Any]:
        from dawnlight.raster._kernels_unpack import unpack

        unsigned = "u1" if level.dtype == "bit" else f"u{level.dtype[1:]}"
        window, extent = place
        shape = (len(samples), *window.shape)
        fits = given is not None and given.shape == shape and given.dtype == np.dtype(level.dtype)
        out = given.view(unsigned) if given is not None and fits else np.empty(shape, dtype=unsigned)
        one = np.zeros(1, dtype=np.int64)
        planes = [(int(s), one) for s in samples] if level.separate else [(0, samples)]
        for part in tile_parts(window, level, extent):
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
        self, handle: _Handle, file: FileRef, level: TiffLevel, part: TilePart, number: int
    ) -> tuple[NDArray[Any], bool]:
        """Return a tile (rows, columns, samples), and whether it holds differences.

        A tile that no other window needs is decoded into a buffer of the thread; others are kept decoded.
        Their differences stay: summing up what a window takes costs less than writing the tile once more.
        """
        size = level.tile_bytes(part.row)
        differs = level.predictor == 2 and level.dtype != "bit"
        if part.whole:
            tile = _shape(level, part.row, self._stored(handle, level, number, scratch(size)))
            tile.flags.writeable = False  # as those of the cache, for which the kernels are compiled
            return tile, differs

        # What is undone on the way ends up elsewhere than in the bytes of the decompressor.
        copied = level.predictor == 3 or level.dtype == "bit" or level.swap
        decoded = False

        def decode() -> NDArray[Any]:
            nonlocal decoded
            decoded = True
            buffer = scratch(size) if copied else lend(size)
            return _shape(level, part.row, self._stored(handle, level, number, buffer))

        tile = self._cache.get(_cache_key(file, level, number), decode, part.share)
        if isinstance(handle, RemoteFile) and not decoded:
            skip(handle, int(level.offsets[number]), int(level.counts[number]))
        return tile, differs

    def _stored(
        self, handle: _Handle, level: TiffLevel, number: int, buffer: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        offset, size = int(level.offsets[number]), int(level.counts[number])
        packed: bytes | memoryview
        if isinstance(handle, RemoteFile):
            packed = take(handle, offset, size)
        elif size <= _PACKED:
            packed = handle.read_into(offset, scratch(size, "packed").data)
        else:
            packed = handle.read(offset, size)
        if len(packed) != size:
            raise RasterReadError("the file ends inside a tile")
        return decompress(level.compression, packed, buffer)

    def _valid(
        self,
        handle: _Handle,
        file: FileRef,
        level: TiffLevel,
        mask: TiffLevel | None,
        masks: tuple[str, ...],
        place: _Place,
    ) -> NDArray[np.bool_]:
        window = place[0]
        valid = np.ones((len(masks), window.height, window.width), dtype=np.bool_)
        first = np.zeros(1, dtype=np.int64)
        decoded: dict[str, NDArray[np.bool_]] = {}
        for position, kind in enumerate(masks):
            if kind == "none":
                continue
            if kind not in decoded:
                if kind == "internal":
                    assert mask is not None
                    decoded[kind] = self._window(handle, file, mask, first, place, None)[0] != 0
                else:
                    alpha = np.array([level.alpha], dtype=np.int64)
                    decoded[kind] = self._window(handle, file, level, alpha, place, None)[0] != 0
            valid[position] = decoded[kind]
        return valid


_Handle = LocalFile | RemoteFile

_Place = tuple[Window, Window | None]
"""A window, and what all reads of the array take."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of a file."""

    tiff: TiffFile | NotFast
    remote: RemoteFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Where the pixels of a read are."""

    pixels: TiffLevel
    mask: TiffLevel | None
    nodata: float | None
    remote: RemoteFile | None


def _cache_key(file: FileRef, level: TiffLevel, number: int) -> tuple[object, ...]:
    return file, level.shape, level.dtype, number


def _shape(level: TiffLevel, row: int, data: NDArray[np.uint8]) -> NDArray[Any]:
    """View unpacked bytes as (rows, columns, samples) of unsigned integers, differences as they are."""
    rows, columns, count = level.tile_rows(row), level.tile[1], level.tile_samples
    if level.dtype == "bit":
        bits = np.unpackbits(data.reshape(rows, -1), axis=1)[:, :columns]
        return bits.reshape(rows, columns, 1)
    width = int(level.dtype[1:])
    if level.predictor == 3:
        from dawnlight.raster._kernels_unpack import join_floats

        joined = np.empty_like(data)
        join_floats(data.reshape(rows, -1), width, count, joined.reshape(rows, -1))
        return joined.view(f"<u{width}").astype(f"u{width}", copy=False).reshape(rows, columns, count)
    samples = data.view(f"u{width}")
    if level.swap:
        samples = samples.byteswap()
    return samples.reshape(rows, columns, count)


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
