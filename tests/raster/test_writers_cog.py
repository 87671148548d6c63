"""New COGs: what the quick way writes, GDAL reads, and finds the same as in what it wrote itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from dawnlight.errors import RasterWriteError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _cog_file, _writers_cog, _writers_stream
from dawnlight.raster._coarser import Coarser, shapes_of_overviews
from dawnlight.raster._cog import CogReader
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.raster._header import FileHeader
from dawnlight.raster._writers_cog import CogOptions, copy_to_cog
from dawnlight.testing._rasters import noise, write_raster

DTYPES = ("uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def make(folder: Path, shape: tuple[int, int], dtype: str, **options: Any) -> tuple[FileHeader, np.ndarray]:
    """Write a smooth source of two bands with a corner that has no data."""
    rows, columns = np.indices(shape)
    smooth = 60 + 30 * np.sin(rows / 40) * np.cos(columns / 30)
    pixels = np.stack([smooth, smooth * 2]).astype(dtype)
    pixels[:, : shape[0] // 3, : shape[1] // 2] = 0
    box = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), shape, 32615)
    path = write_raster(folder / "source.tif", pixels, box, **{"nodata": 0, "tiled": 256, **options})
    return read_header(path), pixels


def both(folder: Path, source: FileHeader, kernel: str) -> tuple[Path, Path]:
    """Copy a file in the quick way and by GDAL."""
    quick, slow = folder / "quick.tif", folder / "slow.tif"
    options = CogOptions(kernel=kernel)
    assert _writers_stream.can_stream(source, kernel, 512)
    mine = copy_to_cog(source, quick, options)
    with GdalReader() as reader:
        theirs = _writers_cog._convert(source, slow, options, reader)
    assert mine.valid == theirs.valid
    assert mine.header.bands == theirs.header.bands
    assert (mine.header.overviews, mine.header.block) == (theirs.header.overviews, theirs.header.block)
    assert sorted(path.name for path in folder.iterdir()) == ["quick.tif", "slow.tif", "source.tif"]
    return quick, slow


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_quick_way_makes_what_gdal_makes(tmp_path: Path, dtype: str) -> None:
    source, pixels = make(tmp_path, (1100, 1300), dtype, descriptions=["red", None], scales=[0.5, 1])
    quick, slow = both(tmp_path, source, "average")
    with rasterio.open(quick) as mine, rasterio.open(slow) as theirs:
        np.testing.assert_array_equal(mine.read(), pixels)
        assert mine.profile == theirs.profile
        assert mine.tags(ns="IMAGE_STRUCTURE") == theirs.tags(ns="IMAGE_STRUCTURE")
        assert (mine.descriptions, mine.scales) == (theirs.descriptions, theirs.scales)
        for band in (1, 2):
            found, expected = mine.tags(band), theirs.tags(band)
            assert found.keys() == expected.keys()
            assert len(found) == 4
            for name in found:
                assert float(found[name]) == pytest.approx(float(expected[name]), rel=1e-9)
    for level in range(2):
        with (
            rasterio.open(quick, overview_level=level) as mine,
            rasterio.open(slow, overview_level=level) as theirs,
        ):
            difference = np.abs(mine.read().astype(float) - theirs.read())
            # GDAL makes the second one from full resolution, which rounds once instead of twice.
            assert difference.max() <= (1e-12 if level == 0 else 1)


def test_both_readers_read_it(tmp_path: Path) -> None:
    source, pixels = make(tmp_path, (700, 1300), "float32", nodata=float("nan"))
    made = copy_to_cog(source, tmp_path / "quick.tif", CogOptions()).header
    reader = CogReader()
    assert reader.is_fast(made.ref)
    data, _ = reader.read(made.ref, (1, 2), 0, Window(0, 0, 700, 1300), masks=("none", "none"))
    np.testing.assert_array_equal(data, pixels)


@pytest.mark.parametrize("kernel", ["nearest", "mode"])
def test_classes_stay_classes(tmp_path: Path, kernel: str) -> None:
    source, _ = make(tmp_path, (1024, 1030), "uint8")
    blocks = np.repeat(np.repeat(noise((2, 64, 65)) % 5 + 1, 16, axis=1), 16, axis=2)[:, :1024, :1030]
    source = read_header(
        write_raster(tmp_path / "source.tif", blocks.astype("uint8"), source.geobox, nodata=0)
    )
    quick, slow = both(tmp_path, source, kernel)
    with rasterio.open(quick, overview_level=0) as mine, rasterio.open(slow, overview_level=0) as theirs:
        found, expected = mine.read(), theirs.read()
    assert set(np.unique(found)) <= set(np.unique(blocks))
    # Where a pixel lies in blocks of two values, either may win.
    assert (found != expected).mean() < 0.05


def test_a_large_file_is_a_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cog_file, "_CLASSIC_BYTES", 1000)
    source, pixels = make(tmp_path, (600, 600), "uint16")
    made = copy_to_cog(source, tmp_path / "quick.tif", CogOptions()).header
    assert Path(made.href).read_bytes()[:4] == b"II+\0"
    with rasterio.open(made.href) as file:
        np.testing.assert_array_equal(file.read(), pixels)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ({"mask": np.ones((600, 600), bool), "nodata": None}, "average"),
        ({"alpha": np.full((600, 600), 255), "nodata": None}, "average"),
        ({}, "cubic"),
    ],
    ids=["mask", "alpha", "kernel"],
)
def test_the_rest_is_left_to_gdal(tmp_path: Path, options: dict[str, Any], kernel: str) -> None:
    source, pixels = make(tmp_path, (600, 600), "uint8", **options)
    assert not _writers_stream.can_stream(source, kernel, 512)
    made = copy_to_cog(source, tmp_path / "made.tif", CogOptions(kernel=kernel)).header
    with rasterio.open(made.href) as file:
        np.testing.assert_array_equal(file.read()[:2], pixels)


def test_very_wide_images_are_left_to_gdal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = make(tmp_path, (600, 600), "uint8")
    monkeypatch.setattr(_writers_stream, "_STRIP_BYTES", 512 * 600 * 2 - 1)
    assert not _writers_stream.can_stream(source, "average", 512)
    monkeypatch.setattr(_writers_stream, "_STRIP_BYTES", 512 * 600 * 2)
    assert _writers_stream.can_stream(source, "average", 512)


def test_a_wrong_byte_on_the_way_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = make(tmp_path, (600, 600), "uint16")
    packed = _writers_stream.TileStream.push

    def push(self: Any, rows: np.ndarray) -> None:
        changed = rows.copy()
        changed[0, -1, -1] += 1
        packed(self, changed)

    monkeypatch.setattr(_writers_stream.TileStream, "push", push)
    with pytest.raises(RasterWriteError, match="pixels differ"):
        copy_to_cog(source, tmp_path / "quick.tif", CogOptions())


# -- overviews ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fine", [(8, 8), (9, 11), (5, 16), (1, 7), (13, 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float64"])
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_averages_are_those_of_the_area(fine: tuple[int, int], dtype: str, step: int) -> None:
    pixels = (noise((1, *fine)) % 200).astype(dtype)
    pixels[pixels % 3 == 0] = 7
    coarse = (max(fine[0] // 2, 1), max(fine[1] // 2, 1))
    stream = Coarser(fine, coarse, "average", 7)
    found = np.concatenate([stream.push(pixels[:, y : y + step]) for y in range(0, fine[0], step)], axis=1)
    assert found.shape == (1, *coarse)
    # Each pixel cut into as many pieces as make both grids fit.
    pieces = np.repeat(np.repeat(pixels[0].astype(float), coarse[0], 0), coarse[1], 1)
    pieces[pieces == 7] = np.nan
    groups = pieces.reshape(coarse[0], fine[0], coarse[1], fine[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # groups without a value
        expected = np.nanmean(groups, axis=(1, 3))
    gone = np.isnan(expected)
    assert (found[0][gone] == 7).all()
    if dtype == "uint8":
        # Sums of weights that are no whole numbers may end on either side of a half.
        assert (np.abs(found[0][~gone] - expected[~gone]) <= 0.5 + 1e-4 + (found[0][~gone] == 8)).all()
    else:
        np.testing.assert_allclose(found[0][~gone], expected[~gone], rtol=1e-12)


def test_a_mean_is_never_taken_for_missing() -> None:
    stream = Coarser((2, 4), (1, 2), "average", 5)
    np.testing.assert_array_equal(stream.push(np.array([[[4, 4, 5, 5], [6, 6, 5, 5]]], "int16")), [[[6, 5]]])
    assert shapes_of_overviews((512, 512), 512) == []


def test_the_most_frequent_value_wins() -> None:
    pixels = np.array([[[1, 2, 0, 0], [2, 3, 0, 9]]], "uint8")
    np.testing.assert_array_equal(Coarser((2, 4), (1, 2), "mode", 0).push(pixels), [[[2, 9]]])
    np.testing.assert_array_equal(Coarser((2, 4), (1, 2), "mode", None).push(pixels), [[[2, 0]]])
