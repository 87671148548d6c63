"""From values to colours, without any plotting: stretches, valid pixels, palettes of classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dawnlight.accessor._bands import BandInfo
from dawnlight.accessor._native import is_stored
from dawnlight.errors import ParameterError

__all__ = [
    "Entry",
    "Limits",
    "all_colors",
    "color_classes",
    "color_rgb",
    "fill_value_of",
    "fitting_gamma",
    "limits_of",
    "normalize_limits",
    "pick_rgb",
    "valid_pixels",
]

Limits = tuple[float, float]

# Twelve colours that can be told apart, also in grey and with the common kinds of colour blindness nearly so.
_PALETTE = (
    (136, 204, 238), (204, 102, 119), (221, 204, 119), (17, 119, 51), (51, 34, 136), (170, 68, 153),
    (68, 170, 153), (153, 153, 51), (136, 34, 85), (102, 17, 0), (136, 136, 136), (238, 119, 51),
)  # fmt: skip
# What classes are usually drawn in, by a word of their label; the first that fits counts.
_BY_WORD: tuple[tuple[tuple[str, ...], tuple[int, int, int]], ...] = (
    (("shadow", "dark"), (84, 80, 90)),
    (("cirrus", "haze"), (190, 214, 232)),
    (("cloud",), (236, 236, 232)),
    (("snow", "ice"), (150, 222, 240)),
    (("not vegetated", "non-vegetated", "bare", "soil", "sand", "rock", "desert"), (212, 184, 130)),
    (("wetland", "marsh", "mangrove"), (96, 168, 140)),
    (("water", "sea", "ocean", "lake", "river"), (58, 110, 180)),
    (("urban", "built", "settlement", "building", "road"), (196, 78, 82)),
    (("forest", "tree"), (34, 104, 58)),
    (("grass", "meadow", "pasture", "shrub"), (160, 200, 98)),
    (("crop", "farm", "agricult", "field"), (226, 196, 84)),
    (("vegetat", "plant"), (86, 150, 72)),
    (("no data", "nodata", "fill", "missing"), (255, 255, 255)),
)
_NO, _YES = (231, 229, 223), (31, 97, 141)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a legend."""

    value: int
    label: str
    color: tuple[int, int, int, int]


def fill_value_of(array: xr.DataArray, info: BandInfo | None) -> float | None:
    """Value that marks missing pixels in an array that holds no NaN for them; None if there is none."""
    if array.dtype.kind not in "iu":
        return None
    for source in (array.encoding, array.attrs):
        for key in ("_FillValue", "missing_value"):
            if source.get(key) is not None:
                return float(source[key])
    return info.nodata if info is not None and is_stored(array) else None


def valid_pixels(values: NDArray[Any], fill: float | None) -> NDArray[np.bool_]:
    """Where there is a value."""
    if values.dtype.kind == "f":
        return np.asarray(np.isfinite(values), dtype=bool)
    if fill is None or values.dtype.kind == "b":
        return np.ones(values.shape, dtype=bool)
    return np.asarray(values != fill, dtype=bool)


def limits_of(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    stretch: object,
    percentiles: tuple[float, float],
    info: BandInfo | None,
) -> Limits:
    """Values to show darkest and brightest.

    Parameters
    ----------
    values, valid
        Pixels of one band, of all pictures that are to be comparable.
    stretch
        ``"percentile"``, ``"display"``, the two values, or None: percentiles, but not beyond the display
        range, so that clouds do not darken everything else.
    percentiles
        For the first of these.
    info
        What is known of the band.
    """
    if stretch == "display":
        found = None if info is None else info.display_range
        if found is None:
            raise ParameterError(
                f"stretch='display' needs a display range, and band {info.name if info else ''!r} has none; "
                "use 'percentile' or two numbers"
            )
        return found
    if stretch == "percentile" or stretch is None:
        seen = values[valid]
        if seen.size == 0:
            return 0.0, 1.0
        low, high = (float(value) for value in np.percentile(seen, percentiles))
        if stretch is None and info is not None and info.display_range is not None:
            within = max(low, info.display_range[0]), min(high, info.display_range[1])
            if within[0] < within[1]:
                return within
        if low == high:
            low, high = float(seen.min()), float(seen.max())
        return (low, high) if low < high else (low, low + 1.0)
    return normalize_limits(stretch)


