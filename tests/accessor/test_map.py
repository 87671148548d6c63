from __future__ import annotations

import base64
import builtins
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from pyproj import Transformer

from dawnlight.errors import GridError, MissingExtraError

pytest.importorskip("folium")


def overlays(page: str) -> list[tuple[np.ndarray[Any, Any], list[list[float]]]]:
    found = re.findall(r'L\.imageOverlay\(\s*"data:image/png;base64,([^"]+)",\s*(\[\[.*?\]\])', page)
    return [
        (np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), json.loads(bounds))
        for data, bounds in found
    ]


def test_pixels_are_where_they_belong(stack: xr.DataArray, tmp_path: Path) -> None:
    stack.isel(time=0).dl.explore("scl", side=400, path=tmp_path / "map.html")
    ((picture, ((south, west), (north, east))),) = overlays((tmp_path / "map.html").read_text())
    to_map = Transformer.from_crs("EPSG:32631", "EPSG:3857", always_xy=True)
    edges = Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    (left, right), (bottom, top) = edges.transform([west, east], [south, north])
    classes = stack.isel(time=0).sel(band="scl").values
    colors = {1: (120, 160, 60), 2: (40, 90, 200), 3: (250, 250, 250), 4: (60, 60, 60)}
    hits = 0
    for row, col in [(3, 3), (10, 20), (12, 34), (30, 50), (45, 15), (20, 60)]:
        x, y = to_map.transform(600005 + 10 * col, 5000475 - 10 * row)
        i = int((top - y) / (top - bottom) * picture.shape[0])
        j = int((x - left) / (right - left) * picture.shape[1])
        assert tuple(picture[i, j, :3]) == colors[int(classes[row, col])]
        hits += 1
    assert hits == 6


def test_slots_are_layers_and_labels_are_escaped(stack: xr.DataArray) -> None:
    drawn = stack.dl.explore("red", live=False, basemap=None, title="<b>fields</b>")
    page = drawn.get_root().render()
    assert len(overlays(page)) == 3
    assert r"\u0026lt;b\u0026gt;fields\u0026lt;/b\u0026gt; 2023-01-10" in page
    assert "<b>fields</b>" not in page
    assert "openstreetmap" not in page


def test_classes_have_a_legend(stack: xr.DataArray) -> None:
    dataset = stack.isel(time=0).dl.to_dataset()
    page = dataset.dl.explore("scl", live=False).get_root().render()
    assert re.search(r"rgba\(250,250,250,1\)[^>]*></span>cloud", page)


def test_places_beyond_the_map_are_refused() -> None:
    pole = xr.DataArray(
        np.zeros((2, 2)), {"lat": [89.5, 88.5], "lon": [0.0, 1.0]}, attrs={"crs": "EPSG:4326"}
    )
    with pytest.raises(GridError, match="where web maps end"):
        pole.dl.explore()


def test_a_missing_library_says_how_to_install_it(
    loaded: xr.DataArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "folium":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"dawnlight\[maps\]"):
        loaded.dl.explore("red")


# -- live maps -----------------------------------------------------------------------------------------


def fetch(url: str, tile: tuple[int, int, int]) -> np.ndarray[Any, Any]:
    from urllib.request import urlopen

    z, x, y = tile
    with urlopen(url.format(z=z, x=x, y=y), timeout=20) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())))


def test_a_live_map_has_a_layer_and_an_address_for_each_slot(stack: xr.DataArray) -> None:
    drawn = stack.dl.explore("scl", basemap=None)
    try:
        assert list(drawn.urls) == ["scl 2023-01-10", "scl 2023-02-01", "scl 2023-06-15"]
        page = drawn.get_root().render()
        assert all(url in page for url in drawn.urls.values())
        assert not re.search(r'<(script|link)[^>]*(src|href)="http', page), "nothing comes from the network"
        place = (14, 8389, 5905)
        seen = [fetch(url, place) for url in drawn.urls.values()]
        assert all(picture.shape == (256, 256, 4) for picture in seen)
        assert drawn.report() == []
    finally:
        drawn.close()


@pytest.mark.parametrize(
    ("time", "day"),
    [(1, "2023-02-01"), (-1, "2023-06-15"), ("2023-05-01", "2023-06-15"), ("2022", "2023-01-10")],
)
def test_a_time_is_picked_by_number_or_moment(stack: xr.DataArray, time: Any, day: str) -> None:
    drawn = stack.dl.explore("red", time=time, basemap=None)
    assert list(drawn.urls) == [f"red {day}"]
    drawn.close()


def test_what_cannot_be_shown_says_why(stack: xr.DataArray) -> None:
    from dawnlight.errors import ParameterError

    with pytest.raises(ParameterError, match="3 time slots"):
        stack.dl.explore("red", time=3)
    with pytest.raises(ParameterError, match="no dim 'time'"):
        stack.isel(time=0).dl.explore("red", time=0)
    with pytest.raises(ParameterError, match="live tiles"):
        stack.dl.explore("red", live=False, proxy="/{port}")


@pytest.mark.usefixtures("default_catalog")
def test_footprints_are_those_of_the_images(loaded: xr.DataArray) -> None:
    drawn = loaded.dl.explore("red", footprints=True, live=False, basemap=None)
    page = drawn.get_root().render()
    assert "footprints (3)" in page
    assert '"name": "s1"' in page


def test_a_map_that_was_displayed_goes_on_when_no_name_holds_it(loaded: xr.DataArray) -> None:
    import gc

    from dawnlight.accessor import _live_map

    drawn = loaded.dl.explore("red", basemap=None)
    live, html = drawn.live, drawn._repr_html_()
    assert "127.0.0.1" in html
    url = next(iter(drawn.urls.values()))
    del drawn
    gc.collect()
    assert fetch(url, (0, 0, 0)).shape == (256, 256, 4)
    _live_map._SHOWN.remove(live)
    live.close()
