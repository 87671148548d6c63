"""Cutting the result along a geometry, with the same pixels however the output is cut into chunks.

A pixel is kept when its centre lies in the geometry or on its edge; with ``all_touched``, when any part of
it does. Both are decided pixel by pixel from the output grid's own coordinates (GEOS predicates), not by a
scan-line fill whose rounding depends on the window.
"""

from __future__ import annotations

import hashlib
import math
import threading
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity

from dawnlight.geo import GeoBox, Window
from dawnlight.raster._lattice import world_width

__all__ = ["Cutline"]

_LEAF = 32


class Cutline:
    """A geometry in the output CRS that keeps the pixels inside it.

    Parameters
    ----------
    geometry
        Shapely geometry in the CRS of the grid; where that repeats from side to side, any turn will do.
    geobox
        The whole output grid.
    all_touched
        Keep every pixel that the geometry touches, not only those whose centre is inside.
    """

    def __init__(self, geometry: Any, geobox: GeoBox, *, all_touched: bool = False) -> None:
        self.geobox = geobox
        self.all_touched = all_touched
        self._wkb = shapely.to_wkb(_turned_onto(shapely.force_2d(geometry), geobox))
        self._own = threading.local()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_own"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._own = threading.local()

    def on(self, geobox: GeoBox) -> Cutline:
        """Return the same cutline for another grid in the same CRS."""
        return Cutline(shapely.from_wkb(self._wkb), geobox, all_touched=self.all_touched)

    def token(self) -> str:
        """Digest of the geometry and the rule."""
        return hashlib.blake2b(self._wkb + bytes([self.all_touched]), digest_size=16).hexdigest()

    def inside(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window are kept, as (height, width)."""
        kept = np.zeros((window.height, window.width), dtype=bool)
        self._descend(window, window, kept)
        return kept

    def touches(self, window: Window) -> bool:
        """Return whether the geometry reaches a window at all."""
        return bool(shapely.intersects(self._geometry(), self._outline(window)))

    def _geometry(self) -> Any:
        """Return the geometry of this thread.

        Each has its own: asking a prepared geometry of GEOS adds to its index, and two threads that do so at
        once end the process.
        """
        prepared = getattr(self._own, "prepared", None)
        if prepared is None:
            prepared = shapely.from_wkb(self._wkb)
            shapely.prepare(prepared)
            self._own.prepared = prepared
        return prepared

    def _outline(self, window: Window) -> Any:
        """Outline of a window in the CRS; the affine may be rotated."""
        t = self.geobox.transform
        corners = (
            (window.x, window.y),
            (window.stop_x, window.y),
            (window.stop_x, window.stop_y),
            (window.x, window.stop_y),
        )
        return shapely.Polygon([(t.a * u + t.b * v + t.c, t.d * u + t.e * v + t.f) for u, v in corners])

    def _descend(self, window: Window, whole: Window, kept: NDArray[np.bool_]) -> None:
        geometry = self._geometry()
        outline = self._outline(window)
        rows = slice(window.y - whole.y, window.stop_y - whole.y)
        cols = slice(window.x - whole.x, window.stop_x - whole.x)
        if not shapely.intersects(geometry, outline):
            return
        if shapely.covers(geometry, outline):
            kept[rows, cols] = True
        elif max(window.height, window.width) <= _LEAF:
            kept[rows, cols] = self._leaf(window)
        else:
            for part in _halves(window):
                self._descend(part, whole, kept)

    def _leaf(self, window: Window) -> NDArray[np.bool_]:
        t = self.geobox.transform
        cols = np.arange(window.x, window.stop_x, dtype=np.float64)
        rows = np.arange(window.y, window.stop_y, dtype=np.float64)
        if not self.all_touched:
            u, v = np.meshgrid(cols + 0.5, rows + 0.5)
            x, y = t.a * u + t.b * v + t.c, t.d * u + t.e * v + t.f
            return np.asarray(shapely.intersects_xy(self._geometry(), x, y), dtype=bool)
        u, v = np.meshgrid(cols, rows)
        ring = [(u, v), (u + 1, v), (u + 1, v + 1), (u, v + 1), (u, v)]
        points = np.stack(
            [np.stack([t.a * p + t.b * q + t.c, t.d * p + t.e * q + t.f], axis=-1) for p, q in ring], axis=-2
        )
        return np.asarray(shapely.intersects(self._geometry(), shapely.polygons(points)), dtype=bool)


def _turned_onto(geometry: Any, geobox: GeoBox) -> Any:
    """Move a geometry by whole turns onto a grid, all around the world if the grid is that wide."""
    turn = world_width(geobox)
    if not turn or geometry.is_empty:
        return geometry
    west, south, east, north = geobox.bounds
    low, _, high, _ = geometry.bounds
    first, last = math.floor((west - high) / turn), math.ceil((east - low) / turn)
    frame = shapely.box(west, south, east, north)
    moved = [affinity.translate(geometry, turns * turn) for turns in range(first, last + 1)]
    here = [part for part in moved if shapely.intersects(part, frame)]
    if len(here) == 1:
        return here[0]
    # Rounded to a fraction of a millimetre, so that parts on both sides of the seam are one.
    return shapely.union_all(here, grid_size=turn * 1e-11) if here else geometry


def _halves(window: Window) -> tuple[Window, Window]:
    """Split a window across its longer side, at a multiple of the leaf size."""
    if window.height >= window.width:
        half = max(window.height // 2 // _LEAF, 1) * _LEAF
        return (
            Window(window.y, window.x, half, window.width),
            Window(window.y + half, window.x, window.height - half, window.width),
        )
    half = max(window.width // 2 // _LEAF, 1) * _LEAF
    return (
        Window(window.y, window.x, window.height, half),
        Window(window.y, window.x + half, window.height, window.width - half),
    )
