"""Exact coordinates of output pixels on a source grid, cheap enough to use everywhere.

Projecting every pixel through PROJ costs more than reading it. So the coordinates are computed exactly on a
lattice of nodes every `STEP` output pixels and are linear in between. The nodes sit at fixed places of the
*whole* output grid, so a pixel's coordinate does not depend on the window that asks for it::

    output pixels   |0 . . . . . . . 15|16 . . . . .
    nodes           *------------------*------------     node k lies on the corner of pixel k * STEP

Each cell is checked at its centre and the middle of its edges. Where linear is off by more than `TOLERANCE`
source pixels (strong curvature, the antimeridian, a pole, the rim of a geostationary disk), all pixels of
the cell are projected exactly. The check, too, depends only on the cell.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from dawnlight._options import get_options
from dawnlight.geo import GeoBox, Window
from dawnlight.geo._crs import WGS84, meters_per_unit, normalize_crs, same_crs, transformer
from dawnlight.geo._project import is_cylindrical

__all__ = ["EDGE", "TOLERANCE", "Coordinates", "GridPair", "world_width"]

TOLERANCE = 1e-3
"""Largest error of a coordinate in source pixels before a cell is projected pixel by pixel."""

EDGE = 1e-3
"""How far, in source pixels, a source reaches beyond its last pixel.

Neighbouring tiles whose headers are rounded overlap by it, instead of leaving a hairline without pixels.
"""

_TORN = 5e6
"""Metres. No output pixel is that wide: corners so far apart lie at opposite edges of the source's map."""

_STEP = 16
_EMPTY: NDArray[np.floating[Any]] = np.empty((0, 0), dtype=np.float64)
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinates:
    """Positions of a block's pixels on the source grid, in full-resolution source pixels.

    Either the nodes describe them, or the dense arrays do; the other pair has no elements.
    """

    nodes_x: Floats
    nodes_y: Floats
    dense_x: Floats
    dense_y: Floats
    low: tuple[float, float]
    """Least (y, x) of any pixel's centre or corner; NaN-free; inf when no pixel has a position."""
    high: tuple[float, float]
    """Greatest (y, x) of any pixel's centre or corner."""

    @property
    def where(self) -> tuple[Floats, Floats, Floats, Floats]:
        """The four arrays in the order the kernels take."""
        return self.nodes_x, self.nodes_y, self.dense_x, self.dense_y

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        return sum(part.nbytes for part in self.where)


