"""Values that come out of every kernel, to compare its two back ends (numba and NumPy) in two processes.

``python -m dawnlight.testing._backends FOLDER`` writes them to ``FOLDER/values.npz``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dawnlight.geo import GeoBox
from dawnlight.raster._cog import CogReader
from dawnlight.raster._jit import backend
from dawnlight.raster._sources import RESAMPLERS
from dawnlight.testing._engine import file_sources, make_lazy, target_over, turned
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._rasters import noise, write_raster

__all__ = ["backend_values"]

_BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (70, 90), 32632)
_POLE = GeoBox.from_geotrans((-40e3, 1000, 0, 45e3, 0, -1000), (70, 90), 3413)
_SEAM = GeoBox.from_geotrans((179.0, 0.03, 0, 10.0, 0, -0.03), (70, 90), 4326)
_EARTH = GeoBox.from_geotrans((-180.0, 4.0, 0, 90.0, 0, -2.5), (70, 90), 4326)


def backend_values(folder: Path) -> dict[str, NDArray[Any]]:
    """Return arrays by name: decoded windows, resampled windows of all kernels, and composites.

    Parameters
    ----------
    folder : Path
        Where to write the files that are decoded.
    """
    found = {"backend": np.array(backend())}
    for values in (_decoded(folder), _resampled(), _composites()):
        found.update(values)
    return found


def _decoded(folder: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    layouts: list[tuple[str, dict[str, Any]]] = [
        ("uint16", {"predictor": 2}),
        ("uint8", {"predictor": 2, "interleave": "band", "nodata": 3}),
        ("int16", {"predictor": 2, "tiled": None, "compress": "lzw", "nodata": -5}),
        ("float32", {"predictor": 3}),
        ("float64", {"predictor": 3, "interleave": "band", "compress": "zstd"}),
    ]
    for number, (dtype, options) in enumerate(layouts):
        path = write_raster(folder / f"{number}.tif", noise((3, *_BOX.shape), dtype, number), _BOX, **options)
        lazy = make_lazy([file_sources(path)], _BOX, CogReader())
        for name, key in (("all", np.s_[...]), ("part", np.s_[:, 1:, 5:41, 17:60])):
            yield f"decoded {number} {dtype} {name}", lazy[key]


def _source(dtype: str, box: GeoBox) -> tuple[MemoryReader, list[Any]]:
    pixels = noise((2, *box.shape), dtype, 1)
    pixels[:, 20:24, 30:33] = 0
    pixels[1, ::9, ::7] = 0
    reader = MemoryReader()
    return reader, [reader.add("a", pixels, box, nodata=0)]


def _resampled() -> Iterator[tuple[str, NDArray[Any]]]:
    places = {
        "near by": (_BOX, target_over(_BOX, 32633, 9.0)),
        "coarser": (_BOX, target_over(_BOX, 3035, 33.0)),
        "straight": (_BOX, GeoBox.from_geotrans((299985, 3.7, 0, 5000021, 0, -16.1), (50, 260), 32632)),
        "turned": (_BOX, turned(_BOX, 35)),
        "pole": (_POLE, GeoBox.from_geotrans((-180, 4, 0, 90, 0, -0.05), (8, 90), 4326)),
        "seam": (_SEAM, target_over(_SEAM, 32601, 9000.0)),
        "torn": (_EARTH, GeoBox.from_geotrans((-6e6, 1.5e5, 0, 6e6, 0, -1.5e5), (80, 80), 3413)),
    }
    for place, (box, target) in places.items():
        for dtype in ("uint16", "float32"):
            reader, rows = _source(dtype, box)
            for kernel in RESAMPLERS:
                lazy = make_lazy(rows, target, reader, kernel=kernel)
                yield f"{place} {dtype} {kernel}", lazy[:, :, 3:, 1:]


def _composites() -> Iterator[tuple[str, NDArray[Any]]]:
    from dawnlight.raster._kernels_reduce import METHODS, Slots, reduce_band

    random = np.random.default_rng(3)
    for dtype in ("uint8", "uint16", "float32"):
        for depth in (1, 6, 60):
            slots = noise((depth, 30, 20), dtype, depth)
            lost = random.random(slots.shape) < 0.4
            marked = random.random(depth) < 0.5
            band = Slots(slots, slots[:, 3, 4].copy(), marked, random.random(slots.shape) < 0.1, lost)
            for method in METHODS:
                out = np.empty(slots.shape[1:], dtype=np.int64 if method == "count" else np.float32)
                reduce_band(band, method, 0.3 if method == "percentile" else 0.5, out)
                yield f"{method} of {depth} {dtype}", out


if __name__ == "__main__":
    place = Path(sys.argv[1])
    np.savez(place / "values.npz", **backend_values(place))  # type: ignore[arg-type]
