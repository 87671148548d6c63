"""Estimating what the files have to give: tiles, requests and bytes, without opening any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dawnlight.geo import Window, spell_crs
from dawnlight.raster._composite import LazyComposite
from dawnlight.raster._explain_tasks import TaskCount
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import is_remote
from dawnlight.raster._lattice import GridPair
from dawnlight.raster._overviews import AREA_KERNELS, LevelChoice, choose_level
from dawnlight.raster._plan import ReadPlan, kernel_radius
from dawnlight.raster._remote_ahead import coalesce
from dawnlight.raster._sources import Layout
from dawnlight.raster._tiff import TiffFile, TiffLevel

if TYPE_CHECKING:
    from dawnlight.raster._lazy import LazyRaster

__all__ = ["ReadEstimate", "SourceGroup", "estimate_reads"]

_MOST_IMAGES = 128
_MOST_WINDOWS = 64
_MOST_GROUPS = 64
_POINTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceGroup:
    """Bands of files that are read in the same way."""

    bands: tuple[str, ...]
    """Output bands."""
    images: int
    """Images that are read so."""
    crs: str
    """CRS of the files."""
    resolution: tuple[float, float]
    """Size (x, y) of their pixels in units of it."""
    dtype: str
    """Type in which they are stored."""
    block: tuple[int, int]
    """Rows and columns of their internal tiles."""
    reader: str
    """Who decodes them, or that it is not known before one is opened."""
    overview: int
    """Which reduced copy is read; 0 is full resolution."""
    overview_shape: tuple[int, int]
    """Rows and columns of it."""
    ratio: tuple[float, float]
    """Size (y, x) of an output pixel in full-resolution pixels of the file."""
    resampled: bool
    """False where the grids agree and pixels are taken as they are."""
    kernel: str
    """Resampler; it does nothing where the grids agree."""


@dataclass(slots=True, kw_only=True)
class ReadEstimate:
    """Sums over all reads."""

    tiles: int = 0
    distinct_tiles: int = 0
    requests: int = 0
    stored_bytes: int = 0
    decoded_bytes: int = 0
    largest_read: int = 0
    """Memory of the largest window of a file, with its validity."""
    looked_at: int = 0
    of: int = 0
    unopened: bool = False
    unsized: bool = False
    sources: tuple[SourceGroup, ...] = ()


@dataclass(slots=True)
class _Sums:
    tiles: float = 0.0
    distinct: float = 0.0
    requests: float = 0.0
    stored: float = 0.0
    decoded: float = 0.0
    headers: set[FileRef] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Bands of one image in one file that are read together."""

    file: FileRef
    numbers: tuple[int, ...]
    layout: Layout
    pair: GridPair
    level: LevelChoice
    kernel: str
    known: Any
    """Its parsed directory, a `NotFast`, or None."""


def estimate_reads(lazy: LazyRaster | LazyComposite, tasks: TaskCount) -> ReadEstimate:
    """Estimate what the tasks of a selection read.

    Parameters
    ----------
    lazy
        The array.
    tasks
        What `count_tasks` found.
    """
    plan = lazy.plan
    bands = _bands_read(lazy, tasks.bands)
    found = ReadEstimate(of=len(tasks.used))
    chosen = tasks.used
    if len(chosen) > _MOST_IMAGES:
        # Drawn, as collections have rhythms (tiles, orbits), and always alike, so that two calls agree.
        chosen = np.random.default_rng(0).choice(chosen, _MOST_IMAGES, replace=False)
    found.looked_at = len(chosen)
    boxes = plan.image_boxes()
    sums = _Sums()
    for image in chosen.tolist():
        windows = tasks.windows(boxes[image])
        for part in _parts(plan, lazy.reader, image, bands):
            found.unopened |= not isinstance(part.known, TiffFile)
            found.unsized |= part.file.size_bytes is None and not isinstance(part.known, TiffFile)
            found.largest_read = max(found.largest_read, _add(sums, part, windows))
    factor = len(tasks.used) / max(len(chosen), 1)
    found.tiles, found.distinct_tiles = round(sums.tiles * factor), round(sums.distinct * factor)
    found.requests = round((sums.requests + len(sums.headers)) * factor)
    found.stored_bytes = round(sums.stored * factor)
    found.decoded_bytes = round(sums.decoded * factor)
    found.sources = _groups(plan, lazy.reader, np.unique(tasks.used), bands)
    return found


