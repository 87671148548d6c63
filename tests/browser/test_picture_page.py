from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pictures_show_on_any_page(browser: Any, stack: Any, tmp_path: Path, dark: bool) -> None:
    pictures = {
        "picture": stack.isel(time=[0, 1]).dl.show(),
        "classes": stack.isel(time=0).dl.show("scl"),
        "amounts": stack.isel(time=0).dl.index("NDVI").dl.show(),
    }
    body = "".join(
        f"<img alt='{name}' src='data:image/png;base64,{base64.b64encode(each._repr_png_()).decode()}'><br>"
        for name, each in pictures.items()
    )
    path = tmp_path / "pictures.html"
    path.write_text(
        "<!doctype html><meta charset='utf-8'><meta name='color-scheme' content='light dark'>" + body, "utf-8"
    )
    browser.open(path, dark=dark)
    images = browser.find("img")
    assert len(images) == 3
    assert all(browser.run("return arguments[0].naturalWidth > 300", image) for image in images)
    # Axes are dark ink: the picture brings its own paper, so that they can be read on a dark page.
    corner = """
        const canvas = document.createElement('canvas').getContext('2d');
        canvas.drawImage(arguments[0], 0, 0);
        return [...canvas.getImageData(1, 1, 1, 1).data];
    """
    assert all(browser.run(corner, image) == [255, 255, 255, 255] for image in images)
    browser.screenshot(f"pictures-{'dark' if dark else 'light'}", whole=True)
    assert browser.errors() == []
