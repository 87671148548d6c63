"""Adding files: what the catalog holds afterwards, what is refused, and doing it again."""

import multiprocessing
from pathlib import Path

import pytest
from affine import Affine
from shapely.geometry import shape

from dawnlight.errors import ConflictError, CRSError, ParameterError
from dawnlight.geo import GeoBox
from dawnlight.ingest import _register, add_files
from dawnlight.raster._header import FileHeader
from dawnlight.search import Eq, Query
from dawnlight.storage import MemoryStore, open_store
from dawnlight.testing._rasters import noise, truncate, write_raster

BOX = GeoBox((70, 50), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
COARSE = GeoBox((35, 25), Affine(20, 0, 500000, 0, -20, 4600000), "EPSG:32615")


@pytest.fixture
def store():
    with MemoryStore() as store:
        yield store


def write(path, *, count=1, seed=0, geobox=BOX, dtype="uint16", nodata=0, **options):
    pixels = noise((count, *geobox.shape), dtype, seed)
    return write_raster(path, pixels, geobox, nodata=nodata, **options)


def write_scenes(folder, *names, bands=("B2", "B4", "SCL")):
    """Write one file for each band; SCL at half the resolution."""
    for name in names:
        for band in bands:
            label = band == "SCL"
            write(
                folder / f"{name}_{band}.tif",
                geobox=COARSE if label else BOX,
                dtype="uint8" if label else "uint16",
            )
    return folder


def documents(store, kind, product="p"):
    return {found.id: found for found in store.search(Query(kind=kind, where=Eq("product_id", product)))}


def reasons(report):
    return {Path(result.href).name: result.reason for result in report.refused}


# -- one file, many bands ------------------------------------------------------------------------------


def test_a_file_becomes_an_image_of_a_new_product(tmp_path, store):
    path = write(tmp_path / "scene 20240602.tif", count=2, descriptions=["red", "nir"])
    report = add_files("p", path, store=store)
    assert report.ok
    assert (report.created_product, report.created_bands) == (True, ("red", "nir"))
    (result,) = report.files
    assert (result.status, result.image_id, result.acquired_from) == ("added", "p:scene_20240602", "name")
    image = store.get("image", "p:scene_20240602").attributes
    assert image["acquired"] == "2024-06-02T00:00:00Z"
    assert image["files"] == [{"href": str(path), "size_bytes": path.stat().st_size}]
    assert image["geotrans"] == [500000, 10, 0, 4600000, 0, -10]
    assert (image["x_pixels"], image["y_pixels"], image["cs_code"]) == (50, 70, "EPSG:32615")
    assert image["storage_state"] == "available"
    assert shape(image["geometry"]).symmetric_difference(BOX.footprint()).area < 1e-3 * BOX.footprint().area
    header = FileHeader.from_dict(image["file_headers"][0])
    assert (header.names, header.geobox, header.modified_ns) == (("red", "nir"), BOX, path.stat().st_mtime_ns)
    assert store.get("product", "p").attributes["name"] == "p"
    bands = documents(store, "band")
    assert [(band.attributes["type"], band.attributes["sort_order"]) for band in bands.values()] == [
        ("spectral", 2),
        ("spectral", 1),
    ]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_adding_again_changes_nothing(tmp_path, kind):
    write(tmp_path / "data" / "a_20240601.tif")
    write(tmp_path / "data" / "b_20240602.tif", geobox=COARSE)
    url = "memory://again" if kind == "memory" else str(tmp_path / "catalog")
    with open_store(url) as store:
        add_files("p", tmp_path / "data", store=store)
        before = [documents(store, kind) for kind in ("band", "image")]
        again = add_files("p", tmp_path / "data", store=store)
        assert (again.ok, again.count("unchanged"), again.created_bands) == (True, 2, ())
        updated = add_files("p", tmp_path / "data", store=store, update=True)
        assert (updated.ok, updated.count("unchanged")) == (True, 2)
        assert [documents(store, kind) for kind in ("band", "image")] == before


def test_a_bad_file_does_not_stop_the_others(tmp_path, store):
    write(tmp_path / "good_20240601.tif")
    (tmp_path / "text_20240601.tif").write_text("hello")
    (tmp_path / "vrt_20240601.tif").write_text("<VRTDataset/>")
    truncate(write(tmp_path / "cut_20240601.tif", compress="none"), 0.5)
    write(tmp_path / "nowhere_20240601.tif", geobox=BOX)
    write_raster(tmp_path / "plain_20240601.tif", noise(BOX.shape), None)
    write(tmp_path / "timeless.tif")
    (tmp_path / "nowhere_20240601.tif").unlink()
    files = [*sorted(tmp_path.iterdir()), tmp_path / "nowhere_20240601.tif", "NETCDF:x.nc:y"]
    report = add_files("p", files, store=store)
    assert report.image_ids("added") == ["p:good_20240601"]
    found = reasons(report)
    assert set(found) == {
        "text_20240601.tif",
        "vrt_20240601.tif",
        "cut_20240601.tif",
        "nowhere_20240601.tif",
        "plain_20240601.tif",
        "timeless.tif",
        "NETCDF:x.nc:y",
    }
    assert "neither a GeoTIFF nor JPEG 2000" in found["text_20240601.tif"]
    assert "is a VRT" in found["vrt_20240601.tif"]
    assert "reading failed" in found["cut_20240601.tif"]
    assert "there is no such file" in found["nowhere_20240601.tif"]
    assert "not georeferenced" in found["plain_20240601.tif"]
    assert "--acquired" in found["timeless.tif"]
    assert "no scheme" in found["NETCDF:x.nc:y"]
    assert not any(str(tmp_path) in reason for reason in found.values())
    assert [Path(result.href).name for result in report.files] == [Path(file).name for file in files]


def test_nothing_is_made_when_every_file_is_refused(tmp_path, store):
    (tmp_path / "text_20240601.tif").write_text("hello")
    report = add_files("p", tmp_path, store=store)
    assert not report.created_product
    assert store.get("product", "p") is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"dtype": "float32"}, "its band 'band_1' is Float32, and that of the product UInt16"),
        ({"nodata": 9}, "nodata of its band 'band_1' is 9, and that of the product 0"),
        ({"count": 2}, "has bands band_1, band_2, and the product has band_1"),
        ({"descriptions": ["red"]}, "has bands red, and the product has band_1; name them with --bands"),
    ],
)
@pytest.mark.parametrize("when", ["together", "later"])
def test_images_that_do_not_fit_the_product(tmp_path, store, options, reason, when):
    first = write(tmp_path / "a_20240601.tif")
    other = write(tmp_path / "b_20240602.tif", **options)
    if when == "later":
        add_files("p", first, store=store)
    report = add_files("p", [first, other], store=store)
    assert reason in reasons(report)["b_20240602.tif"]
    assert len(documents(store, "image")) == 1
    assert set(documents(store, "band")) == {"p:band_1"}