def _bands_read(lazy: LazyRaster | LazyComposite, bands: Sequence[int]) -> tuple[int, ...]:
    """Bands of the plan behind bands of the array, with those that only hide pixels."""
    alpha = () if lazy.plan.masks.alpha is None else (lazy.plan.masks.alpha,)
    if isinstance(lazy, LazyComposite):
        return tuple(dict.fromkeys((*bands, *(band for band, _ in lazy.rules), *alpha)))
    return tuple(dict.fromkeys((*(lazy.output.keep[band] for band in bands), *alpha)))


def _parts(plan: ReadPlan, reader: Any, image: int, bands: Sequence[int]) -> Iterator[_Part]:
    """List the reads of an image, bands of a file together."""
    table = plan.table
    groups: dict[tuple[Any, ...], list[int]] = {}
    for band in bands:
        number = int(table.file_of[image, band])
        if number >= 0:
            layout = table.layouts[table.layout_of[image, band]]
            pair = plan.pair(int(table.grid_of[number]))
            key = (number, layout.overviews, layout.block, plan.kernel(band, pair), plan.bands[band].category)
            groups.setdefault(key, []).append(band)
    for (_, _, _, kernel, category), members in groups.items():
        sources = [table.source(image, band) for band in members]
        first = sources[0]
        assert first is not None
        pair = plan.pair(table.grid_number(image, members[0]))
        yield _Part(
            file=first.file,
            numbers=tuple(source.band for source in sources if source is not None),
            layout=first.layout,
            pair=pair,
            level=_level(pair, first.layout, kernel, category),
            kernel=kernel,
            known=_directory(reader, first.file),
        )


def _level(pair: GridPair, layout: Layout, kernel: str, category: bool) -> LevelChoice:
    if pair.shift is not None:
        return choose_level((1.0, 1.0), pair.source.shape, layout, "near", category=True)
    return choose_level(pair.ratio, pair.source.shape, layout, kernel, category)


def _directory(reader: Any, file: FileRef) -> Any:
    known = getattr(reader, "known", None)
    return None if known is None else known(file)


