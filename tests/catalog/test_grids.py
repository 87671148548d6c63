"""From a context to the output grid: what is given binds, what is open comes from the images' own pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from dawnlight.catalog._grids import adjust_context, resolve_grid
from dawnlight.errors import GridError, ParameterError
from dawnlight.geo import AOI, DLTile, GeoBox, Window, XYZTile, same_crs
from dawnlight.raster._lattice import GridPair
from dawnlight.raster._table import SourceTable
from dawnlight.testing._engine import turned
from dawnlight.testing._memory import MemoryReader


def table_of(*grids):
    """A table of images of one band each, on these grids."""
    reader = MemoryReader()
    rows = []
    for k, grid in enumerate(grids):
        pixels = np.broadcast_to(np.zeros(1, "uint8"), grid.shape)
        rows.append(reader.add(str(k), pixels, grid))
    return SourceTable.from_sources(rows)


def box(crs=32632, x=300003.7, y=5000001.3, step=10, shape=(400, 600)):
    return GeoBox.from_geotrans((x, step, 0, y, 0, -step), shape, crs)


ODD = box()
AREA = AOI(geometry=ODD.window(Window(100, 100, 50, 60)).footprint())


def shifts(source, geobox):
    return GridPair(source, geobox).shift


def test_an_open_context_takes_the_pixels_of_the_images():
    """Even where the origin is no multiple of the pixel: else every pixel would move by a part of itself."""
    geobox, _ = resolve_grid(AREA, table_of(ODD))
    shift = shifts(ODD, geobox)
    assert shift is not None
    assert 95 <= shift[0] <= 100
    assert 95 <= shift[1] <= 100
    assert geobox.shape[0] <= 62
    outline = AREA.geometry
    assert geobox.footprint().buffer(1e-9).contains(outline)


@pytest.mark.parametrize(
    "grid",
    [
        box(4326, 10.00013888, 45.00013888, 1 / 3600, (3601, 3601)),
        box(32632, 300015, 5000015, 30),
        box(3857, 1113194.9, 5621521.5, 38.2),
        GeoBox.from_geotrans((300003, 10, 0, 5000001, 0, -25), (400, 600), 32632),
    ],
    ids=["dem", "landsat", "mercator", "oblong"],
)
def test_any_upright_grid_goes_on_pixel_by_pixel(grid):
    area = grid.window(Window(31, 17, 40, 50))
    geobox, _ = resolve_grid(AOI(bounds=area.bounds, bounds_crs=grid.crs), table_of(grid))
    assert shifts(grid, geobox) == (31, 17)
    assert geobox.shape == (40, 50)


def test_what_the_user_says_about_alignment_binds():
    bounds = ODD.window(Window(10, 10, 20, 20)).bounds
    bounds = (bounds[0] + 3, bounds[1] + 3, bounds[2] + 3, bounds[3] + 3)
    geobox, _ = resolve_grid(AOI(bounds=bounds, bounds_crs=32632, align_pixels=False), table_of(ODD))
    assert geobox.bounds[0] == pytest.approx(bounds[0])
    assert shifts(ODD, geobox) is None


def test_an_explicit_resolution_snaps_to_its_multiples():
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, crs=32632, resolution=20), table_of(ODD))
    assert all(value % 20 == 0 for value in geobox.bounds)
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, resolution=20), table_of(ODD))
    assert all(value % 20 == 0 for value in geobox.bounds)
    assert same_crs(geobox.crs, 32632)


def test_the_crs_is_that_of_most_images_and_the_first_of_equals():
    a, b = box(), box(32633, 100003)
    assert same_crs(resolve_grid(AREA, table_of(a, b, b))[0].crs, 32633)
    assert same_crs(resolve_grid(AREA, table_of(a, b))[0].crs, 32632)
    assert same_crs(resolve_grid(AREA, table_of(b, a))[0].crs, 32633)


def test_the_pixels_are_the_finest_among_those_in_the_crs():
    fine = box(step=5, x=300001)
    geobox, _ = resolve_grid(AREA, table_of(ODD, fine, ODD))
    assert geobox.resolution == (5, 5)
    assert shifts(fine, geobox) is not None


def test_another_crs_gets_pixels_of_about_the_same_size():
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, crs=4326), table_of(ODD))
    assert geobox.resolution[0] == pytest.approx(10 / 111319.49, rel=1e-6)
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, crs=3035), table_of(ODD))
    assert geobox.resolution == (10, 10)
    degrees = box(4326, 6.1, 45.3, 1e-4, (5000, 5000))
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, crs=32632), table_of(degrees))
    assert geobox.resolution[0] == pytest.approx(11.13, rel=1e-3)


def test_turned_images_get_an_upright_grid_with_their_pixel_size():
    geobox, _ = resolve_grid(AREA, table_of(turned(ODD, 30)))
    assert geobox.is_north_up
    assert geobox.resolution == pytest.approx((10, 10))


def test_a_shape_needs_only_a_crs():
    geobox, _ = resolve_grid(AOI(geometry=AREA.geometry, shape=(20, 30)), table_of(ODD))
    assert geobox.shape == (20, 30)
    assert same_crs(geobox.crs, 32632)


def test_a_context_over_the_antimeridian():
    across = shapely.MultiPolygon([shapely.box(179.9, 0, 180, 0.1), shapely.box(-180, 0, -179.9, 0.1)])
    geobox, cutline = resolve_grid(AOI(geometry=across, crs=4326, resolution=0.01), table_of(ODD))
    assert geobox.width == pytest.approx(20, abs=1)
    kept = cutline.inside(Window(0, 0, *geobox.shape))
    assert kept.sum() == pytest.approx(200, abs=15)
    for crs, resolution in ((3857, 1000), (32601, 1000)):
        geobox, cutline = resolve_grid(AOI(geometry=across, crs=crs, resolution=resolution), table_of(ODD))
        assert geobox.width < 30
        kept = cutline.inside(Window(0, 0, *geobox.shape))
        assert kept.mean() > 0.7


def test_only_a_geometry_cuts():
    assert resolve_grid(AREA, table_of(ODD))[1] is not None
    bounds = AOI(bounds=ODD.bounds, bounds_crs=32632)
    assert resolve_grid(bounds, table_of(ODD))[1] is None
    assert resolve_grid(AREA.assign(all_touched=True), table_of(ODD))[1].all_touched


def test_tiles_are_their_own_grid_uncut():
    tile = DLTile.from_latlon(45.1, 6.5, resolution=10, tilesize=64, pad=0)
    assert resolve_grid(tile, table_of(ODD)) == (tile.geobox, None)
    web = XYZTile(8488, 5885, 14)
    assert resolve_grid(web, table_of(ODD)) == (web.geobox, None)


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (AOI(), "neither bounds nor a geometry"),
        (AOI(crs=32632), "neither bounds nor a geometry"),
        (AOI(crs=32632, resolution=10), "bounds"),
    ],
    ids=str,
)
def test_what_no_image_can_give(context, message):
    with pytest.raises(GridError, match=message):
        resolve_grid(context, table_of(ODD))


def test_no_image_to_take_anything_from():
    with pytest.raises(GridError, match="give both in the context"):
        resolve_grid(AREA, SourceTable.from_sources([]))
    assert resolve_grid(AREA.assign(crs=32632, resolution=10), SourceTable.from_sources([]))[0].size


# -- arguments of the call -------------------------------------------------------------------------


def test_arguments_go_before_the_context():
    context = AOI(bounds=ODD.bounds, bounds_crs=32632, crs=32632, shape=(40, 60))
    assert adjust_context(context).shape == (40, 60)
    assert adjust_context(context, resolution=50).shape is None
    assert adjust_context(context, resolution=50).resolution == 50
    assert adjust_context(context, crs=4326).shape == (40, 60)
    assert adjust_context(context, all_touched=True).all_touched
    assert not adjust_context(context, all_touched=False).all_touched
    assert context.resolution is None


def test_tiles_cannot_be_changed():
    tile = DLTile.from_latlon(45.1, 6.5, resolution=10, tilesize=64, pad=0)
    for changes in ({"crs": 32632}, {"resolution": 20}):
        with pytest.raises(ParameterError):
            adjust_context(tile, **changes)


@pytest.mark.parametrize(
    "given", [shapely.box(6, 45, 7, 46), (6, 45, 7, 46), shapely.box(6, 45, 7, 46).__geo_interface__]
)
def test_geometries_are_contexts(given):
    found = adjust_context(given)
    assert isinstance(found, AOI)
    west, south, east, north = found.bounds
    assert math.isclose((east - west) * (north - south), 1)
