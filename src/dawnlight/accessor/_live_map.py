"""The map that `.dl.explore` returns: folium's, without anything from the network, and with live tiles."""

from __future__ import annotations

import html
from collections import deque
from collections.abc import Iterable
from typing import Any

import folium
import shapely
from branca.element import MacroElement
from folium.template import Template

from dawnlight.accessor._leaflet import leaflet_head
from dawnlight.accessor._live_server import LiveTiles
from dawnlight.geo._land import land

__all__ = ["Map", "add_footprints", "add_land", "replace_when_live"]

_SHOWN: deque[LiveTiles] = deque(maxlen=8)
"""Maps that were displayed last: their tiles go on, although no variable holds the map."""


class Map(folium.Map):
    """A folium map of an array. Its tiles come from this process for as long as it or the page lives.

    Parameters
    ----------
    live : LiveTiles, optional
        What serves its tiles.
    **arguments
        As for `folium.Map`.
    """

    def __init__(self, *, live: LiveTiles | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._name = "Map"
        self.live = live
        head = leaflet_head()
        if head is not None:
            self.default_js, self.default_css = [], []
            # The first child of the page's head, so that what follows finds it.
            root: Any = self.get_root()
            root.header.add_child(folium.Element(head), name="leaflet", index=0)

    @property
    def urls(self) -> dict[str, str]:
        """URL of the live tiles of each layer, with ``{z}``, ``{x}`` and ``{y}``: for other map programs."""
        return {} if self.live is None else dict(self.live.urls)

    def report(self) -> list[dict[str, Any]]:
        """List the tiles that could not be drawn.

        Returns
        -------
        list of dict
            ``layer``, ``z``, ``x``, ``y`` and ``reason`` of each; such tiles are empty on the map.
        """
        return [] if self.live is None else self.live.report()

    def close(self) -> None:
        """Stop serving tiles. Otherwise that ends when the map is forgotten, or with Python."""
        if self.live is not None:
            self.live.close()
            if self.live in _SHOWN:
                _SHOWN.remove(self.live)

    def _repr_html_(self, **arguments: Any) -> str:
        if self.live is not None and self.live not in _SHOWN:
            _SHOWN.append(self.live)
        return str(super()._repr_html_(**arguments))


def add_land(drawn: Map) -> None:
    """Draw the coasts below everything, where no base map covers them."""
    folium.map.CustomPane("land", z_index=100, pointer_events=False).add_to(drawn)
    folium.GeoJson(
        shapely.geometry.mapping(land()),
        style_function=lambda _: {"color": "#9aa5ad", "weight": 1, "fillColor": "#eef0ea", "fillOpacity": 1},
        pane="land",
        control=False,
        interactive=False,
    ).add_to(drawn)


def add_footprints(drawn: Map, images: Iterable[Any]) -> None:
    """Draw the outlines of images, with their names and dates when pointed at."""
    features = []
    for image in images:
        if image.geometry is None:
            continue
        acquired = "" if image.acquired is None else f"{image.acquired:%Y-%m-%d %H:%M}"
        facts = {"name": image.name, "product": image.product_id, "acquired": acquired}
        features.append(
            {
                "type": "Feature",
                "geometry": shapely.geometry.mapping(image.geometry),
                "properties": {key: html.escape(str(value)) for key, value in facts.items()},
            }
        )
    if not features:
        return
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name=f"footprints ({len(features)})",
        style_function=lambda _: {"color": "#c2410c", "weight": 2, "fillOpacity": 0},
        highlight_function=lambda _: {"weight": 4},
        tooltip=folium.GeoJsonTooltip(["name", "product", "acquired"]),
    ).add_to(drawn)


class _Replacing(MacroElement):
    """Takes a picture off the map when the first live tile has come."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this.tiles }}.once('tileload', function () { {{ this.picture }}.remove(); });"
        "{% endmacro %}"
    )

    def __init__(self, tiles: str, picture: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca gives it no types
        self.tiles, self.picture = tiles, picture


def replace_when_live(drawn: Map, picture: Any, tiles: Any) -> None:
    """Have a fixed picture shown only for as long as no live tile comes, as in a page that was saved."""
    drawn.add_child(_Replacing(tiles.get_name(), picture.get_name()))