class GridPair:
    """How an output grid lies on a source grid.

    Parameters
    ----------
    source
        Grid of the file at full resolution.
    target
        Grid of the whole output.
    """

    def __init__(self, source: GeoBox, target: GeoBox) -> None:
        self.source = source
        self.target = target
        self._same = same_crs(source.crs, target.crs)
        self._inverse = ~source.transform
        self._turn = world_width(source)
        self.period = self._period()
        self.shift = self._whole_shift()
        self.ratio = self._pixel_ratio()

    @property
    def torn(self) -> tuple[float, float]:
        """Size (y, x) in source pixels beyond which an output pixel is torn apart by the edge of the map."""
        rx, ry = self.source.resolution
        meters = meters_per_unit(self.source.crs)
        return _TORN / meters / ry, _TORN / meters / rx

    # -- relations of the whole grids ----------------------------------------------------------------

    def _period(self) -> float:
        """Width of the world in source pixels where the source repeats along its rows, else 0."""
        source = self.source
        return abs(self._turn / source.transform.a) if source.is_axis_aligned else 0.0

    def _whole_shift(self) -> tuple[int, int] | None:
        """Output row 0 and column 0 as (row, column) of the source when the grids agree to 1e-3 pixels."""
        if not self._same:
            return None
        x, y = _apply(self._inverse, *_apply(self.target.transform, 0, 0))
        shift = (round(y), round(x))
        ny, nx = self.target.shape
        for u, v in ((0, 0), (nx, 0), (0, ny), (nx, ny)):
            x, y = _apply(self._inverse, *_apply(self.target.transform, u, v))
            if abs(x - u - shift[1]) > TOLERANCE or abs(y - v - shift[0]) > TOLERANCE:
                return None
        if self.period and not -self.target.width < shift[1] < self.source.width:
            # A source on the other side of the antimeridian: the same grid, whole turns away.
            turns = round((shift[1] + self.target.width / 2 - self.source.width / 2) / self.period)
            moved = shift[1] - turns * self.period
            if abs(moved - round(moved)) > TOLERANCE:
                return None
            shift = (shift[0], round(moved))
        if self.period and self.target.width > self.period - self.source.width:
            return None  # the output may meet the source twice
        return shift

    def _pixel_ratio(self) -> tuple[float, float]:
        """Size (y, x) of an output pixel in source pixels, taken where the two grids meet."""
        x, y = self._meeting_point()
        sx, sy = self.project(
            x + np.array([-0.5, 0.0, 0.5, 0, 0, 0]), y + np.array([0, 0, 0, -0.5, 0.0, 0.5])
        )
        # Of the two halves of a pixel the smaller one: the edge of the map can lie in the other.
        steps = [
            _half_step(values[k : k + 3], period)
            for values, period in ((sx, self.period), (sy, 0.0))
            for k in (0, 3)
        ]
        ratio = 2 * math.hypot(*steps[2:]), 2 * math.hypot(*steps[:2])
        if not all(math.isfinite(r) and r > 0 for r in ratio):
            return 1.0, 1.0
        return ratio

    def _meeting_point(self) -> tuple[float, float]:
        """Output position (column, row) of the source's centre, moved into the output."""
        ny, nx = self.target.shape
        cx, cy = _apply(self.source.transform, self.source.width / 2, self.source.height / 2)
        if not self._same:
            cx, cy = transformer(self.source.crs, self.target.crs).transform(cx, cy)
        if not (math.isfinite(cx) and math.isfinite(cy)):
            return nx / 2, ny / 2
        x, y = _apply(~self.target.transform, cx, cy)
        return min(max(x, 0.5), max(nx - 0.5, 0.5)), min(max(y, 0.5), max(ny - 0.5, 0.5))

    # -- positions ------------------------------------------------------------------------------------

    def project(self, u: Floats, v: Floats) -> tuple[Floats, Floats]:
        """Project output positions (column, row) to source positions; non-finite where there is none."""
        t = self.target.transform
        x: Floats = t.a * u + t.b * v + t.c
        y = t.d * u + t.e * v + t.f
        if not self._same:
            x, y = transformer(self.target.crs, self.source.crs).transform(x, y, errcheck=False)
        if self._turn:
            x = self._unturned(x)
        i = self._inverse
        with np.errstate(invalid="ignore", over="ignore"):
            return i.a * x + i.b * y + i.c, i.d * x + i.e * y + i.f

    def _unturned(self, x: Floats) -> Floats:
        """Move coordinates by whole turns to within half a turn of the source's middle.

        Of the two ends of a source that goes all around, the first belongs to it, as of a pixel.
        """
        middle, _ = _apply(self.source.transform, self.source.width / 2, self.source.height / 2)
        turn = math.copysign(self._turn, self.source.transform.a)
        with np.errstate(invalid="ignore"):
            return np.asarray(x - turn * np.floor((x - middle) / turn + 0.5))

    def coordinates(self, window: Window) -> Coordinates:
        """Positions of a window of the output, from the cache of the process where possible."""
        key = (self.source, self.target, window)
        found = _cache.get(key)
        if found is None:
            found = self._compute(window)
            _cache.put(key, found)
        return found

    def _compute(self, window: Window) -> Coordinates:
        nodes_x, nodes_y, bad = self._nodes(window)
        dense_x: Floats = _EMPTY
        dense_y: Floats = _EMPTY
        if bad.any():
            dense_x, dense_y = self._fill(window, nodes_x, nodes_y, bad, half=0.5)
            low, high = _extremes(dense_y, dense_x)
        else:
            low, high = _hull(nodes_y, nodes_x, window)
        return Coordinates(
            nodes_x=nodes_x, nodes_y=nodes_y, dense_x=dense_x, dense_y=dense_y, low=low, high=high
        )

    def _nodes(self, window: Window) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Nodes around a window and which of the cells between them are not linear enough."""
        rows = np.arange(window.y // _STEP, (window.y + window.height) // _STEP + 2) * float(_STEP)
        cols = np.arange(window.x // _STEP, (window.x + window.width) // _STEP + 2) * float(_STEP)
        nodes_x, nodes_y = self._mesh(cols, rows)
        if self._same and not self._turn:
            return nodes_x, nodes_y, np.zeros((len(rows) - 1, len(cols) - 1), dtype=bool)
        half = _STEP / 2
        bad = np.zeros((len(rows) - 1, len(cols) - 1), dtype=bool)
        for dv, du in ((half, half), (0.0, half), (half, 0.0)):
            exact_x, exact_y = self._mesh(
                cols[: len(cols) - (du > 0)] + du, rows[: len(rows) - (dv > 0)] + dv
            )
            guess_x, guess_y = _middle(nodes_x, dv, du), _middle(nodes_y, dv, du)
            with np.errstate(invalid="ignore"):
                off = ~(np.maximum(abs(exact_x - guess_x), abs(exact_y - guess_y)) <= TOLERANCE)
            if dv and du:
                bad |= off
            elif du:
                bad |= off[:-1] | off[1:]
            else:
                bad |= off[:, :-1] | off[:, 1:]
        return nodes_x, nodes_y, bad

    def _mesh(self, cols: Floats, rows: Floats) -> tuple[Floats, Floats]:
        u, v = np.meshgrid(cols, rows)
        return self.project(u, v)

    def corners(self, window: Window) -> Coordinates:
        """Positions of the corners of a window's pixels, (height + 1, width + 1), for area kernels.

        `low` and `high` include what a pixel's footprint reaches around its centre.
        """
        nodes_x, nodes_y, bad = self._nodes(window)
        dense_x: Floats = _EMPTY
        dense_y: Floats = _EMPTY
        if bad.any():
            grown = Window(window.y, window.x, window.height + 1, window.width + 1)
            dense_x, dense_y = self._fill(grown, nodes_x, nodes_y, bad, half=0.0)
            low, high = _extremes(dense_y, dense_x)
            # Pixels that lack corners get the usual size.
            usual_y, usual_x = (0.5 * size for size in self.ratio)
            reach = max(_steps(dense_y, self.period), usual_y), max(_steps(dense_x, self.period), usual_x)
        else:
            low, high = _hull(nodes_y, nodes_x, window)
            reach = _steps(nodes_y, 0.0) / _STEP, _steps(nodes_x, 0.0) / _STEP
        return Coordinates(
            nodes_x=nodes_x,
            nodes_y=nodes_y,
            dense_x=dense_x,
            dense_y=dense_y,
            low=(low[0] - reach[0], low[1] - reach[1]),
            high=(high[0] + reach[0], high[1] + reach[1]),
        )

    def _fill(
        self, window: Window, nodes_x: Floats, nodes_y: Floats, bad: NDArray[np.bool_], *, half: float
    ) -> tuple[Floats, Floats]:
        from dawnlight.raster._kernels import expand

        out_x = np.empty((window.height, window.width))
        out_y = np.empty_like(out_x)
        expand(nodes_x, window.y, window.x, half, out_x)
        expand(nodes_y, window.y, window.x, half, out_y)
        cell_rows = np.arange(window.y, window.y + window.height) // _STEP - window.y // _STEP
        cell_cols = np.arange(window.x, window.x + window.width) // _STEP - window.x // _STEP
        rows, cols = np.nonzero(bad[cell_rows[:, None], cell_cols[None, :]])
        out_x[rows, cols], out_y[rows, cols] = self.project(
            cols + (window.x + half), rows + (window.y + half)
        )
        return out_x, out_y


def _middle(nodes: Floats, dv: float, du: float) -> Floats:
    """Linear guess in the middle of cells, of horizontal edges (dv=0) or of vertical edges (du=0)."""
    if du:
        nodes = (nodes[:, :-1] + nodes[:, 1:]) / 2
    if dv:
        nodes = (nodes[:-1] + nodes[1:]) / 2
    return nodes


def _apply(transform: Affine, u: float, v: float) -> tuple[float, float]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * u + b * v + c, d * u + e * v + f


def _half_step(three: Floats, period: float) -> float:
    """Return the smaller of the two steps between three values."""
    with np.errstate(invalid="ignore"):
        steps = np.abs(np.diff(three))
        if period:
            steps = np.abs(steps - period * np.round(steps / period))
        return float(np.fmin(*steps))


def world_width(grid: GeoBox) -> float:
    """Return the width of the world in x where a system repeats from side to side, else 0.

    360 for degrees; the circumference for Mercator's and the other cylindrical projections.
    """
    return _world_width(grid.crs.srs)


@lru_cache(maxsize=256)
def _world_width(spelling: str) -> float:
    crs = normalize_crs(spelling)
    if crs.is_geographic:
        return float(2 * math.pi / crs.axis_info[0].unit_conversion_factor)
    if not is_cylindrical(spelling):
        return 0.0
    to_map = transformer(crs.geodetic_crs or WGS84, crs, over=True)
    lon, lat = to_map.transform(0.0, 0.0, direction="INVERSE")
    x, _ = to_map.transform([lon - 90.0, lon + 90.0], [lat, lat])
    return float(2 * abs(x[1] - x[0]))


def _hull(
    nodes_y: Floats, nodes_x: Floats, window: Window
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and greatest (y, x) over a window whose cells are all linear: they occur where cells are cut."""
    spans = []
    for nodes in (nodes_y, nodes_x):
        cut = _cut(nodes, window.y, window.height)
        cut = _cut(cut.T, window.x, window.width)
        spans.append((float(cut.min()), float(cut.max())))
    return (spans[0][0], spans[1][0]), (spans[0][1], spans[1][1])


