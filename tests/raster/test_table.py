"""The source table: what goes in comes out, small, and the same in every process."""

import dataclasses
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from dawnlight.geo import GeoBox
from dawnlight.raster._header import FileRef
from dawnlight.raster._sources import Layout, RasterSource
from dawnlight.raster._steps import BoundStep
from dawnlight.raster._table import SourceTable, TableBuilder

BOX = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 50), 32632)
LAYOUT = Layout(dtype="uint16", nodata=0.0, mask="none", overviews=((20, 25),))


def source(href="a.tif", image="i", *, box=BOX, band=1, size=None, modified=None, layout=LAYOUT, steps=()):
    return RasterSource(
        image=image,
        file=FileRef(href=href, size_bytes=size, modified_ns=modified, shape=box.shape),
        band=band,
        geobox=box,
        layout=layout,
        steps=steps,
    )


STEPS = (BoundStep(function="linear", coefficients=(0.1, 2.0)),)
ROWS = [
    [source("a.tif", "i0"), source("b.tif", "i0", band=3, size=10, modified=99)],
    [
        None,
        source(
            "c.tif",
            "i1",
            box=BOX.pad(3),
            layout=dataclasses.replace(LAYOUT, nodata=float("nan")),
            steps=STEPS,
        ),
    ],
    [source("a.tif", "i2", band=2), None],
]


def same(a, b):
    return repr(a) == repr(b)  # NaN equals itself here


def test_what_goes_in_comes_out():
    table = SourceTable.from_sources(ROWS)
    assert (len(table), table.band_count, table.images) == (3, 2, ("i0", "i1", "i2"))
    for k, row in enumerate(ROWS):
        for b, given in enumerate(row):
            assert same(table.source(k, b), given)
    assert len(table.grids) == 2
    assert len(table.hrefs) == 3


def test_it_pickles_small_and_keeps_its_token():
    table = SourceTable.from_sources(ROWS)
    copy = pickle.loads(pickle.dumps(table))
    assert copy.token() == table.token()
    for k, row in enumerate(ROWS):
        for b, given in enumerate(row):
            assert same(copy.source(k, b), given)
    many = SourceTable.from_sources(
        [[source(f"/archive/tile/{k:05}/B{b}.tif", f"p:{k:05}") for b in range(4)] for k in range(2000)]
    )
    assert len(pickle.dumps(many)) < 120_000


@pytest.mark.parametrize(
    "name", ["new\nline.tif", "not unicode \udcff.tif", "ümlaut 文.tif", "", " ", "a\tb"]
)
def test_odd_file_names_travel(name):
    table = SourceTable.from_sources([[source(name, "i0"), source("b.tif", "i0")], [source("c", "i1"), None]])
    copy = pickle.loads(pickle.dumps(table))
    assert copy.hrefs == table.hrefs == (name, "b.tif", "c")
    assert copy.images == table.images


def test_empty_tables_travel():
    for table in (SourceTable.from_sources([]), TableBuilder(2).build()):
        copy = pickle.loads(pickle.dumps(table))
        assert (len(copy), copy.images, copy.hrefs) == (0, (), ())


def test_an_image_without_any_source_can_be_in_it():
    builder = TableBuilder(2)
    builder.add_image("empty")
    table = builder.build()
    assert table.source(0, 0) is None
    assert pickle.loads(pickle.dumps(table)).images == ("empty",)


def test_a_file_registered_twice_keeps_both_fingerprints():
    """Two images that name one file, one of them from before it was changed."""
    old, new = (
        source("a.tif", "i0", size=10, modified=1),
        source("a.tif", "i1", size=20, modified=2, box=BOX.pad(1)),
    )
    table = SourceTable.from_sources([[old], [new]])
    assert table.source(0, 0) == old
    assert table.source(1, 0) == new
    copy = pickle.loads(pickle.dumps(table))
    assert copy.source(1, 0) == new


@pytest.mark.parametrize(
    "change",
    [
        {"href": "z.tif"},
        {"image": "z"},
        {"box": BOX.pad(1)},
        {"band": 2},
        {"size": 5},
        {"modified": 5},
        {"layout": dataclasses.replace(LAYOUT, nodata=1.0)},
        {"layout": dataclasses.replace(LAYOUT, overviews=())},
        {"layout": dataclasses.replace(LAYOUT, mask="internal")},
        {"steps": STEPS},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_token_tells_what_differs(change):
    assert (
        SourceTable.from_sources([[source()]]).token()
        != SourceTable.from_sources([[source(**change)]]).token()
    )


def test_the_token_is_the_same_in_another_process():
    code = """
        from dawnlight.geo import GeoBox
        from dawnlight.raster._header import FileRef
        from dawnlight.raster._sources import Layout, RasterSource
        from dawnlight.raster._table import SourceTable
        box = GeoBox.from_geotrans((0, 10, 0, 400, 0, -10), (40, 50), 32632)
        source = RasterSource(
            image="i", file=FileRef(href="a.tif", shape=box.shape), band=1, geobox=box,
            layout=Layout(dtype="uint16", nodata=0.0, mask="none", overviews=((20, 25),)),
        )
        print(SourceTable.from_sources([[source]]).token())
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
    )
    assert run.stdout.strip() == SourceTable.from_sources([[source()]]).token()


def test_names_cannot_slip_from_images_to_files():
    a = SourceTable.from_sources([[source("b", "a")], [source("c", "x")]])
    b = SourceTable.from_sources([[source("c", "a")], [source("b", "x")]])
    assert a.token() != b.token()
    assert np.array_equal(a.file_of, [[0], [1]])
