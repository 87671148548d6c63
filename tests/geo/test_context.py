from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
from dask.base import tokenize

from dawnlight.errors import GridError, ParameterTypeError
from dawnlight.geo import AOI, DLTile, GeoBox, GeoContext, XYZTile
from dawnlight.geo._context import UNCHANGED

TRIANGLE = shapely.Polygon([(-93, 41), (-92, 41), (-92.5, 42)])

MAKERS: dict[str, Callable[..., GeoContext]] = {
    "base": GeoContext,
    "aoi": lambda **kw: AOI(geometry=TRIANGLE, resolution=30, crs="EPSG:32615", **kw),
    "aoi of bounds": lambda **kw: AOI(bounds=(0, 0, 1, 1), shape=(10, 20), crs=4326, **kw),
    "empty aoi": lambda **kw: AOI(bounds_crs=None, align_pixels=False, **kw),
    "dltile": lambda **kw: DLTile.from_key("128:16:960.0:15:-1:37", **kw),
    "xyztile": lambda **kw: XYZTile(1, 1, 2, **kw),
}
WITH_GRID = {name: maker for name, maker in MAKERS.items() if name not in ("base", "empty aoi")}

every = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
every_with_grid = pytest.mark.parametrize("make", WITH_GRID.values(), ids=WITH_GRID)


@every
def test_equal_values_are_one(make: Callable[..., GeoContext]) -> None:
    one, two = make(), make()
    assert one == two
    assert hash(one) == hash(two)
    assert tokenize(one) == tokenize(two)
    assert one in {two: 1}


@every
def test_all_touched_makes_another(make: Callable[..., GeoContext]) -> None:
    one, two = make(), make(all_touched=True)
    assert (one.all_touched, two.all_touched) == (False, True)
    assert one != two
    assert len({one, two}) == 2
    assert tokenize(one) != tokenize(two)


def test_different_contexts_differ() -> None:
    contexts = [make() for make in MAKERS.values()]
    assert len(set(contexts)) == len(contexts)
    assert GeoContext() != "GeoContext"


@every
@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_are_equal(make: Callable[..., GeoContext], copier: Callable[[Any], Any]) -> None:
    context = make(all_touched=True)
    copied = copier(context)
    assert copied == context
    assert hash(copied) == hash(context)
    assert repr(copied) == repr(context)
    assert copied.all_touched


@every_with_grid
def test_a_grid_that_was_made_does_not_change_the_value(make: Callable[..., GeoContext]) -> None:
    used, fresh = make(), make()
    assert isinstance(used.geobox, GeoBox)
    assert used == fresh
    assert pickle.dumps(used) == pickle.dumps(fresh)
    assert pickle.loads(pickle.dumps(used)).geobox == used.geobox


@every
def test_nothing_can_be_set(make: Callable[..., GeoContext]) -> None:
    context = make()
    for name in ("all_touched", "bounds", "resolution", "anything", "_all_touched"):
        with pytest.raises(AttributeError):
            setattr(context, name, True)
        with pytest.raises(AttributeError):
            delattr(context, name)


@every_with_grid
def test_the_grid_and_its_measures(make: Callable[..., GeoContext]) -> None:
    context = make()
    box = context.geobox
    assert context.geobox is box
    assert context.transform == box.transform
    assert (context.height, context.width) == box.shape
    assert context.footprint().is_valid
    assert context.footprint(box.crs.srs).equals(shapely.box(*box.bounds))


@every
def test_repr_has_one_property_a_line(make: Callable[..., GeoContext]) -> None:
    lines = repr(make()).splitlines()
    assert lines[0].endswith("(")
    assert any(line.startswith("  all_touched=") for line in lines)
    assert all(len(line) < 130 for line in lines)


def test_repr_of_a_long_geometry_is_short() -> None:
    aoi = AOI(geometry=shapely.Point(0, 0).buffer(1, quad_segs=200))
    assert "<Polygon, 801 positions in -1, -1, 1, 1>" in repr(aoi)


@every
def test_raster_params_tell_all_touched_only_when_true(make: Callable[..., GeoContext]) -> None:
    if make is MAKERS["empty aoi"]:
        return
    assert "cutline_all_touched" not in make().raster_params
    assert make(all_touched=True).raster_params["cutline_all_touched"] is True


@every
@pytest.mark.parametrize("bad", [1, "yes", None, 0.5])
def test_all_touched_is_a_bool(make: Callable[..., GeoContext], bad: object) -> None:
    with pytest.raises(ParameterTypeError, match="all_touched"):
        make(all_touched=bad)
    assert make(all_touched=np.True_).all_touched is True


def test_the_base_has_no_grid() -> None:
    with pytest.raises(GridError, match="use AOI, DLTile or XYZTile"):
        _ = GeoContext().geobox
    assert GeoContext().geometry is None
    assert GeoContext().raster_params == {}


def test_unchanged_stays_itself() -> None:
    assert pickle.loads(pickle.dumps(UNCHANGED)) is UNCHANGED
    assert repr(UNCHANGED) == "UNCHANGED"
