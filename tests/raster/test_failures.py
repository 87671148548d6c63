"""Failures: what they name, that each is listed once, and that a log is found again from anywhere."""

from __future__ import annotations

import json
import pickle

import pytest

from dawnlight.errors import RasterNotFoundError, RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._failures import Failure, FailureLog, failures_of
from dawnlight.testing._engine import make_lazy
from dawnlight.testing._memory import MemoryReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 50), 32632)


@pytest.fixture
def failure():
    reader = MemoryReader()
    lazy = make_lazy([reader.add("a.tif", noise((2, *BOX.shape)), BOX, image="p:a")], BOX, reader)
    (read,) = lazy.plan.image_reads(0, [0, 1], Window(3, 4, 5, 6))
    return Failure.of(RasterReadError("damaged"), read, read.sources, ["red", "nir"])


def test_a_failure_names_everything(failure):
    assert failure.to_dict() == {
        "image": "p:a",
        "bands": ("red", "nir"),
        "href": "a.tif",
        "window": (3, 4, 5, 6),
        "level": 0,
        "reason": "damaged",
    }
    error = failure.raised(RasterNotFoundError("gone"))
    assert type(error) is RasterNotFoundError
    assert str(error) == "image 'p:a', band red, nir: cannot read rows 3-7, columns 4-9 of 'a.tif': damaged"


def test_a_failure_survives_json(failure):
    assert Failure.from_dict(json.loads(json.dumps(failure.to_dict()))) == failure


def test_a_band_without_a_file():
    found = Failure.absent("p:a", "red")
    assert (found.image, found.bands, found.href, found.reason) == (
        "p:a",
        ("red",),
        "",
        "no file for this band",
    )


def test_a_log_warns_once_and_lists_once(failure):
    log = FailureLog()
    with pytest.warns(RuntimeWarning, match=r"image 'p:a', band red, nir, 'a.tif': damaged"):
        log.add(failure)
    log.add(failure)
    log.add(Failure.absent("p:b", "red"))
    assert [each["image"] for each in log.to_list()] == ["p:a", "p:b"]


def test_a_log_is_found_by_its_token(failure):
    log = FailureLog([failure])
    token = log.token
    assert failures_of(token) == (failure,)
    copy = pickle.loads(pickle.dumps(log))
    assert copy.token == token
    del log, copy
    # What failed outlives the array; the labels of computed values refer to it.
    assert failures_of(token) == (failure,)


def test_a_log_without_failures_leaves_nothing_behind():
    log = FailureLog()
    token = log.token
    del log
    assert failures_of(token) == ()


def test_a_log_of_another_process_is_not_known():
    assert failures_of("0123456789abcdef-1") is None
