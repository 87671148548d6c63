"""The plain values that describe what to load: one source file band, one output band."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox
from dawnlight.raster._header import FileRef, MaskKind
from dawnlight.raster._steps import BoundStep

__all__ = ["RESAMPLERS", "BandSpec", "Layout", "RasterSource", "normalize_resampler"]

RESAMPLERS: Mapping[str, str] = {
    "near": "the source pixel that contains the centre",
    "bilinear": "linear between the four pixels around the centre",
    "cubic": "cubic convolution over sixteen pixels",
    "cubicspline": "cubic B-spline over sixteen pixels (smooths)",
    "lanczos": "Lanczos window of radius 3",
    "average": "area-weighted mean of the footprint",
    "mode": "most frequent value of the footprint by area",
    "max": "largest value of the footprint",
    "min": "smallest value of the footprint",
    "med": "median of the footprint",
    "q1": "first quartile of the footprint",
    "q3": "third quartile of the footprint",
}
"""Resamplers by the name that the API uses."""


def normalize_resampler(value: object, parameter: str = "resampler") -> str:
    """Return a resampler's name, or say which there are."""
    name = str(value)
    if name not in RESAMPLERS:
        raise ParameterError(f"{parameter}={name!r} is unknown; use one of {', '.join(RESAMPLERS)}")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class BandSpec:
    """One output band."""

    name: str
    dtype: str
    """NumPy name of the type in which its pixels are read, resampled and painted."""
    nodata: float | None = None
    """Value of the band definition that marks missing pixels; None leaves it to each file."""
    category: bool = False
    """True for classes and masks: values are labels and never blended."""
    resampler: str | None = "near"
    """Kernel, one of `RESAMPLERS`; None, for categories: near, or mode where pixels get coarser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What many files have in common: how one of their bands is stored."""

    dtype: str
    """NumPy name of the stored type."""
    nodata: float | None
    """Stored value that marks missing pixels, the band definition already applied."""
    mask: MaskKind
    """Whether the file itself masks this band: an internal or side-car mask, or an alpha band."""
    overviews: tuple[tuple[int, int], ...]
    """Shapes (ny, nx) of the reduced copies, finest first."""
    block: tuple[int, int] = (512, 512)
    """Rows and columns of the file's internal tiles or strips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterSource:
    """One band of one file, as an image of the catalog uses it."""

    image: str
    """Id of the image, for messages and coordinates."""
    file: FileRef
    """Where the bytes are and how to notice that they changed."""
    band: int
    """Number of the band inside the file, from 1."""
    geobox: GeoBox
    """The file's grid at full resolution."""
    layout: Layout
    """How the band is stored."""
    steps: tuple[BoundStep, ...] = ()
    """What turns stored numbers into those of the processing level, for this band of this image."""
