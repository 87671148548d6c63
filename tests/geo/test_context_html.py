from __future__ import annotations

from xml.etree import ElementTree

import pytest

from dawnlight.geo import AOI, DLTile, GeoContext, XYZTile

SHAPE = {"type": "Polygon", "coordinates": [[[5, 45], [6, 45], [6, 46], [5, 45]]]}


@pytest.mark.parametrize(
    ("context", "svgs"),
    [
        (AOI(geometry=SHAPE, crs="EPSG:32631", resolution=10), 2),
        (AOI(resolution=10), 0),
        (XYZTile(3, 2, 3), 2),
        (XYZTile(0, 0, 0), 1),
        (DLTile.from_latlon(45, 5, resolution=10, tilesize=512, pad=0), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_contexts_show_where_they_are(context: GeoContext, svgs: int) -> None:
    html = context._repr_html_()
    ElementTree.fromstring(f"<div>{html}</div>")
    assert html.count("<svg") == svgs
    assert f"<summary>{type(context).__name__}</summary>" in html
    assert "resolution" in html


def test_every_value_is_escaped() -> None:
    class Evil(XYZTile):
        def _describe(self) -> dict[str, object]:
            return {"<b>": "<script>", "long": "x" * 1000}

    html = Evil(0, 0, 0)._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "x" * 200 not in html
