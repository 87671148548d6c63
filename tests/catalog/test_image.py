from __future__ import annotations

import warnings

import pytest
from shapely.geometry import box, shape

from dawnlight.catalog import CatalogClient, Image, ImageUpload, Product
from dawnlight.errors import GeometryError, GridError, UnsavedObjectError
from dawnlight.geo import AOI

GEOTRANS = (500000, 30, 0, 4600000, 0, -30)


def test_constants() -> None:
    assert Image.SUPPORTED_DATATYPES == (
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "float32",
        "float64",
    )


def test_date_is_acquired() -> None:
    image = Image(acquired="2023-06-01T10:00Z")
    assert image.date == image.acquired
    assert Image().date is None


def test_an_image_is_a_geometry() -> None:
    image = Image(id="p:a", geometry=box(0, 0, 1, 1))
    assert shape(image.__geo_interface__).equals(box(0, 0, 1, 1))
    with pytest.raises(GeometryError, match="no geometry"):
        Image(id="p:a").__geo_interface__  # noqa: B018


# -- coverage ------------------------------------------------------------------------------------------


def test_coverage() -> None:
    image = Image(id="p:a", geometry=box(0, 0, 1, 1))
    assert image.coverage(box(0, 0, 2, 1)) == 0.5
    assert image.coverage(box(0.2, 0.2, 0.7, 0.9)) == 1
    assert image.coverage(box(5, 5, 6, 6)) == 0
    assert image.coverage(image) == 1
    assert image.coverage({"type": "Feature", "properties": {}, "geometry": image.__geo_interface__}) == 1
    assert image.coverage(AOI(bounds=(0, 0, 2, 1))) == 0.5


def test_coverage_is_by_true_area() -> None:
    image = Image(id="p:a", geometry=box(0, 60, 10, 80))
    # The half that is further north is the smaller one.
    assert Image(id="p:b", geometry=box(0, 60, 10, 70)).coverage(image) > 0.6


def test_coverage_over_the_antimeridian() -> None:
    image = Image(id="p:a", geometry=box(170, 0, 190, 1))
    assert image.coverage(box(-180, 0, -170, 1)) == pytest.approx(1)
    assert image.coverage(box(160, 0, 180, 1)) == pytest.approx(0.5)


def test_coverage_without_footprint_or_with_nonsense() -> None:
    with pytest.raises(GeometryError, match="no geometry"):
        Image(id="p:a").coverage(box(0, 0, 1, 1))
    with pytest.raises((GeometryError, TypeError)):
        Image(id="p:a", geometry=box(0, 0, 1, 1)).coverage("POINT (0 0)")  # type: ignore[arg-type]


# -- geocontext ----------------------------------------------------------------------------------------


def test_the_context_of_an_image_of_which_nothing_is_known() -> None:
    assert Image().geocontext == AOI(bounds_crs=None, align_pixels=False)


def test_the_context_of_an_image_with_geotransform_and_size() -> None:
    footprint = box(-93.01, 41.5, -92.9, 41.6)
    image = Image(
        id="p:a", geometry=footprint, cs_code="EPSG:32615", geotrans=GEOTRANS, x_pixels=20, y_pixels=10
    )
    context = image.geocontext
    assert context.geometry == footprint
    assert context.bounds == (500000, 4599700, 500600, 4600000)
    assert (context.crs, context.bounds_crs) == ("EPSG:32615", "EPSG:32615")
    assert (context.shape, context.resolution, context.align_pixels) == ((10, 20), None, False)
    assert context.geobox.transform.to_gdal() == GEOTRANS


def test_the_code_goes_before_the_projection() -> None:
    image = Image(cs_code="EPSG:32615", projection="EPSG:32616", geotrans=GEOTRANS, x_pixels=1, y_pixels=1)
    assert image.geocontext.crs == "EPSG:32615"
    image.cs_code = None
    assert image.geocontext.crs == "EPSG:32616"


def test_the_context_follows_its_inputs() -> None:
    image = Image(cs_code="EPSG:32615", geotrans=GEOTRANS, x_pixels=20, y_pixels=10)
    first = image.geocontext
    assert image.geocontext is first
    image.x_pixels = 30
    assert image.geocontext.shape == (10, 30)
    image.geotrans = (600000, 1, 0, 4600000, 0, -1)
    assert image.geocontext.bounds == (600000, 4599990, 600030, 4600000)


def test_a_geotransform_alone_gives_the_resolution() -> None:
    image = Image(id="p:a", cs_code="EPSG:32615", geotrans=GEOTRANS, geometry=(-93, 41, -92, 42))
    context = image.geocontext
    assert (context.resolution, context.shape, context.align_pixels) == (30, None, False)
    assert context.bounds == (-93, 41, -92, 42)
    image.geotrans = (0, 30, 0, 0, 0, -20)
    with pytest.raises(GridError, match="30 x 20"):
        image.geocontext  # noqa: B018


def test_the_context_of_a_rotated_image_is_upright_and_warns() -> None:
    image = Image(
        id="p:a", cs_code="EPSG:32615", geotrans=(1000, 3, 4, 1000, 4, -3), x_pixels=10, y_pixels=10
    )
    with pytest.warns(UserWarning, match="rotated"):
        context = image.geocontext
    assert context.bounds == (1000, 970, 1070, 1040)
    assert context.shape == (10, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image.geocontext is context


def test_a_south_up_image() -> None:
    image = Image(cs_code="EPSG:32615", geotrans=(1000, 1, 0, 1000, 0, 1), x_pixels=2, y_pixels=3)
    assert image.geocontext.bounds == (1000, 1000, 1002, 1003)


# -- uploads -------------------------------------------------------------------------------------------


def test_image_uploads(client: CatalogClient, product: Product) -> None:
    image = Image(product=product, name="a", client=client)
    for other in (image, Image(product=product, name="b", client=client)):
        ImageUpload(image=other, status="pending", client=client).save()
    assert [upload.image_id for upload in image.image_uploads()] == ["fields:a"]
    with pytest.raises(UnsavedObjectError):
        Image().image_uploads()
