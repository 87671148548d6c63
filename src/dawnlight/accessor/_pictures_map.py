"""Arrays on a map that can be moved and zoomed: as a fixed picture, or tile by tile as they are looked at."""

from __future__ import annotations

import html
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._coarse import coarsen
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._live_tiles import (
    MERCATOR,
    Look,
    Pyramid,
    TileSource,
    choose_look,
    mercator_bounds,
    to_grid,
)
from dawnlight.accessor._pictures import Shades, Style, shade
from dawnlight.accessor._previews import Preview, make_preview
from dawnlight.accessor._shading import Entry
from dawnlight.accessor._variables import as_array
from dawnlight.errors import MissingExtraError, ParameterError

__all__ = ["make_map", "pick_time"]

_WIDTH = 700
"""Pixels that a map is expected to have."""


def make_map(
    obj: xr.DataArray | xr.Dataset,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    live: bool,
    side: int,
    basemap: str | None,
    opacity: float,
    images: Sequence[Any],
    proxy: str | None,
    path: Any,
) -> Any:
    """Return a map with the pictures of the array as layers; see `Looking.explore`."""
    try:
        import folium
    except ImportError:
        raise MissingExtraError("folium", "maps", ".dl.explore") from None
    from dawnlight.accessor._live_map import add_footprints

    make = _make_live if live else _make_fixed
    if not live and proxy is not None:
        raise ParameterError(f"proxy={proxy!r} is for live tiles; leave it out with live=False or path=")
    tiles = None if basemap == "outline" else basemap
    drawn, preview, shades = make(obj, bands, style, side=side, tiles=tiles, opacity=opacity, proxy=proxy)
    add_footprints(drawn, images)
    _explain(drawn, folium, preview, shades)
    folium.LayerControl(collapsed=len(preview.titles) > 6).add_to(drawn)
    if path is not None:
        drawn.save(os.fspath(path))
    return drawn


def _make_fixed(
    obj: xr.DataArray | xr.Dataset,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    side: int,
    tiles: str | None,
    opacity: float,
    proxy: str | None,
) -> tuple[Any, Preview, Shades]:
    """Make a map of pictures with a fixed number of pixels, which needs no process behind it."""
    chosen = make_preview(as_array(obj), bands, slots=style.slots, side=10**9)
    # Twice as fine as needed, then warped to the grid of the map.
    flat = coarsen(chosen.array, spatial_dims(chosen.array), 2 * side)
    warped = _on_mercator(flat, side)
    preview = Preview(array=warped, bands=chosen.bands, titles=chosen.titles, total=chosen.total)
    shades = shade(preview, style)
    drawn = _empty_map(tiles, None)
    for number, name in enumerate(_layer_names(preview, style)):
        _overlay(drawn, shades.pixels[number], warped, name, opacity, show=number == 0)
    drawn.fit_bounds(_corners(warped))
    return drawn, preview, shades


def _make_live(
    obj: xr.DataArray | xr.Dataset,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    side: int,
    tiles: str | None,
    opacity: float,
    proxy: str | None,
) -> tuple[Any, Preview, Shades]:
    """Make a map whose tiles are computed when they come into sight."""
    import folium

    from dawnlight.accessor._live_map import replace_when_live
    from dawnlight.accessor._live_server import LiveTiles

    pyramid = Pyramid(obj, bands, style.slots)
    look = choose_look(pyramid, style)
    preview = pyramid.full
    names = _layer_names(preview, style)
    sources = {name: TileSource(pyramid, look, slot) for slot, name in enumerate(names)}
    live = LiveTiles(dict(sources), proxy)
    drawn = _empty_map(tiles, live)
    least = min(source.least_zoom for source in sources.values())
    for number, name in enumerate(names):
        layer = folium.TileLayer(
            tiles=live.urls[name],
            attr="Dawnlight",
            name=name,
            overlay=True,
            show=number == 0,
            opacity=opacity,
            min_zoom=least,
            max_zoom=24,
        )
        if number == 0 and look.overview is not None:
            picture = _overlay(drawn, look.shades.pixels[0], look.overview, name, opacity, control=False)
            layer.add_to(drawn)
            replace_when_live(drawn, picture, layer)
        else:
            layer.add_to(drawn)
    _look_at(drawn, pyramid, look, least)
    return (
        drawn,
        Preview(array=preview.array, bands=look.bands, titles=preview.titles, total=preview.total),
        look.shades,
    )


def _look_at(drawn: Any, pyramid: Pyramid, look: Look, least: int) -> None:
    """Show the whole array, or as much of it as tiles may compute."""
    bounds = mercator_bounds(pyramid.geobox)
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    fitting = math.log2(2 * math.pi * 6378137 / 256 * _WIDTH / longest)
    (south, west), (north, east) = _lonlat(bounds)
    if fitting >= least:
        drawn.fit_bounds([[south, west], [north, east]])
    else:
        drawn.location = [(south + north) / 2, (west + east) / 2]
        drawn.options["zoom"] = least


