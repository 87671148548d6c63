from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from dask.base import tokenize
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox as OdcGeoBox

from dawnlight.errors import CRSError, GridError, MissingExtraError, ParameterTypeError
from dawnlight.geo import GeoBox, Window, from_bounds, normalize_crs
from dawnlight.geo._geobox import MAX_PIXELS

UTM = normalize_crs("EPSG:32615")


def north_up(ny: int = 10, nx: int = 20, step: float = 30.0) -> GeoBox:
    return GeoBox((ny, nx), Affine(step, 0, 500000, 0, -step, 4600000), UTM)


def turned(angle: float) -> Affine:
    c, s = 10 * math.cos(math.radians(angle)), 10 * math.sin(math.radians(angle))
    return Affine(c, s, 5e5, s, -c, 4e6)


def test_geotrans_round_trip() -> None:
    geotrans = (500000.0, 30.0, 1.0, 4600000.0, 2.0, -30.0)
    assert GeoBox.from_geotrans(geotrans, (10, 20), "EPSG:32615").geotrans == geotrans


def test_measures() -> None:
    box = north_up()
    assert (box.height, box.width, box.size) == (10, 20, 200)
    assert box.bounds == (500000, 4599700, 500600, 4600000)
    assert box.resolution == (30, 30)
    assert box.is_axis_aligned
    assert box.is_north_up


def test_coordinates_are_pixel_centres() -> None:
    box = north_up(3, 2)
    np.testing.assert_array_equal(box.x, [500015, 500045])
    np.testing.assert_array_equal(box.y, [4599985, 4599955, 4599925])
    assert box.x.dtype == np.float64


def test_south_up_and_rotated() -> None:
    south_up = GeoBox((2, 2), Affine(1, 0, 0, 0, 1, 0), UTM)
    assert south_up.is_axis_aligned
    assert not south_up.is_north_up
    np.testing.assert_array_equal(south_up.y, [0.5, 1.5])
    assert south_up.bounds == (0, 0, 2, 2)
    diagonal = GeoBox((2, 2), Affine.rotation(45), UTM)
    assert not diagonal.is_axis_aligned
    assert diagonal.bounds == pytest.approx((-math.sqrt(2), 0, math.sqrt(2), 2 * math.sqrt(2)))
    assert diagonal.resolution == pytest.approx((1, 1))
    with pytest.raises(GridError, match="rotated"):
        _ = diagonal.x


@given(st.integers(-5, 5), st.integers(-5, 5), st.integers(0, 9), st.integers(0, 9), st.floats(0, 360))
def test_pixels_of_a_window_coincide(y: int, x: int, height: int, width: int, angle: float) -> None:
    box = GeoBox((9, 9), turned(angle), UTM)
    part = box.window(Window(y, x, height, width))
    assert part.shape == (height, width)
    inner = np.array([1.5, 2.5, 1.0])
    outer = np.array([x + 1.5, y + 2.5, 1.0])
    matrix, other = (np.array(tuple(g.transform)).reshape(3, 3) for g in (part, box))
    np.testing.assert_allclose(matrix @ inner, other @ outer, rtol=0, atol=1e-6)


def test_pad() -> None:
    padded = north_up().pad(2)
    assert padded.shape == (14, 24)
    assert padded.window(Window(2, 2, 10, 20)) == north_up()


@given(st.integers(1, 50), st.integers(1, 50))
def test_zoom_keeps_the_extent(ny: int, nx: int) -> None:
    box = north_up()
    zoomed = box.zoom_to((ny, nx))
    assert zoomed.shape == (ny, nx)
    assert zoomed.bounds == pytest.approx(box.bounds, abs=1e-6)


def test_zoom_of_nothing() -> None:
    empty = north_up(0, 5)
    assert empty.zoom_to((0, 5)) is empty
    with pytest.raises(GridError, match="no size"):
        empty.zoom_to((2, 2))
    with pytest.raises(GridError, match="no size"):
        north_up().zoom_to((0, 2))


# -- value -----------------------------------------------------------------------------------------------


def test_equal_grids_are_one_value() -> None:
    one = north_up()
    two = GeoBox((np.int64(10), 20), one.transform, pyproj.CRS(32615).to_wkt())  # type: ignore[arg-type]
    assert one == two
    assert hash(one) == hash(two)
    assert one.crs is two.crs
    assert len({one, two, north_up(11)}) == 2
    assert one != "EPSG:32615"
    assert tokenize(one) == tokenize(two) != tokenize(north_up(11))


