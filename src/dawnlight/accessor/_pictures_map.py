"""Arrays on a map that can be moved and zoomed, drawn by folium."""

from __future__ import annotations

import html
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from dawnlight.accessor._coarse import coarsen
from dawnlight.accessor._georeference import geobox_of, spatial_dims
from dawnlight.accessor._pictures import Shades, Style, shade
from dawnlight.accessor._previews import Preview, make_preview
from dawnlight.accessor._shading import Entry
from dawnlight.accessor._warps import reproject
from dawnlight.errors import GridError, MissingExtraError

__all__ = ["make_map"]

_MERCATOR = "EPSG:3857"
_LIMIT = 85.05112878


def make_map(
    array: xr.DataArray,
    bands: str | Sequence[str] | None,
    style: Style,
    *,
    side: int,
    basemap: str | None,
    opacity: float,
    path: Any,
) -> Any:
    """Return a map with the pictures of the array as layers; see `Finishing.explore`."""
    try:
        import folium
    except ImportError:
        raise MissingExtraError("folium", "maps", ".dl.explore") from None
    chosen = make_preview(array, bands, slots=style.slots, side=10**9)
    flat = chosen.array
    # Twice as fine as needed, then warped to the grid of the map.
    flat = coarsen(flat, spatial_dims(flat), 2 * side)
    warped = _on_mercator(flat, side)
    preview = Preview(array=warped, bands=chosen.bands, titles=chosen.titles, total=chosen.total)
    shades = shade(preview, style)
    west, south, east, north = _lonlat_bounds(warped)
    drawn = folium.Map(tiles=basemap, control_scale=True)
    name = style.title or ", ".join(info.name for info in preview.bands) or "pixels"
    for number, title in enumerate(preview.titles):
        folium.raster_layers.ImageOverlay(
            image=shades.pixels[number],
            bounds=[[south, west], [north, east]],
            name=html.escape(f"{name} {title}".strip()),
            opacity=opacity,
            mercator_project=False,
            show=number == 0,
            overlay=True,
        ).add_to(drawn)
    _explain(drawn, folium, preview, shades)
    folium.LayerControl(collapsed=len(preview.titles) > 6).add_to(drawn)
    drawn.fit_bounds([[south, west], [north, east]])
    if path is not None:
        drawn.save(os.fspath(path))
    return drawn


def _on_mercator(array: xr.DataArray, side: int) -> xr.DataArray:
    """Return the picture on pixels of the map's projection, about so many along the longer side."""
    from dawnlight.geo import GeoBox, from_bounds
    from dawnlight.geo._extent import reproject_bounds

    geobox = geobox_of(array)
    minx, miny, maxx, maxy = reproject_bounds(geobox.bounds, geobox.crs, "EPSG:4326")
    miny, maxy = max(miny, -_LIMIT), min(maxy, _LIMIT)
    if miny >= maxy:
        raise GridError(f"the array lies beyond {_LIMIT:g} degrees, where web maps end: {geobox}")
    bounds = reproject_bounds((minx, miny, maxx, maxy), "EPSG:4326", _MERCATOR)
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    target: GeoBox = from_bounds(bounds, crs=_MERCATOR, resolution=longest / side)
    return reproject(
        array,
        None,
        like=target,
        crs=None,
        resolution=None,
        all_touched=None,
        resampler="near",
        chunks=None,
    )


def _lonlat_bounds(array: xr.DataArray) -> tuple[float, float, float, float]:
    from dawnlight.geo._crs import transformer

    minx, miny, maxx, maxy = geobox_of(array).bounds
    x, y = transformer(_MERCATOR, "EPSG:4326").transform(np.array([minx, maxx]), np.array([miny, maxy]))
    return float(x[0]), float(y[0]), float(x[1]), float(y[1])


def _explain(drawn: Any, folium: Any, preview: Preview, shades: Shades) -> None:
    """Put a legend of classes, or a colour scale, into a corner."""
    if shades.entries:
        box = folium.Element(_legend(shades.entries, preview.bands[0].name))
        drawn.get_root().html.add_child(box)
    elif shades.limits is not None:
        import matplotlib
        from branca.colormap import LinearColormap

        colors = [tuple(color) for color in matplotlib.colormaps[shades.colormap](np.linspace(0, 1, 16))]
        caption = html.escape(str(preview.array.attrs.get("long_name") or preview.bands[0].name))
        LinearColormap(colors, vmin=shades.limits[0], vmax=shades.limits[1], caption=caption).add_to(drawn)


def _legend(entries: Sequence[Entry], title: str) -> str:
    rows = "".join(
        f'<div style="margin:2px 0"><span style="display:inline-block;width:14px;height:14px;'
        f"margin-right:6px;vertical-align:-2px;border:1px solid #b8b8b8;"
        f'background:rgba({",".join(map(str, entry.color[:3]))},{entry.color[3] / 255:g})"></span>'
        f"{html.escape(entry.label)}</div>"
        for entry in entries
    )
    return (
        '<div role="img" aria-label="legend" style="position:fixed;bottom:28px;right:12px;z-index:1000;'
        "background:rgba(255,255,255,.92);color:#333;padding:8px 12px;border-radius:4px;"
        'font:12px/1.3 sans-serif;max-height:60%;overflow:auto">'
        f"<b>{html.escape(title)}</b>{rows}</div>"
    )