def normalize_limits(stretch: object) -> Limits:
    """Read two numbers, the lower first."""
    try:
        low, high = (float(value) for value in stretch)  # type: ignore[attr-defined]  # checked by failing
    except (TypeError, ValueError):
        raise ParameterError(
            f"stretch={stretch!r} must be 'percentile', 'display', two numbers, or three pairs of numbers"
        ) from None
    if not low < high:
        raise ParameterError(f"stretch={stretch!r}: the first number must be less than the second")
    return low, high


def fitting_gamma(values: NDArray[Any], valid: NDArray[np.bool_], limits: Sequence[Limits]) -> float:
    """Return the gamma, from 1 to 2, that gives the middle pixel a brightness of about a third."""
    seen = []
    for band, (low, high) in enumerate(limits):
        part = values[..., band, :, :][valid[..., band, :, :]]
        if part.size:
            seen.append((float(np.median(part)) - low) / (high - low))
    middle = max(seen, default=1.0)
    if not 0 < middle < 1:
        return 1.0
    return float(np.clip(np.log(middle) / np.log(0.35), 1.0, 2.0))


def color_rgb(
    values: NDArray[Any], valid: NDArray[np.bool_], limits: Sequence[Limits], gamma: float
) -> NDArray[np.uint8]:
    """Return pixels (..., y, x, 4) of three bands (..., 3, y, x); transparent where a band is missing."""
    whole = valid.all(axis=-3)
    out = np.zeros((*whole.shape, 4), dtype=np.uint8)
    for band, (low, high) in enumerate(limits):
        shade = np.where(whole, values[..., band, :, :], low).astype(np.float32)
        shade -= np.float32(low)
        shade /= np.float32(high - low)
        np.clip(shade, 0, 1, out=shade)
        if gamma != 1.0:
            shade **= np.float32(1 / gamma)
        out[..., band] = np.round(shade * 255)
    out[..., 3] = np.where(whole, 255, 0)
    return out


def color_classes(
    values: NDArray[Any], valid: NDArray[np.bool_], info: BandInfo
) -> tuple[NDArray[np.uint8], list[Entry]]:
    """Return pixels (..., y, x, 4) of a band of labels, and the legend of those that occur."""
    numbers = np.where(valid, values, 0).astype(np.int64)
    found = [int(value) for value in np.unique(numbers[valid])]
    colors = _colors(found, info)
    entries = [
        Entry(value=value, label=_label(value, info, values.dtype), color=color)
        for value, color in zip(found, colors, strict=True)
    ]
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    positions = np.searchsorted(found, numbers)
    if entries:
        table = np.array([entry.color for entry in entries], dtype=np.uint8)
        out[valid] = table[positions[valid]]
    return out, entries


def all_colors(info: BandInfo, count: int) -> tuple[tuple[int, int, int, int], ...]:
    """Return colours of the classes 0, 1, ... that do not depend on which of them occur together."""
    return tuple(_colors(range(count), info))


def _label(value: int, info: BandInfo, dtype: np.dtype[Any]) -> str:
    if dtype.kind == "b":
        return "yes" if value else "no"
    return info.label(value)


def _colors(values: Sequence[int], info: BandInfo) -> list[tuple[int, int, int, int]]:
    """Colours of classes: the band's own, else by their labels, else ones that can be told apart."""
    found: list[tuple[int, int, int, int]] = []
    for value in values:
        if 0 <= value < len(info.colormap):
            found.append(info.colormap[value])
        elif info.type == "mask":
            found.append((*(_YES if value else _NO), 255))
        else:
            color = _color_of_label(info.label(value)) or _PALETTE[value % len(_PALETTE)]
            while (*color, 255) in found:  # another class of the same kind gets a darker shade
                color = (color[0] * 17 // 20, color[1] * 17 // 20, color[2] * 17 // 20)
                if max(color) < 40:
                    color = _PALETTE[len(found) % len(_PALETTE)]
                    break
            found.append((*color, 255))
    return found


def _color_of_label(label: str) -> tuple[int, int, int] | None:
    text = label.lower()
    return next((color for words, color in _BY_WORD if any(word in text for word in words)), None)


def pick_rgb(bands: Iterable[BandInfo]) -> list[str] | None:
    """Return the bands that look as the eye sees: by name, or by wavelength; None if there are none such."""
    known = {band.name: band for band in bands}
    if all(name in known for name in ("red", "green", "blue")):
        return ["red", "green", "blue"]
    chosen = []
    for low, high in ((620, 700), (520, 600), (440, 515)):
        fitting = [
            band for band in known.values() if band.wavelength is not None and low <= band.wavelength <= high
        ]
        if not fitting:
            return None
        chosen.append(min(fitting, key=lambda band: abs(float(band.wavelength or 0) - (low + high) / 2)).name)
    return chosen