@pytest.mark.parametrize("crs", [32615, "+proj=sinu +R=6371007.181", "ESRI:54009"])
def test_copies_are_equal(crs: object) -> None:
    box = GeoBox.from_geotrans((0.1, 1 / 3, 0, 7, 0, -1), (3, 4), crs)  # type: ignore[arg-type]
    for copied in (pickle.loads(pickle.dumps(box)), copy.deepcopy(box), copy.copy(box)):
        assert copied == box
        assert hash(copied) == hash(box)
        assert copied.crs is box.crs


def test_minus_zero_makes_no_other_grid() -> None:
    one = GeoBox((1, 1), Affine(1, -0.0, -0.0, 0, -1, 0), UTM)
    assert repr(one) == repr(GeoBox((1, 1), Affine(1, 0, 0, 0, -1, 0), UTM))


def test_is_frozen() -> None:
    with pytest.raises(AttributeError):
        north_up().shape = (1, 1)  # type: ignore[misc]


def test_repr_is_short() -> None:
    assert "EPSG:32615" in repr(north_up())
    assert len(repr(GeoBox((1, 1), Affine.identity(), normalize_crs("+proj=sinu +R=6371007")))) < 120


@pytest.mark.parametrize(
    ("shape", "transform", "error"),
    [
        ((-1, 5), Affine.identity(), GridError),
        ((MAX_PIXELS + 1, 5), Affine.identity(), GridError),
        ((1.5, 5), Affine.identity(), ParameterTypeError),
        ((1, 2, 3), Affine.identity(), ParameterTypeError),
        (5, Affine.identity(), ParameterTypeError),
        ((1, 1), Affine(0, 0, 0, 0, -1, 0), GridError),
        ((1, 1), Affine(1, 1, 0, 1, 1, 0), GridError),
        ((1, 1), Affine(math.nan, 0, 0, 0, 1, 0), GridError),
        ((1, 1), Affine(1, 0, math.inf, 0, 1, 0), GridError),
        ((1, 1), (0, 1, 0, 0, 0, 1), ParameterTypeError),
    ],
)
def test_refuses_what_is_no_grid(shape: object, transform: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        GeoBox(shape, transform, UTM)  # type: ignore[arg-type]
    with pytest.raises(CRSError):
        GeoBox((1, 1), Affine.identity(), "nonsense")  # type: ignore[arg-type]


def test_geotrans_needs_six_numbers() -> None:
    with pytest.raises(GridError, match="6 numbers"):
        GeoBox.from_geotrans((1, 2, 3), (1, 1), 4326)


# -- footprint -------------------------------------------------------------------------------------------


def test_footprint_follows_the_edges() -> None:
    footprint = GeoBox.from_geotrans((200000, 1000, 0, 7e6, 0, -1000), (600, 600), 32615).footprint()
    corners_only = GeoBox.from_geotrans((200000, 1000, 0, 7e6, 0, -1000), (600, 600), 32615).footprint(
        densify=2
    )
    assert footprint.geom_type == "Polygon"
    assert footprint.symmetric_difference(corners_only).area > 0.01
    assert len(shapely.get_coordinates(footprint)) >= 4 * 20


def test_footprint_of_an_own_system_and_of_nothing() -> None:
    assert north_up().footprint("EPSG:32615").equals(shapely.box(*north_up().bounds))
    assert north_up(0, 3).footprint().is_empty


def test_footprint_across_the_antimeridian() -> None:
    lonlat = GeoBox.from_geotrans((170, 1, 0, 10, 0, -1), (20, 20), 4326).footprint()
    assert sorted(part.bounds for part in lonlat.geoms) == [(-180, -10, -170, 10), (170, -10, 180, 10)]
    utm = GeoBox.from_geotrans((700000, 1000, 0, 1e6, 0, -1000), (400, 400), 32660).footprint()
    assert utm.geom_type == "MultiPolygon"
    assert utm.bounds[0] == -180
    assert utm.bounds[2] == 180
    assert utm.area < 20


def test_footprint_with_a_pole_inside() -> None:
    north = GeoBox.from_geotrans((-1e6, 1e4, 0, 1e6, 0, -1e4), (200, 200), 3413).footprint()
    assert north.bounds == pytest.approx((-180, 76.99, 180, 90), abs=0.1)
    assert north.covers(shapely.Point(12, 89.9999))
    south = GeoBox.from_geotrans((-1e6, 1e4, 0, 1e6, 0, -1e4), (200, 200), 3031).footprint()
    assert south.bounds[1] == -90


def test_footprint_of_the_world() -> None:
    assert (
        GeoBox.from_geotrans((-180, 1, 0, 90, 0, -1), (180, 360), 4326)
        .footprint()
        .equals(shapely.box(-180, -90, 180, 90))
    )
    centres_at_the_poles = GeoBox.from_geotrans((-0.125, 0.25, 0, 90.125, 0, -0.25), (721, 1440), 4326)
    assert centres_at_the_poles.footprint().bounds == (-180, -90, 180, 90)


def test_footprint_leaves_out_corners_off_the_map() -> None:
    full_disk = GeoBox.from_geotrans(
        (-5570248, 300000, 0, 5570248, 0, -300000),
        (37, 37),
        "+proj=geos +h=35785831 +lon_0=140.7 +ellps=GRS80 +units=m +sweep=y",
    ).footprint()
    assert full_disk.is_valid
    assert full_disk.covers(shapely.Point(140.7, 0))
    assert full_disk.covers(shapely.Point(-175, 10))
    assert not full_disk.intersects(shapely.Point(0, 0))


# -- odc-geo ---------------------------------------------------------------------------------------------


def test_odc_round_trip() -> None:
    box = GeoBox((3, 4), Affine(10, 1, 5e5, 2, -10, 4e6), UTM)
    assert GeoBox.from_odc(box.to_odc()) == box
    odc = OdcGeoBox((3, 4), Affine(1, 0, 0, 0, -1, 9), "+proj=sinu +R=6371007.181 +units=m")
    assert GeoBox.from_odc(odc).to_odc() == odc


def test_odc_without_a_crs() -> None:
    with pytest.raises(GridError, match="no crs"):
        GeoBox.from_odc(OdcGeoBox((3, 4), Affine.identity(), None))


def test_a_missing_odc_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "odc.geo.geobox", None)
    with pytest.raises(MissingExtraError, match=r"dawnlight\[odc\]"):
        north_up().to_odc()


