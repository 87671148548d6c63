from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("folium")

TILES = """
return [...document.querySelectorAll('img.leaflet-tile-loaded')].filter(i => i.src.includes('127.0.0.1'));
"""
ZOOM = """
return Math.max(...[...document.querySelectorAll('img.leaflet-tile-loaded')].map(i => i.src.split('/')[4]));
"""


def write(drawn: Any, folder: Path) -> Path:
    path = folder / "map.html"
    drawn.save(str(path))
    return path


@pytest.mark.parametrize("kind", ["picture", "classes", "amounts"])
def test_a_live_map_shows_tiles(browser: Any, stack: Any, demo: Any, tmp_path: Path, kind: str) -> None:
    from dawnlight.catalog import Image

    images = Image.search(client=demo).collect()
    obj, bands = {
        "picture": (stack, None),
        "classes": (stack, "scl"),
        "amounts": (stack.isel(time=0).dl.index("NDVI"), None),
    }[kind]
    drawn = obj.dl.explore(bands, basemap="outline", footprints=images)
    try:
        browser.open(write(drawn, tmp_path))
        browser.wait(lambda: len(browser.run(TILES)) >= 4, "tiles")
        browser.wait(lambda: not browser.find("img.leaflet-image-layer"), "the end of the fixed picture")
        assert browser.find("path.leaflet-interactive"), "footprints"
        assert len(browser.find(".dawnlight-legend")) == (kind != "picture")
        labels = browser.find(".leaflet-control-layers-overlays label")
        names = [label.get_attribute("textContent").strip() for label in labels]
        assert any(name.startswith("footprints (") for name in names)
        assert all(
            browser.run("return arguments[0].naturalWidth === 256", tile) for tile in browser.run(TILES)
        )
        browser.screenshot(f"map-{kind}")
        before = browser.run(ZOOM)
        browser.find(".leaflet-control-zoom-in")[0].click()
        browser.wait(lambda: browser.run(ZOOM) > before, "finer tiles")
        assert drawn.report() == []
        assert browser.errors() == []
    finally:
        drawn.close()


def test_a_map_in_a_notebook_is_a_frame_that_works(browser: Any, stack: Any, tmp_path: Path) -> None:
    drawn = stack.dl.explore("red", time=0, basemap=None)
    try:
        path = tmp_path / "notebook.html"
        path.write_text(f"<!doctype html><meta charset='utf-8'>{drawn._repr_html_()}", encoding="utf-8")
        browser.open(path)
        browser.driver.switch_to.frame(browser.find("iframe")[0])
        browser.wait(lambda: browser.run(TILES), "tiles")
        assert browser.errors() == []
    finally:
        browser.driver.switch_to.default_content()
        drawn.close()


def test_a_saved_map_needs_nobody(browser: Any, stack: Any, tmp_path: Path) -> None:
    path = tmp_path / "saved.html"
    stack.isel(time=[0, 1]).dl.explore("scl", basemap="outline", path=path)
    text = path.read_text(encoding="utf-8")
    assert "127.0.0.1" not in text
    assert '<script src="http' not in text
    browser.open(path)
    browser.wait(lambda: browser.find("img.leaflet-image-layer"), "the picture")
    browser.screenshot("map-saved")
    assert browser.errors() == []


def test_a_live_map_whose_python_has_ended_shows_the_fixed_picture(
    browser: Any, stack: Any, tmp_path: Path
) -> None:
    drawn = stack.isel(time=0).dl.explore(basemap=None)
    path = write(drawn, tmp_path)
    drawn.close()
    browser.open(path)
    (picture,) = browser.wait(lambda: browser.find("img.leaflet-image-layer"), "the picture")
    assert picture.is_displayed()
    browser.screenshot("map-ended")
    assert all("ERR_CONNECTION_REFUSED" in error for error in browser.errors())


def test_the_layers_of_a_map_switch_from_the_keyboard(browser: Any, stack: Any, tmp_path: Path) -> None:
    drawn = stack.isel(time=slice(3)).dl.explore("nir", basemap=None)
    try:
        browser.open(write(drawn, tmp_path))
        browser.wait(lambda: browser.run(TILES), "tiles")
        boxes = browser.find(".leaflet-control-layers-overlays input")
        assert [box.is_selected() for box in boxes][:2] == [True, False]
        browser.run("arguments[0].focus()", boxes[1])
        browser.press(" ")
        assert boxes[1].is_selected()
        second = drawn.urls[list(drawn.urls)[1]].split("/")[3]
        browser.wait(
            lambda: any(second in (tile.get_attribute("src") or "") for tile in browser.run(TILES)),
            "its tiles",
        )
        assert browser.errors() == []
    finally:
        drawn.close()