def test_an_image_must_have_all_bands_of_the_product(tmp_path, store):
    add_files("p", write(tmp_path / "a_20240601.tif", count=2), store=store)
    report = add_files("p", write(tmp_path / "b_20240602.tif"), store=store)
    assert "has bands band_1, and the product has band_1, band_2" in reasons(report)["b_20240602.tif"]


def test_bands_that_a_user_defined_are_respected(tmp_path, store):
    add_files("p", write(tmp_path / "a_20240601.tif", nodata=None), store=store)
    store.update("band", "p:band_1", {"nodata": 0, "data_range": [0, 10000]})
    assert add_files("p", write(tmp_path / "b_20240602.tif", nodata=0), store=store).ok
    assert add_files("p", write(tmp_path / "c_20240602.tif", nodata=None), store=store).ok
    assert store.get("band", "p:band_1").attributes["data_range"] == [0, 10000]


def test_bands_can_be_named(tmp_path, store):
    path = write(tmp_path / "a_20240601.tif", count=3)
    assert add_files("p", path, store=store, bands=["b", "g", "r"]).created_bands == ("b", "g", "r")
    report = add_files("q", path, store=store, bands="b,g")
    assert "has 3 bands, and 2 names were given: b, g" in reasons(report)["a_20240601.tif"]


def test_a_fourth_band_marked_as_alpha_can_be_named_otherwise(tmp_path, store):
    pixels = noise((3, 70, 50), "uint8")
    path = write_raster(tmp_path / "a_20240601.tif", pixels, BOX, alpha=noise((70, 50), "uint8", 1))
    add_files("p", path, store=store)
    assert store.get("band", "p:alpha").attributes["is_alpha"]
    add_files("q", path, store=store, bands=["red", "green", "blue", "nir"])
    assert store.get("band", "q:nir").attributes["type"] == "spectral"
    header = FileHeader.from_dict(store.get("image", "q:a_20240601").attributes["file_headers"][0])
    assert {band.mask for band in header.bands} == {"none"}


