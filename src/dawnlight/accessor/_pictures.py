"""Pictures of arrays, drawn by matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from dawnlight.accessor._bands import BandInfo
from dawnlight.accessor._georeference import find_crs, geobox_of, spatial_dims
from dawnlight.accessor._native import native_dtype
from dawnlight.accessor._pictures_frame import (
    TIGHT,
    Picture,
    add_colorbar,
    add_legend,
    add_scale_bar,
    choose_columns,
    label_axes,
    layout_panels,
)
from dawnlight.accessor._previews import Preview, make_preview
from dawnlight.accessor._shading import (
    Entry,
    Limits,
    color_classes,
    color_rgb,
    fill_value_of,
    fitting_gamma,
    limits_of,
    normalize_limits,
    valid_pixels,
)
from dawnlight.errors import CRSError, GridError, ParameterError

__all__ = ["Style", "draw", "write_pixels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a picture looks; see `DataArrayAccessor.show` for what the fields mean."""

    stretch: object = None
    percentiles: tuple[float, float] = (2, 98)
    gamma: float | None = None
    colormap: str | None = None
    slots: int = 12
    columns: int | None = None
    size: float = 7.0
    dpi: int = 120
    title: str | None = None
    axes: bool = True
    legend: bool = True
    scale_bar: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Shades:
    """The pixels of all panels as colours, and what explains them."""

    pixels: NDArray[np.uint8]
    """(slot, y, x, 4)."""
    entries: tuple[Entry, ...] = ()
    """Legend, for classes."""
    limits: Limits | None = None
    """Ends of the colour scale, for a single band of amounts."""
    colormap: str = "viridis"
    extend: str = "neither"
    """Which ends values go beyond."""
    channels: tuple[Limits, ...] = ()
    """Darkest and brightest values of red, green and blue, for three bands."""
    gamma: float | None = None
    """What three bands were brightened by."""


def draw(
    array: xr.DataArray,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    path: str | os.PathLike[str] | None = None,
    ax: Axes | None = None,
) -> Any:
    """Draw, and write, hand back or display the picture."""
    preview = make_preview(array, bands, slots=style.slots, side=_panel_side(array, style))
    if len(preview.titles) > 1 and ax is not None:
        raise ParameterError(
            f"ax= takes one picture, and the array has {preview.total} time slots; select one, for example "
            "with .isel(time=0)"
        )
    shades = shade(preview, style)
    if not style.axes and ax is None and path is not None and len(preview.titles) == 1:
        return write_pixels(path, shades.pixels[0])
    if ax is not None:
        _draw_panel(ax, preview, shades, 0, style)
        return ax
    picture = _compose(preview, shades, style)
    if path is not None:
        picture.savefig(os.fspath(path), dpi=style.dpi, **TIGHT)
        return Path(path)
    picture.display()
    return picture


def _panel_side(array: xr.DataArray, style: Style) -> int:
    """Pixels along the longer side of a panel."""
    ydim, xdim = spatial_dims(array)
    others = [size for dim, size in array.sizes.items() if dim not in (ydim, xdim, "band")]
    ratio = max(array.sizes[xdim], 1) / max(array.sizes[ydim], 1)
    columns = choose_columns(min(style.slots, math.prod(others)), ratio, style.columns)
    return max(math.ceil(style.size * style.dpi / columns * max(1, 1 / ratio)), 16)


def shade(preview: Preview, style: Style) -> Shades:
    """Compute the values that the picture needs and colour them."""
    array = preview.array.compute()
    values = np.asarray(array.values)
    fill = fill_value_of(preview.array, preview.bands[0])
    valid = valid_pixels(values, fill)
    dtype = native_dtype(preview.array) or values.dtype
    if len(preview.bands) == 3:
        limits = _rgb_limits(values, valid, preview.bands, style, dtype)
        gamma = style.gamma
        if gamma is None:
            plain = style.stretch is not None or dtype == np.uint8
            gamma = 1.0 if plain else fitting_gamma(values, valid, limits)
        pixels = color_rgb(values, valid, limits, gamma)
        return Shades(pixels=pixels, channels=tuple(limits), gamma=gamma)
    info = preview.bands[0]
    if info.is_category or dtype.kind == "b":
        if dtype.kind == "b":
            info = BandInfo(name=info.name, type="mask")
        pixels, entries = color_classes(values[:, 0], valid[:, 0], info)
        return Shades(pixels=pixels, entries=tuple(entries))
    return _shade_amounts(values[:, 0], valid[:, 0], info, style)


