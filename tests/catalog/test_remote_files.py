"""Files on a web server from the command line to the pixels."""

import numpy as np
import pytest
from affine import Affine
from click.testing import CliRunner

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import RasterChangedError, RasterNotFoundError
from dawnlight.geo import GeoBox
from dawnlight.raster import _cog
from dawnlight.testing import RangeServer, noise, write_raster

BOX = GeoBox((300, 260), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
BANDS = ("red", "nir")
DAYS = ("2024-05-01", "2024-05-11", "2024-05-21")


@pytest.fixture
def pixels(tmp_path):
    found = np.stack([noise((2, *BOX.shape), seed=number) for number in range(len(DAYS))])
    for day, image in zip(DAYS, found, strict=True):
        for band, data in zip(BANDS, image, strict=True):
            # With its directories at the front: GDAL looks for others while it holds Python's lock, and then
            # a server in this process cannot answer.
            path = tmp_path / "files" / f"s_{day}_{band}.tif"
            write_raster(path, data, BOX, nodata=0, overviews=(2,), driver="COG", BLOCKSIZE="128")
    return found


@pytest.fixture
def server(tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(_cog, "_shared", None)
    with RangeServer(tmp_path / "files") as server:
        yield server


@pytest.fixture
def client(tmp_path, server):
    hrefs = [f"{server.url}/s_{day}_{band}.tif" for day in DAYS for band in BANDS]
    arguments = [
        "add",
        "remote",
        *hrefs,
        "--pattern",
        "{name}_{band}.tif",
        "--catalog",
        str(tmp_path / "catalog"),
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    with dl.open(tmp_path / "catalog") as client:
        server.forget()
        yield client


def collect(client):
    return dl.Image.search(client=client).sort("acquired").collect()


def test_added_urls_stack_and_headers_are_asked_for_once(client, server, pixels):
    images = collect(client)
    assert [image.files[0].href.startswith("http://127.0.0.1") for image in images] == [True] * 3
    stack = images.stack("red nir", BOX, chunks=128, mask_nodata=False)
    assert not server.asked  # nothing is read before it is computed
    np.testing.assert_array_equal(stack.compute().data, pixels)
    heads = [asked for asked in server.asked if asked.start == 0]
    assert len(heads) == 6
    server.forget()
    np.testing.assert_array_equal(images.stack("red nir", BOX, mask_nodata=False).compute().data, pixels)
    assert not [asked for asked in server.asked if asked.start == 0]
    assert len(server.asked) <= 6


def test_a_composite_fetches_all_dates_together(client, server, pixels):
    expected = np.median(pixels, axis=0)
    found = collect(client).composite("red nir", "median", BOX)
    server.delay = 0.05
    np.testing.assert_array_equal(found.compute().data, expected)
    assert len(server.asked) == 12
    assert server.most_busy >= 4


def test_a_file_that_changed_or_went_is_named(client, server, tmp_path):
    path = tmp_path / "files" / f"s_{DAYS[1]}_nir.tif"
    path.write_bytes(path.read_bytes() + b"\0")
    stack = collect(client).stack("red nir", BOX)
    with pytest.raises(RasterChangedError, match=path.name):
        stack.compute()
    path.unlink()
    with pytest.raises(RasterNotFoundError, match=path.name):
        stack.compute()
