"""The sources of a plan as columns: small to pickle, quick to search, the same for every chunk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._columns import Encoded, Names, decode, digest_of, encode, pack, unpack
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import is_remote
from dawnlight.raster._sources import Layout, RasterSource
from dawnlight.raster._steps import BoundStep

__all__ = ["Files", "SourceTable", "TableBuilder"]


class Files:
    """Files as they were when they were registered.

    What tables have in common: it is packed and digested once for all of them.

    Parameters
    ----------
    hrefs : Names
    sizes, modified : numpy.ndarray of int64
        Bytes, and nanoseconds since 1970; -1 where it is not known.
    """

    def __init__(self, hrefs: Names, sizes: NDArray[np.int64], modified: NDArray[np.int64]) -> None:
        self.hrefs = hrefs
        self.sizes = sizes
        self.modified = modified
        self._digest: bytes | None = None
        self._packed: list[Encoded] | None = None

    def __len__(self) -> int:
        return len(self.hrefs)

    def take(self, numbers: NDArray[np.intp]) -> Files:
        """Return some of the files."""
        hrefs = list(self.hrefs)
        chosen = Names([hrefs[number] for number in numbers.tolist()])
        return Files(chosen, self.sizes[numbers], self.modified[numbers])

    def ref(self, number: int, shape: tuple[int, int]) -> FileRef:
        """Return what a task needs of one file."""
        size, modified = int(self.sizes[number]), int(self.modified[number])
        return FileRef(
            href=self.hrefs[number],
            size_bytes=None if size < 0 else size,
            modified_ns=None if modified < 0 else modified,
            shape=shape,
        )

    def digest(self) -> bytes:
        """Return what tells these files from others, the same in every process."""
        if self._digest is None:
            self._digest = self.hrefs.digest() + digest_of((encode(self.sizes), encode(self.modified)))
        return self._digest

    def pack(self, first: Files) -> _PackedFiles:
        """Return these files for a pickle in which others come first."""
        if self._packed is None:
            self._packed = pack((encode(self.sizes), encode(self.modified)))
        change = None if self is first else self.hrefs.change_from(first.hrefs)
        return self.hrefs if change is None else change, self._packed

    @classmethod
    def unpack(cls, packed: _PackedFiles, first: Files | None) -> Files:
        """Return the files that `pack` was given."""
        hrefs, columns = packed
        if not isinstance(hrefs, Names):
            assert first is not None
            hrefs = first.hrefs.changed(*hrefs)
        return cls(hrefs, *(decode(column, np.int64) for column in unpack(columns)))


_PackedFiles = tuple[Names | tuple[bytes, bytes], list[Encoded]]
"""Names, or how they differ from those of the first files; sizes and dates."""


class SourceTable:
    """Which band of which file every (image, band) is read from.

    Files, grids and layouts are stored once and referred to by number, since thousands of images share a few
    grids. Rows are in the order of the collection.

    Attributes
    ----------
    images : Names
        Ids, one a row.
    files : tuple of Files
        The files are numbered from the first of the first to the last of the last.
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
        images: Names,
        files: tuple[Files, ...],
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
        self.files = files
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

    @property
    def hrefs(self) -> tuple[str, ...]:
        """Names of all files, by number; made anew each time."""
        return tuple(href for part in self.files for href in part.hrefs)

    @property
    def is_remote(self) -> bool:
        """Whether the files are on servers: the first one tells."""
        return any(is_remote(part.hrefs[0]) for part in self.files[:1] if len(part))

    def source(self, image: int, band: int) -> RasterSource | None:
        """Return the source of one band of one image, None where the image lacks the band."""
        number = int(self.file_of[image, band])
        if number < 0:
            return None
        grid = self.grids[self.grid_of[number]]
        return RasterSource(
            image=self.images[image],
            file=self.file(number, grid.shape),
            band=int(self.band_of[image, band]),
            geobox=grid,
            layout=self.layouts[self.layout_of[image, band]],
            steps=self.steps[self.steps_of[image, band]],
        )

    def file(self, number: int, shape: tuple[int, int]) -> FileRef:
        """Return what a task needs of a file whose grid has a shape."""
        for part in self.files:
            if number < len(part):
                return part.ref(number, shape)
            number -= len(part)
        raise IndexError(f"there is no file {number} beyond the last one")

    def grid_number(self, image: int, band: int) -> int:
        """Return the number of the grid that a band of an image lies on."""
        return int(self.grid_of[self.file_of[image, band]])

    def token(self) -> str:
        """Digest of everything that decides pixels; equal tables have equal tokens in every process."""
        digest = hashlib.blake2b(self.images.digest(), digest_size=16)
        for part in self.files:
            digest.update(part.digest())
        digest.update(digest_of(self._columns()))
        digest.update(repr((len(self.files), self._grid_records(), self.layouts, self.steps)).encode())
        return digest.hexdigest()

    def _columns(self) -> list[Encoded]:
        cells = (self.file_of, self.band_of, self.layout_of, self.steps_of)
        return [encode(self.grid_of), *(encode(column) for part in cells for column in part.T)]

    def _grid_records(self) -> list[tuple[Any, ...]]:
        return [(tuple(grid.transform)[:6], grid.shape, grid.crs.srs) for grid in self.grids]

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        files = [part.pack(self.files[0]) for part in self.files]
        columns = pack(self._columns())
        return _restore, (self.images, files, columns, self.grids, self.layouts, self.steps)


def _restore(
    images: Names,
    packed_files: list[_PackedFiles],
    packed: list[Encoded],
    grids: tuple[GeoBox, ...],
    layouts: tuple[Layout, ...],
    steps: tuple[tuple[BoundStep, ...], ...],
) -> SourceTable:
    files: list[Files] = []
    for part in packed_files:
        files.append(Files.unpack(part, files[0] if files else None))
    grid_of, *cells = (decode(column, np.int32) for column in unpack(packed))
    count = len(cells) // 4
    file_of, band_of, layout_of, steps_of = (
        np.array(cells[k * count : (k + 1) * count], dtype=np.int32).reshape(count, len(images)).T
        for k in range(4)
    )
    return SourceTable(
        images=images,
        files=tuple(files),
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
            images=Names(self._images),
            files=(Files(Names(hrefs), np.array(sizes, dtype=np.int64), np.array(modified, dtype=np.int64)),),
            grids=tuple(self._grids),
            grid_of=np.array(grid_of, dtype=np.int32),
            layouts=tuple(self._layouts),
            file_of=np.ascontiguousarray(cells[:, :, 0]),
            band_of=np.ascontiguousarray(cells[:, :, 1]),
            layout_of=np.ascontiguousarray(cells[:, :, 2]),
            steps=tuple(self._steps),
            steps_of=np.ascontiguousarray(cells[:, :, 3]),
        )
