from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dawnlight as dl
from dawnlight.catalog import (
    CatalogClient,
    Image,
    ImageUpload,
    ImageUploadOptions,
    ImageUploadStatus,
    OverviewResampler,
    Product,
)
from dawnlight.catalog import properties as p
from dawnlight.errors import DeletedObjectError
from dawnlight.geo import GeoBox
from dawnlight.testing._rasters import noise, truncate, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (70, 60), 32615)
TIME = "2023-06-01T10:00:00Z"


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CatalogClient]:
    """An empty embedded catalog; parametrized with "memory" one that is gone with the process."""
    with dl.open("memory://" if hasattr(request, "param") else tmp_path / "catalog") as client:
        yield client


@pytest.fixture
def product(client: CatalogClient) -> Product:
    product = Product(id="fields", name="Fields", client=client)
    product.save()
    for index, name in enumerate(("red", "nir")):
        dl.SpectralBand(
            id=f"fields:{name}",
            data_type="UInt16",
            data_range=(0, 65535),
            display_range=(0, 10000),
            band_index=index,
            nodata=0,
            client=client,
        ).save()
    return product


@pytest.fixture
def image(client: CatalogClient, product: Product) -> Image:
    return Image(product=product, name="a", acquired=TIME, client=client)


@pytest.fixture
def pixels() -> np.ndarray:
    array = noise((2, 70, 60))
    array[:, :, :20] = 0
    return array


@pytest.fixture
def file(tmp_path: Path, pixels: np.ndarray) -> Path:
    return write_raster(tmp_path / "data" / "a.tif", pixels, BOX, nodata=0)


def finish(upload: ImageUpload) -> ImageUpload:
    upload.wait_for_completion(timeout=60)
    return upload


def messages(upload: ImageUpload) -> str:
    return "\n".join(str(event.message) for event in upload.events or ())


def test_a_file_becomes_an_image(image: Image, file: Path, pixels: np.ndarray, client: CatalogClient) -> None:
    upload = image.upload(str(file))
    assert upload.status in ("pending", "running")
    assert (upload.image_id, upload.product_id, image.state) == ("fields:a", "fields", "unsaved")
    options = upload.image_upload_options
    assert options is not None
    assert (options.upload_type, options.image_files) == ("file", [str(file)])
    file.unlink()  # the catalog has its own copy
    finish(upload)
    assert upload.status == ImageUploadStatus.SUCCESS, messages(upload)
    kinds = [event.event_type for event in upload.events or ()]
    assert kinds == ["queue", "run", "usage", "complete"]
    assert upload.image is image
    assert image.state == "saved"
    assert (image.cs_code, image.x_pixels, image.y_pixels) == ("EPSG:32615", 60, 70)
    assert image.fill_fraction == pytest.approx(2 / 3)
    assert image.area == pytest.approx(0.28, rel=0.05)
    assert image.bits_per_pixel is not None
    assert len(image.bits_per_pixel) == 2
    assert image.geometry is not None
    (stored,) = image.files or ()
    assert stored.size_bytes == Path(str(stored.href)).stat().st_size
    assert len(str(stored.hash)) == 64
    found = image.ndarray("red nir")
    np.testing.assert_array_equal(found.data[:, :, 20:], pixels[:, :, 20:])
    assert found.mask[:, :, :20].all()
    stack = Image.search(client=client).collect().stack("red nir", image.geocontext)
    np.testing.assert_array_equal(stack.dl.ndarray()[0].data[:, :, 20:], pixels[:, :, 20:])
    assert list(image.image_uploads()) == [upload]
    product = Product.get("fields", client=client)
    assert product is not None
    assert product.image_uploads().count() == 1


@pytest.mark.slow
def test_all_kinds_of_files_are_taken(
    client: CatalogClient, product: Product, file: Path, tmp_path: Path
) -> None:
    opened, texts = open(file, "rb"), open(file)  # noqa: SIM115  uploading closes them
    kinds: dict[str, Any] = {
        "path": file,
        "opened": opened,
        "text": texts,
        "bytes": io.BytesIO(file.read_bytes()),
        "list": [file],
        "iterator": iter([str(file)]),
    }
    uploads = [
        Image(product=product, name=name, acquired=TIME, client=client).upload(value)
        for name, value in kinds.items()
    ]
    assert opened.closed
    assert texts.closed
    assert [finish(upload).status for upload in uploads] == ["success"] * len(kinds)
    assert len(kinds["list"]) == 1