def test_display_bands_and_notes(tmp_path, store):
    path = write(
        tmp_path / "a_20240601.tif",
        count=3,
        descriptions=["blue", "green", "red"],
        dtype="int16",
        nodata=-9.5,
    )
    report = add_files("p", path, store=store)
    assert "int16 cannot hold it" in report.files[0].notes[0]
    assert store.get("product", "p").attributes["default_display_bands"] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("options", "acquired", "source"),
    [
        ({"acquired": "2020-01-01T12:00+02:00"}, "2020-01-01T10:00:00Z", "argument"),
        ({"pattern": "{name}_{date:%Y%m%d}.tif"}, "2024-06-02T00:00:00Z", "pattern"),
        ({}, "2024-01-01T00:00:00Z", "tag acquired"),
    ],
)
def test_where_the_time_comes_from(tmp_path, store, options, acquired, source):
    path = write(tmp_path / "a_20240602.tif", tags={"acquired": "2024-01-01"})
    (result,) = add_files("p", path, store=store, **options).files
    assert (result.acquired, result.acquired_from) == (acquired, source)


def test_a_crs_for_files_without_one(tmp_path, store):
    path = write_raster(tmp_path / "a_20240601.tif", noise(BOX.shape), None)
    (tmp_path / "a_20240601.tfw").write_text("10\n0\n0\n-10\n500005\n4599995\n")
    assert "--crs" in reasons(add_files("p", path, store=store))["a_20240601.tif"]
    assert add_files("p", path, store=store, crs=32615).ok
    assert documents(store, "image")["p:a_20240601"].attributes["cs_code"] == "EPSG:32615"


def test_a_crs_without_a_code_is_spelled_out(tmp_path, store):
    geobox = GeoBox(
        (30, 20), Affine(20, 0, -500, 0, -20, 900), "+proj=laea +lat_0=50.7 +lon_0=-3.5 +datum=WGS84"
    )
    add_files("p", write(tmp_path / "a_20240601.tif", geobox=geobox), store=store)
    image = store.get("image", "p:a_20240601").attributes
    assert "cs_code" not in image
    assert image["projection"].startswith("PROJCRS")


def test_the_footprint_follows_the_valid_pixels(tmp_path, store):
    pixels = noise(BOX.shape)
    pixels[:, 20:] = 0
    path = write_raster(tmp_path / "a_20240601.tif", pixels, BOX, nodata=0)
    add_files("p", path, store=store)
    add_files("q", path, store=store, footprint=False)
    drawn, box = (shape(store.get("image", f"{p}:a_20240601").attributes["geometry"]).area for p in "pq")
    assert 0.4 * box <= drawn < 0.5 * box


def test_two_files_of_one_name(tmp_path, store):
    files = [write(tmp_path / folder / "x_20240601.tif", seed=n) for n, folder in enumerate(("a", "b"))]
    report = add_files("p", files, store=store)
    assert report.count("added") == 1
    assert "has the same name" in report.refused[0].reason
    report = add_files("q", files, store=store, pattern="{name}/*", acquired="2024-06-01")
    assert report.image_ids("added") == ["q:a", "q:b"]