def _add(sums: _Sums, part: _Part, windows: Sequence[Window]) -> int:
    """Add the windows of one file; returns the memory of the largest."""
    chosen = windows[:: max(-(-len(windows) // _MOST_WINDOWS), 1)]
    factor = len(windows) / max(len(chosen), 1)
    itemsize = np.dtype(part.layout.dtype).itemsize
    touched: Counter[tuple[int, int]] = Counter()
    runs = largest = 0
    block = _block(part)
    for window in chosen:
        found = source_window(part.pair, part.level, part.kernel, window)
        if found is None:
            continue
        rows = range(found.y // block[0], -(-found.stop_y // block[0]))
        cols = range(found.x // block[1], -(-found.stop_x // block[1]))
        tiles = [(row, col) for row in rows for col in cols]
        touched.update(tiles)
        runs += _requests(part, tiles, len(rows))
        largest = max(largest, found.size * len(part.numbers) * (itemsize + 1))
    count = touched.total()
    if not count:
        return 0
    planes = len(part.numbers) if _is_separate(part) else 1
    samples = 1 if planes > 1 else len(part.numbers)
    sums.tiles += count * factor * planes
    sums.distinct += len(touched) * factor * planes
    if is_remote(part.file.href):
        sums.requests += runs * factor
        if part.known is None:
            sums.headers.add(part.file)
    else:
        sums.requests += count * factor * planes
    decoded = count * factor * planes * block[0] * block[1] * samples * itemsize
    sums.decoded += decoded
    sums.stored += _stored(part, touched, decoded / factor) * factor
    return largest


def _requests(part: _Part, tiles: Sequence[tuple[int, int]], rows: int) -> int:
    """Range requests for tiles of a remote file: as they lie if that is known, else one for each row."""
    level = _tiff_level(part)
    if level is None:
        return rows
    ranges = [
        (int(level.offsets[number]), int(level.counts[number]))
        for number in (
            level.tile_number(row, col, plane)
            for row, col in tiles
            for plane in _planes(level, part.numbers)
            if row < level.down and col < level.across
        )
        if level.counts[number]
    ]
    return len(coalesce(sorted(ranges)))


def _tiff_level(part: _Part) -> TiffLevel | None:
    """Directory of the level that is read, if the file's directories are known."""
    if isinstance(part.known, TiffFile) and part.level.level < len(part.known.levels):
        return part.known.levels[part.level.level]
    return None


def _planes(level: TiffLevel, numbers: Sequence[int]) -> list[int]:
    return [number - 1 for number in numbers] if level.separate else [0]


def _block(part: _Part) -> tuple[int, int]:
    level = _tiff_level(part)
    if level is not None:
        return level.tile
    height, width = part.layout.block
    return min(height, part.level.shape[0]), min(width, part.level.shape[1])


def _is_separate(part: _Part) -> bool:
    return isinstance(part.known, TiffFile) and part.known.levels[0].separate


def _stored(part: _Part, touched: Counter[tuple[int, int]], decoded: float) -> float:
    """Compressed bytes of tiles: from the file's directory if known, else from its size."""
    level = _tiff_level(part)
    if level is not None:
        return _listed(level, part.numbers, touched)
    size = part.file.size_bytes
    if size is None:
        return decoded
    block = part.layout.block
    tiles = sum(
        -(-ny // block[0]) * -(-nx // block[1]) for ny, nx in (part.file.shape, *part.layout.overviews)
    )
    return min(size * touched.total() / max(tiles, 1), size * max(touched.values()))


def _listed(level: TiffLevel, numbers: Sequence[int], touched: Counter[tuple[int, int]]) -> float:
    planes = _planes(level, numbers)
    return float(
        sum(
            int(level.counts[level.tile_number(row, col, plane)]) * times
            for (row, col), times in touched.items()
            for plane in planes
            if row < level.down and col < level.across
        )
    )


def source_window(pair: GridPair, level: LevelChoice, kernel: str, window: Window) -> Window | None:
    """Pixels of a level that a window needs, from a few of its points instead of all: nearly right."""
    if pair.shift is not None:
        return window.shift(*pair.shift).intersect(Window(0, 0, *pair.source.shape))
    u, v = np.meshgrid(
        np.linspace(window.x, window.stop_x, _POINTS), np.linspace(window.y, window.stop_y, _POINTS)
    )
    x, y = pair.project(u, v)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return None
    spans = []
    for axis, values in ((0, y[finite]), (1, x[finite])):
        reach = 1 if kernel in AREA_KERNELS else kernel_radius(kernel, level.scale[axis]) + 1
        low = int(max(np.floor(values.min() * level.zoom[axis]) - reach, 0))
        high = int(min(np.ceil(values.max() * level.zoom[axis]) + reach, level.shape[axis]))
        if high <= low:
            return None
        spans.append((low, high - low))
    return Window(spans[0][0], spans[1][0], spans[0][1], spans[1][1])


def _groups(plan: ReadPlan, reader: Any, images: Any, bands: Sequence[int]) -> tuple[SourceGroup, ...]:
    """How the files are read, those that are read alike together; the most frequent first."""
    table = plan.table
    counts: dict[tuple[Any, ...], list[Any]] = {}
    for band in bands:
        here = images[table.file_of[images, band] >= 0]
        if not len(here):
            continue
        pairs = np.stack([table.grid_of[table.file_of[here, band]], table.layout_of[here, band]], axis=1)
        kinds, first, number = np.unique(pairs, axis=0, return_index=True, return_counts=True)
        order = np.argsort(-number)[:_MOST_GROUPS]
        for k in order.tolist():
            image = int(here[first[k]])
            key = _group(plan, reader, image, band, int(kinds[k][0]), int(kinds[k][1]))
            entry = counts.setdefault(key, [{}, 0])
            entry[0].setdefault(plan.bands[band].name, 0)
            entry[0][plan.bands[band].name] += int(number[k])
    found = [
        SourceGroup(
            bands=tuple(members),
            images=max(members.values()),
            crs=key[0],
            resolution=key[1],
            dtype=key[2],
            block=key[3],
            reader=key[4],
            overview=key[5],
            overview_shape=key[6],
            ratio=key[7],
            resampled=key[8],
            kernel=key[9],
        )
        for key, (members, _) in counts.items()
    ]
    return tuple(sorted(found, key=lambda group: -group.images)[:_MOST_GROUPS])


def _group(
    plan: ReadPlan, reader: Any, image: int, band: int, grid: int, layout_number: int
) -> tuple[Any, ...]:
    pair, layout = plan.pair(grid), plan.table.layouts[layout_number]
    kernel = plan.kernel(band, pair)
    level = _level(pair, layout, kernel, plan.bands[band].category)
    rx, ry = pair.source.resolution
    source = plan.table.source(image, band)
    assert source is not None
    ratio = (round(float(pair.ratio[0]), 2), round(float(pair.ratio[1]), 2))
    return (
        spell_crs(pair.source.crs),
        (rx, ry),
        layout.dtype,
        layout.block,
        _reader_of(reader, source.file),
        level.level,
        level.shape,
        ratio,
        pair.shift is None,
        kernel,
    )


def _reader_of(reader: Any, file: FileRef) -> str:
    if not hasattr(reader, "known"):
        return type(reader).__name__
    known = reader.known(file)
    if known is None:
        return "not known before the file is opened"
    return "fast" if isinstance(known, TiffFile) else f"GDAL: {known}"