def _cut(nodes: Floats, start: int, size: int) -> Floats:
    """Node rows with the first and last moved to the edges of a window."""
    first = (start % _STEP) / _STEP
    last = ((start + size) % _STEP) / _STEP
    top = nodes[:1] + (nodes[1:2] - nodes[:1]) * first
    bottom = nodes[-2:-1] + (nodes[-1:] - nodes[-2:-1]) * last
    return np.concatenate([top, nodes[1:-1], bottom])


def _extremes(y: Floats, x: Floats) -> tuple[tuple[float, float], tuple[float, float]]:
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return (math.inf, math.inf), (-math.inf, -math.inf)
    if not finite.all():
        x, y = x[finite], y[finite]
    return (float(y.min()), float(x.min())), (float(y.max()), float(x.max()))


def _steps(values: Floats, period: float) -> float:
    """Half of the largest side that one output pixel can have in this coordinate."""
    sides = []
    for axis in (0, 1):
        with np.errstate(invalid="ignore"):
            step = abs(np.diff(values, axis=axis))
            if period:
                step = abs(step - period * np.round(step / period))
        step = step[np.isfinite(step)]
        sides.append(float(step.max()) if step.size else 0.0)
    return math.hypot(*sides) / 2


class _Cache:
    """Least recently used coordinates, within a quarter of ``options.cache_bytes``."""

    def __init__(self) -> None:
        self._items: OrderedDict[object, Coordinates] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: object) -> Coordinates | None:
        with self._lock:
            found = self._items.get(key)
            if found is not None:
                self._items.move_to_end(key)
            return found

    def put(self, key: object, value: Coordinates) -> None:
        budget = get_options().cache_bytes // 4
        with self._lock:
            if value.nbytes > budget or key in self._items:
                return
            self._items[key] = value
            self._bytes += value.nbytes
            while self._bytes > budget:
                self._bytes -= self._items.popitem(last=False)[1].nbytes


_cache = _Cache()
