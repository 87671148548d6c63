"""Blocks of a download: how large, how many at once, and each pixel read no more often than needed."""

from __future__ import annotations

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import _download_blocks, _loading
from dawnlight.catalog._download_blocks import blocks_of
from dawnlight.catalog._loading import Options, prepare
from dawnlight.geo import AOI, GeoBox
from dawnlight.raster._collisions import Collisions
from dawnlight.testing._archive import Archive
from dawnlight.testing._memory import RecordingReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (96, 128), 32632)
CONTEXT = AOI.from_geobox(BOX)
QUIET = Collisions(None, [], beside_missing=False)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    with dl.open("memory://download-blocks") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product("p", {"red": {"nodata": 0}, "nir": {"nodata": 0}})
        yield archive.add_image(
            "p", "a", BOX, {"red": noise(BOX.shape, seed=1) + 1, "nir": noise(BOX.shape, seed=2) + 1}
        )


@pytest.fixture
def small(monkeypatch):
    """Sizes of everything divided by 16."""
    monkeypatch.setattr(_download_blocks, "_SIDE", 64)
    monkeypatch.setattr(_download_blocks, "_SMALLEST", 16)


def loading(image, bands, **options):
    return prepare([image], [[0]], lambda: CONTEXT, Options(bands=bands, **options))


def blocks(image, bands, jobs=1, **options):
    return list(
        blocks_of(loading(image, bands, **options), 0, QUIET, masked=False, progress=False, jobs=jobs)
    )


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("bands", "jobs", "side"),
    [("red", 1, 64), (["red", "nir"] * 4, 1, 32), ("red", 8, 32), (["red", "nir"] * 40, 9, 16)],
)
def test_blocks_are_smaller_for_more_bands_and_more_files_at_once(monkeypatch, image, bands, jobs, side):
    monkeypatch.setattr(_download_blocks, "_BLOCK_BYTES", 5 * 3 * 64 * 64 * 2)
    found = blocks(image, bands, jobs)
    assert max(window.height for window, _ in found) == side
    assert [window for window, _ in found] == sorted(window for window, _ in found)
    assert sum(window.size for window, _ in found) == BOX.height * BOX.width


@pytest.mark.usefixtures("small")
def test_few_blocks_are_held_at_once(monkeypatch, image):
    """As many as the memory allows, whatever the number of cores."""
    monkeypatch.setattr(_download_blocks.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(_download_blocks, "_ALL_BYTES", 3 * 5 * 3 * 64 * 64)
    begun = []
    values = _download_blocks._values
    monkeypatch.setattr(_download_blocks, "_values", lambda *args: (begun.append(args[1]), values(*args))[1])
    most = 0
    for number, _ in enumerate(blocks_of(loading(image, "red"), 0, QUIET, masked=False, progress=False)):
        most = max(most, len(begun) - number)
    assert 1 <= most <= 3


@pytest.mark.usefixtures("small")
def test_an_automatic_scale_reads_each_pixel_twice(monkeypatch, image):
    reading = RecordingReader(_loading.shared_reader())
    monkeypatch.setattr(_loading, "shared_reader", lambda: reading)
    found = blocks(image, "red", scaling="auto")
    assert reading.pixels == 2 * BOX.height * BOX.width
    expected = image.ndarray("red", geocontext=CONTEXT, scaling="auto")
    for window, block in found:
        assert np.array_equal(block[0], expected.data[0][window.slices])
