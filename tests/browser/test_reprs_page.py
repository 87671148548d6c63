from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

# Where the colours come from, besides the reader's system.
THEMES = {
    "plain": "",
    "jupyter-dark": "--jp-layout-color1:#111;--jp-content-font-color1:#eee;--jp-border-color2:#555;",
    "vscode-light": "--vscode-editor-background:#fff;--vscode-editor-foreground:#333;",
}


@pytest.fixture(scope="module")
def objects(demo: Any, stack: Any) -> dict[str, Any]:
    from dawnlight.catalog import Image, ImageUpload, Product
    from dawnlight.catalog import properties as p
    from dawnlight.geo import AOI, DLTile, XYZTile

    images = Image.search(client=demo).sort("acquired").collect()
    bands = list(images[0].product.bands())
    evil = "<script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">"
    place = images[0].geometry
    return {
        "Product": images[0].product,
        "Band": bands[0],
        "Class band": next(band for band in bands if band.name == "scl"),
        "Image": images[0],
        "ImageCollection": images,
        "Search": Image.search(client=demo).intersects(place).filter(p.cloud_fraction < 0.3).sort("acquired"),
        "ImageUpload": ImageUpload(product_id=images[0].product_id, image_id=images[0].id, client=demo),
        "AOI": AOI(geometry=place, crs="EPSG:32631", resolution=10),
        "DLTile": DLTile.from_latlon(45, 6, resolution=10, tilesize=1024, pad=0),
        "XYZTile": XYZTile(4, 2, 3),
        "accessor": stack.dl,
        "dataset": stack.dl.to_dataset().dl,
        "explain": stack.dl.explain(),
        "evil": Product(id="evil", name=evil, description=evil, tags=[evil]),
    }


@pytest.fixture(scope="module")
def page(objects: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("reprs")

    def write(theme: str) -> Path:
        body = "".join(f"<h3>{name}</h3>{obj._repr_html_()}" for name, obj in objects.items())
        path = folder / f"{theme}.html"
        path.write_text(
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
            "<meta name='color-scheme' content='light dark'>"
            f"<style>:root{{{THEMES[theme]}}}body{{font-family:sans-serif}}</style>"
            f"</head><body>{body}</body></html>",
            encoding="utf-8",
        )
        return path

    return write


@pytest.mark.parametrize(
    ("theme", "dark"),
    [("plain", False), ("plain", True), ("jupyter-dark", False), ("vscode-light", True)],
)
def test_descriptions_can_be_read(browser: Any, page: Any, theme: str, dark: bool) -> None:
    browser.open(page(theme), dark=dark)
    assert browser.run("return document.title") == ""
    boxes = browser.find(".dawnlight-box")
    assert len(boxes) >= 14
    assert all(box.is_displayed() and box.size["height"] > 30 for box in boxes)
    assert all(svg.size["width"] > 20 for svg in browser.find(".dawnlight-box svg"))
    browser.screenshot(f"reprs-{theme}-{'dark' if dark else 'light'}", whole=True)
    for selector in ("summary", "td", "th", ".note", "code"):
        assert browser.contrast(f".dawnlight-box {selector}") >= 4.5, selector
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.errors() == []


def test_the_colors_follow_the_system_and_the_theme_wins(browser: Any, page: Any) -> None:
    paper = "return getComputedStyle(document.querySelector('.dawnlight-box')).backgroundColor"
    seen = {}
    for theme in THEMES:
        for dark in (False, True):
            browser.open(page(theme), dark=dark)
            seen[theme, dark] = browser.run(paper)
    assert seen["plain", False] != seen["plain", True]
    assert seen["jupyter-dark", False] == seen["jupyter-dark", True] == "rgb(17, 17, 17)"
    assert seen["vscode-light", True] == "rgb(255, 255, 255)"


def test_everything_that_folds_does_so_from_the_keyboard(browser: Any, page: Any) -> None:
    browser.open(page("plain"))
    count = len(browser.find("details"))
    is_open = "return document.activeElement.parentElement.open"
    for number in range(count):
        browser.press("\ue004")  # Tab
        assert browser.run("return document.activeElement.tagName") == "SUMMARY", number
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
        before = browser.run(is_open)
        for key in ("\ue007", " "):  # Enter, Space
            browser.press(key)
            assert browser.run(is_open) is not before
            before = not before
    # What is folded away is skipped, so all were reached only because all of them were open or at the top.
    assert count >= 16


def test_pictures_say_what_they_show(browser: Any, page: Any) -> None:
    browser.open(page("plain"))
    labels = [svg.get_attribute("aria-label") for svg in browser.find("svg[role=img]")]
    assert len(labels) == len(browser.find("svg"))
    assert all(labels)
