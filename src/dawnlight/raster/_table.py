"""The sources of a plan as columns: small to pickle, quick to search, the same for every chunk."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._header import FileRef
from dawnlight.raster._sources import Layout, RasterSource
from dawnlight.raster._steps import BoundStep

__all__ = ["SourceTable", "TableBuilder"]

_LEVEL = 3
"""How hard a table is packed for its way to a worker: the names of files are much alike."""


class SourceTable:
    """Which band of which file every (image, band) is read from.

    Files, grids and layouts are stored once and referred to by number, since thousands of images share a few
    grids. Rows are in the order of the collection.

    Attributes
    ----------
    images : tuple of str
        Ids, one a row.
    file_of : numpy.ndarray of int32, (image, band)
        Number of the file, -1 where the image lacks the band.
    grid_of : numpy.ndarray of int32, (file,)
        Number of the file's grid.
    grids : tuple of GeoBox
    layouts : tuple of Layout
    steps : tuple of tuple of BoundStep
        The different processing steps; the first entry is none at all.
    """

    def __init__(
        self,
        *,
        images: tuple[str, ...],
        hrefs: tuple[str, ...],
        sizes: NDArray[np.int64],
        modified: NDArray[np.int64],
        grids: tuple[GeoBox, ...],
        grid_of: NDArray[np.int32],
        layouts: tuple[Layout, ...],
        file_of: NDArray[np.int32],
        band_of: NDArray[np.int32],
        layout_of: NDArray[np.int32],
        steps: tuple[tuple[BoundStep, ...], ...],
        steps_of: NDArray[np.int32],
    ) -> None:
        self.images = images
        self.hrefs = hrefs
        self.sizes = sizes
        self.modified = modified
        self.grids = grids
        self.grid_of = grid_of
        self.layouts = layouts
        self.file_of = file_of
        self.band_of = band_of
        self.layout_of = layout_of
        self.steps = steps
        self.steps_of = steps_of

    @classmethod
    def from_sources(cls, rows: Sequence[Sequence[RasterSource | None]]) -> SourceTable:
        """Build the table from one row of sources an image, one source a band.

        Every row needs at least one source; it gives the image's id.
        """
        builder = TableBuilder(len(rows[0]) if rows else 0)
        for row in rows:
            named = next(source for source in row if source is not None)
            builder.add_image(named.image)
            for band, source in enumerate(row):
                if source is not None:
                    builder.set_source(band, source)
        return builder.build()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def band_count(self) -> int:
        """Number of output bands."""
        return int(self.file_of.shape[1])

    def source(self, image: int, band: int) -> RasterSource | None:
        """Return the source of one band of one image, None where the image lacks the band."""
        number = int(self.file_of[image, band])
        if number < 0:
            return None
        grid = self.grids[self.grid_of[number]]
        size, modified = int(self.sizes[number]), int(self.modified[number])
        return RasterSource(
            image=self.images[image],
            file=FileRef(
                href=self.hrefs[number],
                size_bytes=None if size < 0 else size,
                modified_ns=None if modified < 0 else modified,
                shape=grid.shape,
            ),
            band=int(self.band_of[image, band]),
            geobox=grid,
            layout=self.layouts[self.layout_of[image, band]],
            steps=self.steps[self.steps_of[image, band]],
        )

    def grid_number(self, image: int, band: int) -> int:
        """Return the number of the grid that a band of an image lies on."""
        return int(self.grid_of[self.file_of[image, band]])

    def token(self) -> str:
        """Digest of everything that decides pixels; equal tables have equal tokens in every process."""
        digest = hashlib.blake2b(digest_size=16)
        for part in self._columns():
            digest.update(part if isinstance(part, bytes) else part.tobytes())
        digest.update(repr((self._grid_records(), self.layouts, self.steps)).encode())
        return digest.hexdigest()

    def _columns(self) -> Iterable[Any]:
        yield _join(self.images)
        yield _join(self.hrefs)
        yield from self._arrays()

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return (
            self.sizes,
            self.modified,
            self.grid_of,
            self.file_of,
            self.band_of,
            self.layout_of,
            self.steps_of,
        )

    def _grid_records(self) -> list[tuple[Any, ...]]:
        return [(tuple(grid.transform)[:6], grid.shape, grid.crs.srs) for grid in self.grids]

    def __reduce__(self) -> tuple[Any, tuple[bytes, tuple[Any, ...]]]:
        packed = zlib.compress(_join(self.images) + _join(self.hrefs), _LEVEL)
        arrays = tuple(
            (zlib.compress(np.ascontiguousarray(part).tobytes(), _LEVEL), part.dtype.str, part.shape)
            for part in self._arrays()
        )
        return _restore, (packed, (arrays, self.grids, self.layouts, self.steps))


def _join(names: Iterable[str]) -> bytes:
    """Text of names, each ended by the one character that no file name holds."""
    return "\0".join((*names, "")).encode(errors="surrogatepass")


def _restore(packed: bytes, rest: tuple[Any, ...]) -> SourceTable:
    arrays, grids, layouts, steps = rest
    sizes, modified, grid_of, file_of, band_of, layout_of, steps_of = (
        np.frombuffer(zlib.decompress(data), dtype=dtype).reshape(shape) for data, dtype, shape in arrays
    )
    names = zlib.decompress(packed).decode(errors="surrogatepass").split("\0")
    images, hrefs = names[: len(file_of)], names[len(file_of) : -1]
    return SourceTable(
        images=tuple(images),
        hrefs=tuple(hrefs),
        sizes=sizes,
        modified=modified,
        grids=grids,
        grid_of=grid_of,
        layouts=layouts,
        file_of=file_of,
        band_of=band_of,
        layout_of=layout_of,
        steps=steps,
        steps_of=steps_of,
    )


class TableBuilder:
    """Collects images one by one, storing each file, grid and layout once.

    Parameters
    ----------
    band_count
        Number of output bands.
    """

    def __init__(self, band_count: int) -> None:
        self._band_count = band_count
        self._images: list[str] = []
        self._files: dict[tuple[str, int, int, int], int] = {}
        self._grids: dict[GeoBox, int] = {}
        self._layouts: dict[Layout, int] = {}
        self._steps: dict[tuple[BoundStep, ...], int] = {(): 0}
        self._cells: list[tuple[int, int, int, int]] = []

    def add_image(self, image: str) -> None:
        """Begin a row; bands that are not set stay absent."""
        self._images.append(image)
        self._cells.extend([(-1, 0, -1, 0)] * self._band_count)

    def set_source(self, band: int, source: RasterSource) -> None:
        """Give a band of the latest image its source."""
        grid = self._grids.setdefault(source.geobox, len(self._grids))
        file = self.file(source.file.href, source.file.size_bytes, source.file.modified_ns, grid)
        self.set_cell(band, file, source.band, self.layout(source.layout), self.steps(source.steps))

    def file(self, href: str, size_bytes: int | None, modified_ns: int | None, grid: int) -> int:
        """Return the number of a file as it was when it was registered."""
        size, modified = -1 if size_bytes is None else size_bytes, -1 if modified_ns is None else modified_ns
        return self._files.setdefault((href, size, modified, grid), len(self._files))

    def layout(self, layout: Layout) -> int:
        """Return the number of a layout."""
        return self._layouts.setdefault(layout, len(self._layouts))

    def steps(self, steps: tuple[BoundStep, ...]) -> int:
        """Return the number of a sequence of processing steps."""
        return self._steps.setdefault(steps, len(self._steps))

    def set_cell(self, band: int, file: int, number: int, layout: int, steps: int = 0) -> None:
        """Give a band of the latest image its file, its number there (from 1), its layout and its steps."""
        self._cells[band - self._band_count] = (file, number, layout, steps)

    def build(self) -> SourceTable:
        """Return the finished table."""
        hrefs, sizes, modified, grid_of = zip(*self._files, strict=True) if self._files else ((), (), (), ())
        cells = np.array(self._cells, dtype=np.int32).reshape(len(self._images), self._band_count, 4)
        return SourceTable(
            images=tuple(self._images),
            hrefs=hrefs,
            sizes=np.array(sizes, dtype=np.int64),
            modified=np.array(modified, dtype=np.int64),
            grids=tuple(self._grids),
            grid_of=np.array(grid_of, dtype=np.int32),
            layouts=tuple(self._layouts),
            file_of=np.ascontiguousarray(cells[:, :, 0]),
            band_of=np.ascontiguousarray(cells[:, :, 1]),
            layout_of=np.ascontiguousarray(cells[:, :, 2]),
            steps=tuple(self._steps),
            steps_of=np.ascontiguousarray(cells[:, :, 3]),
        )
