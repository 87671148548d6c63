"""Files that appear whole or not at all, and rasters written block by block with bounded memory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from dawnlight.errors import ParameterError, ParameterTypeError, RasterWriteError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._gdal_header import DTYPES
from dawnlight.raster._gdal_open import reason

__all__ = ["Blocks", "FileLayout", "Target", "publish", "write_draft"]

Blocks: TypeAlias = Iterable[tuple[Window, NDArray[Any]]]
Target: TypeAlias = "str | os.PathLike[str] | IO[bytes]"

_TILE = 512


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
        if self.dtype not in DTYPES:
            raise ParameterError(f"dtype={self.dtype!r} must be one of {', '.join(DTYPES)}")
        if self.count < 1 or 0 in self.geobox.shape:
            raise ParameterError(f"nothing to write: {self.count} bands of {self.geobox.shape} pixels")
        for name in ("descriptions", "colors", "scales", "offsets", "units"):
            given = len(getattr(self, name))
            if given not in (0, self.count):
                raise ParameterError(f"{name} has {given} entries for {self.count} bands")


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
        raise _unwritable(path or target, error) from error
    try:
        yield folder
        if path is not None:
            _move(folder / name, path)
        else:
            with open(folder / name, "rb") as finished:
                shutil.copyfileobj(finished, target)  # type: ignore[arg-type]  # has `write`
    except (OSError, RasterioError) as error:
        if isinstance(error, RasterWriteError):
            raise
        raise _unwritable(path or target, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_draft(path: Path, blocks: Blocks, layout: FileLayout) -> None:
    """Write blocks into an uncompressed tiled file, from which the final one is made.

    Uncompressed, because a block may then cover part of a tile without the tile being packed twice.

    Parameters
    ----------
    path : Path
        File to make.
    blocks : iterable of (Window, ndarray)
        Arrays are (band, y, x). Together they must cover the grid.
    layout : FileLayout
        What to write.

    Raises
    ------
    ParameterError
        A block does not fit, or pixels are missing.
    RasterWriteError
        Not all bytes reached the disk.
    """
    height, width = layout.geobox.shape
    tiled = {"tiled": True, "blockxsize": _TILE, "blockysize": _TILE} if min(height, width) > _TILE else {}
    written = 0
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=height,
        width=width,
        count=layout.count,
        dtype=layout.dtype,
        nodata=layout.nodata,
        crs=layout.geobox.crs.to_wkt(),
        transform=layout.geobox.transform,
        interleave="pixel",
        # GDAL guesses RGB from the number of bands; three bands of reflectance are no picture.
        photometric="minisblack",
        bigtiff="if_safer",
        **tiled,
    ) as file:
        _describe(file, layout)
        for window, block in blocks:
            _check_block(window, block, layout)
            rows_columns = ((window.y, window.stop_y), (window.x, window.stop_x))
            if block.size:
                file.write(np.ascontiguousarray(block), window=rows_columns)
            written += window.size
    if written != height * width:
        raise ParameterError(f"the blocks hold {written} pixels of a grid of {height} x {width}")
    least = height * width * layout.count * np.dtype(layout.dtype).itemsize
    if path.stat().st_size < least:
        # GDAL does not always tell that a disk is full.
        raise OSError(f"only {path.stat().st_size} of {least} bytes could be written; is the disk full?")


def _check_block(window: Window, block: NDArray[Any], layout: FileLayout) -> None:
    expected = (layout.count, window.height, window.width)
    height, width = layout.geobox.shape
    if block.shape != expected or block.dtype != layout.dtype:
        raise ParameterError(
            f"block at {window} is {block.dtype}{block.shape}; it must be {layout.dtype}{expected}"
        )
    if min(window.y, window.x) < 0 or window.stop_y > height or window.stop_x > width:
        raise ParameterError(f"block at {window} reaches beyond the grid of {height} x {width} pixels")


def _describe(file: Any, layout: FileLayout) -> None:
    for index, text in enumerate(layout.descriptions):
        if text:
            file.set_band_description(index + 1, text)
    if any(layout.colors):
        found = list(file.colorinterp)
        file.colorinterp = [
            ColorInterp[color] if color else found[index] for index, color in enumerate(layout.colors)
        ]
    if layout.scales:
        file.scales = tuple(layout.scales)
    if layout.offsets:
        file.offsets = tuple(layout.offsets)
    if any(layout.units):
        file.units = tuple(unit or "" for unit in layout.units)
    if layout.colormap:
        file.write_colormap(1, dict(layout.colormap))
    if layout.tags:
        file.update_tags(**layout.tags)


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


def _unwritable(target: object, error: BaseException) -> RasterWriteError:
    return RasterWriteError(f"{str(target)!r} cannot be written: {reason(error)}")
