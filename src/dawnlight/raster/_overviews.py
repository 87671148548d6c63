"""Which reduced copy of a file to read, and how wide the kernel must be on it."""

from __future__ import annotations

from dataclasses import dataclass

from dawnlight.raster._sources import Layout

__all__ = ["AREA_KERNELS", "RADIUS", "LevelChoice", "choose_level"]

AREA_KERNELS = frozenset({"average", "mode", "max", "min", "med", "q1", "q3"})
"""Kernels that reduce the whole footprint of an output pixel."""

RADIUS = {"near": 0, "bilinear": 1, "cubic": 2, "cubicspline": 2, "lanczos": 3}
"""Reach of the interpolating kernels in source pixels at their natural size."""

_CLOSE = 0.95
"""A source pixel of at least this part of an output pixel is as large: the kernel keeps its natural size.

The limit is GDAL's.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChoice:
    """The reduced copy to read."""

    level: int
    """0 for full resolution, k for the k-th overview."""
    shape: tuple[int, int]
    """Pixels (ny, nx) of that level."""
    zoom: tuple[float, float]
    """Factor (y, x) from full-resolution pixel positions to positions on the level."""
    scale: tuple[float, float]
    """How far (y, x) an interpolating kernel is stretched on it; 1 is its natural size."""


def choose_level(
    ratio: tuple[float, float], shape: tuple[int, int], layout: Layout, kernel: str, category: bool
) -> LevelChoice:
    """Choose the coarsest copy that is still at least as fine as the output.

    Categories and area kernels always read full resolution: how a file's overviews were made is not known,
    and blended classes or a mean of picked pixels would be wrong values. Interpolating kernels read the
    overview and are stretched over what remains, as anti-aliasing needs.

    Parameters
    ----------
    ratio
        Size (y, x) of an output pixel in full-resolution source pixels.
    shape
        Pixels (ny, nx) at full resolution.
    layout
        How the band is stored.
    kernel
        Name of the resampler.
    category
        Whether the values are labels.

    Returns
    -------
    LevelChoice
    """
    level, chosen = 0, shape
    if kernel not in AREA_KERNELS and not category:
        for number, candidate in enumerate(layout.overviews, start=1):
            finer = all(
                full / small <= want * 1.001
                for full, small, want in zip(shape, candidate, ratio, strict=True)
            )
            if finer and candidate[0] * candidate[1] < chosen[0] * chosen[1]:
                level, chosen = number, candidate
    zoom = (chosen[0] / shape[0], chosen[1] / shape[1])
    rest = (ratio[0] * zoom[0], ratio[1] * zoom[1])
    scale = tuple(1.0 if r * _CLOSE <= 1 else r for r in rest)
    return LevelChoice(level=level, shape=chosen, zoom=zoom, scale=(scale[0], scale[1]))
