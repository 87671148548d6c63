"""Which grids are parts of one large grid: the tiles of an acquisition, the scenes of a gridded archive.

Two grids are *aligned* when their systems are the same and their pixels coincide, a whole number of rows and
columns apart::

    +---+---+---+
    |   |   |   |            origin (0, 0)
    +---+---+---+---+---+
            |   |   |   |    origin (1, 2)
            +---+---+---+

Headers are rounded, so pixels may be off by a thousandth of their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._boxes import group_by_crs
from dawnlight.raster._lattice import TOLERANCE, world_width

__all__ = ["Alignment", "align_grids"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where each of some grids lies on the large grid that it is a part of."""

    kinds: Ints
    """(grid,): number of the large grid; aligned grids have the same."""
    origins: Ints
    """(grid, 2): row and column of the first pixel on the large grid."""
    shapes: Ints
    """(grid, 2): rows and columns."""
    turns: Ints
    """(grid,): columns after which the large grid comes to the same place again, 0 where it does not."""


def align_grids(grids: Sequence[GeoBox]) -> Alignment:
    """Sort grids by the large grid that they are a part of.

    Parameters
    ----------
    grids
        Any grids; the first of each kind gives the large grid its origin.

    Returns
    -------
    Alignment
    """
    kinds = np.zeros(len(grids), dtype=np.int64)
    origins = np.zeros((len(grids), 2), dtype=np.int64)
    turns = np.zeros(len(grids), dtype=np.int64)
    affines = np.array([tuple(grid.transform)[:6] for grid in grids], dtype=np.float64).reshape(-1, 6)
    shapes = np.array([grid.shape for grid in grids], dtype=np.int64).reshape(-1, 2)
    count = 0
    for members in group_by_crs(grids).values():
        first: list[int] = []
        for number in members:
            found = _find(affines, shapes, number, first)
            if found is None:
                kinds[number] = count + len(first)
                turns[number] = _turn(grids[number])
                first.append(number)
            else:
                position, origins[number] = found
                kinds[number] = count + position
                turns[number] = turns[first[position]]
        count += len(first)
    return Alignment(kinds=kinds, origins=origins, shapes=shapes, turns=turns)


def _find(
    affines: NDArray[np.float64], shapes: Ints, number: int, first: list[int]
) -> tuple[int, tuple[int, int]] | None:
    """Return which of the first grids of each kind a grid is aligned with, and where it begins there."""
    if not first:
        return None
    a, b, c, d, e, f = affines[number]
    p, q, r, s, t, u = affines[first].T
    area = p * t - q * s
    # The grid's transform in pixels of each candidate: the identity and a whole shift, if they are aligned.
    x, y = (t * (c - r) - q * (f - u)) / area, (p * (f - u) - s * (c - r)) / area
    across = (t * a - q * d) / area - 1, (p * d - s * a) / area
    down = (t * b - q * e) / area, (p * e - s * b) / area - 1
    ny, nx = shapes[number]
    off_x = np.abs(x - np.round(x)) + nx * np.abs(across[0]) + ny * np.abs(down[0])
    off_y = np.abs(y - np.round(y)) + nx * np.abs(across[1]) + ny * np.abs(down[1])
    close = np.flatnonzero((off_x <= TOLERANCE) & (off_y <= TOLERANCE))
    if not close.size:
        return None
    k = int(close[0])
    return k, (round(float(y[k])), round(float(x[k])))


def _turn(grid: GeoBox) -> int:
    """Whole columns around the Earth, 0 where a grid does not repeat or repeats between pixels."""
    turn = world_width(grid)
    if not turn or not grid.is_axis_aligned:
        return 0
    columns = turn / abs(grid.transform.a)
    return round(columns) if abs(columns - round(columns)) <= TOLERANCE else 0
