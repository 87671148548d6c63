"""Counting the tasks of a selection, and the images they meet, by boxes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._chunks import Sizes
from dawnlight.raster._plan import ReadPlan

if TYPE_CHECKING:
    from dawnlight.raster._composite import LazyComposite
    from dawnlight.raster._lazy import LazyRaster

__all__ = ["Selection", "TaskCount", "count_tasks"]

_MOST_CELLS = 4_000_000
"""Largest number of chunks looked at one by one; of more, evenly spaced time slots are."""
_MOST_OUTLINES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A part of a lazy array."""

    layers: tuple[int, ...]
    """Numbers of the time slots."""
    bands: tuple[int, ...]
    """Numbers of the bands of the array."""
    rows: tuple[int, int]
    """First row, and the one after the last."""
    cols: tuple[int, int]
    """First column, and the one after the last."""

    @classmethod
    def everything(cls, lazy: LazyRaster | LazyComposite) -> Selection:
        """Select all of an array."""
        bands, ny, nx = lazy.shape[-3:]
        return cls(
            layers=tuple(range(len(lazy.plan.layers))),
            bands=tuple(range(bands)),
            rows=(0, ny),
            cols=(0, nx),
        )

    @property
    def height(self) -> int:
        """Rows."""
        return max(self.rows[1] - self.rows[0], 0)

    @property
    def width(self) -> int:
        """Columns."""
        return max(self.cols[1] - self.cols[0], 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCount:
    """The tasks of a selection."""

    count: int
    """How many."""
    empty: int
    """How many of them no image reaches."""
    sampled: bool
    """Whether the empty ones were counted in a part of the time slots."""
    largest: tuple[int, int, int, int]
    """Sizes (layers, bands, rows, columns) of the largest task."""
    images_used: int
    """Images that reach the selection."""
    images_skipped: int
    """Images of its time slots that do not."""
    used: NDArray[np.int64]
    """Numbers of the used images, with repetition where several time slots use one."""
    bands: tuple[int, ...]
    """Bands of the array that are read."""
    y: NDArray[np.int64]
    """Edges of the chunks along y."""
    x: NDArray[np.int64]
    """Edges of the chunks along x."""
    wanted: NDArray[np.bool_]
    """Which chunks (y, x) the cutline reaches."""

    def windows(self, box: NDArray[np.float64]) -> list[Window]:
        """Chunks that a box (y0, x0, y1, x1) meets."""
        first_y, stop_y = _span(self.y, box[0], box[2])
        first_x, stop_x = _span(self.x, box[1], box[3])
        return [
            self.window(i, j)
            for i in range(first_y, stop_y)
            for j in range(first_x, stop_x)
            if self.wanted[i, j]
        ]

    def window(self, i: int, j: int) -> Window:
        """Window of one chunk."""
        y, x = int(self.y[i]), int(self.x[j])
        return Window(y, x, int(self.y[i + 1]) - y, int(self.x[j + 1]) - x)


def count_tasks(plan: ReadPlan, sizes: Sizes, wanted: Selection, *, whole_chunks: bool) -> TaskCount:
    """Count the tasks that a selection needs.

    Parameters
    ----------
    plan
        What to read.
    sizes
        Chunks along (layer, band, y, x).
    wanted
        The part asked for.
    whole_chunks
        Whether chunks are read whole.
    """
    blocks, layers = _blocks(sizes[0], wanted.layers, whole_chunks)
    band_blocks, bands = _blocks(sizes[1], wanted.bands, whole_chunks)
    y = _edges(sizes[2], wanted.rows, whole_chunks)
    x = _edges(sizes[3], wanted.cols, whole_chunks)
    reached = _reached(plan, y, x)
    boxes = plan.image_boxes()
    members = np.array([image for layer in layers for image in plan.layers[layer]], dtype=np.int64)
    here = _meets(boxes[members], y, x) if members.size else np.zeros(0, dtype=bool)
    full, sampled = _full_share(plan, boxes, blocks, y, x, reached)
    spatial = max(len(y) - 1, 0) * max(len(x) - 1, 0)
    count = len(blocks) * len(band_blocks) * spatial
    used = members[here]
    return TaskCount(
        count=count,
        empty=round(count * (1 - full)),
        sampled=sampled,
        largest=(
            max(map(len, blocks), default=0),
            max(map(len, band_blocks), default=0),
            int(np.diff(y).max(initial=0)),
            int(np.diff(x).max(initial=0)),
        ),
        images_used=len(np.unique(used)),
        images_skipped=len(np.setdiff1d(members, used)),
        used=used,
        bands=bands,
        y=y,
        x=x,
        wanted=reached,
    )


def _blocks(
    sizes: Sequence[int], wanted: Sequence[int], whole: bool
) -> tuple[list[list[int]], tuple[int, ...]]:
    """Members of each chunk along an axis that a selection touches, and all of them in order."""
    stops = np.cumsum(sizes)
    blocks: dict[int, list[int]] = {}
    for index in wanted:
        blocks.setdefault(int(np.searchsorted(stops, index, side="right")), []).append(index)
    if whole:
        blocks = {k: list(range(int(stops[k] - sizes[k]), int(stops[k]))) for k in blocks}
    return list(blocks.values()), tuple(index for members in blocks.values() for index in members)


def _edges(sizes: Sequence[int], span: tuple[int, int], whole: bool) -> NDArray[np.int64]:
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    start, stop = span
    if stop <= start:
        return edges[:0]
    first = int(np.searchsorted(edges, start, side="right")) - 1
    last = int(np.searchsorted(edges, stop, side="left"))
    touched = edges[first : last + 1]
    return touched if whole else touched.clip(start, stop)


def _reached(plan: ReadPlan, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which chunks the cutline reaches; all where there is none, or are too many to look at."""
    found = np.ones((max(len(y) - 1, 0), max(len(x) - 1, 0)), dtype=bool)
    if plan.cutline is None or found.size > _MOST_OUTLINES:
        return found
    for i, j in np.ndindex(found.shape):
        window = Window(int(y[i]), int(x[j]), int(y[i + 1] - y[i]), int(x[j + 1] - x[j]))
        found[i, j] = plan.cutline.touches(window)
    return found


def _meets(boxes: NDArray[np.float64], y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.bool_]:
    if not len(y) or not len(x):
        return np.zeros(len(boxes), dtype=bool)
    found: NDArray[np.bool_] = (
        (boxes[:, 0] < y[-1]) & (boxes[:, 1] < x[-1]) & (boxes[:, 2] > y[0]) & (boxes[:, 3] > x[0])
    )
    return found


def _span(edges: NDArray[np.int64], low: float, high: float) -> tuple[int, int]:
    """Chunks [first, stop) that an interval meets."""
    first = int(np.searchsorted(edges[1:], low, side="right"))
    stop = int(np.searchsorted(edges[:-1], high, side="left"))
    return first, max(stop, first)


def _full_share(
    plan: ReadPlan,
    boxes: NDArray[np.float64],
    blocks: list[list[int]],
    y: NDArray[np.int64],
    x: NDArray[np.int64],
    reached: NDArray[np.bool_],
) -> tuple[float, bool]:
    """Part of the chunks that at least one image reaches, and whether it was estimated."""
    ny, nx = reached.shape
    if not blocks or not reached.size:
        return 1.0, False
    most = max(_MOST_CELLS // reached.size, 1)
    step = -(-len(blocks) // most)
    chosen = blocks[::step]
    pairs = [(k, image) for k, block in enumerate(chosen) for layer in block for image in plan.layers[layer]]
    if not pairs:
        return 0.0, step > 1
    block, image = np.array(pairs, dtype=np.int64).T
    box = boxes[image]
    first_y, stop_y = np.searchsorted(y[1:], box[:, 0], "right"), np.searchsorted(y[:-1], box[:, 2], "left")
    first_x, stop_x = np.searchsorted(x[1:], box[:, 1], "right"), np.searchsorted(x[:-1], box[:, 3], "left")
    some = (stop_y > first_y) & (stop_x > first_x)
    # Corners of each image's rectangle of chunks; summed up along both axes they fill it.
    steps = np.zeros((len(chosen), ny + 1, nx + 1), dtype=np.int32)
    for rows, cols, sign in (
        (first_y, first_x, 1),
        (stop_y, stop_x, 1),
        (first_y, stop_x, -1),
        (stop_y, first_x, -1),
    ):
        np.add.at(steps, (block[some], rows[some], cols[some]), sign)
    filled = steps.cumsum(axis=1).cumsum(axis=2)[:, :-1, :-1] > 0
    return float((filled & reached).sum()) / filled.size, step > 1
