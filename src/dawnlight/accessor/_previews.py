"""What of an array goes into a picture: which bands, which time slots, and every how many-th pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._bands import BandInfo, bands_of
from dawnlight.accessor._coarse import coarsen
from dawnlight.accessor._georeference import spatial_dims
from dawnlight.accessor._shading import pick_rgb
from dawnlight.errors import BandError, ParameterError

__all__ = ["Preview", "make_preview", "shown_slots"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The part of an array that a picture shows; nothing is computed yet."""

    array: xr.DataArray
    """(slot, band, y, x), north up and west left; of length 1 where there is no such dim."""
    bands: tuple[BandInfo, ...]
    """One or three."""
    titles: tuple[str, ...]
    """One a slot, empty where there is no time."""
    total: int
    """How many slots the array has."""


def make_preview(array: xr.DataArray, bands: str | Sequence[str] | None, *, slots: int, side: int) -> Preview:
    """Choose bands, slots and pixels.

    Parameters
    ----------
    array
        With dims y and x, and none but a band dim and one more.
    bands
        Names; None chooses.
    slots
        Most slots to show.
    side
        Most pixels along the longer side.
    """
    ydim, xdim = spatial_dims(array)
    others = [dim for dim in array.dims if dim not in (ydim, xdim, "band")]
    if len(others) > 1:
        raise ParameterError(
            f"a picture shows one dim besides band, y and x, and the array has {list(map(str, others))}; "
            "select along the others first, for example with .isel()"
        )
    array, infos = _select_bands(array, bands)
    total = array.sizes[others[0]] if others else 1
    array = _upright(array, ydim, xdim)
    titles: tuple[str, ...] = ("",)
    if others:
        shown = shown_slots(total, slots)
        array = array.isel({others[0]: shown} if len(shown) < total else {})
        titles = _titles(array, str(others[0]))
    elif "time" in array.coords and array.coords["time"].ndim == 0:
        titles = _titles(array.expand_dims("time"), "time")
    array = coarsen(array, (ydim, xdim), side)
    for position, dim in enumerate((others[0] if others else "slot", "band")):
        if dim not in array.dims:
            array = array.drop_vars([dim], errors="ignore").expand_dims(dim, axis=position)
    array = array.transpose(others[0] if others else "slot", "band", ydim, xdim)
    if array.size == 0:
        raise ParameterError(f"there is nothing to show: the array has the sizes {dict(array.sizes)}")
    return Preview(array=array, bands=infos, titles=titles, total=total)


def shown_slots(total: int, slots: int) -> list[int]:
    """Return the numbers of the time slots to show: all, or evenly spaced ones."""
    spaced = np.linspace(0, max(total - 1, 0), min(slots, total)).round().astype(int)
    return [int(number) for number in np.unique(spaced)]


def _select_bands(
    array: xr.DataArray, bands: str | Sequence[str] | None
) -> tuple[xr.DataArray, tuple[BandInfo, ...]]:
    infos = bands_of(array)
    if "band" not in array.dims:
        if bands is not None:
            raise BandError(f"bands={bands!r}: the array has no dim 'band' to choose from; leave bands out")
        plain = BandInfo(name="" if array.name is None else str(array.name))
        return array, (next(iter(infos.values()), plain),)
    if not infos:  # a dim without names
        infos = {str(number): BandInfo(name=str(number)) for number in range(array.sizes["band"])}
    names = list(infos)
    chosen = _choose(infos) if bands is None else bands.split() if isinstance(bands, str) else list(bands)
    unknown = [name for name in chosen if str(name) not in infos]
    if unknown:
        raise BandError(f"bands: band {unknown[0]!r} is not in the array; it has {', '.join(names)}")
    if len(chosen) not in (1, 3):
        raise BandError(f"bands={bands!r}: a picture has one band or three (red, green, blue)")
    positions = [names.index(str(name)) for name in chosen]
    # Plain slices reach the files, which lists of positions do not.
    run = slice(positions[0], positions[0] + len(positions))
    picked: Any = run if positions == list(range(run.start, run.stop)) else positions
    return array.isel(band=picked), tuple(infos[str(name)] for name in chosen)


def _choose(infos: dict[str, BandInfo]) -> list[str]:
    amounts = [info for info in infos.values() if not info.is_category]
    seen = pick_rgb(amounts)
    if seen is not None:
        return seen
    if len(amounts) == 3:
        return [info.name for info in amounts]
    return [next(iter(infos))]


def _upright(array: xr.DataArray, ydim: Any, xdim: Any) -> xr.DataArray:
    """North up and west left: flip axes whose coordinates run the other way."""
    for dim, falling in ((ydim, True), (xdim, False)):
        if dim in array.coords and array.sizes[dim] > 1:
            first, last = array.coords[dim].values[[0, -1]]
            if (last < first) != falling:
                array = array.isel({dim: slice(None, None, -1)})
    return array


def _titles(array: xr.DataArray, dim: str) -> tuple[str, ...]:
    if dim not in array.coords:
        return tuple(f"{dim} {number}" for number in range(array.sizes[dim]))
    values = array.coords[dim].values
    if values.dtype.kind != "M":
        return tuple(f"{dim} {value}" for value in values)
    days = ["no date" if np.isnat(value) else str(value.astype("datetime64[D]")) for value in values]
    if len(set(days)) == len(days):
        return tuple(days)
    return tuple(
        "no date" if np.isnat(value) else str(value.astype("datetime64[m]")).replace("T", " ")
        for value in values
    )