def test_folders_wildcards_and_relative_paths(tmp_path, store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a" / "b" / "x_20240601.TIF")
    write(tmp_path / "a" / "y_20240602.jp2", driver="JP2OpenJPEG", nodata=None)
    (tmp_path / "a" / "notes.txt").touch()
    assert add_files("p", "a", store=store).count("added") == 2
    assert add_files("q", "a/*.jp2", store=store).count("added") == 1
    twice = ["a/y_20240602.jp2", str(tmp_path / "a" / "y_20240602.jp2")]
    assert add_files("q", twice, store=store).count("unchanged") == 1
    assert store.get("image", "q:y_20240602").attributes["files"][0]["href"] == str(
        tmp_path / "a" / "y_20240602.jp2"
    )
    assert "no such file" in reasons(add_files("q", "a/*.nothing", store=store))["*.nothing"]


# -- many files, one band each -------------------------------------------------------------------------

PATTERN = "{name}_{band}.tif"


def test_files_of_one_band_each_are_grouped(tmp_path, store):
    write_scenes(tmp_path, "s1_20240601", "s2_20240602")
    report = add_files("p", tmp_path, store=store, pattern=PATTERN)
    assert report.image_ids("added") == ["p:s1_20240601", "p:s2_20240602"]
    assert report.created_bands == ("B2", "B4", "SCL")
    image = store.get("image", "p:s1_20240601").attributes
    assert [Path(file["href"]).name for file in image["files"]] == [
        f"s1_20240601_{b}.tif" for b in ("B2", "B4", "SCL")
    ]
    assert [header["names"] for header in image["file_headers"]] == [["B2"], ["B4"], ["SCL"]]
    assert (image["y_pixels"], image["x_pixels"]) == BOX.shape  # the finest of the grids
    assert [tuple(header["shape"]) for header in image["file_headers"]] == [
        BOX.shape,
        BOX.shape,
        COARSE.shape,
    ]
    bands = documents(store, "band")
    assert bands["p:SCL"].attributes["resolution"] == {"value": 20.0, "unit": "meters"}
    assert bands["p:SCL"].attributes["type"] == "class"
    assert [bands[f"p:{b}"].attributes["file_index"] for b in ("B2", "B4", "SCL")] == [0, 1, 2]
    assert add_files("p", tmp_path, store=store, pattern=PATTERN).count("unchanged") == 6


def test_bands_are_in_the_order_of_their_numbers(tmp_path, store):
    write_scenes(tmp_path, "s_20240601", bands=("B1", "B10", "B2"))
    assert add_files("p", tmp_path, store=store, pattern=PATTERN).created_bands == ("B1", "B2", "B10")
    chosen = add_files("q", tmp_path, store=store, pattern=PATTERN, bands=["B10", "B1"])
    assert chosen.created_bands == ("B10", "B1")
    assert len(chosen.files) == 2


def test_scenes_may_lack_bands_and_the_first_ones_bring_them(tmp_path, store):
    write_scenes(tmp_path, "s1_20240601", bands=("B2",))
    write_scenes(tmp_path, "s2_20240602", bands=("B2", "B4"))
    assert set(add_files("p", tmp_path, store=store, pattern=PATTERN).created_bands) == {"B2", "B4"}
    write_scenes(tmp_path, "s3_20240603", bands=("B2", "B8"))
    report = add_files("p", tmp_path, store=store, pattern=PATTERN)
    assert "has bands B2, B8, and the product has B2, B4" in reasons(report)["s3_20240603_B8.tif"]
    assert add_files("p", tmp_path, store=store, pattern=PATTERN, update=True).created_bands == ("B8",)


def test_a_damaged_band_is_left_out(tmp_path, store):
    write_scenes(tmp_path, "s_20240601", bands=("B2", "B4"))
    (tmp_path / "s_20240601_B4.tif").write_text("hello")
    report = add_files("p", tmp_path, store=store, pattern=PATTERN)
    assert report.image_ids("added") == ["p:s_20240601"]
    assert list(reasons(report)) == ["s_20240601_B4.tif"]
    again = add_files("p", tmp_path, store=store, pattern=PATTERN)
    assert (again.count("unchanged"), reasons(again)) == (1, reasons(report))
    write(tmp_path / "s_20240601_B4.tif")
    report = add_files("p", tmp_path, store=store, pattern=PATTERN)
    assert "exists already without this file; --update adds it" in reasons(report)["s_20240601_B4.tif"]
    report = add_files("p", tmp_path, store=store, pattern=PATTERN, update=True)
    assert (report.count("updated"), report.created_bands) == (2, ("B4",))
    assert len(store.get("image", "p:s_20240601").attributes["files"]) == 2


def test_files_that_do_not_fit_the_pattern(tmp_path, store):
    write_scenes(tmp_path, "s_20240601", bands=("B2",))
    write(tmp_path / "other.tif")
    write(tmp_path / "20249999_B2.tif")
    report = add_files("p", tmp_path, store=store, pattern="{name}_{date:%Y%m%d}_{band}.tif")
    assert (
        reasons(report)["other.tif"] == "its name does not fit the pattern '{name}_{date:%Y%m%d}_{band}.tif'"
    )
    report = add_files("p", tmp_path, store=store, pattern="{date:%Y%m%d}_{band}.tif")
    assert "'20249999' is no date" in reasons(report)["20249999_B2.tif"]


def test_a_folder_for_each_band(tmp_path, store):
    for band in ("ndvi", "swir1"):
        write(tmp_path / band / f"{band}_m_20141201_20150228.tif")
    report = add_files("p", tmp_path, store=store, pattern="{band}/{band}_*_{date}_{end}.tif")
    assert report.image_ids("added") == ["p:20141201_20150228"]
    image = store.get("image", "p:20141201_20150228").attributes
    assert (image["acquired"], image["acquired_end"]) == ("2014-12-01T00:00:00Z", "2015-02-28T00:00:00Z")


# -- files that change ---------------------------------------------------------------------------------


def test_a_changed_file_is_reported_and_taken_over_on_request(tmp_path, store):
    path = write(tmp_path / "a_20240601.tif")
    add_files("p", path, store=store)
    store.update("image", "p:a_20240601", {"cloud_fraction": 0.5, "acquired": "2024-06-01T10:00:00Z"})
    write(path, geobox=COARSE)
    report = add_files("p", path, store=store)
    assert "has changed since it was added; --update" in reasons(report)["a_20240601.tif"]
    assert store.get("image", "p:a_20240601").attributes["x_pixels"] == 50
    report = add_files("p", path, store=store, update=True)
    assert report.count("updated") == 1
    image = store.get("image", "p:a_20240601").attributes
    assert (image["x_pixels"], image["file_headers"][0]["size_bytes"]) == (25, path.stat().st_size)
    assert (image["cloud_fraction"], image["acquired"]) == (0.5, "2024-06-01T10:00:00Z")


def test_a_touched_file_keeps_what_was_corrected_by_hand(tmp_path, store):
    path = write(tmp_path / "a_20240601.tif")
    add_files("p", path, store=store)
    mine = {"type": "Point", "coordinates": [1.0, 2.0]}
    store.update("image", "p:a_20240601", {"geometry": mine})
    assert add_files("p", path, store=store, update=True, acquired="2020-01-01").count("unchanged") == 1
    assert store.get("image", "p:a_20240601").attributes["geometry"] == mine


def test_a_moved_file(tmp_path, store):
    path = write(tmp_path / "old" / "a_20240601.tif")
    add_files("p", path, store=store)
    (tmp_path / "new").mkdir()
    moved = path.rename(tmp_path / "new" / path.name)
    report = add_files("p", moved, store=store)
    assert "exists already with the file" in reasons(report)["a_20240601.tif"]
    assert add_files("p", moved, store=store, update=True).count("updated") == 1
    assert store.get("image", "p:a_20240601").attributes["files"][0]["href"] == str(moved)


def test_one_changed_band_of_many(tmp_path, store):
    write_scenes(tmp_path, "s_20240601")
    add_files("p", tmp_path, store=store, pattern=PATTERN)
    changed = write(tmp_path / "s_20240601_B4.tif", seed=9)
    report = add_files("p", changed, store=store, pattern=PATTERN, update=True)
    assert report.count("updated") == 3
    image = store.get("image", "p:s_20240601").attributes
    assert [header["names"] for header in image["file_headers"]] == [["B2"], ["B4"], ["SCL"]]
    assert image["file_headers"][1]["modified_ns"] == changed.stat().st_mtime_ns


def test_an_update_that_does_not_fit_is_refused(tmp_path, store):
    path = write(tmp_path / "a_20240601.tif")
    add_files("p", path, store=store)
    write(path, dtype="float32")
    report = add_files("p", path, store=store, update=True)
    assert "is Float32, and that of the product UInt16" in reasons(report)["a_20240601.tif"]


def test_a_known_file_that_is_gone_is_refused(tmp_path, store):
    write_scenes(tmp_path, "s_20240601", bands=("B2", "B4"))
    files = sorted(tmp_path.iterdir())
    add_files("p", files, store=store, pattern=PATTERN)
    files[0].unlink()
    for update in (False, True):
        report = add_files("p", files, store=store, pattern=PATTERN, update=update)
        assert "no such file" in reasons(report)[files[0].name]
        assert report.count("unchanged") == 1


# -- at the same time ----------------------------------------------------------------------------------


def _add_in_child(url, folder, barrier, results):
    barrier.wait(60)
    with open_store(url) as store:
        report = add_files("p", folder, store=store, pattern=PATTERN)
    results.put(
        (
            report.ok,
            report.image_ids("added"),
            report.image_ids("unchanged"),
            [r.reason for r in report.refused],
        )
    )


def test_two_processes_add_the_same_files(tmp_path):
    folder = write_scenes(tmp_path / "data", *(f"s{n}_2024060{n}" for n in range(1, 9)), bands=("B2", "B4"))
    url = str(tmp_path / "catalog")
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    children = [context.Process(target=_add_in_child, args=(url, folder, barrier, results)) for _ in range(2)]
    for child in children:
        child.start()
    found = [results.get(timeout=120) for _ in children]
    for child in children:
        child.join(60)
    assert all(ok for ok, *_ in found), found
    added = [id_ for _, ids, _, _ in found for id_ in ids]
    assert sorted(added) == sorted(f"p:s{n}_2024060{n}" for n in range(1, 9))
    with open_store(url) as store:
        assert set(documents(store, "band")) == {"p:B2", "p:B4"}
        assert len(documents(store, "image")) == 8


class _Interfering(MemoryStore):
    """Does what another process does, right before documents are created."""

    def __init__(self, *actions):
        super().__init__()
        self.actions = list(actions)

    def create(self, documents):
        if self.actions:
            action = self.actions.pop(0)
            action(super().create, documents)
        return super().create(documents)


def test_a_product_that_is_made_meanwhile(tmp_path):
    path = write(tmp_path / "a_20240601.tif")
    with _Interfering(lambda create, documents: create(documents)) as store:
        report = add_files("p", path, store=store)
    assert (report.ok, report.created_product, report.created_bands) == (True, False, ())


def test_images_that_are_added_meanwhile(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}_20240601.tif")

    def nothing(create, documents):
        pass

    with _Interfering(nothing, lambda create, documents: create(documents[1:2])) as store:
        report = add_files("p", tmp_path, store=store)
        assert report.ok
        assert report.image_ids("added") == ["p:a_20240601", "p:c_20240601"]
        assert report.image_ids("unchanged") == ["p:b_20240601"]


def test_a_product_that_never_rests(tmp_path):
    path = write(tmp_path / "a_20240601.tif")

    def conflict(create, documents):
        raise ConflictError("busy")

    with _Interfering(*[conflict] * 99) as store, pytest.raises(ConflictError, match="keeps being changed"):
        add_files("p", path, store=store)


# -- arguments and report ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"pattern": "{band}.tif"}, ParameterError),
        ({"acquired": "soon"}, ParameterError),
        ({"bands": ["a b"]}, ParameterError),
        ({"bands": ["a", "a"]}, ParameterError),
        ({"crs": "EPSG:0"}, CRSError),
    ],
    ids=str,
)
def test_arguments_are_checked_before_any_file_is_read(store, options, error):
    with pytest.raises(error):
        add_files("p", ["missing.tif"], store=store, **options)