# -- from_bounds -----------------------------------------------------------------------------------------


def test_resolution_without_alignment_starts_at_the_upper_left() -> None:
    box = from_bounds((3, 3, 38, 28), crs=32615, resolution=10)
    assert box.geotrans == (3, 10, 0, 28, 0, -10)
    assert box.shape == (3, 4)


def test_the_sizes_recorded_from_the_reference() -> None:
    bounds = (0.0, 0.0, 15696 * 15.0, 15960 * 15.0)
    assert from_bounds(bounds, crs=32615, resolution=960).shape == (249, 245)
    assert from_bounds(bounds, crs=32615, resolution=1000).shape == (239, 235)


def test_alignment_snaps_outwards() -> None:
    box = from_bounds((3, 3, 37, 27), crs=32615, resolution=10, align=True)
    assert box.bounds == (0, 0, 40, 30)
    assert box == from_bounds(box.bounds, crs=32615, resolution=10, align=True)


def test_shape_is_exact_without_alignment() -> None:
    box = from_bounds((0, 0, 1, 2), crs=4326, shape=(3, 7))
    assert box.shape == (3, 7)
    assert box.bounds == pytest.approx((0, 0, 1, 2), abs=1e-15)


def test_shape_with_alignment_may_add_a_pixel() -> None:
    box = from_bounds((1, 1, 11, 21), crs=32615, shape=(5, 4), align=True)
    assert box.resolution == (2.5, 4)
    assert box.bounds == (0, 0, 12.5, 24)
    assert box.shape == (6, 5)


def test_two_resolutions() -> None:
    assert from_bounds((0, 0, 10, 10), crs=32615, resolution=(5, 2)).shape == (5, 2)


@given(st.floats(-9e6, 9e6), st.floats(-9e6, 9e6), st.floats(0, 1e5), st.floats(0, 1e5), st.floats(5, 1e4))
def test_aligned_grids_share_one_lattice(x: float, y: float, w: float, h: float, resolution: float) -> None:
    box = from_bounds((x, y, x + w, y + h), crs=32615, resolution=resolution, align=True)
    minx, miny, maxx, maxy = box.bounds
    assert box.height >= 1
    assert box.width >= 1
    slack = 0.11 * resolution
    assert minx <= x + slack
    assert miny <= y + slack
    assert maxx >= x + w - slack
    assert maxy >= y + h - slack
    for edge in (box.transform.c, box.transform.f):
        assert edge == round(edge / resolution) * resolution


