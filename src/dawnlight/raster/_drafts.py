"""What a raster file is to be, and files that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

from numpy.typing import NDArray

from dawnlight.errors import ParameterError, ParameterTypeError, RasterError, RasterWriteError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._dtypes import DATA_TYPES

__all__ = ["Blocks", "FileLayout", "Target", "publish", "scale_and_offset", "unwritable"]

Blocks: TypeAlias = Iterable[tuple[Window, NDArray[Any]]]
Target: TypeAlias = "str | os.PathLike[str] | IO[bytes]"

_DTYPES = tuple(dtype.name for dtype in DATA_TYPES.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLayout:
    """What a raster file is to be, apart from its pixels."""

    geobox: GeoBox
    """Where the pixels are."""
    dtype: str
    """One of the seven data types of catalog bands, as numpy names them."""
    count: int
    """Number of bands."""
    nodata: float | None = None
    """Nodata value of all bands."""
    descriptions: Sequence[str | None] = ()
    """Name of each band."""
    colors: Sequence[str | None] = ()
    """GDAL's colour interpretation of each band, such as ``"alpha"``."""
    scales: Sequence[float] = ()
    """Physical value = sample * scale + offset, one for each band."""
    offsets: Sequence[float] = ()
    """See `scales`."""
    units: Sequence[str | None] = ()
    """Unit of the physical value of each band."""
    colormap: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    """Colour table (red, green, blue, alpha; 0 to 255) of a file with one band of bytes or UInt16."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Metadata items of the file."""

    def __post_init__(self) -> None:
        if self.dtype not in _DTYPES:
            raise ParameterError(f"dtype={self.dtype!r} must be one of {', '.join(_DTYPES)}")
        if self.count < 1 or 0 in self.geobox.shape:
            raise ParameterError(f"nothing to write: {self.count} bands of {self.geobox.shape} pixels")
        for name in ("descriptions", "colors", "scales", "offsets", "units"):
            given = len(getattr(self, name))
            if given not in (0, self.count):
                raise ParameterError(f"{name} has {given} entries for {self.count} bands")


def scale_and_offset(
    data_range: tuple[float, float] | None, physical_range: tuple[float, float] | None
) -> tuple[float, float]:
    """Return what turns samples into physical values, sample * scale + offset; (1, 0) where nothing is known.

    Parameters
    ----------
    data_range, physical_range
        Two samples, and the physical values that they stand for.
    """
    if data_range is None or physical_range is None or data_range[0] == data_range[1]:
        return 1.0, 0.0
    scale = (physical_range[1] - physical_range[0]) / (data_range[1] - data_range[0])
    return scale, physical_range[0] - data_range[0] * scale


@contextmanager
def publish(target: Target, name: str) -> Iterator[Path]:
    """Lend a folder to work in; the file `name` in it becomes the target if all goes well.

    A target that is a path gets its new content in one step, after it is safely on disk. On failure, an old
    file stays as it was and nothing else is left behind.

    Parameters
    ----------
    target : str, path-like or binary file
        Missing folders above a path are made.
    name : str
        Of the finished file in the lent folder.

    Yields
    ------
    Path
        An empty folder; on the target's own file system if that is a path.

    Raises
    ------
    ParameterTypeError
        The target is neither a path nor a file open for writing bytes.
    RasterWriteError
        The file system refused.
    """
    path = None if hasattr(target, "write") else _to_path(target)
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".dawnlight-", dir=path and path.parent))
    except OSError as error:
        raise unwritable(path or target, error) from error
    try:
        yield folder
        if path is not None:
            _move(folder / name, path)
        else:
            with open(folder / name, "rb") as finished:
                shutil.copyfileobj(finished, target)  # type: ignore[arg-type]  # has `write`
    except RasterError:
        raise  # a source that cannot be read, for one, is told as such
    except OSError as error:
        raise unwritable(path or target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _to_path(target: Any) -> Path:
    if not isinstance(target, (str, os.PathLike)):
        raise ParameterTypeError(
            f"{target!r} must be a path or a file open for writing bytes, not {type(target).__name__}"
        )
    path = Path(os.fspath(target))
    if path.is_dir():
        raise ParameterError(f"{str(path)!r} is a folder; give the name of a file in it")
    return path


def _move(finished: Path, path: Path) -> None:
    with open(finished, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(finished, path)
    if os.name == "posix":
        # The new name, too, must survive a power cut.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def unwritable(target: object, why: object) -> RasterWriteError:
    """Return the error that says a file cannot be written, and why."""
    name = str(target) if isinstance(target, (str, os.PathLike)) else type(target).__name__
    return RasterWriteError(f"{name!r} cannot be written: {why}")