def test_several_files_make_an_image(client: CatalogClient, tmp_path: Path) -> None:
    Product(id="p", name="P", client=client).save()
    for index, name in enumerate(("fine", "coarse")):
        dl.GenericBand(
            id=f"p:{name}",
            data_type="UInt16",
            data_range=(0, 1),
            display_range=(0, 1),
            band_index=0,
            file_index=index,
            client=client,
        ).save()
    fine, coarse = noise((70, 60)), noise((35, 30), seed=1)
    paths = [
        write_raster(tmp_path / "f.tif", fine, BOX),
        write_raster(tmp_path / "c.jp2", coarse, BOX.zoom_to((35, 30)), driver="JP2OpenJPEG"),
    ]
    image = Image(id="p:a", acquired=TIME, client=client)
    assert finish(image.upload(paths)).status == "success"
    np.testing.assert_array_equal(image.ndarray("fine")[0].data, fine)
    np.testing.assert_array_equal(image.ndarray("coarse")[0].data, np.kron(coarse, np.ones((2, 2), "uint16")))


def test_what_must_be_set_first(client: CatalogClient, product: Product, file: Path) -> None:
    with pytest.raises(ValueError, match="no id"):
        Image(client=client).upload(file)
    with pytest.raises(ValueError, match="acquired"):
        Image(id="fields:a", client=client).upload(file)
    with pytest.raises(ValueError, match="no product 'nowhere'"):
        Image(id="nowhere:a", acquired=TIME, client=client).upload(file)
    with pytest.raises(ValueError, match="unsaved"):
        Image(
            product=Product(id="new", name="N", client=client), name="a", acquired=TIME, client=client
        ).upload(file)
    image = Image(id="fields:a", acquired=TIME, client=client)
    for nothing in ([], iter([])):
        with pytest.raises(ValueError, match="no file"):
            image.upload(nothing)
    with pytest.raises(TypeError, match="files"):
        image.upload(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        image.upload("nowhere.tif")
    image.save()
    with pytest.raises(ValueError, match="saved"):
        image.upload(file)
    with pytest.raises(ValueError, match="already"):
        Image(id="fields:a", acquired=TIME, client=client).upload(file)
    image.delete()
    with pytest.raises(DeletedObjectError):
        image.upload(file)
    assert ImageUpload.search(client=client).count() == 0


@pytest.mark.slow
def test_the_crs_must_agree(client: CatalogClient, product: Product, file: Path) -> None:
    same = Image(product=product, name="a", acquired=TIME, cs_code="EPSG:32615", client=client)
    other = Image(product=product, name="b", acquired=TIME, cs_code="EPSG:32616", client=client)
    with pytest.warns(FutureWarning, match="cs_code"):
        uploads = [image.upload(file) for image in (same, other)]
    assert [finish(upload).status for upload in uploads] == ["success", "failure"]
    assert "32616" in str(uploads[1].error_message)


def test_failures_say_why_and_can_be_repeated(
    client: CatalogClient, product: Product, image: Image, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = truncate(file.rename(file.with_name("b.tif")), 0.6)
    upload = finish(image.upload(broken))
    assert upload.status == ImageUploadStatus.FAILURE
    assert str(broken) in str(upload.error_message)
    assert str(broken) in caplog.text
    assert [event.severity for event in upload.events or ()] == ["INFO", "INFO", "ERROR"]
    assert image.state == "unsaved"
    assert not Image.exists("fields:a", client=client)
    # The example of the reference documentation.
    search = ImageUpload.search(client=client).filter(p.status == ImageUploadStatus.FAILURE)
    assert [result.id for result in search] == [upload.id]
    write_raster(broken, noise((2, 70, 60)), BOX)
    assert finish(image.upload(broken)).status == "success"


def test_a_mask_beside_a_file_is_not_lost_silently(image: Image, tmp_path: Path, pixels: np.ndarray) -> None:
    path = write_raster(tmp_path / "a.tif", pixels, BOX, mask=pixels[0] > 0, sidecars=True)
    with pytest.raises(ValueError, match=r"a\.tif\.msk"):
        image.upload(path)


@pytest.mark.parametrize("client", ["memory"], indirect=True)
def test_a_catalog_in_memory_has_files_too(client: CatalogClient, image: Image, pixels: np.ndarray) -> None:
    image.geotrans, image.cs_code = BOX.geotrans, "EPSG:32615"
    assert finish(image.upload_ndarray(pixels)).status == "success"
    np.testing.assert_array_equal(image.ndarray("red nir").filled(0), pixels)


def test_overwriting(client: CatalogClient, product: Product, image: Image, file: Path) -> None:
    finish(image.upload(file))
    lazy = image.ndarray("red", raster_info=False)
    before = Image.search(client=client).collect().stack("red", image.geocontext)
    newer = Image(product=product, name="a", acquired=TIME, cloud_fraction=0.5, client=client)
    second = noise((2, 70, 60), seed=5)
    upload = finish(
        newer.upload_ndarray(
            second,
            raster_meta={"geoTransform": BOX.geotrans, "coordinateSystem": {"epsg": 32615}},
            overwrite=True,
        )
    )
    assert upload.status == "success", messages(upload)
    np.testing.assert_array_equal(newer.ndarray("red")[0].data, second[0])
    assert newer.cloud_fraction == 0.5
    # Built before, and read now: the old pixels.
    np.testing.assert_array_equal(before.dl.ndarray()[0, 0].filled(0), lazy[0].filled(0))
    assert Image.search(client=client).count() == 1


def test_canceling(client: CatalogClient, image: Image, file: Path) -> None:
    upload = image.upload(file)
    upload.cancel()
    assert upload.status == "canceled"
    upload.wait_for_completion()
    assert not Image.exists("fields:a", client=client)


# -- arrays --------------------------------------------------------------------------------------------


def placed(client: CatalogClient, name: str = "a", **attributes: Any) -> Image:
    given = {"geotrans": BOX.geotrans, "cs_code": "EPSG:32615", **attributes}
    return Image(id=f"fields:{name}", acquired=TIME, client=client, **given)


def test_an_array_becomes_an_image(client: CatalogClient, product: Product, pixels: np.ndarray) -> None:
    options = ImageUploadOptions(overview_resampler=OverviewResampler.AVERAGE)
    image = placed(client)
    upload = finish(image.upload_ndarray(pixels, upload_options=options, overviews=[2, 4]))
    assert upload.status == "success", messages(upload)
    assert options.overviews is None
    given = upload.image_upload_options
    assert given is not None
    assert (given.upload_type, given.overviews, given.upload_size) == ("ndarray", [2, 4], pixels.nbytes)
    assert image._saved_document is not None
    (record,) = image._saved_document.attributes["file_headers"]
    assert record["overviews"] == [[35, 30], [18, 15]]
    np.testing.assert_array_equal(image.ndarray("red nir").filled(0), pixels)
    assert image.fill_fraction == pytest.approx(2 / 3)


@pytest.mark.slow
def test_shapes_and_lists(client: CatalogClient, product: Product) -> None:
    flat = noise((70, 60))
    image = placed(client, "flat")
    assert finish(image.upload_ndarray(flat)).status == "success"
    np.testing.assert_array_equal(image.ndarray("red")[0].data, flat)
    arrays = [flat]
    image = placed(client, "list")
    assert finish(image.upload_ndarray(arrays)).status == "success"
    assert arrays[0] is flat
    image = placed(client, "tuple")
    assert finish(image.upload_ndarray((noise((2, 70, 60)),))).status == "success"


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros(3, "uint8"), r"shape \(3,\)"),
        (np.zeros((1, 2, 3, 4), "uint8"), "shape"),
        (np.zeros((2, 2), "int8"), "int8"),
        (np.zeros((2, 2), "int64"), "int64"),
        (np.zeros((2, 2), "complex64"), "complex64"),
        (np.zeros((0, 2), "uint8"), "no pixel"),
        ([], "no array"),
    ],
    ids=str,
)
def test_arrays_that_are_refused(client: CatalogClient, product: Product, array: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        placed(client).upload_ndarray(array)


def test_an_array_needs_a_place(client: CatalogClient, product: Product, pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="geotrans"):
        placed(client, geotrans=None).upload_ndarray(pixels)
    with pytest.raises(ValueError, match="cs_code"):
        placed(client, cs_code=None).upload_ndarray(pixels)
    with pytest.raises(ValueError, match="x_pixels"):
        placed(client, x_pixels=3).upload_ndarray(pixels)
    with pytest.raises(ValueError, match="overview_resampler"):
        placed(client).upload_ndarray(pixels, overview_resampler="near")
    with pytest.raises(ValueError, match="16"):
        placed(client).upload_ndarray(pixels, overviews=list(range(2, 30)))
    with pytest.warns(UserWarning, match="band axis first"):
        upload = placed(client).upload_ndarray(pixels.transpose(1, 2, 0))
    assert finish(upload).status == "failure" or upload.status == "success"


def test_masked_arrays_keep_their_mask(client: CatalogClient, product: Product) -> None:
    data = noise((2, 70, 60))
    mask = np.zeros(data.shape, bool)
    mask[:, 10:20, 10:30] = True
    image = placed(client)
    finish(image.upload_ndarray(np.ma.MaskedArray(data, mask)))
    found = image.ndarray("red nir")
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_array_equal(found.data[~mask], data[~mask])


def test_a_mask_without_a_free_value_becomes_alpha(client: CatalogClient) -> None:
    Product(id="full", name="F", client=client).save()
    dl.GenericBand(
        id="full:v",
        data_type="Byte",
        data_range=(0, 255),
        display_range=(0, 255),
        band_index=0,
        client=client,
    ).save()
    dl.MaskBand(id="full:alpha", data_type="Byte", band_index=1, is_alpha=True, client=client).save()
    data = np.arange(64 * 64, dtype="uint32").reshape(64, 64).astype("uint8")
    mask = np.zeros(data.shape, bool)
    mask[5] = True
    image = Image(id="full:a", acquired=TIME, geotrans=BOX.geotrans, cs_code="EPSG:32615", client=client)
    upload = finish(image.upload_ndarray(np.ma.MaskedArray(data, mask)))
    assert upload.status == "success", messages(upload)
    found = image.ndarray("v alpha", mask_alpha=True)
    np.testing.assert_array_equal(found.mask[0], mask)
    np.testing.assert_array_equal(found.data[0][~mask], data[~mask])


# -- labelled arrays -----------------------------------------------------------------------------------


def test_the_round_trip_of_a_derived_product(client: CatalogClient, image: Image, file: Path) -> None:
    finish(image.upload(file))
    stack = Image.search(client=client).collect().stack("red nir", image.geocontext, chunks=32)
    red, nir = stack.sel(band="red"), stack.sel(band="nir")
    ndvi = ((nir - red) / (nir + red)).mean("time").astype("float32")
    assert ndvi.chunks
    Product(id="ndvi", name="NDVI", client=client).save()
    dl.GenericBand(
        id="ndvi:ndvi",
        data_type="Float32",
        data_range=(-1, 1),
        display_range=(-1, 1),
        band_index=0,
        client=client,
    ).save()
    derived = Image(id="ndvi:a", acquired=TIME, client=client)
    upload = finish(derived.upload_ndarray(ndvi))
    assert upload.status == "success", messages(upload)
    found = Image.search(client=client).filter(p.product_id == "ndvi").collect()
    again = found.stack("ndvi", derived.geocontext)[0, 0]
    np.testing.assert_array_equal(again.values, ndvi.values)
    np.testing.assert_array_equal(again.x, ndvi.x)
    np.testing.assert_array_equal(again.y, ndvi.y)
    assert derived.fill_fraction == pytest.approx(2 / 3)


def test_integers_with_missing_pixels_stay_integers(client: CatalogClient, image: Image, file: Path) -> None:
    finish(image.upload(file))
    stack = Image.search(client=client).collect().stack("red nir", image.geocontext, chunks=32)
    copy = Image(id="fields:copy", acquired=TIME, client=client)
    upload = finish(copy.upload_ndarray(stack))
    assert upload.status == "success", messages(upload)
    again = copy.ndarray("red nir")
    assert again.dtype == "uint16"
    np.testing.assert_array_equal(again.filled(0), stack.dl.ndarray()[0].filled(0))


def test_a_stack_of_many_times_is_no_image(client: CatalogClient, image: Image, file: Path) -> None:
    finish(image.upload(file))
    stack = Image.search(client=client).collect().stack("red", image.geocontext)
    many = stack.isel(time=[0, 0])
    with pytest.raises(ValueError, match="2 times"):
        Image(id="fields:many", acquired=TIME, client=client).upload_ndarray(many)
