from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.errors import (
    CRSError,
    GeometryError,
    GridError,
    NoFootprintError,
    ParameterError,
    ParameterTypeError,
)
from dawnlight.geo import AOI, GeoBox, normalize_crs, split_antimeridian

BOX = shapely.box(-93.5, 41, -92.5, 42)
UTM_BOUNDS = (500000.0, 2000000.0, 501000.0, 2001000.0)


# -- what is given is what it has ------------------------------------------------------------------------


def test_nothing_is_needed() -> None:
    aoi = AOI()
    assert (aoi.geometry, aoi.resolution, aoi.crs, aoi.bounds, aoi.shape) == (None,) * 5
    assert aoi.bounds_crs == "EPSG:4326"
    assert aoi.align_pixels is False
    assert aoi.all_touched is False


def test_every_property() -> None:
    aoi = AOI(BOX, 30, "EPSG:32615", False, (-93, 41.2, -92, 41.8), "EPSG:4326", None, True)
    assert aoi.geometry is BOX
    assert aoi.resolution == 30
    assert aoi.crs == "EPSG:32615"
    assert aoi.align_pixels is False
    assert aoi.bounds == (-93, 41.2, -92, 41.8)
    assert aoi.all_touched is True
    assert AOI(bounds=(0, 0, 1, 1), shape=[3, 4]).shape == (3, 4)


def test_vectors_of_the_contract() -> None:
    by_shape = AOI(BOX, shape=(10, 20), crs="EPSG:4326")
    assert by_shape.align_pixels is False
    assert by_shape.raster_params["dimensions"] == (20, 10)
    assert AOI(BOX, resolution=0.1).align_pixels is True
    AOI(bounds=(-180.04, -90, 180.04, 90), shape=(1800, 3600))
    with pytest.raises(ParameterError, match="lat-lon"):
        AOI(bounds=(-180.06, -90, 180.06, 90), shape=(1800, 3600))
    assert AOI(bounds=[0, 0, 1, 1]).bounds == (0, 0, 1, 1)
    with pytest.raises(ValueError, match="less than one pixel wide"):
        AOI(bounds=(0, 0, 1, 20), resolution=15, crs="EPSG:4326")
    with pytest.raises(ValueError, match="less than one pixel tall"):
        AOI(bounds=(0, 0, 20, 1), resolution=15, crs="EPSG:4326")
    AOI(bounds=(0, 0, 1, 1), resolution=15, crs="EPSG:4326", all_touched=True)


def test_the_bounds_of_a_geometry() -> None:
    assert AOI(geometry=BOX).bounds == (-93.5, 41, -92.5, 42)
    assert AOI(geometry=BOX, bounds_crs=None).bounds_crs == "EPSG:4326"
    across = AOI(geometry=split_antimeridian(shapely.box(170, -5, 190, 5)))
    assert across.bounds == (170, -5, 190, 5)
    with pytest.raises(ValueError, match="explicitly setting"):
        AOI(geometry=BOX, bounds_crs="EPSG:32615")


@pytest.mark.parametrize(
    "geometry",
    [
        BOX,
        shapely.geometry.mapping(BOX),
        {"type": "Feature", "geometry": shapely.geometry.mapping(BOX)},
        AOI(geometry=BOX),
        BOX.bounds,
    ],
)
def test_geometry_in_any_spelling(geometry: Any) -> None:
    assert AOI(geometry=geometry).geometry.equals(BOX)  # type: ignore[union-attr]


def test_a_feature_collection_becomes_a_collection() -> None:
    feature = {"type": "Feature", "geometry": shapely.geometry.mapping(BOX), "properties": {}}
    aoi = AOI(geometry={"type": "FeatureCollection", "features": [feature, feature]})
    assert aoi.geometry is not None
    assert aoi.geometry.geom_type == "GeometryCollection"
    assert aoi.bounds == BOX.bounds


def test_crs_is_text_as_it_was_given() -> None:
    proj = "+proj=utm +zone=15 +datum=WGS84 +units=m +no_defs"
    assert AOI(crs=proj).crs == proj
    assert AOI(crs=32615).crs == "EPSG:32615"  # type: ignore[arg-type]
    assert AOI(crs=pyproj.CRS(32615)).crs == "EPSG:32615"
    assert AOI(crs=proj) == AOI(crs="EPSG:32615")
    assert hash(AOI(crs=proj)) == hash(AOI(crs="EPSG:32615"))