def test_bounds_of_another_system_are_covered_edges_included() -> None:
    bounds = (-96.0, 40.0, -90.0, 45.0)
    box = from_bounds(bounds, crs=32615, resolution=1000, bounds_crs=4326, align=True)
    inside = box.footprint("EPSG:32615")
    along = np.linspace(0, 1, 400)
    edges = np.concatenate([np.column_stack([-96 + 6 * along, np.full(400, lat)]) for lat in (40, 45)])
    xy = pyproj.Transformer.from_crs(4326, 32615, always_xy=True).transform(*edges.T)
    assert shapely.intersects_xy(inside, *xy).all()
    # Following the edge matters: the corners alone give less.
    corners = pyproj.Transformer.from_crs(4326, 32615, always_xy=True).transform(
        [-96, -90, -96, -90], [40, 40, 45, 45]
    )
    assert box.bounds[1] < min(corners[1]) - 5000


def test_bounds_across_the_antimeridian() -> None:
    mercator = from_bounds((170, -20, 190, -10), crs=3857, resolution=1000, bounds_crs=4326)
    assert mercator.width == 2226
    assert mercator.footprint().geom_type == "MultiPolygon"
    lonlat = from_bounds((700000, 0, 1100000, 400000), crs=4326, resolution=0.01, bounds_crs=32660)
    assert 178 < lonlat.bounds[0] < 180 < lonlat.bounds[2] < 183


def test_bounds_with_a_pole() -> None:
    lonlat = from_bounds((-1e6, -1e6, 1e6, 1e6), crs=4326, resolution=1, bounds_crs=3413)
    assert lonlat.bounds == (-180, 77, 180, 90)
    polar = from_bounds((-180, 60, 180, 90), crs=3413, resolution=1000, bounds_crs=4326)
    assert polar.bounds == pytest.approx((-3323160, -3322840, 3322840, 3323160), abs=1000)
    assert from_bounds((-180.1, -90.1, 180.1, 90.1), crs=6933, shape=(10, 10), bounds_crs=4326).shape == (
        10,
        10,
    )


@pytest.mark.parametrize(
    ("bounds", "crs"),
    [((-180, -90, 180, 90), 3857), ((-180, -90, 180, 90), 32615), ((0, -90, 10, -80), 3413)],
)
def test_bounds_without_a_place_say_the_way_out(bounds: tuple[float, ...], crs: int) -> None:
    with pytest.raises(GridError, match=r"clip .* or choose another crs"):
        from_bounds(bounds, crs=crs, resolution=1000, bounds_crs=4326)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"resolution": 1e-6}, GridError, "units of the crs"),
        ({"resolution": 1e-300}, GridError, "units of the crs"),
        ({"resolution": 0}, GridError, "greater than 0"),
        ({"resolution": -1}, GridError, "greater than 0"),
        ({"resolution": math.nan}, GridError, "greater than 0"),
        ({"resolution": "10"}, GridError, "finite"),
        ({"resolution": object()}, ParameterTypeError, "number"),
        ({"resolution": None}, GridError, "either"),
        ({"shape": (1, 1)}, GridError, "not both"),
        ({"resolution": None, "shape": (0, 1)}, GridError, "no size"),
        ({"resolution": None, "shape": (2**31 + 1, 1)}, GridError, "pixels along an axis"),
        ({"resolution": None, "shape": "ab"}, ParameterTypeError, "whole numbers"),
        ({"bounds": (0, 0, 0, 5), "resolution": None, "shape": (1, 1)}, GridError, "no size"),
        ({"bounds": (0, 0, -1, 5)}, GridError, "minx <= maxx"),
        ({"bounds": (0, 0, math.inf, 5)}, GridError, "finite"),
        ({"bounds": (0, 0, 5)}, ParameterTypeError, "four numbers"),
        ({"bounds": "1234"}, GridError, "finite"),
        ({"bounds": None}, ParameterTypeError, "four numbers"),
    ],
)
def test_from_bounds_refuses(changes: dict[str, object], error: type[Exception], message: str) -> None:
    arguments = {"bounds": (0.0, 0.0, 1e5, 1e5), "crs": 32615, "resolution": 10.0, **changes}
    with pytest.raises(error, match=message):
        from_bounds(**arguments)  # type: ignore[arg-type]
