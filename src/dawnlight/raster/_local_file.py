"""Bytes of local files: handles that threads share, and the check that a file is still the one registered."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from dawnlight.errors import RasterNotFoundError, RasterReadError
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import Fingerprint, read_fingerprint
from dawnlight.raster._unchanged import check_unchanged

__all__ = ["LocalFile", "LocalFiles"]

_MAX_OPEN = 128
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_seeking = threading.Lock()


def _pread(descriptor: int, size: int, offset: int) -> bytes:
    """Read from a position; platforms that cannot do that in one call seek and read, one thread at a time."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _seeking:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


class LocalFile:
    """An open local file, read by position, so that threads can share it."""

    def __init__(self, file: FileRef) -> None:
        read_fingerprint(file.href)  # says what is wrong with a missing file, a folder, a device
        try:
            self._descriptor = os.open(file.href, _FLAGS)
        except FileNotFoundError as error:
            raise RasterNotFoundError(f"{file.href}: there is no such file") from error
        except OSError as error:
            raise RasterReadError(f"{file.href}: cannot be opened ({error.strerror or error})") from error
        self._file = file
        self.check()

    def check(self) -> None:
        """Raise if the file is not the one that was registered."""
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        check_unchanged(self._file, Fingerprint(size_bytes=status.st_size, modified_ns=status.st_mtime_ns))

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from a position; fewer at the end of the file."""
        try:
            data = _pread(self._descriptor, size, offset)
            while 0 < len(data) < size:
                more = _pread(self._descriptor, size - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data
        except OSError as error:
            raise self._unreadable(error) from error

    def read_into(self, offset: int, buffer: memoryview) -> memoryview:
        """Fill a buffer with bytes from a position; return what was filled, less at the end of the file."""
        if not hasattr(os, "preadv"):
            data = self.read(offset, len(buffer))
            buffer[: len(data)] = data
            return buffer[: len(data)]
        done = 0
        try:
            while done < len(buffer):
                count = os.preadv(self._descriptor, [buffer[done:]], offset + done)
                if not count:
                    break
                done += count
        except OSError as error:
            raise self._unreadable(error) from error
        return buffer[:done]

    def _unreadable(self, error: OSError) -> RasterReadError:
        return RasterReadError(f"{self._file.href}: cannot be read ({error.strerror or error})")

    def __del__(self) -> None:
        descriptor = getattr(self, "_descriptor", None)
        if descriptor is not None:
            os.close(descriptor)


class LocalFiles:
    """The open files of a reader, the least recently used closed first.

    A file that is dropped while a thread still reads it is closed when that thread lets go of it.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[FileRef, LocalFile] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, file: FileRef) -> LocalFile:
        """Return an open file, checked against what was registered."""
        with self._lock:
            found = self._open.get(file)
            if found is not None:
                self._open.move_to_end(file)
        if found is not None:
            found.check()
            return found
        made = LocalFile(file)
        with self._lock:
            self._open[file] = made
            dropped = [self._open.popitem(last=False)[1] for _ in range(len(self._open) - _MAX_OPEN)]
        del dropped
        return made
