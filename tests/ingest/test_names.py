"""Names and kinds of bands, and the documents made of them."""

import json

import pytest
from affine import Affine

from dawnlight.errors import ParameterError
from dawnlight.geo import GeoBox
from dawnlight.ingest._bands import find_disagreement, make_band, resolution_of
from dawnlight.ingest._kinds import find_kind
from dawnlight.ingest._names import name_bands, stem_of, without_alpha
from dawnlight.ingest._samples import BandSample, sample_bands
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.raster._header import BandHeader, FileHeader
from dawnlight.search import Document
from dawnlight.storage import MemoryStore
from dawnlight.testing._rasters import checker, noise, write_raster

BOX = GeoBox((70, 50), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")


def header_of(*bands, **changes):
    infos = tuple(BandHeader(**{"dtype": "uint8", **band}) for band in bands)
    return FileHeader(href="/data/a.tif", driver="GTiff", geobox=BOX, bands=infos, block=(16, 16), **changes)


@pytest.fixture
def reader():
    with GdalReader() as reader:
        yield reader


@pytest.mark.parametrize(
    ("href", "stem"),
    [("/a/b.c.tif", "b.c"), ("/a/b", "b"), ("https://h/a/b.tif?x=/y.z", "b"), ("s3://k/a%20b.tif", "a b")],
)
def test_stems(href, stem):
    assert stem_of(href) == stem


@pytest.mark.parametrize(
    ("bands", "band", "names"),
    [
        ([{}], None, ("band_1",)),
        ([{"color": "gray"}, {}], None, ("band_1", "band_2")),
        ([{"description": "B04"}, {"description": " near infrared "}], None, ("B04", "near_infrared")),
        (
            [{"color": color} for color in ("red", "green", "blue", "alpha")],
            None,
            ("red", "green", "blue", "alpha"),
        ),
        ([{"color": "red"}, {"color": "red"}], None, ("band_1", "band_2")),
        ([{"description": "x" * 41}], None, ("band_1",)),
        ([{"description": "???"}], None, ("band_1",)),
        ([{"description": "whatever"}], "B4", ("B4",)),
        ([{"description": "whatever"}, {"color": "alpha"}], "B4", ("B4", "alpha")),
        ([{"color": "red"}, {}], "Visual", ("Visual_red", "Visual_band_2")),
        ([{"color": "alpha", "description": "coverage"}], None, ("alpha",)),
    ],
)
def test_bands_are_named_by_what_tells_most(bands, band, names):
    assert name_bands(header_of(*bands), band=band) == names


def test_two_bands_of_one_name():
    with pytest.raises(ParameterError, match="include 'red' twice; name the bands"):
        name_bands(header_of({"description": "red"}, {"description": "red"}))


@pytest.mark.parametrize(
    ("name", "band", "kind"),
    [
        ("B4", {}, "spectral"),
        ("B8A", {}, "spectral"),
        ("SR_B2", {}, "spectral"),
        ("nir", {"dtype": "float32"}, "spectral"),
        ("swir1", {}, "spectral"),
        ("red_edge_2", {}, "spectral"),
        ("x", {"color": "green"}, "spectral"),
        ("SCL", {}, "class"),
        ("QA_PIXEL", {"dtype": "uint16"}, "class"),
        ("BQA", {"dtype": "uint16"}, "class"),
        ("B01qa", {}, "class"),
        ("SR_QA_AEROSOL", {}, "class"),
        ("landcover_2020", {}, "class"),
        ("x", {"color": "palette"}, "class"),
        ("SCL", {"dtype": "float32"}, "generic"),
        ("cloud_mask", {}, "mask"),
        ("cloud_mask", {"dtype": "uint16"}, "generic"),
        ("x", {"color": "alpha"}, "mask"),
        ("alpha", {}, "mask"),
        ("VV", {"dtype": "float32"}, "microwave"),
        ("sigma0_vh", {"dtype": "float32"}, "microwave"),
        ("ndvi", {"dtype": "int16"}, "generic"),
        ("band_1", {}, "generic"),
        ("elevation", {"dtype": "float32"}, "generic"),
    ],
)
def test_kinds(name, band, kind):
    assert find_kind(name, BandHeader(**{"dtype": "uint8", **band})) == kind


def test_an_alpha_band_that_serves_another_is_none():
    header = header_of({"color": "red", "mask": "alpha"}, {"color": "alpha"}, names=("red", "nir"))
    plain = without_alpha(header)
    assert [(band.color, band.mask) for band in plain.bands] == [("red", "none"), ("undefined", "none")]
    for same in (header.patch(names=("red", "alpha")), header.patch(names=(None, None)), plain):
        assert without_alpha(same) is same
    assert without_alpha(header, ("alpha", "nir")) is header


# -- documents ---------------------------------------------------------------------------------------


def band_of(tmp_path, reader, name, pixels, **options):
    path = write_raster(tmp_path / "a.tif", pixels, BOX, **options)
    header = read_header(path)
    (sample,) = sample_bands(header, [0], reader)
    assert BandSample.from_dict(json.loads(json.dumps(sample.to_dict()))) == sample
    document = make_band("p", name, header, 0, file_index=2, sample=sample)
    product = Document(kind="product", id="p", attributes={"name": "p"})
    return MemoryStore().create([product, document])[1].attributes  # the store's rules hold


def test_a_spectral_band(tmp_path, reader):
    found = band_of(
        tmp_path,
        reader,
        "B4",
        noise(BOX.shape),
        nodata=0,
        scales=[1e-4],
        offsets=[-0.1],
        descriptions=["Red"],
    )
    assert (found["type"], found["data_type"], found["nodata"]) == ("spectral", "UInt16", 0)
    assert (found["band_index"], found["file_index"], found["description"]) == (0, 2, "Red")
    assert found["resolution"] == {"value": 10.0, "unit": "meters"}
    assert found["data_range"] == [0, 65535]
    assert found["physical_range"] == [-0.1, 6.4535]
    low, high = found["display_range"]
    assert 0 <= low < 500
    assert 9500 < high <= 10000


def test_a_float_band_takes_its_range_from_the_pixels(tmp_path, reader):
    found = band_of(tmp_path, reader, "ndvi", noise(BOX.shape, "float32"), nodata=float("nan"))
    assert (found["type"], found["data_type"]) == ("generic", "Float32")
    assert found["nodata"] == "nan"
    assert found["data_range"] == [-1, 1]


@pytest.mark.parametrize("value", [7, 0, -3.25, 1e20])
def test_ranges_are_never_empty(tmp_path, reader, value):
    found = band_of(tmp_path, reader, "dem", noise(BOX.shape, "float32") * 0 + value)
    low, high = found["display_range"]
    assert low <= value < high or low < value <= high


def test_an_image_without_a_valid_pixel_has_ranges_all_the_same(tmp_path, reader):
    found = band_of(tmp_path, reader, "dem", noise(BOX.shape, "float32") * 0, nodata=0)
    assert found["display_range"] == [0, 1]


def test_a_class_band(tmp_path, reader):
    colors = {0: (0, 0, 0, 0), 1: (255, 0, 0, 255)}
    found = band_of(tmp_path, reader, "scl", checker(BOX.shape).astype("uint8"), colormap=colors)
    assert (found["type"], found["colormap"][1]) == ("class", [255, 0, 0, 255])
    assert found["class_labels"][8] == "cloud, medium probability"
    assert found["display_range"] == [0, 1]


def test_mask_bands(tmp_path, reader):
    found = band_of(tmp_path, reader, "alpha", checker(BOX.shape).astype("uint8"))
    assert (found["type"], found["is_alpha"], found["data_range"]) == ("mask", True, [0, 1])
    assert band_of(tmp_path, reader, "cloud_mask", checker(BOX.shape).astype("uint8"))["is_alpha"] is False


@pytest.mark.parametrize(
    ("size", "crs", "resolution"),
    [
        (10, "EPSG:32615", {"value": 10.0, "unit": "meters"}),
        (0.5, "EPSG:4326", {"value": 0.5, "unit": "degrees"}),
        (0.5, "+proj=longlat +R=6371007", {"value": 0.5, "unit": "degrees"}),
        (100, "EPSG:2263", {"value": 30.48006096, "unit": "meters"}),
    ],
)
def test_resolutions_are_metres_or_degrees(size, crs, resolution):
    assert resolution_of(GeoBox((4, 4), Affine(size, 0, 0, 0, -size, 40), crs)) == resolution


@pytest.mark.parametrize(
    ("attributes", "info", "message"),
    [
        ({"data_type": "Byte"}, {}, None),
        ({"data_type": "Byte", "nodata": 0}, {}, None),
        ({"data_type": "Byte", "nodata": 0}, {"nodata": 0.0}, None),
        ({"data_type": "Float32"}, {"dtype": "float32", "nodata": float("nan")}, None),
        ({"data_type": "Float32", "nodata": "nan"}, {"dtype": "float32", "nodata": float("nan")}, None),
        ({"data_type": "Float32", "nodata": "-inf"}, {"dtype": "float32", "nodata": float("-inf")}, None),
        ({"data_type": "Float32", "nodata": "nan"}, {"dtype": "float32", "nodata": -1.0}, "product nan"),
        ({"data_type": "UInt16"}, {}, "band 'b' is Byte, and that of the product UInt16"),
        ({"data_type": "Byte"}, {"nodata": 1.0}, "nodata of its band 'b' is 1, and that of the product none"),
        ({"data_type": "Byte", "nodata": 0}, {"nodata": 1.0}, "is 1, and that of the product 0"),
        ({"data_type": "Float32", "nodata": 0}, {"dtype": "float32", "nodata": float("nan")}, "is nan, and"),
    ],
)
def test_disagreements(attributes, info, message):
    band = Document(kind="band", id="p:b", attributes={"name": "b", **attributes})
    found = find_disagreement(band, BandHeader(**{"dtype": "uint8", **info}))
    assert found is message is None or message in found