def _rgb_limits(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    bands: tuple[BandInfo, ...],
    style: Style,
    dtype: np.dtype[Any],
) -> list[Limits]:
    """One pair a band. Bands of one scale are stretched together, so that grey stays grey."""
    stretch = style.stretch
    if stretch is None and dtype == np.uint8:
        return [(0.0, 255.0)] * 3
    if stretch is None or isinstance(stretch, str):
        if stretch != "display" and len({band.display_range for band in bands}) == 1:
            together = np.moveaxis(values, -3, 0).reshape(3, -1)
            seen = np.moveaxis(valid, -3, 0).reshape(3, -1)
            return [limits_of(together, seen, stretch, style.percentiles, bands[0])] * 3
        return [limits_of(values[:, k], valid[:, k], stretch, style.percentiles, bands[k]) for k in range(3)]
    if isinstance(stretch, Sequence) and len(stretch) == 3:
        return [normalize_limits(pair) for pair in stretch]
    return [normalize_limits(stretch)] * 3


def _shade_amounts(values: NDArray[Any], valid: NDArray[np.bool_], info: BandInfo, style: Style) -> Shades:
    from dawnlight.accessor._pictures_frame import find_colormap

    name, colors = find_colormap(style.colormap or info.colormap_name)
    limits = limits_of(values, valid, style.stretch, style.percentiles, info)
    position = np.clip((np.where(valid, values, limits[0]) - limits[0]) / (limits[1] - limits[0]), 0, 1)
    pixels = np.round(np.asarray(colors(position)) * 255).astype(np.uint8)
    pixels[~valid] = 0
    seen = values[valid]
    below, above = (bool(seen.size and seen.min() < limits[0]), bool(seen.size and seen.max() > limits[1]))
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    return Shades(pixels=pixels, limits=limits, colormap=name, extend=extend)


def _compose(preview: Preview, shades: Shades, style: Style) -> Picture:
    count = len(preview.titles)
    rows, cols = shades.pixels.shape[1:3]
    explained = style.legend and (bool(shades.entries) or shades.limits is not None)
    picture, panels = layout_panels(
        count, cols / rows, columns=style.columns, size=style.size, side_room=explained, axes=style.axes
    )
    for number, panel in enumerate(panels):
        _draw_panel(panel, preview, shades, number, style, alone=count == 1)
    if explained and shades.entries:
        add_legend(picture, panels, shades.entries, title=preview.bands[0].name)
    elif explained and shades.limits is not None:
        add_colorbar(
            picture, panels, shades.colormap, shades.limits, shades.extend, label=_scale_label(preview)
        )
    notes = [style.title] if style.title else []
    if preview.total > count:
        notes.append(f"{count} of {preview.total} time slots")
    if notes:
        picture.suptitle("\n".join(notes), fontsize=11)
    return picture


def _scale_label(preview: Preview) -> str:
    attrs = preview.array.attrs
    text = str(attrs.get("long_name") or preview.bands[0].name or "")
    units = attrs.get("units")
    return f"{text} [{units}]" if units else text


def _draw_panel(
    ax: Axes, preview: Preview, shades: Shades, number: int, style: Style, *, alone: bool = True
) -> None:
    extent = _extent(preview.array)
    ax.imshow(shades.pixels[number], extent=extent, interpolation="nearest", origin="upper", aspect="equal")
    title = preview.titles[number]
    if title:
        ax.set_title(title, fontsize=10 if alone else 9, loc="left")
    if not style.axes:
        ax.set_axis_off()
        return
    crs = find_crs(preview.array)
    label_axes(ax, crs, alone=alone)
    if style.scale_bar and crs is not None and number == 0:
        add_scale_bar(ax, crs)


def _extent(array: xr.DataArray) -> tuple[float, float, float, float]:
    """Edges (left, right, bottom, top) in CRS units, or in pixels where the array has no place."""
    try:
        minx, miny, maxx, maxy = geobox_of(array).bounds
    except (CRSError, GridError):
        ydim, xdim = spatial_dims(array)
        return 0.0, float(array.sizes[xdim]), float(array.sizes[ydim]), 0.0
    return minx, maxx, miny, maxy


def write_pixels(path: str | os.PathLike[str], pixels: NDArray[np.uint8]) -> Path:
    """Write colours (y, x, 4) as a picture of exactly these pixels."""
    from matplotlib.image import imsave

    imsave(os.fspath(path), pixels)
    return Path(path)
