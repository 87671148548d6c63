"""The demo catalog and the demonstration on it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from matplotlib.image import imread

import dawnlight as dl
from dawnlight._tutorial._demo import HIDDEN, compose, make_stack, search_images, tell_demo
from dawnlight.catalog import CatalogClient
from dawnlight.errors import ParameterError
from dawnlight.tutorial import PRODUCT_ID, demo, demo_catalog, demo_fields


@pytest.fixture(autouse=True)
def _no_default_client_stays() -> Iterator[None]:
    yield
    CatalogClient.set_default_client(None)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo_catalog(folder, size=128, progress=False).close()
    return folder


@pytest.fixture
def client(home: Path) -> Iterator[CatalogClient]:
    with demo_catalog(home, size=128, progress=False) as opened:
        yield opened


def _stamps(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.tif")}


def test_it_holds_24_scenes_of_five_bands_in_two_zones(client: CatalogClient) -> None:
    images = dl.Product.get(PRODUCT_ID).images().collect()
    assert len(images) == 24
    assert {image.cs_code for image in images} == {"EPSG:32631", "EPSG:32632"}
    assert len({image.acquired for image in images}) == 6
    bands = {band.name: band for band in dl.Product.get(PRODUCT_ID).bands()}
    assert list(bands) == ["blue", "green", "red", "nir", "scl"]
    assert {band.data_type for name, band in bands.items() if name != "scl"} == {"UInt16"}
    assert (bands["scl"].type, bands["scl"].class_labels[3]) == ("class", "cloud shadow")
    assert len(bands["scl"].colormap) == len(bands["scl"].class_labels)


def test_it_becomes_the_default_catalog(client: CatalogClient) -> None:
    assert CatalogClient.get_default_client() is client
    assert dl.Product.exists(PRODUCT_ID)


def test_pixels_come_back_as_they_lie_in_the_files(client: CatalogClient) -> None:
    image = dl.Product.get(PRODUCT_ID).images().sort("acquired").collect()[0]
    red = image.ndarray("red")
    with rasterio.open(image.files[2].href) as file:
        np.testing.assert_array_equal(red.data[0], file.read(1))
        np.testing.assert_array_equal(red.mask[0], file.read(1) == 0)


def test_a_second_call_changes_nothing(home: Path) -> None:
    before = _stamps(home)
    with demo_catalog(home, size=128) as client:
        ids = sorted(image.id for image in dl.Image.search(client=client))
    assert len(ids) == 24
    assert _stamps(home) == before


def test_what_is_missing_is_made_again(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "moved"
    with demo_catalog(folder, size=64, scenes=8) as client:
        image = next(iter(dl.Image.search(client=client)))
        Path(image.files[0].href).unlink()
        next(iter(dl.SpectralBand.search(client=client))).delete()
    with demo_catalog(folder, size=64, scenes=8) as client:
        assert dl.Image.search(client=client).count() == 8
        assert dl.Band.search(client=client).count() == 5
        assert all(
            Path(file.href).is_file() for image in dl.Image.search(client=client) for file in image.files
        )


def test_a_moved_folder_is_put_right(tmp_path: Path) -> None:
    demo_catalog(tmp_path / "old", size=64, scenes=4).close()
    shutil.move(tmp_path / "old", tmp_path / "new")
    with demo_catalog(tmp_path / "new", size=64, scenes=4) as client:
        images = dl.Image.search(client=client).collect()
        assert len(images) == 4
        assert images[0].ndarray("nir").count() > 0


def test_another_size_is_refused(home: Path) -> None:
    with pytest.raises(ParameterError, match="made with scenes=24, size=128, not scenes=24, size=64"):
        demo_catalog(home, size=64)


def test_few_tiles_have_many_dates(tmp_path: Path) -> None:
    with demo_catalog(tmp_path, scenes=5, size=64, tiles=["31TGK"], progress=False) as client:
        images = dl.Image.search(client=client).collect()
        assert {tuple(image.tags) for image in images} == {("31TGK",)}
        assert len({image.acquired for image in images}) == 5
    with pytest.raises(
        ParameterError, match=r"made with scenes=5, size=64, tiles=31TGK, not scenes=5, size=64"
    ):
        demo_catalog(tmp_path, scenes=5, size=64)


@pytest.mark.parametrize("tiles", [[], ["31TGX"], "31TGK", ["31TGK", "31TGK"]])
def test_tiles_that_cannot_be_used_are_refused(tmp_path: Path, tiles: Any) -> None:
    with pytest.raises(ParameterError, match="some of '31TGL'"):
        demo_catalog(tmp_path / "never", tiles=tiles)
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("each", [0, 11, 1.5])
def test_no_such_number_of_fields(each: Any) -> None:
    with pytest.raises(ParameterError, match=r"each=.* must be a whole number from 1 to 10"):
        demo_fields(each)


@pytest.mark.parametrize(
    "arguments",
    [
        {"size": 63},
        {"size": 101},
        {"size": 1e3},
        {"size": True},
        {"scenes": 0},
        {"scenes": "4"},
        {"scenes": 5000},
    ],
)
def test_numbers_that_cannot_be_used_are_refused(tmp_path: Path, arguments: Any) -> None:
    with pytest.raises(ParameterError, match="whole number from"):
        demo_catalog(tmp_path / "never", **arguments)
    assert not (tmp_path / "never").exists()


def test_the_default_place_is_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo_catalog(scenes=1, size=64).close()
    assert (tmp_path / "dawnlight-demo" / "scenes").is_dir()


def test_the_stack_spans_both_zones_and_reads_nothing(client: CatalogClient) -> None:
    stack = make_stack(search_images(client))
    assert stack.dims == ("time", "band", "y", "x")
    assert stack.sizes["time"] == 6
    assert stack.chunks is not None
    first = stack.sel(band="red").isel(time=2).compute()
    assert np.isfinite(first).mean() > 0.99


def test_no_cloud_is_left_in_the_median(client: CatalogClient) -> None:
    stack = make_stack(search_images(client)).compute()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median = compose(stack)
    classes = stack.sel(band="scl")
    often_clear = (classes.notnull() & ~classes.isin(HIDDEN)).sum("time") >= 2
    blue = median.sel(band="blue").where(often_clear)
    assert often_clear.mean() > 0.9
    # Clouds are brighter than 0.3 in blue; the brightest ground, sand, is not.
    assert float((blue > 2800).mean()) < 0.002
    assert float((stack.sel(band="blue") > 2800).mean()) > 0.05


def test_the_demonstration_tells_and_saves(client: CatalogClient, tmp_path: Path) -> None:
    said: list[str] = []
    before, after = tell_demo(tmp_path, client, said.append, quiet=True)
    text = "\n".join(said)
    assert "ImageCollection of 24 images" in text
    assert "<xarray.DataArray" in text
    pictures = [imread(path) for path in (before, after)]
    assert pictures[0].shape == pictures[1].shape
    white = [(picture[..., :3].min(axis=-1) > 0.95)[picture[..., 3] > 0].mean() for picture in pictures]
    assert white[0] > 0.1
    assert white[1] < 0.01


def test_the_whole_demo(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In full size it is the main job that `.ci/run` carries out.
    monkeypatch.setattr("dawnlight.tutorial.demo_catalog", partial(demo_catalog, size=128))
    before, after = demo(home)
    printed = capsys.readouterr().out
    assert f"{before}   the cloudiest day" in printed
    assert str(after) in printed
    assert (before.parent, before.name, after.name) == (home, "before.png", "after.png")
    demo(home, quiet=True)
    assert capsys.readouterr().out == ""


def test_pixels_are_10_metres_in_full_size(tmp_path: Path) -> None:
    with demo_catalog(tmp_path, scenes=1) as client:
        image = next(iter(dl.Image.search(client=client)))
        with rasterio.open(image.files[2].href) as file:
            assert (file.res, file.overviews(1)) == ((10, 10), [2, 4])
