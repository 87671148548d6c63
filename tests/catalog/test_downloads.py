"""Downloads: names, formats, what marks missing pixels, and that no half file is left."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio

import dawnlight as dl
from dawnlight.catalog import ImageCollection
from dawnlight.errors import EmptyCollectionError, ParameterError, ParameterTypeError, RasterReadError
from dawnlight.geo import AOI, GeoBox
from dawnlight.ingest import add_files
from dawnlight.testing._archive import Archive
from dawnlight.testing._memory import FailingReader
from dawnlight.testing._rasters import noise

# Pictures keep no place.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
CONTEXT = AOI.from_geobox(BOX)
RED, NIR = noise(BOX.shape, "uint16", 1), noise(BOX.shape, "uint16", 2)
RED[:5, :7] = 0
NIR[3:9] = 0
ALPHA = np.ones(BOX.shape, "uint8")
ALPHA[30:] = 0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with dl.open("memory://downloads") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product(
            "p", {"red": {"nodata": 0}, "nir": {"nodata": 0}, "alpha": {"kind": "mask", "data_type": "Byte"}}
        )
        for name in ("a", "b"):
            archive.add_image("p", name, BOX, {"red": RED, "nir": NIR, "alpha": ALPHA})
        # Nothing in band or file says which value is missing; the file has a mask.
        archive.add_product("m", {"red": {}, "nir": {}})
        mask = {"mask": RED != 0, "tiled": None}
        archive.add_image(
            "m", "a", BOX, {"red": RED, "nir": NIR}, files={"red": mask, "nir": {"mask": NIR != 0}}
        )
        archive.add_product("f", {"height": {"data_type": "Float32"}})
        archive.add_image("f", "a", BOX, {"height": np.where(RED == 0, np.nan, RED).astype("float32")})
        yield archive


@pytest.fixture
def image(archive):
    return dl.Image.get("p:a", client=archive.client)


@pytest.fixture
def images(archive):
    return archive.collection("p:a", "p:b", geocontext=CONTEXT)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(path):
    with rasterio.open(path) as file:
        return file.read(masked=True), file.profile, file.descriptions


# -- names and formats -----------------------------------------------------------------------------


def test_the_default_name(image, folder):
    assert image.download("nir red") == "p:a-nir-red.tif"
    assert os.listdir(folder) == ["p:a-nir-red.tif"]
    data, profile, names = read("p:a-nir-red.tif")
    assert names == ("nir", "red")
    assert (profile["dtype"], profile["nodata"], profile["count"]) == ("uint16", 0, 2)
    assert profile["crs"].to_epsg() == 32632
    assert tuple(profile["transform"])[:6] == tuple(BOX.transform)[:6]
    assert np.array_equal(data.data, [NIR, RED])
    assert np.array_equal(data.mask, [NIR == 0, RED == 0])


@pytest.mark.parametrize("extension", ["tif", "TIF", "tiff", "png", "PNG", "jpg", "jpeg", "JPG"])
@pytest.mark.parametrize("make", [str, Path])
def test_the_extension_decides(image, folder, extension, make):
    dest = make(folder / "new" / f"out.{extension}")
    found = image.download("red", dest=dest, scaling="display", format="png")
    assert found is dest
    with rasterio.open(dest) as file:
        assert file.driver == {"t": "GTiff", "p": "PNG", "j": "JPEG"}[extension[0].lower()]
        assert file.shape == BOX.shape
    assert os.listdir(folder / "new") == [f"out.{extension}"]


@pytest.mark.parametrize("dest", ["out", "out.gif", "out.tif.gz", "out."])
def test_other_extensions_are_refused(image, folder, dest):
    with pytest.raises(ParameterError, match="extension must be one of"):
        image.download("red", dest=dest)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("format", ["gif", "", "TIFF8", None])
def test_other_formats_are_refused(image, folder, format):
    with pytest.raises(ValueError, match="file format"):
        image.download("red", format=format)
    assert os.listdir(folder) == []


def test_open_files(image):
    for format, driver in (("tif", "GTiff"), ("png", "PNG"), ("jpg", "JPEG")):
        target = io.BytesIO()
        assert image.download("red", dest=target, format=format, scaling="display") is None
        with rasterio.MemoryFile(target.getvalue()) as memory, memory.open() as file:
            assert file.driver == driver
            assert file.shape == BOX.shape
    with pytest.raises(ValueError, match="file format"):
        image.download("red", dest=io.BytesIO(), format="gif")


@pytest.mark.parametrize("dest", [5, 1.5, object(), ["a.tif"]])
def test_other_destinations_are_refused(image, dest):
    with pytest.raises(ParameterTypeError, match="must be a path or a file"):
        image.download("red", dest=dest)


def test_an_old_file_is_replaced_in_one_step(image, folder):
    path = folder / "out.tif"
    path.write_bytes(b"old")
    image.download("red", dest=path)
    assert read(path)[0].shape == (1, 40, 60)
    assert os.listdir(folder) == ["out.tif"]


@pytest.mark.parametrize(("bands", "format"), [("red nir", "png"), ("red nir", "jpg")])
def test_pictures_hold_certain_numbers_of_bands(image, folder, bands, format):
    with pytest.raises(ParameterError, match="bands"):
        image.download(bands, format=format, scaling="display")
    assert os.listdir(folder) == []


def test_jpeg_holds_bytes(image):
    with pytest.raises(ParameterError, match="scaling='display'"):
        image.download("red", format="jpg")


def test_contexts_and_kernels_go_along(image):
    image.download("red", resolution=20, dest="a.tif")
    assert read("a.tif")[0].shape == (1, 20, 30)
    image.download("red", crs=4326, dest="b.tif", resampler="cubic")
    assert read("b.tif")[1]["crs"].to_epsg() == 4326
    expected = image.ndarray("red", crs=4326, resampler="cubic", mask_alpha=False)
    assert np.array_equal(read("b.tif")[0].filled(0), expected.filled(0))


def test_no_alpha_is_added(image):
    image.download("red", dest="a.tif")
    data, _, names = read("a.tif")
    assert names == ("red",)
    assert not data.mask[:, 30:].any()


# -- missing pixels --------------------------------------------------------------------------------


def test_a_mask_where_no_value_can_mark_them(archive):
    """Zeros without any mark would be values that nobody measured."""
    image = dl.Image.get("m:a", client=archive.client)
    image.download("red", dest="a.tif")
    data, profile, _ = read("a.tif")
    assert profile["nodata"] is None
    assert np.array_equal(data.mask[0], RED == 0)
    assert np.array_equal(data.filled(0)[0], RED)
    assert not Path("a.tif.msk").exists()


def test_no_mask_where_nothing_is_missing(archive):
    image = dl.Image.get("m:a", client=archive.client)
    whole = BOX.window(dl.geo.Window(10, 0, 30, 60))
    image.download("red nir", geocontext=whole, dest="a.tif")
    with rasterio.open("a.tif") as file:
        assert file.mask_flag_enums == ([rasterio.enums.MaskFlags.all_valid],) * 2


def test_a_mask_of_several_bands_hides_where_any_is_missing(archive):
    image = dl.Image.get("m:a", client=archive.client)
    image.download("red nir", dest="a.tif")
    data, _, _ = read("a.tif")
    missing = (RED == 0) | (NIR == 0)
    assert np.array_equal(data.mask, [missing, missing])
    # The values are there for those who know better.
    assert np.array_equal(data.data, [RED, NIR])
    image.download("red nir", dest="b.tif", nodata=65535)
    data, profile, _ = read("b.tif")
    assert profile["nodata"] == 65535
    assert np.array_equal(data.mask, [RED == 0, NIR == 0])


def test_our_own_reader_finds_the_mask(archive, folder):
    image = dl.Image.get("m:a", client=archive.client)
    image.download("red", dest="a.tif")
    archive.add_product("again", {"red": {}})
    again = dl.Image(
        name="a", product_id="again", client=archive.client, acquired="2024-01-01",
        files=[dl.catalog.File(href=str(folder / "a.tif"))],
    )  # fmt: skip
    again.save()
    found = again.ndarray("red", CONTEXT)
    assert np.array_equal(found.mask[0], RED == 0)


def test_large_files_have_their_mask_in_blocks(archive, monkeypatch):
    from dawnlight.catalog import _download_blocks

    monkeypatch.setattr(_download_blocks, "_SIDE", 16)
    image = dl.Image.get("m:a", client=archive.client)
    lower = BOX.window(dl.geo.Window(0, 0, 40, 60))
    flipped = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), lower.shape, 32632)
    image.download("nir", geocontext=flipped, dest="a.tif")
    data, _, _ = read("a.tif")
    assert np.array_equal(data.mask[0], NIR == 0)
    assert np.array_equal(data.filled(0)[0], NIR)


@pytest.mark.parametrize("arguments", [{"scaling": "display"}, {"data_type": "Byte"}], ids=str)
def test_scaled_and_narrowed_values_keep_their_missing_pixels_apart(image, arguments):
    """255 and 0 are values then."""
    image.download("red", dest="a.tif", **arguments)
    data, profile, _ = read("a.tif")
    assert (profile["dtype"], profile["nodata"]) == ("uint8", None)
    assert np.array_equal(data.mask[0], RED == 0)
    expected = image.ndarray("red", mask_alpha=False, **arguments)
    assert np.array_equal(data.filled(0), expected.filled(0))


def test_floats_mark_with_nan(archive):
    image = dl.Image.get("f:a", client=archive.client)
    image.download("height", dest="a.tif")
    data, profile, _ = read("a.tif")
    assert np.isnan(profile["nodata"])
    assert np.array_equal(data.mask[0], RED == 0)
    image.download("height", dest="b.tif", nodata=-9999)
    data, profile, _ = read("b.tif")
    assert profile["nodata"] == -9999
    assert np.array_equal(data.mask[0], RED == 0)


@pytest.mark.parametrize("nodata", [-1, 65536, 0.5, float("nan")])
def test_nodata_must_fit_the_type(image, folder, nodata):
    with pytest.raises(ParameterError, match=r"nodata=.* does not fit UInt16"):
        image.download("red", nodata=nodata)
    assert os.listdir(folder) == []


def test_nodata_asked_for(image):
    image.download("red", nodata=12345, dest="a.tif")
    data, profile, _ = read("a.tif")
    assert profile["nodata"] == 12345
    assert (data.data[0][RED == 0] == 12345).all()


def test_a_value_of_valid_pixels_cannot_mark_missing_ones(archive, image, folder):
    """In the file they would be holes."""
    value = int(NIR[20, 20])
    first = tuple(np.argwhere(value == NIR)[0])
    place = "row {}, column {}".format(*first)
    with pytest.raises(ParameterError, match=rf"nodata={value} is also .*band 'nir' has it at {place}\)"):
        image.download("nir", nodata=value)
    archive.add_product("z", {"nir": {}})
    archive.add_image("z", "a", BOX, {"nir": np.zeros(BOX.shape, "uint16")})
    images = archive.collection("z:a", geocontext=CONTEXT)
    with pytest.raises(ParameterError, match="nodata=0 is also the value of valid pixels"):
        images.download_mosaic("nir", nodata=0)
    assert os.listdir(folder) == []


def test_stored_numbers_say_what_they_mean(archive, tmp_path):
    """So that adding the file again, and other programs, get the same physical values."""
    reflectance = {"data_range": (0, 10000), "physical_range": (-0.1, 0.9)}
    archive.add_product("r", {"red": {**reflectance, "physical_range_unit": "1"}, "nir": {}})
    archive.add_image("r", "a", BOX, {"red": RED, "nir": NIR})
    image = dl.Image.get("r:a", client=archive.client)
    image.download(["red", "nir"], dest="a.tif")
    with rasterio.open("a.tif") as file:
        assert file.scales == (1e-4, 1)
        assert file.offsets == (-0.1, 0)
        assert file.units[0] == "1"
    for scaling in ("physical", "display", [(0, 100), None]):
        image.download(["red", "nir"], dest="b.tif", scaling=scaling)
        with rasterio.open("b.tif") as file:
            assert (file.scales, file.offsets) == ((1, 1), (0, 0))
    with dl.open(tmp_path / "again") as client:
        archive.collection("r:a", geocontext=CONTEXT).download_mosaic("red", dest="b_20240101.tif")
        add_files("again", ["b_20240101.tif"], store=client.store, bands=["red"])
        back = dl.Image.search(client=client).collect()
        expected = archive.collection("r:a", geocontext=CONTEXT).mosaic("red", scaling="physical")
        found = back.mosaic("red", CONTEXT, scaling="physical")
        assert np.allclose(found, expected, atol=1e-9)


def test_the_value_that_the_bands_have_anyway_may_be_asked_for(image):
    image.download(["red", "nir"], nodata=0, dest="a.tif")
    data, profile, _ = read("a.tif")
    assert profile["nodata"] == 0
    assert np.array_equal(data.mask, [RED == 0, NIR == 0])


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_pictures_show_missing_pixels_as_black(image, format):
    image.download("red", format=format, scaling="display", nodata=7, dest=f"a.{format}")
    data, profile, _ = read(f"a.{format}")
    assert profile["nodata"] is None
    assert (data.data[0, :3, :3] < 10).all()


# -- collections -----------------------------------------------------------------------------------


def test_a_file_for_each_image(images, folder):
    assert images.download("red") == ["p:a-red.tif", "p:b-red.tif"]
    assert sorted(os.listdir(folder)) == ["p:a-red.tif", "p:b-red.tif"]


def test_into_a_folder(images, folder):
    for dest in ("out", folder / "deep" / "out"):
        found = images.download("red nir", dest=dest, max_workers=1, progress=False)
        assert [Path(path).name for path in found] == ["p:a-red-nir.tif", "p:b-red-nir.tif"]
        assert all(Path(path).exists() for path in found)


def test_into_paths(images):
    paths = ["x.tif", Path("y.PNG")]
    assert images.download("red", dest=paths, scaling="display") == paths
    assert all(Path(path).exists() for path in paths)
    assert rasterio.open("y.PNG").driver == "PNG"


@pytest.mark.parametrize(
    ("dest", "error"),
    [
        (["x.tif"], ParameterError),
        (["x.tif", "y.tif", "z.tif"], ParameterError),
        (["x.tif", "x.tif"], RuntimeError),
        (5, TypeError),
        pytest.param(iter(["x.tif", "y.tif"]), TypeError, id="iterator"),
        (["x.tif", "y.gif"], ValueError),
    ],
    ids=str,
)
def test_destinations_that_cannot_be_used(images, dest, error):
    with pytest.raises(error):
        images.download("red", dest=dest)


def test_an_image_twice_has_one_name(archive, folder):
    twice = archive.collection("p:a", "p:a", geocontext=CONTEXT)
    with pytest.raises(RuntimeError, match="two images would be written to"):
        twice.download("red")
    assert os.listdir(folder) == []


@pytest.mark.parametrize("arguments", [{"format": "gif"}, {"max_workers": 0}, {"data_type": "byte"}], ids=str)
def test_arguments_that_cannot_be_used(images, folder, arguments):
    with pytest.raises(ParameterError):
        images.download("red", **arguments)
    assert os.listdir(folder) == []


def test_empty_collections():
    for method in ("download", "download_mosaic"):
        with pytest.raises(EmptyCollectionError):
            getattr(ImageCollection([], geocontext=CONTEXT), method)("red")


def test_progress(images, capsys):
    images.download("red", progress=True)
    assert "image" in capsys.readouterr().err
    images.download_mosaic("red", progress=True)
    assert "block" in capsys.readouterr().err
    images.download("red")
    assert capsys.readouterr().err == ""


# -- mosaics ---------------------------------------------------------------------------------------


def test_the_name_of_a_mosaic(images, archive):
    assert images.download_mosaic("nir red") == "mosaic-nir-red.tif"
    assert archive.collection("p:a", geocontext=CONTEXT).download_mosaic("red") == "p:a-red.tif"
    assert images.download_mosaic("red alpha", format="tif") == "mosaic-red-alpha.tif"
    assert read("mosaic-red-alpha.tif")[2] == ("red", "alpha")


def test_alpha_masks_a_mosaic(images):
    images.download_mosaic("red", dest="a.tif")
    data, _, _ = read("a.tif")
    assert np.array_equal(data.mask[0], (RED == 0) | (ALPHA == 0))
    images.download_mosaic("red", dest="b.tif", mask_alpha=False)
    assert np.array_equal(read("b.tif")[0].mask[0], RED == 0)
    expected = images.mosaic("red").values
    assert np.array_equal(data.filled(0)[0], np.nan_to_num(expected[0]))


def test_an_automatic_scale_is_that_of_the_whole_mosaic(images, monkeypatch):
    from dawnlight.catalog import _download_blocks

    monkeypatch.setattr(_download_blocks, "_SIDE", 16)
    images.download_mosaic("red", dest="a.tif", scaling="auto")
    expected = images.mosaic("red", scaling="auto").values
    data = read("a.tif")[0]
    assert np.array_equal(np.ma.getmaskarray(data), np.isnan(expected))
    assert np.array_equal(data.filled(0), np.nan_to_num(expected))


# -- failures --------------------------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch, image):
    from dawnlight.catalog import _loading

    reader = FailingReader(_loading.shared_reader(), [image.files[0].href])
    monkeypatch.setattr(_loading, "shared_reader", lambda: reader)


@pytest.mark.usefixtures("broken")
def test_nothing_is_left_of_a_failed_download(image, images, folder):
    (folder / "kept.tif").write_bytes(b"old")
    with pytest.raises(RasterReadError, match="image 'p:a', band red"):
        image.download("red", dest="kept.tif")
    with pytest.raises(RasterReadError, match="image 'p:a', band red"):
        images.download_mosaic("red", dest="new.tif")
    assert os.listdir(folder) == ["kept.tif"]
    assert (folder / "kept.tif").read_bytes() == b"old"


@pytest.mark.usefixtures("broken")
def test_a_failed_image_does_not_cost_the_others(images, folder):
    with pytest.raises(RasterReadError, match="image 'p:a', band red"):
        images.download("red")
    assert os.listdir(folder) == ["p:b-red.tif"]


@pytest.mark.slow
def test_memory_stays_bounded(archive, folder):
    """A picture of 1.2 GB; GDAL's cache, which by default takes a part of the machine, is limited, too."""
    import subprocess
    import sys
    import textwrap

    code = f"""
        import resource
        import numpy as np
        import dawnlight as dl
        from dawnlight.geo import GeoBox
        from dawnlight.testing._archive import Archive
        from pathlib import Path
        with dl.open("memory://") as client:
            archive = Archive(client, Path({str(folder)!r}))
            archive.add_product("p", {{"red": {{"nodata": 0}}}})
            box = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (500, 500), 32632)
            archive.add_image("p", "a", box, {{"red": np.arange(250000, dtype="uint16").reshape(500, 500)}})
            image = dl.Image.get("p:a", client=client)
            big = GeoBox.from_geotrans((300000, 0.25, 0, 5000000, 0, -0.25), (21000, 28000), 32632)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            image.download("red", geocontext=big, dest="big.tif")
            print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
    """
    environment = {name: value for name, value in os.environ.items() if name != "GDAL_CACHEMAX"}
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=folder,
        check=True,
        env=environment,
    )
    assert int(run.stdout) < 700