def _empty_map(tiles: str | None, live: Any) -> Any:
    from dawnlight.accessor._live_map import Map, add_land

    drawn = Map(live=live, tiles=tiles, control_scale=True)
    add_land(drawn)
    return drawn


def _layer_names(preview: Preview, style: Style) -> list[str]:
    name = style.title or ", ".join(info.name for info in preview.bands) or "pixels"
    names: list[str] = []
    for title in preview.titles:
        text = html.escape(f"{name} {title}".strip())
        again = sum(each == text or each.startswith(f"{text} (") for each in names)
        names.append(f"{text} ({again + 1})" if again else text)
    return names


def _overlay(
    drawn: Any,
    pixels: Any,
    warped: xr.DataArray,
    name: str,
    opacity: float,
    *,
    show: bool = True,
    control: bool = True,
) -> Any:
    import folium

    overlay = folium.raster_layers.ImageOverlay(
        image=pixels,
        bounds=_corners(warped),
        name=name,
        opacity=opacity,
        mercator_project=False,
        show=show,
        overlay=True,
        control=control,
    )
    return overlay.add_to(drawn)


def pick_time(obj: Any, time: Any) -> Any:
    """Select one time slot: by its number, or the one nearest to a moment.

    Raises
    ------
    ParameterError
        The array has no time, or not so many slots.
    """
    from dawnlight.search._times import parse_time

    if "time" not in obj.dims:
        raise ParameterError(f"time={time!r}: the array has no dim 'time'; leave time out")
    count = obj.sizes["time"]
    if isinstance(time, int | np.integer):
        if not -count <= time < count:
            raise ParameterError(f"time={time!r}: the array has {count} time slots, numbered from 0")
        return obj.isel(time=[int(time)])
    wanted = np.datetime64(parse_time(time).replace(tzinfo=None), "ns")
    distance = np.abs(obj.coords["time"].values - wanted)
    if np.isnat(distance).all():
        raise ParameterError(f"time={time!r}: no time slot of the array has a date")
    return obj.isel(time=[int(np.nanargmin(np.where(np.isnat(distance), np.nan, distance.astype(float))))])


def _on_mercator(array: xr.DataArray, side: int) -> xr.DataArray:
    """Return the picture on pixels of the map's projection, about so many along the longer side."""
    from dawnlight.geo import from_bounds

    bounds = mercator_bounds(geobox_of(array))
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    return to_grid(array, from_bounds(bounds, crs=MERCATOR, resolution=longest / side))


def _corners(warped: xr.DataArray) -> list[list[float]]:
    return _lonlat(geobox_of(warped).bounds)


def _lonlat(bounds: tuple[float, float, float, float]) -> list[list[float]]:
    """Corners [[south, west], [north, east]] of a box on the map."""
    from dawnlight.geo._crs import transformer

    minx, miny, maxx, maxy = bounds
    x, y = transformer(MERCATOR, "EPSG:4326").transform(np.array([minx, maxx]), np.array([miny, maxy]))
    return [[float(y[0]), float(x[0])], [float(y[1]), float(x[1])]]


def _explain(drawn: Any, folium: Any, preview: Preview, shades: Shades) -> None:
    """Put a legend of classes, or a colour scale, into a corner."""
    name = preview.bands[0].name
    if shades.entries:
        box = _box(name, _rows(shades.entries))
    elif shades.limits is not None:
        caption = str(preview.array.attrs.get("long_name") or name)
        box = _box(caption, _scale(shades))
    else:
        return
    drawn.get_root().html.add_child(folium.Element(f"{{% raw %}}{box}{{% endraw %}}"))


def _scale(shades: Shades) -> str:
    import matplotlib
    from matplotlib.colors import to_hex

    low, high = shades.limits or (0.0, 1.0)
    colors = ",".join(to_hex(color) for color in matplotlib.colormaps[shades.colormap](np.linspace(0, 1, 16)))
    return (
        '<div style="min-width:180px;height:12px;margin-top:4px;'
        f'background:linear-gradient(90deg,{colors})"></div>'
        '<div style="display:flex;justify-content:space-between">'
        f"<span>{low:.4g}</span><span>{high:.4g}</span></div>"
    )


def _rows(entries: Sequence[Entry]) -> str:
    return "".join(
        f'<div style="margin:2px 0"><span style="display:inline-block;width:14px;height:14px;'
        f"margin-right:6px;vertical-align:-2px;border:1px solid #b8b8b8;"
        f'background:rgba({",".join(map(str, entry.color[:3]))},{entry.color[3] / 255:g})"></span>'
        f"{html.escape(entry.label)}</div>"
        for entry in entries
    )


def _box(title: str, body: str) -> str:
    # A title cannot end the raw part of the template that it stands in.
    title = html.escape(title).replace("{", "&#123;")
    return (
        '<div role="group" aria-label="legend" class="dawnlight-legend" '
        'style="position:fixed;bottom:28px;right:12px;'
        "z-index:1000;background:rgba(255,255,255,.92);color:#333;padding:8px 12px;border-radius:4px;"
        'font:12px/1.3 sans-serif;max-height:60%;overflow:auto">'
        f"<b>{title}</b>{body.replace('{', '&#123;')}</div>"
    )
