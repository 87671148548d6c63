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
