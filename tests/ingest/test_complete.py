"""Completing an image document from its files, as saving an image by reference does."""

import pytest
from affine import Affine
from shapely.geometry import shape

from dawnlight.errors import BandError, ParameterError, RasterNotFoundError, UnsupportedRasterError
from dawnlight.geo import GeoBox
from dawnlight.ingest import _complete, complete_image_document
from dawnlight.raster._header import FileHeader
from dawnlight.search import Document
from dawnlight.storage import MemoryStore
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox((70, 50), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
COARSE = GeoBox((35, 25), Affine(20, 0, 500000, 0, -20, 4600000), "EPSG:32615")


def image(*files, **attributes):
    listed = [{"href": str(file)} if not isinstance(file, dict) else file for file in files]
    given = {"product_id": "p", "name": "i", "files": listed, **attributes}
    return Document(kind="image", id="p:i", attributes={k: v for k, v in given.items() if v is not None})


def band(name, data_type="UInt16", type="spectral", **attributes):
    given = {
        "product_id": "p",
        "name": name,
        "type": type,
        "data_type": data_type,
        "band_index": 0,
        **attributes,
    }
    given.setdefault("data_range", [0, 1])
    return Document(kind="band", id=f"p:{name}", attributes={"display_range": [0, 1], **given})


def test_what_is_not_given_is_read(tmp_path):
    fine = write_raster(tmp_path / "B2.tif", noise(BOX.shape), BOX, nodata=0)
    coarse = write_raster(tmp_path / "SCL.tif", noise(COARSE.shape, "uint8"), COARSE)
    bands = [band("scl", "Byte", "class", file_index=0), band("blue", file_index=1)]
    document = complete_image_document(image(coarse, fine, acquired="2024-06-01T00:00:00Z"), bands)
    found = document.attributes
    assert found["files"] == [
        {"href": str(coarse), "size_bytes": coarse.stat().st_size},
        {"href": str(fine), "size_bytes": fine.stat().st_size},
    ]
    assert (found["geotrans"], found["x_pixels"], found["y_pixels"]) == (list(BOX.geotrans), 50, 70)
    assert (found["cs_code"], found["storage_state"]) == ("EPSG:32615", "available")
    assert shape(found["geometry"]).area == pytest.approx(BOX.footprint().area, rel=1e-3)
    headers = [FileHeader.from_dict(record) for record in found["file_headers"]]
    assert [header.names for header in headers] == [("scl",), ("blue",)]
    product = Document(kind="product", id="p", attributes={"name": "p"})
    MemoryStore().create([product, *bands, document])  # the store's rules hold


def test_what_is_given_stays(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    given = {
        "geometry": {"type": "Point", "coordinates": [1.0, 2.0]},
        "geotrans": [1.0, 2.0, 0.0, 3.0, 0.0, -2.0],
        "cs_code": "EPSG:4326",
        "files": [{"href": str(path), "hash": "abc", "size_bytes": 1}],
    }
    found = complete_image_document(image(**given), []).attributes
    assert {name: found[name] for name in ("geometry", "geotrans", "cs_code")} == {
        name: given[name] for name in ("geometry", "geotrans", "cs_code")
    }
    assert "x_pixels" not in found
    assert found["files"] == [{"href": str(path), "hash": "abc", "size_bytes": path.stat().st_size}]


def test_the_size_is_read_where_the_grid_given_is_the_files(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    found = complete_image_document(image(path, geotrans=list(BOX.geotrans)), []).attributes
    assert (found["x_pixels"], found["y_pixels"]) == (50, 70)


def test_completing_again_changes_and_reads_nothing(tmp_path, monkeypatch):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    first = complete_image_document(image(path), [band("b")])
    monkeypatch.setattr(_complete, "read_header", None)
    assert complete_image_document(first, [band("b")]) == first


def test_a_changed_file_is_read_again(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    first = complete_image_document(image(path), [])
    write_raster(path, noise(COARSE.shape), COARSE)
    (record,) = complete_image_document(first, []).attributes["file_headers"]
    assert record["shape"] == [35, 25]


def test_a_header_of_another_version_is_read_anew(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    first = complete_image_document(image(path), [])
    stale = image(path, file_headers=[{**first.attributes["file_headers"][0], "version": 0}])
    assert complete_image_document(stale, []).attributes["file_headers"] == first.attributes["file_headers"]


@pytest.mark.parametrize(
    ("descriptions", "bands", "names"),
    [
        (["B04", "B08"], [band("B08", band_index=0), band("B04", band_index=1)], ("B04", "B08")),
        (["B04", "B08"], [band("nir", vendor_band_name="B08"), band("red", band_index=0)], ("red", "nir")),
        ([None, None], [band("a", band_index=0), band("b", band_index=1)], ("a", "b")),
        (
            [None, None],
            [band("a", band_index=1), band("c", band_index=5), band("d", file_index=3)],
            (None, "a"),
        ),
        (["x", "x"], [band("x", band_index=1)], (None, "x")),
        ([None, None], [], (None, None)),
    ],
)
def test_which_band_a_raster_band_serves(tmp_path, descriptions, bands, names):
    path = write_raster(tmp_path / "a.tif", noise((2, 70, 50)), BOX, descriptions=descriptions)
    (record,) = complete_image_document(image(path), bands).attributes["file_headers"]
    assert FileHeader.from_dict(record).names == names


@pytest.mark.parametrize(("type", "mask"), [("mask", "alpha"), ("spectral", "none")])
def test_an_alpha_band_is_what_the_product_says(tmp_path, type, mask):
    path = write_raster(tmp_path / "a.tif", noise((3, 70, 50), "uint8"), BOX, alpha=noise(BOX.shape, "uint8"))
    names = ["r", "g", "b", "fourth"]
    bands = [
        band(name, "Byte", type if name == "fourth" else "spectral", band_index=index)
        for index, name in enumerate(names)
    ]
    (record,) = complete_image_document(image(path), bands).attributes["file_headers"]
    assert FileHeader.from_dict(record).bands[0].mask == mask


def test_the_data_type_must_hold_what_the_file_stores(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape, "float32"), BOX)
    with pytest.raises(
        BandError, match=r"a\.tif: band 'b' is defined as UInt16, and the file stores Float32"
    ):
        complete_image_document(image(path), [band("b")])
    assert complete_image_document(image(path), [band("b", "Float64")])


def test_a_crs_is_taken_from_the_image_where_the_file_has_none(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), None)
    (tmp_path / "a.tfw").write_text("10\n0\n0\n-10\n500005\n4599995\n")
    with pytest.raises(UnsupportedRasterError, match="no coordinate reference system"):
        complete_image_document(image(path), [])
    (record,) = complete_image_document(image(path, cs_code="EPSG:32615"), []).attributes["file_headers"]
    assert FileHeader.from_dict(record).geobox == BOX


@pytest.mark.parametrize(
    "document",
    [
        image(),
        image({"href": "https://host/a.tif"}, storage_state="remote"),
        image({"provider_href": "x"}, storage_state="remote"),
    ],
    ids=["no files", "remote", "remote without href"],
)
def test_images_without_pixels_here_are_left_alone(document):
    assert complete_image_document(document, []) is document


def test_files_that_cannot_be_used(tmp_path):
    with pytest.raises(RasterNotFoundError, match=r"missing\.tif: there is no such file"):
        complete_image_document(image(tmp_path / "missing.tif"), [])
    with pytest.raises(UnsupportedRasterError, match="virtual file system"):
        complete_image_document(image("/vsizip/a.zip/b.tif"), [])
    with pytest.raises(ParameterError, match=r"image 'p:i': files\[0\] has no href"):
        complete_image_document(image({"provider_href": "x"}), [])


def test_relative_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    assert complete_image_document(image("a.tif"), []).attributes["files"][0]["href"] == str(path)
    assert complete_image_document(image(f"file://{path}"), []).attributes["files"][0]["href"] == str(path)