def test_progress_counts_images(tmp_path, store, monkeypatch):
    monkeypatch.setattr(_register, "_BATCH", 2)
    for n in range(1, 6):
        write(tmp_path / f"a_2024060{n}.tif", seed=n)
    seen = []
    assert (
        add_files("p", tmp_path, store=store, progress=lambda done, total: seen.append((done, total))).count(
            "added"
        )
        == 5
    )
    assert seen[-1] == (5, 5)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_the_report_in_words_and_as_json(tmp_path, store):
    write(tmp_path / "a_20240601.tif")
    (tmp_path / "b_20240601.tif").write_text("hello")
    report = add_files("p", tmp_path, store=store)
    text = str(report)
    assert text.startswith(
        "product 'p': 1 image added (1 file), 1 file refused\n  new product with bands band_1\n"
    )
    assert "acquisition time from name: 1 file" in text
    assert f"refused {tmp_path / 'b_20240601.tif'}: is neither" in text
    record = report.to_dict()
    assert record["files"] == {"added": 1, "refused": 1}
    assert record["images"] == {"added": 1, "updated": 0, "unchanged": 0}
    assert record["results"][0]["image_id"] == "p:a_20240601"
    many = add_files("p", [f"missing_{n}.tif" for n in range(25)], store=store)
    assert "... and 5 more" in str(many)
    assert str(add_files("p", [], store=store)) == "product 'p': nothing to add"
