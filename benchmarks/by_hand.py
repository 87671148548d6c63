"""Loops that a careful user writes with rasterio: a thread for each of two files, no chunks, no laziness."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import reproject
from rasterio.windows import Window

from benchmarks.archive import RESOLUTION, Scene

_KERNELS = {"near": Resampling.nearest, "bilinear": Resampling.bilinear, "cubic": Resampling.cubic}


def by_hand(
    scenes: Sequence[Scene], bands: Sequence[str], grid: Any, kernel: str, threads: int = 2
) -> np.ndarray:
    """Load (scene, band, y, x): a windowed read where the grid is the file's, else GDAL's warp."""
    out = np.zeros((len(scenes), len(bands), *grid.shape), dtype="uint16")

    def read(place: tuple[int, int]) -> None:
        scene = scenes[place[0]]
        with rasterio.open(scene.files[bands[place[1]]]) as file:
            if grid.crs.to_epsg() == scene.epsg:
                step = grid.resolution[0] / RESOLUTION
                left, top = ~scene.transform * (grid.bounds[0], grid.bounds[3])
                window = Window(left, top, grid.shape[1] * step, grid.shape[0] * step)
                file.read(1, window=window, out=out[place])  # coarser: from the overviews
            else:
                reproject(
                    rasterio.band(file, 1),
                    out[place],
                    dst_transform=grid.transform,
                    dst_crs=f"EPSG:{grid.crs.to_epsg()}",
                    resampling=_KERNELS[kernel],
                )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, np.ndindex(out.shape[:2])))
    return out
