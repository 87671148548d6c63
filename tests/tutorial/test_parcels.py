"""Outlines of fields: each has one crop, the one its name says, and nothing else on it."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from dawnlight._tutorial._ground import CROPS, make_ground
from dawnlight._tutorial._scenes import CENTER, TILES, TilePainter, lonlat_of
from dawnlight.tutorial import demo_fields


@pytest.fixture(scope="module")
def fields() -> dict[str, shapely.Polygon]:
    return demo_fields(2)


def _ground_of(outline: shapely.Polygon) -> object:
    """Ground on a raster of points inside."""
    lon, lat = lonlat_of(1.0, 1.0)
    scale = np.array([lon - CENTER[0], lat - CENTER[1]])
    local = shapely.transform(outline, lambda points: (points - CENTER) / scale)
    minx, miny, maxx, maxy = local.bounds
    x, y = np.meshgrid(np.arange(minx, maxx, 0.01), np.arange(miny, maxy, 0.01))
    inside = shapely.contains_xy(local, x, y)
    assert inside.sum() > 400
    return make_ground(x[inside].astype(np.float32), y[inside].astype(np.float32))


def test_there_are_some_of_each_crop(fields: dict[str, shapely.Polygon]) -> None:
    assert list(fields) == [f"{crop} {number}" for crop in CROPS for number in (1, 2)]
    assert all(outline.is_valid and outline.geom_type == "Polygon" for outline in fields.values())
    assert demo_fields(1) == {name: fields[name] for name in fields if name.endswith("1")}


def test_the_crop_is_what_the_name_says(fields: dict[str, shapely.Polygon]) -> None:
    for name, outline in fields.items():
        ground = _ground_of(outline)
        assert {CROPS[number] for number in np.unique(ground.crop)} == {name.split()[0]}
        # One field and not two of the same crop: the whole of it was sown on one day.
        assert np.ptp(ground.sowing) < 1e-3
        assert max(ground.water.mean(), ground.forest.mean(), ground.built.mean()) < 0.03


def test_fields_lie_apart_and_on_one_tile(fields: dict[str, shapely.Polygon]) -> None:
    tile = TilePainter(next(tile for tile in TILES if tile.name == "31TGK"), 64).geobox.footprint()
    outlines = list(fields.values())
    assert all(tile.contains(outline) for outline in outlines)
    assert shapely.union_all(outlines).area == pytest.approx(sum(outline.area for outline in outlines))