def test_numpy_numbers_become_python_numbers() -> None:
    aoi = AOI(bounds=np.array([0, 0, 1, 1]), resolution=np.float32(0.5), crs=4326)
    assert type(aoi.resolution) is float
    assert [type(value) for value in aoi.bounds or ()] == [float] * 4
    assert AOI(bounds=(0, 0, 1, 1), shape=(np.int64(3), np.uint8(4))).shape == (3, 4)


# -- validation ------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "shape of one": ({"shape": (5,)}, TypeError, "two whole numbers"),
    "shape of three": ({"shape": (5, 5, 3)}, TypeError, "two whole numbers"),
    "shape no list": ({"shape": {3, 5}}, TypeError, "list or tuple"),
    "shape a number": ({"shape": 5}, TypeError, "list or tuple"),
    "shape of floats": ({"shape": (5.0, 5.0)}, TypeError, "whole numbers"),
    "shape negative": ({"shape": (5, -5)}, ValueError, "from 1"),
    "shape zero": ({"shape": (0, 5)}, ValueError, "from 1"),
    "shape huge": ({"shape": (2**32, 5)}, ValueError, "from 1"),
    "resolution text": ({"resolution": "5"}, TypeError, "must be a number"),
    "resolution bool": ({"resolution": True}, TypeError, "must be a number"),
    "resolution zero": ({"resolution": 0}, ValueError, "greater than 0"),
    "resolution negative": ({"resolution": -5}, ValueError, "greater than 0"),
    "resolution nan": ({"resolution": math.nan}, ValueError, "greater than 0"),
    "resolution inf": ({"resolution": math.inf}, ValueError, "finite"),
    "both": ({"resolution": 5, "shape": (5, 5)}, ValueError, "exclude each other"),
    "bounds no sequence": ({"bounds": 5}, TypeError, "sequence"),
    "bounds text": ({"bounds": "1234"}, TypeError, "sequence"),
    "bounds set": ({"bounds": {1, 2, 3, 4}}, TypeError, "sequence"),
    "bounds of three": ({"bounds": (0, 0, 1)}, ValueError, "four numbers"),
    "bounds of words": ({"bounds": ("a", 0, 1, 1)}, ValueError, "four numbers"),
    "bounds nan": ({"bounds": (math.nan, 0, 1, 1)}, ValueError, "finite"),
    "bounds reversed x": ({"bounds": (1, 0, 0, 1)}, ValueError, "minx <= maxx"),
    "bounds reversed y": ({"bounds": (0, 1, 1, 0)}, ValueError, "miny <= maxy"),
    "bounds over the antimeridian": ({"bounds": (170, 0, -170, 1)}, ValueError, "go beyond 180"),
    "bounds in metres": ({"bounds": UTM_BOUNDS}, ValueError, "must be in lat-lon"),
    "latitude": ({"bounds": (0, 0, 1, 91)}, ValueError, "must be in lat-lon"),
    "more than a turn": ({"bounds": (-200, 0, 200, 1)}, ValueError, "must be in lat-lon"),
    "nad83 in metres": ({"bounds": UTM_BOUNDS, "bounds_crs": "EPSG:4269"}, ValueError, "must be in lat-lon"),
    "crs": ({"crs": "nonsense"}, CRSError, "nonsense"),
    "bounds_crs": ({"bounds": (0, 0, 1, 1), "bounds_crs": "nonsense"}, CRSError, "nonsense"),
    "geometry": ({"geometry": {"type": "Circle"}}, GeometryError, "Circle"),
    "geometry type": ({"geometry": 5}, ParameterTypeError, "int"),
    "geometry outside": ({"geometry": shapely.Point(0, 100)}, GeometryError, "latitude 100"),
    "apart": ({"geometry": BOX, "bounds": (0, 0, 1, 1)}, ValueError, "do not intersect"),
    "apart, wkt": (
        {"geometry": BOX, "bounds": (0, 0, 1, 1), "bounds_crs": pyproj.CRS(4326).to_wkt()},
        ValueError,
        "do not intersect",
    ),
    "update without geometry": ({"bounds": "update"}, TypeError, "sequence"),
    "all_touched": ({"all_touched": 1}, TypeError, "all_touched"),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=BAD)
