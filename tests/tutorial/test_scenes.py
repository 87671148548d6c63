"""Scenes: where, when, and that two zones look at one and the same country."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely

from dawnlight._tutorial._files import write_band
from dawnlight._tutorial._scenes import CENTER, TILES, Picture, Scene, TilePainter, list_scenes
from dawnlight._tutorial._seasons import BANDS
from dawnlight.geo._crs import normalize_crs, transformer
from dawnlight.geo._geobox import GeoBox

SIZE = 128
SCENES = list_scenes(24)


@pytest.fixture(scope="module")
def painters() -> dict[str, TilePainter]:
    return {tile.name: TilePainter(tile, SIZE) for tile in TILES}


@pytest.fixture(scope="module")
def pictures(painters: dict[str, TilePainter]) -> dict[str, Picture]:
    return {scene.name: painters[scene.tile.name].paint(scene) for scene in SCENES[:12]}


def _to_map(geobox: GeoBox, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left, step, _, top, _, _ = geobox.geotrans
    return left + (columns + 0.5) * step, top - (rows + 0.5) * step


def test_the_usual_set_is_six_dates_of_four_tiles_in_two_zones() -> None:
    assert len(SCENES) == len({scene.name for scene in SCENES}) == 24
    assert len({scene.acquired for scene in SCENES}) == 6
    assert {scene.tile.epsg for scene in SCENES} == {32631, 32632}
    times = [scene.acquired for scene in SCENES]
    assert times == sorted(times)
    assert SCENES[0].acquired.utcoffset() is not None


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_any_number_of_scenes_may_be_asked_for(count: int) -> None:
    assert len(list_scenes(count)) == count


def test_tiles_leave_no_gap(painters: dict[str, TilePainter]) -> None:
    country = shapely.union_all([painter.geobox.footprint() for painter in painters.values()])
    assert country.geom_type == "Polygon"
    assert not country.interiors
    assert country.contains(shapely.Point(CENTER).buffer(0.08))


def test_two_zones_see_the_same_country(
    painters: dict[str, TilePainter], pictures: dict[str, Picture]
) -> None:
    west, east = (pictures[f"S2D_{name}_{SCENES[8].acquired:%Y%m%d}"] for name in ("31TGL", "32TKR"))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    easting, northing = _to_map(west.geobox, columns, rows)
    to_east = transformer(west.geobox.crs, east.geobox.crs)
    x, y = to_east.transform(easting, northing)
    left, step, _, top, _, _ = east.geobox.geotrans
    column, row = (np.asarray(x) - left) / step, (top - np.asarray(y)) / step
    inside = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    # Only pixels whose centres nearly meet: half a field away the land is another.
    near = inside & (abs(column % 1 - 0.5) < 0.1) & (abs(row % 1 - 0.5) < 0.1)
    assert near.sum() > 20
    ours = west.numbers[:, near].astype(float)
    theirs = east.numbers[:, row[near].astype(int), column[near].astype(int)].astype(float)
    assert np.median(abs(ours - theirs) / ours) < 0.05
    assert min(np.corrcoef(ours[band], theirs[band])[0, 1] for band in range(len(BANDS))) > 0.9


def test_places_are_exact(painters: dict[str, TilePainter]) -> None:
    painter = painters["31TGK"]
    to_lonlat = transformer(painter.geobox.crs, normalize_crs("EPSG:4326"))
    easting, northing = _to_map(painter.geobox, np.arange(SIZE), np.arange(SIZE))
    lon, lat = to_lonlat.transform(easting, northing)
    metres_east = (np.asarray(lon) - CENTER[0]) * 111320 * np.cos(np.radians(CENTER[1]))
    np.testing.assert_allclose(1000 * np.diag(painter._x), metres_east, atol=0.05)
    np.testing.assert_allclose(1000 * np.diag(painter._y), (np.asarray(lat) - CENTER[1]) * 111130, atol=0.05)


def test_painting_again_gives_the_same(
    painters: dict[str, TilePainter], pictures: dict[str, Picture]
) -> None:
    scene = SCENES[5]
    again = TilePainter(scene.tile, SIZE).paint(scene)
    np.testing.assert_array_equal(again.numbers, pictures[scene.name].numbers)
    np.testing.assert_array_equal(again.classes, pictures[scene.name].classes)


def test_what_was_not_seen_is_nodata_in_every_band(pictures: dict[str, Picture]) -> None:
    for picture in pictures.values():
        seen = picture.numbers > 0
        assert (seen == seen[0]).all()
        quads = seen[0].reshape(SIZE // 2, 2, SIZE // 2, 2).any(axis=(1, 3))
        np.testing.assert_array_equal(picture.classes > 0, quads)
        assert picture.fill_fraction == pytest.approx(seen[0].mean(), abs=1e-4)
        assert 0 <= picture.cloud_fraction <= 1


def test_some_scenes_end_at_the_edge_of_the_swath(pictures: dict[str, Picture]) -> None:
    fills = [picture.fill_fraction for picture in pictures.values()]
    assert sum(fill < 0.9 for fill in fills) >= 3
    assert sum(fill == 1 for fill in fills) >= 4


def test_the_footprint_is_the_outline_of_what_was_seen(pictures: dict[str, Picture]) -> None:
    for picture in pictures.values():
        share = picture.footprint.area / picture.geobox.footprint().area
        assert share == pytest.approx(picture.fill_fraction, abs=0.01)
        assert picture.footprint.is_valid


def test_files_are_cloud_optimised(tmp_path: Path) -> None:
    scene: Scene = SCENES[0]
    picture = TilePainter(scene.tile, 600).paint(scene)
    red, scl = tmp_path / "red.tif", tmp_path / "scl.tif"
    write_band(red, picture.numbers[2], picture.geobox, band="red", is_label=False)
    write_band(scl, picture.classes, picture.geobox, band="scl", is_label=True)
    with rasterio.open(red) as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.profile["compress"] == "deflate"
        assert (file.block_shapes, file.overviews(1)) == ([(256, 256)], [2, 4])
        assert (file.dtypes, file.nodata, file.crs.to_epsg()) == (("uint16",), 0, scene.tile.epsg)
        assert file.transform == picture.geobox.transform
        np.testing.assert_array_equal(file.read(1), picture.numbers[2])
    with rasterio.open(scl) as file:
        assert (file.dtypes, file.shape) == (("uint8",), (300, 300))
        assert file.bounds == rasterio.open(red).bounds
        np.testing.assert_array_equal(file.read(1), picture.classes)
    with rasterio.open(scl, overview_level=0) as file:
        assert set(np.unique(file.read(1))) <= set(np.unique(picture.classes))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["red.tif", "scl.tif"]
