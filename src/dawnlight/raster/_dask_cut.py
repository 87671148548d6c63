"""What a cutline keeps, as a lazy array that is worked out chunk by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import Window
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._keys import normalize_key

if TYPE_CHECKING:
    import dask.array

__all__ = ["inside_dask"]


class _Inside:
    """An array-like (y, x) of bool over a cutline."""

    dtype = np.dtype(np.bool_)
    ndim = 2

    def __init__(self, cutline: Cutline) -> None:
        self._cutline = cutline
        self.shape = cutline.geobox.shape

    def __dask_tokenize__(self) -> tuple[object, ...]:
        return "dawnlight.Inside", self._cutline.token(), self._cutline.geobox

    def __getitem__(self, key: Any) -> NDArray[np.bool_]:
        rows, cols = normalize_key(key, self.shape)
        window = Window(rows.indices.start, cols.indices.start, rows.indices.span, cols.indices.span)
        kept = self._cutline.inside(window)[rows.indices.inner, cols.indices.inner]
        return kept[tuple(0 if part.is_int else slice(None) for part in (rows, cols))]


def inside_dask(cutline: Cutline, chunks: Sequence[Sequence[int]]) -> dask.array.Array:
    """Return which pixels of the cutline's grid are kept, as a lazy array (y, x)."""
    import dask.array

    found: dask.array.Array = dask.array.from_array(
        _Inside(cutline), chunks=tuple(map(tuple, chunks)), asarray=False, meta=np.empty((0, 0), dtype=bool)
    )
    return found