def test_refuses(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        AOI(**arguments)


@pytest.mark.parametrize(("arguments", "error", "message"), BAD.values(), ids=BAD)
def test_assign_refuses_too(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    if arguments.get("bounds") == "update":
        error, message = ParameterError, "a geometry must be given"
    with pytest.raises(error, match=message):
        AOI().assign(**arguments)


def test_the_order_of_the_checks() -> None:
    everything_wrong: dict[str, Any] = {
        "shape": (1,),
        "resolution": "x",
        "bounds": (5, 0, 0, 0),
        "geometry": BOX,
    }
    for name, value, message in (
        ("shape", (5, 5), "resolution='x' must be a number"),
        ("resolution", -5, "greater than 0"),
        ("resolution", 5, "exclude each other"),
        ("shape", None, "minx <= maxx"),
        ("bounds", (0, 0, 1, 100), "lat-lon"),
        ("bounds", (0, 0, 1, 1), "do not intersect"),
    ):
        everything_wrong[name] = value
        with pytest.raises((ValueError, TypeError), match=message):
            AOI(**everything_wrong)


def test_tolerance_at_the_edge_of_the_world() -> None:
    AOI(bounds=(-180.0009, -90.0009, 180.0009, 90.0009))
    with pytest.raises(ValueError, match="lat-lon"):
        AOI(bounds=(-180, -90.002, 180, 90))
    AOI(bounds=(-180.5, -90.5, 180.5, 90.5), resolution=1, crs="EPSG:4326")
    AOI(bounds=(-180.5, -90.5, 180.5, 90.5), resolution=1, crs="EPSG:4269")
    with pytest.raises(ValueError, match="lat-lon"):
        AOI(bounds=(-180.5, -90.5, 180.5, 90.5), resolution=1000, crs="EPSG:6933")


def test_bounds_may_cross_the_antimeridian() -> None:
    aoi = AOI(bounds=(170, -5, 190, 5), crs="EPSG:4326", resolution=1)
    assert aoi.geobox.bounds == (170, -5, 190, 5)
    AOI(geometry=shapely.box(-179, 0, -178, 1), bounds=(170, -5, 190, 5))
    with pytest.raises(ValueError, match="do not intersect"):
        AOI(geometry=shapely.box(-169, 0, -168, 1), bounds=(170, -5, 190, 5))


def test_touching_is_intersecting_and_a_point_is_enough() -> None:
    AOI(geometry=BOX, bounds=(-92.5, 42, -90, 45))
    AOI(geometry=shapely.Point(1, 1))
    AOI(bounds=(1, 1, 1, 1))
    collection = shapely.GeometryCollection([shapely.Point(50, 50), BOX])
    AOI(geometry=collection, bounds=(49, 49, 51, 51))


def test_metres_that_look_like_degrees_warn() -> None:
    with pytest.warns(UserWarning, match=r"decimal degrees.*wrong `bounds_crs` set"):
        AOI(bounds=(0, 0, 1, 1), bounds_crs="EPSG:32615")
    with pytest.warns(UserWarning, match="decimal degrees") as caught:
        AOI().assign(bounds=(0, 0, 1, 1), bounds_crs="EPSG:32615")
    assert caught[0].filename == __file__


def test_other_geographic_systems_do_not_warn() -> None:
    for crs in ("EPSG:4269", pyproj.CRS(4269).to_wkt(), pyproj.CRS(4326).to_wkt("WKT1_GDAL")):
        AOI(bounds=(0, 0, 1, 1), bounds_crs=crs)


# -- the wire and GeoJSON --------------------------------------------------------------------------------


def test_raster_params() -> None:
    aoi = AOI(geometry=BOX, resolution=30, crs="EPSG:32615", all_touched=True)
    assert aoi.raster_params == {
        "cutline": shapely.geometry.mapping(BOX),
        "resolution": 30,
        "srs": "EPSG:32615",
        "bounds_srs": "EPSG:4326",
        "align_pixels": True,
        "bounds": BOX.bounds,
        "dimensions": None,
        "cutline_all_touched": True,
    }
    assert AOI(bounds=(0, 0, 1, 1), crs=4326, shape=(5, 6)).raster_params["cutline"] is None  # type: ignore[arg-type]


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "bounds": ({"crs": "EPSG:4326", "resolution": 1}, "`bounds`"),
    "bounds_crs": ({"bounds": (0, 0, 1, 1), "bounds_crs": None}, "`bounds_crs`"),
    "crs": ({"bounds": (0, 0, 1, 1), "resolution": 1}, "`crs`"),
    "resolution": ({"bounds": (0, 0, 1, 1), "crs": "EPSG:4326"}, "`resolution` or `shape`"),
    "everything": ({"bounds_crs": None}, "`bounds`"),
}


@pytest.mark.parametrize(("arguments", "missing"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_named(arguments: dict[str, Any], missing: str) -> None:
    aoi = AOI(**arguments)
    for name in ("raster_params", "geobox", "width", "height", "transform"):
        with pytest.raises(GridError, match=missing):
            getattr(aoi, name)


def test_geo_interface() -> None:
    assert AOI(geometry=BOX).__geo_interface__ == shapely.geometry.mapping(BOX)
    ring = AOI(bounds=(0, 1, 2, 3)).__geo_interface__
    assert ring == {"type": "Polygon", "coordinates": (((2, 1), (2, 3), (0, 3), (0, 1), (2, 1)),)}
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    assert AOI(geometry=bow).__geo_interface__ == shapely.geometry.mapping(bow)


@pytest.mark.parametrize(
    "aoi", [AOI(), AOI(bounds=UTM_BOUNDS, bounds_crs="EPSG:32615"), AOI(bounds_crs=None)]
)
def test_no_geo_interface_without_degrees(aoi: AOI) -> None:
    with pytest.raises(RuntimeError, match="assign a geometry"):
        _ = aoi.__geo_interface__
    with pytest.raises(NoFootprintError):
        _ = aoi.__geo_interface__


# -- the grid --------------------------------------------------------------------------------------------


def test_grid_of_degrees_in_metres() -> None:
    aoi = AOI(geometry=BOX, resolution=100, crs="EPSG:32615")
    box = aoi.geobox
    assert box.bounds[0] % 100 == 0
    assert box.bounds[3] % 100 == 0
    assert box.footprint("EPSG:4326").buffer(1e-6).covers(BOX)
    assert aoi.width == box.width
    assert aoi.assign(align_pixels=False).geobox.bounds[0] % 100 != 0


def test_the_default_context_of_an_image() -> None:
    aoi = AOI(
        geometry=BOX,
        crs="EPSG:32615",
        bounds=(358485, 4265385, 596415, 4503315),
        bounds_crs="EPSG:32615",
        align_pixels=False,
        shape=(15862, 15862),
    )
    assert aoi.geobox == GeoBox.from_geotrans((358485, 15, 0, 4503315, 0, -15), (15862, 15862), 32615)
    other = aoi.assign(geometry=None, crs="EPSG:4326")
    assert other.geobox.shape == (15862, 15862)
    finer = aoi.assign(resolution=960)
    assert (finer.shape, finer.geobox.shape) == (None, (248, 248))


def test_a_context_smaller_than_a_pixel_has_one() -> None:
    aoi = AOI(bounds=(0, 0, 1, 1), resolution=15, crs="EPSG:4326", all_touched=True)
    assert aoi.geobox.shape == (1, 1)
    assert aoi.assign(align_pixels=False).geobox.shape == (1, 1)


def test_an_absurd_grid_is_refused_when_it_is_asked_for() -> None:
    aoi = AOI(bounds=(-10, -10, 10, 10), resolution=1e-9, crs="EPSG:4326")
    with pytest.raises(GridError, match="degrees"):
        _ = aoi.geobox


@given(
    st.integers(1, 500), st.integers(1, 500), st.floats(-1e6, 1e6), st.floats(-5e6, 5e6), st.floats(0.5, 1e3)
)
def test_from_geobox_gives_exactly_the_grid(ny: int, nx: int, x: float, y: float, step: float) -> None:
    box = GeoBox((ny, nx), Affine(step, 0, x, 0, -step / 3, y), normalize_crs(32615))
    aoi = AOI.from_geobox(box)
    assert aoi.geobox == box
    assert aoi.shape == (ny, nx)
    assert pickle.loads(pickle.dumps(aoi)).geobox == box
    assert aoi.assign(all_touched=True, geometry=shapely.box(*aoi.footprint().bounds)).geobox == box
    assert aoi.assign(shape=(7, 7)).geobox.shape == (7, 7)


def test_from_geobox_of_odd_grids() -> None:
    turned = GeoBox((3, 3), Affine(1, 1, 5e5, 1, -1, 4e6), normalize_crs(32615))
    south_up = GeoBox((3, 3), Affine(1, 0, 5e5, 0, 1, 4e6), normalize_crs(32615))
    for box in (turned, south_up):
        aoi = AOI.from_geobox(box)
        assert aoi.geobox == box
        assert aoi.bounds == box.bounds
        with pytest.raises(GridError, match="north-up"):
            _ = aoi.raster_params
    assert AOI.from_geobox(turned) != AOI.from_geobox(south_up)
    with pytest.raises(GridError, match="empty"):
        AOI.from_geobox(GeoBox((0, 3), Affine.identity(), normalize_crs(32615)))


def test_from_geobox_near_the_origin_does_not_warn() -> None:
    box = GeoBox((3, 3), Affine(1, 0, 0, 0, -1, 3), normalize_crs(32615))
    assert AOI.from_geobox(box, geometry=BOX).geometry is BOX


# -- assign ----------------------------------------------------------------------------------------------


def test_assign_changes_only_what_is_given() -> None:
    aoi = AOI(geometry=BOX, resolution=30, crs="EPSG:32615")
    changed = aoi.assign(resolution=60)
    assert changed.resolution == 60
    assert (changed.geometry, changed.crs, changed.bounds) == (aoi.geometry, aoi.crs, aoi.bounds)
    assert aoi.resolution == 30
    assert aoi.assign() == aoi
    assert aoi.assign(all_touched=True).all_touched


def test_none_takes_a_value_away() -> None:
    aoi = AOI(geometry=BOX, resolution=30, crs="EPSG:32615", align_pixels=False)
    assert aoi.assign(geometry=None).geometry is None
    assert aoi.assign(geometry=None).bounds == BOX.bounds
    assert aoi.assign(crs=None).crs is None
    assert aoi.assign(resolution=None).resolution is None
    assert aoi.assign(align_pixels=None).align_pixels is True
    assert aoi.assign(bounds=None).bounds is None


def test_bounds_update() -> None:
    other = shapely.box(10, 10, 11, 11)
    aoi = AOI(geometry=BOX)
    assert aoi.assign(geometry=other, bounds="update").bounds == other.bounds
    utm = AOI(bounds=UTM_BOUNDS, bounds_crs="EPSG:32615")
    updated = utm.assign(geometry=other, bounds="update")
    assert (updated.bounds, updated.bounds_crs) == (other.bounds, "EPSG:4326")
    for geometry in ({}, {"geometry": None}):
        with pytest.raises(ValueError, match="a geometry must be given"):
            aoi.assign(bounds="update", **geometry)
    with pytest.raises(ValueError, match="explicitly setting"):
        aoi.assign(geometry=other, bounds="update", bounds_crs="EPSG:32615")


def test_a_new_geometry_keeps_the_bounds() -> None:
    aoi = AOI(geometry=BOX, resolution=30, crs="EPSG:32615")
    part = shapely.box(-93, 41.5, -92.9, 41.6)
    assert aoi.assign(geometry=part).geobox == aoi.geobox
    with pytest.raises(ValueError, match="do not intersect"):
        aoi.assign(geometry=shapely.box(10, 10, 11, 11))


def test_a_first_geometry_gives_the_bounds() -> None:
    assert AOI(crs="EPSG:4326").assign(geometry=BOX).bounds == BOX.bounds
    assert AOI(bounds_crs=None).assign(geometry=BOX).bounds_crs == "EPSG:4326"
    assert AOI(bounds_crs="EPSG:32615").assign(geometry=BOX).bounds is None
    assert AOI().assign(geometry=BOX, bounds=None).bounds is None


def test_resolution_and_shape() -> None:
    by_shape = AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326", shape=(10, 10))
    assert by_shape.assign(resolution=0.1).shape is None
    assert by_shape.assign(resolution=None).shape is None
    by_resolution = by_shape.assign(resolution=0.1)
    with pytest.raises(ValueError, match="exclude"):
        by_resolution.assign(shape=(5, 5))
    assert by_resolution.assign(resolution=None, shape=(5, 5)).shape == (5, 5)
    with pytest.raises(ValueError, match="exclude"):
        by_shape.assign(resolution=0.1, shape=(5, 5))


def test_unknown_keyword() -> None:
    with pytest.raises(TypeError, match="size"):
        AOI().assign(size=5)  # type: ignore[call-arg]


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "resolution": st.one_of(st.none(), st.floats(0.01, 0.5)),
            "crs": st.sampled_from(["EPSG:4326", "EPSG:4269", None]),
            "align_pixels": st.sampled_from([True, False, None]),
            "bounds": st.sampled_from([(0, 0, 1, 1), (-1, -1, 0.5, 0.5), None]),
            "all_touched": st.booleans(),
        },
    )
)
def test_assign_equals_the_constructor(changes: dict[str, Any]) -> None:
    base: dict[str, Any] = {"bounds": (0, 0, 2, 2), "crs": "EPSG:4326", "resolution": 0.5}
    assert AOI(**base).assign(**changes) == AOI(**{**base, **changes})
