"""`stack`, `mosaic`, `scaling_parameters` of collections: every argument, labels, laziness, round trips."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import dask
import numpy as np
import pytest
import xarray as xr

import dawnlight as dl
from dawnlight.catalog import Image, ImageCollection
from dawnlight.errors import (
    BandError,
    EmptyCollectionError,
    ParameterError,
    ParameterTypeError,
    RasterNotFoundError,
    RasterReadError,
)
from dawnlight.geo import AOI, GeoBox, Window
from dawnlight.testing._archive import Archive
from dawnlight.testing._memory import FailingReader, RecordingReader, UntouchableReader
from dawnlight.testing._rasters import noise

BOX = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (40, 60), 32632)
LEFT, RIGHT = BOX.window(Window(0, 0, 40, 40)), BOX.window(Window(0, 20, 40, 40))
GRIDS = {"a": LEFT, "b": RIGHT, "c": BOX, "d": LEFT}
TIMES = {
    "a": "2024-01-01T10:00:00Z",
    "b": "2024-01-01T10:00:25.123456789Z",
    "c": "2024-01-11T10:00:00Z",
    "d": None,
}
CONTEXT = AOI.from_geobox(BOX)


def pixels_of(name):
    box = GRIDS[name]
    seed = ord(name)
    red, nir = noise(box.shape, "uint16", seed), noise(box.shape, "uint16", seed + 50)
    red[:6] = 0
    nir[3:8] = 0
    scl = (np.indices(box.shape)[1] // 5 % 3 + 1).astype("uint8")
    return {"red": red, "nir": nir, "scl": scl}


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with dl.open("memory://collection-pixels") as client:
        archive = Archive(client, tmp_path_factory.mktemp("archive"))
        archive.add_product(
            "p",
            {
                "red": {"nodata": 0, "physical_range": (0.0, 1.0), "wavelength_nm_center": 665},
                "nir": {"nodata": 0, "physical_range": (0.0, 1.0), "wavelength_nm_center": 842},
                "scl": {"kind": "class", "data_type": "Byte", "nodata": 0},
            },
        )
        for k, name in enumerate(GRIDS):
            archive.add_image(
                "p", name, GRIDS[name], pixels_of(name), acquired=TIMES[name],
                cloud_fraction=None if name == "b" else k / 10, satellite_id="s2a" if k < 2 else "s2b",
            )  # fmt: skip
        archive.add_product(
            "q", {"red": {"data_type": "Int16", "nodata": -1}, "alpha": {"kind": "mask", "data_type": "Byte"}}
        )
        alpha = np.ones(BOX.shape, "uint8")
        alpha[:, :30] = 0
        archive.add_image(
            "q", "x", BOX, {"red": noise(BOX.shape, "int16", 3), "alpha": alpha}, acquired="2024-02-01"
        )
        yield archive


@pytest.fixture
def images(archive):
    return archive.collection("p:a", "p:b", "p:c", "p:d", geocontext=CONTEXT)


def value(name, band):
    """Pixels of an image on the common grid, NaN where missing."""
    out = np.full(BOX.shape, np.nan, "float32")
    own = pixels_of(name)[band].astype("float32")
    own[own == 0] = np.nan
    x = round((GRIDS[name].transform.c - BOX.transform.c) / 10)
    out[:, x : x + GRIDS[name].width] = own
    return out


def over(*names, band="red"):
    """Paint images over each other, the last on top."""
    out = np.full(BOX.shape, np.nan, "float32")
    for name in names:
        top = value(name, band)
        out = np.where(np.isnan(top), out, top)
    return out


def equal(a, b):
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


@pytest.fixture
def reader_of(monkeypatch):
    """Put another reader in the place of the shared one; returns it."""
    from dawnlight.catalog import _loading

    shared = _loading.shared_reader()

    def use(make, *args):
        reader = make(shared, *args) if make is not UntouchableReader else make()
        monkeypatch.setattr(_loading, "shared_reader", lambda: reader)
        return reader

    return use


# -- stack -----------------------------------------------------------------------------------------


def test_a_stack_holds_the_images_in_order(images):
    found = images.stack("red nir")
    assert isinstance(found, xr.DataArray)
    assert found.chunks is not None
    assert found.dims == ("time", "band", "y", "x")
    assert found.shape == (4, 2, 40, 60)
    assert found.dtype == np.float32
    for k, name in enumerate("abcd"):
        for b, band in enumerate(("red", "nir")):
            assert equal(found[k, b], value(name, band))


def test_labels(images):
    found = images.stack("red scl")
    assert found.name == "pixels"
    assert found.id.values.tolist() == ["p:a", "p:b", "p:c", "p:d"]
    assert found.product_id.values.tolist() == ["p"] * 4
    assert found.satellite_id.values.tolist() == ["s2a", "s2a", "s2b", "s2b"]
    np.testing.assert_array_equal(found.cloud_fraction.values, [0, np.nan, 0.2, 0.3])
    times = np.array(
        ["2024-01-01T10:00:00", "2024-01-01T10:00:25.123456789", "2024-01-11T10:00:00", "NaT"],
        "datetime64[ns]",
    )
    assert equal(found.time.values, times)
    assert found.band.values.tolist() == ["red", "scl"]
    assert found.band_type.values.tolist() == ["spectral", "class"]
    np.testing.assert_array_equal(found.wavelength.values, [665, np.nan])
    assert found.attrs["data_type"] == "UInt16"
    assert equal(found.x.values, BOX.x)
    assert equal(found.y.values, BOX.y)
    assert found.rio.crs.to_epsg() == 32632
    import odc.geo.xr  # noqa: F401

    assert GeoBox.from_odc(found.odc.geobox) == BOX


@pytest.mark.parametrize(
    ("axis", "dims"),
    [
        (0, ("band", "time", "y", "x")),
        (1, ("time", "band", "y", "x")),
        (2, ("time", "y", "band", "x")),
        (3, ("time", "y", "x", "band")),
        (-1, ("time", "y", "x", "band")),
        (-2, ("time", "y", "band", "x")),
        (-3, ("time", "band", "y", "x")),
        (-4, ("band", "time", "y", "x")),
    ],
)
def test_bands_axis(images, axis, dims):
    found = images.stack("red nir", bands_axis=axis)
    assert found.dims == dims
    assert equal(found.transpose("time", "band", "y", "x"), images.stack("red nir"))
    assert images.stack("red nir", bands_axis=axis, chunks=None, progress=False).dims == dims


@pytest.mark.parametrize("axis", [4, -5, None, "band"])
def test_other_bands_axes_are_refused(images, axis):
    with pytest.raises(ParameterError, match="bands_axis"):
        images.stack("red", bands_axis=axis)


@pytest.mark.parametrize("chunks", ["auto", 16, {"y": 7, "x": -1}, {"time": 2, "band": 1}, None])
def test_chunks_change_no_value(images, chunks):
    found = images.stack("red nir", chunks=chunks, resolution=7, resampler="cubic", progress=False)
    assert (found.chunks is None) == (chunks is None)
    assert equal(
        found, images.stack("red nir", resolution=7, resampler="cubic", chunks=-1 if False else "auto")
    )
    if chunks == 16:
        assert found.chunks[2][0] == 16


@pytest.mark.parametrize("max_workers", [1, 3, None])
def test_loading_now(images, max_workers):
    found = images.stack("red", chunks=None, max_workers=max_workers, progress=False)
    assert isinstance(found.data, np.ndarray)
    assert equal(found, images.stack("red"))


@pytest.mark.parametrize("max_workers", [0, -1])
def test_no_workers_are_refused(images, max_workers):
    with pytest.raises(ParameterError, match="max_workers"):
        images.stack("red", chunks=None, max_workers=max_workers)


def test_progress(images, capsys):
    images.stack("red", chunks=None, progress=True)
    assert "chunk" in capsys.readouterr().err
    images.stack("red", chunks=None, progress=False)
    assert capsys.readouterr().err == ""


def test_values_without_masks_are_raw(images):
    found = images.stack("red", mask_nodata=False)
    assert found.dtype == np.uint16
    assert equal(found[2, 0], pixels_of("c")["red"])
    assert (found[0, 0, :, 40:] == 0).all()


def test_raster_info(images):
    found, info = images.stack("red scl", raster_info=True)
    assert found.shape == (4, 2, 40, 60)
    assert [each["id"] for each in info] == ["p:a", "p:b", "p:c", "p:d"]
    assert all(each["geoTransform"] == list(BOX.geotrans) for each in info)
    _, info = images.stack("red", flatten="satellite_id", raster_info=True)
    assert [each["files"] for each in info] == [["p:a", "p:b"], ["p:c", "p:d"]]
    mosaic, one = images.mosaic("red", raster_info=True)
    assert mosaic.shape == (1, 40, 60)
    assert one["id"] == "mosaic"


# -- flatten ---------------------------------------------------------------------------------------


def test_flatten_paints_groups_in_the_order_of_their_keys(images):
    found = images.stack("red", flatten="satellite_id")
    assert found.shape == (2, 1, 40, 60)
    assert equal(found[0, 0], over("a", "b"))
    assert equal(found[1, 0], over("c", "d"))
    assert found.group_satellite_id.values.tolist() == ["s2a", "s2b"]
    assert found.id.values.tolist() == ["p:a,p:b", "p:c,p:d"]
    assert found.time.values[0] == np.datetime64("2024-01-01T10:00:00", "ns")


@pytest.mark.parametrize(
    "flatten",
    [
        "id",
        ["product_id"],
        ("satellite_id", "id"),
        lambda image: -int(image.name, 36),
        [lambda image: image.satellite_id, "name"],
        lambda image: 1,
        lambda image: None if image.name < "c" else image.satellite_id,
    ],
)
def test_flatten_is_groupby(images, flatten):
    predicates = flatten if isinstance(flatten, list | tuple) else [flatten]
    groups = list(images.groupby(*predicates))
    found = images.stack("red", flatten=flatten)
    assert len(found) == len(groups)
    for layer, (_, group) in zip(found, groups, strict=True):
        assert equal(layer[0], group.mosaic("red", CONTEXT)[0])
        assert str(layer.id.values) == ",".join(image.id for image in group)


def test_flatten_by_parts_of_the_date(archive):
    images = archive.collection("p:a", "p:b", "p:c", geocontext=CONTEXT)
    found = images.stack("red", flatten=["acquired.year", "acquired.month", "acquired.day"])
    assert found.shape[0] == 2
    assert found.group_acquired_day.values.tolist() == [1, 11]
    assert found.group_acquired_year.values.tolist() == [2024, 2024]
    by_time = images.stack("red", flatten="acquired")
    assert by_time.shape[0] == 3
    by_day = images.stack("red", flatten=lambda image: image.acquired.date())
    assert equal(by_day, found)


def test_flatten_everything_is_the_mosaic(images):
    assert equal(images.stack("red nir", flatten="product_id")[0], images.mosaic("red nir"))


def test_flatten_merges_duplicates(archive):
    images = archive.collection("p:a", "p:a", "p:c", geocontext=CONTEXT)
    assert images.stack("red").shape[0] == 3
    found = images.stack("red", flatten="id")
    assert equal(found[:, 0], [value("a", "red"), value("c", "red")])


@pytest.mark.parametrize(
    ("flatten", "error"),
    [
        ([], ParameterTypeError),
        ((), ParameterTypeError),
        ("nothing.of.it", AttributeError),
        (5, TypeError),
        ([5], ParameterTypeError),
    ],
    ids=str,
)
def test_keys_that_cannot_be_used(images, flatten, error):
    with pytest.raises(error):
        images.stack("red", flatten=flatten)


@pytest.mark.parametrize("flatten", ["acquired", "cloud_fraction"])
def test_images_without_a_key_are_the_last_group(images, flatten):
    """As in `groupby`: None has no order beside a number or a date."""
    _, last = list(images.groupby(flatten))[-1]
    assert all(getattr(image, flatten) is None for image in last)
    found = images.stack("red", flatten=flatten)
    assert found.sizes["time"] == len(list(images.groupby(flatten)))
    assert found["id"].values[-1] == ",".join(image.id for image in last)


# -- mosaic ----------------------------------------------------------------------------------------


def test_the_last_image_is_on_top(images):
    found = images.mosaic("red nir")
    assert found.dims == ("band", "y", "x")
    assert equal(found[0], over("a", "b", "c", "d"))
    assert equal(found[1], over("a", "b", "c", "d", band="nir"))
    other = ImageCollection(list(images)[::-1], geocontext=CONTEXT).mosaic("red")
    assert equal(other[0], over("d", "c", "b", "a"))
    assert str(found.id.values) == "p:a,p:b,p:c,p:d"
    assert found.time_first.values == np.datetime64("2024-01-01T10:00:00", "ns")
    assert found.time_last.values == np.datetime64("2024-01-11T10:00:00", "ns")


@pytest.mark.parametrize(
    ("axis", "dims"),
    [(0, "byx"), (1, "ybx"), (2, "yxb"), (-1, "yxb"), (-2, "ybx"), (-3, "byx")],
)
def test_bands_axis_of_a_mosaic(images, axis, dims):
    found = images.mosaic("red nir", bands_axis=axis)
    assert found.dims == tuple({"b": "band"}.get(dim, dim) for dim in dims)


@pytest.mark.parametrize("axis", [3, -4])
def test_other_bands_axes_of_a_mosaic_are_refused(images, axis):
    with pytest.raises(ParameterError, match="bands_axis"):
        images.mosaic("red", bands_axis=axis)


@pytest.mark.parametrize("chunks", ["auto", 13, None])
def test_a_mosaic_in_chunks(images, chunks):
    assert equal(images.mosaic("red", chunks=chunks, progress=False)[0], over("a", "b", "c", "d"))


# -- several products ------------------------------------------------------------------------------


def test_one_mask_policy_for_all_images(archive):
    """Alpha only masks by default where every product has it; else no image is masked by it."""
    mixed = archive.collection("p:c", "q:x", geocontext=CONTEXT)
    found = mixed.stack("red")
    assert found.dtype == np.float64  # UInt16 and Int16 meet in Int32
    assert not np.isnan(found[1]).any()
    alone = archive.collection("q:x", geocontext=CONTEXT).stack("red")
    assert np.isnan(alone[0, 0, :, :30]).all()
    assert not np.isnan(alone[0, 0, :, 30:]).any()
    with pytest.raises(BandError, match="not available in product 'p'"):
        mixed.stack("red", mask_alpha=True)
    raw = mixed.stack("red", mask_nodata=False)
    assert raw.dtype == np.int32
    with pytest.raises(BandError, match="not available in product 'q'"):
        mixed.stack("nir")


def test_alpha_is_no_band_unless_asked_for(archive):
    images = archive.collection("q:x", geocontext=CONTEXT)
    assert images.stack("red").band.values.tolist() == ["red"]
    assert images.stack("red").attrs["data_type"] == "Int16"
    both = images.stack("red alpha")
    assert both.band.values.tolist() == ["red", "alpha"]
    assert np.isnan(both[0, 1, :, :30]).all()
    assert (both[0, 1, :, 30:] == 1).all()
    only = images.mosaic("alpha")
    assert equal(np.isnan(only[0]), np.indices(BOX.shape)[1] < 30)
    with pytest.raises(ValueError, match="must be the last"):
        images.mosaic("alpha red")


def test_scaling_parameters_of_a_collection(images, archive):
    assert images.scaling_parameters("red") == (None, "UInt16")
    assert images.scaling_parameters("red scl", scaling="display") == ([(0, 4000, 0, 255), None], "Byte")
    mixed = archive.collection("p:c", "q:x")
    assert mixed.scaling_parameters("red") == (None, "Int32")
    with pytest.raises(EmptyCollectionError):
        ImageCollection([]).scaling_parameters("red")


def test_scaled_stacks(images):
    found = images.stack("red", scaling="display")
    assert found.dtype == np.float32
    assert found.attrs["data_type"] == "Byte"
    for k, name in enumerate("abcd"):
        expected = np.minimum(np.floor(value(name, "red").astype(float) * 255 / 4000 + 0.5), 255)
        assert equal(found[k, 0], expected)
    assert images.stack("red", scaling="display", mask_nodata=False).dtype == np.uint8


@pytest.mark.parametrize("chunks", ["auto", 9, None])
def test_automatic_scales_are_those_of_the_whole_slot(images, chunks):
    found = images.stack("red scl", scaling="auto", chunks=chunks, progress=False)
    for k, name in enumerate("abcd"):
        values = value(name, "red").astype(float)
        low, high = np.nanmin(values), np.nanmax(values)
        assert equal(found[k, 0], np.floor((values - low) * 255 / (high - low) + 0.5))
        assert equal(found[k, 1], value(name, "scl"))


# -- what cannot be done ---------------------------------------------------------------------------


def test_empty_collections():
    for method in ("stack", "mosaic", "scaling_parameters"):
        with pytest.raises(EmptyCollectionError, match="empty"):
            getattr(ImageCollection([], geocontext=CONTEXT), method)("red")


def test_no_context(archive):
    with pytest.raises(ParameterError, match="geocontext is not given and the collection has none"):
        archive.collection("p:a").stack("red")
    assert archive.collection("p:a").stack("red", CONTEXT).shape == (1, 1, 40, 60)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"bands": "nope"}, BandError),
        ({"bands": []}, BandError),
        ({"bands": {"red"}}, ParameterTypeError),
        ({"bands": "red", "chunks": "big"}, ParameterError),
        ({"bands": "red", "chunks": {"lat": 3}}, ParameterError),
        ({"bands": "red", "chunks": 0}, ParameterError),
        ({"bands": "red", "errors": "skip"}, ParameterError),
        ({"bands": "red", "errors": "mask", "mask_nodata": False}, ParameterError),
        ({"bands": "red", "data_type": "uint8"}, ParameterError),
        ({"bands": "red", "resampler": "best"}, ParameterError),
    ],
    ids=str,
)
def test_errors_come_at_the_call(images, arguments, error):
    for method in (images.stack, images.mosaic):
        with pytest.raises(error):
            method(**arguments)


def test_unknown_arguments_are_type_errors(images):
    with pytest.raises(TypeError):
        images.stack("red", colour=1)
    with pytest.raises(TypeError):
        images.mosaic("red", flatten="id")


# -- laziness --------------------------------------------------------------------------------------


def test_building_reads_nothing(images, reader_of):
    reader_of(UntouchableReader)
    found = images.stack("red nir scl", resampler="cubic", resolution=7, flatten="satellite_id")
    (found.sel(band="red").mean("time") + 1).isel(x=slice(3, 5))
    repr(found)
    found._repr_html_()
    images.mosaic("red", scaling="auto")
    images.stack("red", raster_info=True)


def test_slices_before_arithmetic_reach_the_read(images, reader_of):
    reader = reader_of(RecordingReader)
    found = images.stack("red nir", chunks={"y": 20, "x": 20})
    part = found[2, 0, 3:5, 7:8]
    assert equal((part * 2).compute(), 2 * value("c", "red")[3:5, 7:8])
    assert len(reader.reads) == 1
    assert reader.pixels == 2


def test_a_window_reads_only_the_images_in_it(images, reader_of):
    reader = reader_of(RecordingReader)
    images.stack("red")[:, :, :, 50:55].compute()
    assert {read[0].rsplit("/", 1)[1] for read in reader.reads} == {"b-red.tif", "c-red.tif"}


def test_equal_calls_have_equal_names(images):
    from dask.base import tokenize

    assert tokenize(images.stack("red").data) == tokenize(images.stack("red").data)
    assert images.stack("red").data.name == images.stack("red").data.name
    assert images.stack("red").data.name != images.stack("nir").data.name
    assert images.stack("red").data.name != images.stack("red", resampler="cubic", resolution=7).data.name


# -- failures --------------------------------------------------------------------------------------


def broken(images, name, band="red"):
    (image,) = (image for image in images if image.name == name)
    index = ["red", "nir", "scl"].index(band)
    return image.files[index].href


def test_failures_name_image_band_file_and_place(images, reader_of):
    reader_of(FailingReader, [broken(images, "b")])
    found = images.stack("red nir")
    with pytest.raises(
        RasterReadError, match=r"image 'p:b', band red: cannot read rows 0-39, columns 0-39 of .*b-red.tif"
    ):
        found.compute()
    assert equal(found[0].compute()[0], value("a", "red"))
    with pytest.raises(RasterReadError, match="image 'p:b'"):
        images.stack("red", chunks=None, progress=False)


def test_tolerated_failures_are_masked_and_listed_once(images, reader_of):
    reader_of(FailingReader, [broken(images, "b"), broken(images, "c", "nir")])
    found = images.stack("red nir", errors="mask")
    with pytest.warns(RuntimeWarning, match="a read failed"):
        values = found.compute()
    assert np.isnan(values[1, 0]).all()
    assert equal(values[1, 1], value("b", "nir"))
    assert np.isnan(values[2, 1]).all()
    report = values.dl.report()
    assert sorted((each["image"], tuple(each["bands"])) for each in report) == [
        ("p:b", ("red",)),
        ("p:c", ("nir",)),
    ]
    found.compute()
    assert len(values.dl.report()) == 2


def test_a_mosaic_shows_what_lies_below_a_tolerated_failure(images, reader_of):
    reader_of(FailingReader, [broken(images, "c")])
    with pytest.warns(RuntimeWarning, match="image 'p:c'"):
        values = images[:3].mosaic("red", errors="mask").compute()
    assert equal(values[0], over("a", "b"))


def test_bands_without_a_file(archive):
    archive.add_product("r", {"red": {"nodata": 0}, "nir": {"nodata": 0}})
    archive.add_image("r", "half", BOX, {"red": pixels_of("c")["red"]})
    images = archive.collection("r:half", geocontext=CONTEXT)
    assert equal(images.stack("red")[0, 0], value("c", "red"))
    with pytest.raises(
        RasterNotFoundError, match=r"image 'r:half' has no file for band 'nir' \(1 such bands"
    ):
        images.stack("red nir")
    found = images.stack("red nir", errors="mask")
    assert equal(found[0, 0], value("c", "red"))
    assert np.isnan(found[0, 1]).all()
    (entry,) = found.dl.report()
    assert (entry["image"], entry["bands"], entry["reason"]) == ("r:half", ("nir",), "no file for this band")


# -- round trips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", ["auto", None])
def test_zarr_gives_integers_back(images, tmp_path, chunks):
    found = images.stack("red nir", chunks=chunks, progress=False)
    found.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    again, raw = xr.open_zarr(tmp_path / "a.zarr"), xr.open_zarr(tmp_path / "a.zarr", mask_and_scale=False)
    assert raw.pixels.dtype == np.uint16
    assert equal(again.pixels, found)
    assert again.rio.crs.to_epsg() == 32632
    assert equal(again.time, found.time)
    assert again.id.values.tolist() == found.id.values.tolist()


def test_netcdf_gives_integers_back(images, tmp_path):
    found = images.mosaic("red nir")
    found.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as again:
        assert again.pixels.encoding["dtype"] == np.uint16
        assert equal(again.pixels, found)
        assert again.pixels.rio.crs.to_epsg() == 32632


def test_a_narrowed_type_does_not_lose_pixels_in_files(archive, tmp_path):
    """Values limited to 255 are no missing pixels, though 255 marked those in another type."""
    archive.add_product("n", {"red": {"nodata": 255}})
    archive.add_image("n", "a", BOX, {"red": noise(BOX.shape, "uint16", 4)})
    found = archive.collection("n:a", geocontext=CONTEXT).stack("red", data_type="Byte")
    assert (found == 255).mean() > 0.5
    found.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    assert equal(xr.open_zarr(tmp_path / "a.zarr").pixels, found)


def test_pixels_that_only_alpha_masks_do_not_get_lost_in_files(archive, tmp_path):
    images = archive.collection("q:x", geocontext=CONTEXT)
    found = (
        images.stack("red", mask_nodata=False)
        .where(lambda a: a > 5000, -1, drop=False)
        .where(lambda a: ~np.isnan(images.stack("red", mask_nodata=False)))
    )
    found.encoding = images.stack("red", mask_nodata=False).encoding
    assert (found == -1).any()
    found.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    assert equal(xr.open_zarr(tmp_path / "a.zarr").pixels, found)


def test_values_of_a_processing_level_do_not_get_lost_in_files(archive, tmp_path):
    steps = [{"function": "linear", "parameter": "1,-1000", "data_type": "UInt16", "data_range": (0, 10000)}]
    archive.add_product("lev", {"red": {"nodata": 0, "processing_levels": {"shifted": steps}}})
    pixels = np.full(BOX.shape, 1000, "uint16")
    pixels[0], pixels[1] = 0, 3000
    archive.add_image("lev", "a", BOX, {"red": pixels})
    found = archive.collection("lev:a", geocontext=CONTEXT).stack("red", processing_level="shifted")
    assert np.isnan(found[0, 0, 0]).all()
    assert (found[0, 0, 1] == 2000).all()
    assert (found[0, 0, 2:] == 0).all()
    found.to_zarr(tmp_path / "a.zarr", zarr_format=2)
    assert equal(xr.open_zarr(tmp_path / "a.zarr").pixels, found)


def test_pickles(images):
    found = images.stack("red", resolution=7, resampler="cubic")
    copy = pickle.loads(pickle.dumps(found))
    assert equal(copy, found)
    assert copy.rio.crs == found.rio.crs


def test_processes(images):
    with dask.config.set(scheduler="processes", num_workers=1):
        assert equal(images.stack("red")[0, 0].compute(), value("a", "red"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::Warning")
def test_a_cluster_of_processes(images):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster),
    ):
        found = images.stack("red nir", resolution=7, resampler="cubic", chunks=16)
        assert equal(
            found.compute(),
            images.stack("red nir", resolution=7, resampler="cubic", chunks=None, progress=False),
        )


# -- images as they are used ------------------------------------------------------------------------


def test_images_of_a_search(archive):
    found = (
        Image.search(client=archive.client)
        .filter(dl.catalog.properties.product_id == "p")
        .intersects(BOX.footprint())
        .sort("name")
        .collect()
    )
    stack = found.stack("red", crs="EPSG:32632", resolution=10)
    assert stack.sizes["time"] == 4
    assert not np.isnan(stack[2]).all()


def test_times_that_were_changed_in_memory(archive):
    images = archive.collection("p:a", geocontext=CONTEXT)
    images[0].acquired = datetime(2020, 5, 6, tzinfo=UTC)
    assert images.stack("red").time.values[0] == np.datetime64("2020-05-06", "ns")
