"""What `explain` says is what happens: tasks, tiles and images, against a reader that records."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import replace

import numpy as np
import pytest
import shapely

from dawnlight.errors import RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._chunks import normalize_chunks
from dawnlight.raster._cog import CogReader
from dawnlight.raster._cutline import Cutline
from dawnlight.raster._explain import Selection, explain
from dawnlight.raster._header import FileRef
from dawnlight.raster._lazy import LazyRaster, Output
from dawnlight.raster._plan import make_plan
from dawnlight.raster._sources import BandSpec, Layout, RasterSource
from dawnlight.raster._table import SourceTable
from dawnlight.testing._engine import file_sources, make_lazy, target_over
from dawnlight.testing._memory import MemoryReader, RecordingReader, UntouchableReader
from dawnlight.testing._rasters import noise, write_raster

GRID = GeoBox.from_geotrans((600000, 10, 0, 5000000, 0, -10), (80, 100), 32631)
BLOCK = (16, 32)


def files(count=4, overviews=False):
    """Images side by side, each 60 columns further to the east; the later ones lie beside the grid."""
    reader = MemoryReader()
    rows = []
    for k in range(count):
        box = GeoBox.from_geotrans((600000 + 600 * k, 10, 0, 5000000, 0, -10), (80, 100), 32631)
        pixels = np.full((2, 80, 100), k + 1, np.uint16)
        reduced = [pixels[:, ::2, ::2]] if overviews else []
        rows.append(reader.add(f"f{k}", pixels, box, nodata=0, block=BLOCK, overviews=reduced))
    return RecordingReader(reader), rows


def read_all(lazy, sizes):
    """Read every chunk as a task does; returns what the reader was asked for."""
    edges = [np.cumsum([0, *part]) for part in sizes]
    for place in itertools.product(*(range(len(part)) for part in sizes)):
        lazy[tuple(slice(int(edge[k]), int(edge[k + 1])) for edge, k in zip(edges, place, strict=True))]
    return lazy.reader.reads


def touches(reads):
    return [
        (href, level, row, col)
        for href, _, level, window in reads
        for row in range(window.y // BLOCK[0], -(-window.stop_y // BLOCK[0]))
        for col in range(window.x // BLOCK[1], -(-window.stop_x // BLOCK[1]))
    ]


@pytest.mark.parametrize("chunks", [32, {"y": 80, "x": 100}, {"time": 2, "y": 13, "x": 29}])
def test_tiles_are_those_that_are_read(chunks):
    reader, rows = files()
    lazy = make_lazy(rows, GRID, reader)
    sizes = normalize_chunks(chunks, lazy.plan, lazy.shape, 4)
    found = explain(lazy, sizes)
    assert reader.reads == []
    tiles = touches(read_all(lazy, sizes))
    assert (found.tiles, found.distinct_tiles) == (len(tiles), len(set(tiles)))
    assert (found.images_used, found.images_skipped) == (2, 2)
    assert found.tasks == np.prod([len(part) for part in sizes])
    assert found.requests == found.tiles
    assert not found.sources[0].resampled


def test_empty_tasks_read_nothing():
    reader, rows = files()
    lazy = make_lazy(rows, GRID, reader)
    sizes = normalize_chunks({"time": 1, "y": 40, "x": 25}, lazy.plan, lazy.shape, 4)
    found = explain(lazy, sizes)
    empty = 0
    for layer, y, x in itertools.product(range(4), range(0, 80, 40), range(0, 100, 25)):
        before = len(reader.reads)
        lazy[layer, :, y : y + 40, x : x + 25]
        empty += len(reader.reads) == before
    assert (found.empty_tasks, found.tasks) == (empty, 32)


def test_chunks_beside_a_cutline_are_empty_and_read_nothing():
    reader, rows = files(1)
    lazy = make_lazy(rows, GRID, reader, cutline=Cutline(shapely.box(600010, 4999900, 600090, 4999990), GRID))
    sizes = normalize_chunks(20, lazy.plan, lazy.shape, 4)
    found = explain(lazy, sizes)
    read_all(lazy, sizes)
    assert found.tasks - found.empty_tasks == len(reader.reads) == 1
    assert found.tiles == len(touches(reader.reads))


@pytest.mark.parametrize("kernel", ["near", "cubic", "average"])
def test_warped_tiles_are_nearly_those_that_are_read(kernel):
    reader, rows = files(2)
    lazy = make_lazy(rows, target_over(GRID, 32632, 10), reader, kernel=kernel)
    sizes = normalize_chunks(32, lazy.plan, lazy.shape, 4)
    found = explain(lazy, sizes)
    assert reader.reads == []
    assert found.tiles == pytest.approx(len(touches(read_all(lazy, sizes))), rel=0.15)
    (group,) = found.sources
    assert (group.resampled, group.kernel, group.overview) == (True, kernel, 0)
    assert "no edge is better" in found.why["chunks"] or found.why["chunks"] == "as asked for"


def test_overviews_are_named():
    reader, rows = files(1, overviews=True)
    lazy = make_lazy(rows, GRID.zoom_to((20, 25)), reader, kernel="bilinear")
    sizes = normalize_chunks("auto", lazy.plan, lazy.shape, 4)
    found = explain(lazy, sizes)
    assert (found.sources[0].overview, found.sources[0].overview_shape) == (1, (40, 50))
    assert "overview 1 (40 x 50)" in str(found)
    assert found.tiles == len(touches(read_all(lazy, sizes)))


def test_a_selection_reads_less():
    reader, rows = files()
    lazy = make_lazy(rows, GRID, reader)
    sizes = normalize_chunks(32, lazy.plan, lazy.shape, 4)
    part = Selection(layers=(1,), bands=(0,), rows=(30, 34), cols=(60, 70))
    found = explain(lazy, sizes, part)
    lazy[1, 0, 30:34, 60:70]
    assert found.shape == (1, 1, 4, 10)
    assert (found.tasks, found.chunk_shape) == (4, (1, 1, 2, 6))
    assert found.images_used == 1
    assert found.distinct_tiles == len(touches(reader.reads))
    assert explain(lazy, sizes, part, whole_chunks=True).tiles > found.tiles
    nothing = Selection(layers=(), bands=(0,), rows=(5, 5), cols=(0, 9))
    assert explain(lazy, sizes, nothing).tasks == 0


def test_mosaics_count_what_may_be_hidden():
    reader, rows = files(2)
    lazy = make_lazy(rows, GRID, reader, layers=[[0, 1]])
    found = explain(lazy, normalize_chunks("auto", lazy.plan, lazy.shape, 4))
    assert found.kind == "mosaic"
    assert found.images_used == 2
    assert any("images below others" in note for note in found.notes)


def test_bytes_and_reader_come_from_the_directory_once_it_is_known(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise((1, *GRID.shape), "uint16", 1), GRID, tiled=16)
    reader = CogReader()
    lazy = make_lazy([file_sources(path)], GRID, reader)
    sizes = normalize_chunks("auto", lazy.plan, lazy.shape, 4)
    before = explain(lazy, sizes)
    assert before.sources[0].reader == "not known before the file is opened"
    assert before.stored_bytes == pytest.approx(path.stat().st_size, rel=0.01)
    lazy[...]
    after = explain(lazy, sizes)
    assert after.sources[0].reader == "fast"
    assert 0 < after.stored_bytes < path.stat().st_size
    assert not any("directory" in note for note in after.notes)


def test_files_for_gdal_and_remote_files_say_so(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise((1, *GRID.shape), "uint16", 1), GRID, compress="packbits")
    reader = CogReader()
    lazy = make_lazy([file_sources(path)], GRID, reader)
    lazy[0, 0, :5, :5]
    sizes = normalize_chunks("auto", lazy.plan, lazy.shape, 4)
    assert explain(lazy, sizes).sources[0].reader.startswith("GDAL: ")


class _Knowing:
    """A reader that knows the directories of a file that lies elsewhere."""

    def __init__(self, tiff):
        self.tiff = tiff

    def known(self, file):
        return self.tiff


def test_requests_to_remote_files_are_joined_as_the_reader_joins_them(tmp_path):
    path = write_raster(tmp_path / "a.tif", noise((1, *GRID.shape), "uint16", 1), GRID, tiled=16)
    reader = CogReader()
    (source,) = file_sources(path)
    reader.read(source.file, (1,), 0, Window(0, 0, 5, 5), masks=("none",))
    remote = replace(source, file=replace(source.file, href="https://example.org/a.tif"))
    for known, requests in ((reader.known(source.file), 1), (None, 5 + 1)):
        lazy = make_lazy([[remote]], GRID, _Knowing(known))
        found = explain(lazy, normalize_chunks("auto", lazy.plan, lazy.shape, 4))
        assert (found.tiles, found.requests) == (5 * 7, requests)


def test_text_html_and_dict():
    _, rows = files()
    lazy = make_lazy(rows, GRID, UntouchableReader())
    found = explain(lazy, normalize_chunks(32, lazy.plan, lazy.shape, 4), notes=("<b>a & b</b>",))
    text, html, facts = str(found), found._repr_html_(), found.to_dict()
    assert "Lazy stack: 4 x 2 x 80 x 100, float32" in text
    assert "2 used, 2 do not reach this place" in text
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in html
    assert "<b>" not in html
    assert json.loads(json.dumps(facts)) == facts
    assert facts["cache"]["tiles"] > 0
    assert facts["sources"][0]["bands"] == ["b0", "b1"]


def big_plan(count):
    layout = Layout(dtype="uint16", nodata=0.0, mask="none", overviews=(), block=(1024, 1024))
    boxes = [
        GeoBox.from_geotrans((3e5 + 1e5 * k, 10, 0, 5e6, 0, -10), (10980, 10980), 32631) for k in range(4)
    ]
    rows = [
        [
            RasterSource(
                image=f"i{number}",
                file=FileRef(href=f"/data/{number}/{band}.tif", size_bytes=10**8, shape=(10980, 10980)),
                band=1,
                geobox=boxes[number % 4],
                layout=layout,
            )
            for band in range(2)
        ]
        for number in range(count)
    ]
    target = GeoBox.from_geotrans((-1e5, 20, 0, 5e6, 0, -20), (4096, 4096), 32632)
    bands = [BandSpec(name=f"b{k}", dtype="uint16", nodata=0) for k in range(2)]
    table = SourceTable.from_sources(rows)
    return make_plan(table, layers=[[k] for k in range(count)], bands=bands, geobox=target)


def test_many_images_cost_little():
    plan = big_plan(10_000)
    output = Output(dtype="uint16", scales=[None, None], masked=True, fill=[0, 0])
    lazy = LazyRaster(plan, output, UntouchableReader())
    sizes = normalize_chunks("auto", plan, lazy.shape, 4)
    start = time.perf_counter()
    found = explain(lazy, sizes)
    assert time.perf_counter() - start < 5
    assert found.images_used + found.images_skipped == 10_000
    assert any("projected to all" in note for note in found.notes)
    # A tenth of the images take a tenth of the tiles.
    few = LazyRaster(big_plan(1_000), output, UntouchableReader())
    assert found.tiles == pytest.approx(10 * explain(few, ((1,) * 1000, *sizes[1:])).tiles, rel=0.2)


def test_an_unreadable_file_does_not_matter():
    class Broken(CogReader):
        def _parse(self, file):
            raise RasterReadError("opened")

    _, rows = files()
    lazy = make_lazy(rows, GRID, Broken())
    assert explain(lazy, normalize_chunks("auto", lazy.plan, lazy.shape, 4)).tiles > 0
