"""Remote files in the fast reader: the right pixels or a clear error, few requests, bounded time."""

import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from affine import Affine

from dawnlight._options import set_options
from dawnlight.errors import RasterChangedError, RasterError, RasterNotFoundError, RasterReadError
from dawnlight.geo import GeoBox, Window
from dawnlight.raster import _remote_ahead, _remote_file, _remote_store, _remote_web
from dawnlight.raster._cog import CogReader
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.raster._header import FileRef
from dawnlight.raster._reader import Request
from dawnlight.raster._remote_answers import Trouble, parse_place, parse_wait
from dawnlight.raster._remote_file import RemoteFile
from dawnlight.testing._range_server import Fault, RangeServer
from dawnlight.testing._rasters import checker, noise, write_raster

BOX = GeoBox((130, 150), Affine(10, 0, 500000, 0, -10, 4600000), "EPSG:32615")
VALID = checker(BOX.shape, 16).astype(bool)
WINDOW = Window(5, 20, 77, 101)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(_remote_file, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(_remote_file, "_hosts", {})
    for name in list(os.environ):
        if name.startswith(("AWS_", "GOOGLE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server(tmp_path):
    with RangeServer(tmp_path) as server:
        yield server


class Refusing:
    """A fallback that must not be needed."""

    def read(self, *_, **__):
        raise AssertionError("left to GDAL")


def reader():
    return CogReader(Refusing())


def ref(server, path, shape=BOX.shape):
    return FileRef(href=f"{server.url}/{path.name}", shape=shape)


def read(reader, file, window=WINDOW, bands=(1,), level=0, masks=None):
    return reader.read(file, bands, level, window, masks=masks or ("none",) * len(bands))


# -- the same pixels ---------------------------------------------------------------------------------------

LAYOUTS = {
    "deflate": {"compress": "deflate", "predictor": 2},
    "zstd": {"compress": "zstd"},
    "lzw": {"compress": "lzw"},
    "none": {"compress": "none"},
    "strips": {"tiled": None},
    "band": {"interleave": "band"},
    "bigtiff": {"BIGTIFF": "YES"},
    "big-endian": {"ENDIANNESS": "BIG"},
    "sparse": {"SPARSE_OK": "TRUE"},
    "mask": {"mask": VALID, "overviews": (2,)},
    "alpha": {"alpha": VALID * 255},
    "overviews": {"overviews": (2, 4)},
    "cog": {"driver": "COG", "BLOCKSIZE": "128", "overviews": (2,)},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_are_those_of_the_local_file(tmp_path, server, layout):
    pixels = noise((2, *BOX.shape), "uint8" if layout == "alpha" else "uint16")
    path = write_raster(tmp_path / "a.tif", pixels, BOX, **LAYOUTS[layout])
    header = read_header(path)
    masks = tuple(band.mask for band in header.bands[:2])
    for level in range(1 + len(header.overviews)):
        window = WINDOW if not level else Window(3, 1, 20, 30)
        expected, valid = GdalReader().read(header.ref, (2, 1), level, window, masks=masks)
        found, found_valid = read(reader(), ref(server, path), window, (2, 1), level, masks)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(found_valid, valid)


def test_a_header_remembers_the_size_and_time(tmp_path, server):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    header = read_header(f"{server.url}/a.tif")
    assert header.size_bytes == path.stat().st_size
    assert header.modified_ns == int(path.stat().st_mtime) * 10**9
    read(reader(), header.ref)


def test_what_is_not_fast_is_left_to_gdal(tmp_path, server):
    path = write_raster(tmp_path / "a.tif", noise((3, *BOX.shape), "uint8"), BOX, compress="jpeg")
    expected = read(GdalReader(), read_header(path).ref)[0]
    mine = CogReader()
    assert not mine.is_fast(ref(server, path))
    np.testing.assert_array_equal(read(mine, ref(server, path))[0], expected)


# -- requests ------------------------------------------------------------------------------------------------


def test_requests_are_counted_exactly(tmp_path, server, monkeypatch):
    monkeypatch.setattr(_remote_ahead, "GAP", 0)
    path = write_raster(tmp_path / "a.tif", noise((256, 256)), None, tiled=64, compress="none")
    mine, file = reader(), ref(server, path, (256, 256))
    whole = read(mine, file, Window(0, 0, 256, 256))[0]
    assert [asked.size for asked in server.asked] == [_remote_file.HEAD_BYTES, 256 * 256 * 2]
    server.forget()
    # Two rows of three tiles; those of a row are neighbours.
    found = read(mine, file, Window(64, 64, 128, 192))[0]
    np.testing.assert_array_equal(found, whole[:, 64:192, 64:])
    assert sorted(asked.size for asked in server.asked) == [3 * 8192] * 2
    assert server.sent == 6 * 8192
    server.forget()
    read(mine, file, Window(0, 0, 10, 10))
    read(mine, file, Window(3, 3, 60, 60))  # decoded already
    assert len(server.asked) == 1


def test_neighbours_are_one_request_and_long_ones_are_cut():
    near, far = [(0, 100), (100 + 2**18, 100)], [(0, 100), (101 + 2**18, 100)]
    assert len(_remote_ahead.coalesce(near)) == 1
    assert len(_remote_ahead.coalesce(far)) == 2
    tiles = [(number * 2**20, 2**20) for number in range(9)]
    assert [len(group) for group in _remote_ahead.coalesce(tiles)] == [4, 4, 1]
    assert _remote_ahead.coalesce([(0, 2**25)]) == [[(0, 2**25)]]
    assert _remote_ahead.coalesce([]) == []


def test_a_directory_at_the_end_of_the_file_costs_few_requests(tmp_path, server):
    path = write_raster(
        tmp_path / "a.tif", noise((600, 600)), None, tiled=16, overviews=(2, 4, 8), compress="none"
    )
    assert path.stat().st_size > 6 * _remote_file.HEAD_BYTES
    assert reader().is_fast(ref(server, path, (600, 600)))
    assert len(server.asked) <= 4


def test_ahead_fetches_all_files_at_once(tmp_path):
    paths = [write_raster(tmp_path / f"{n}.tif", noise((64, 64), seed=n), None, tiled=64) for n in range(6)]
    window = Window(0, 0, 64, 64)
    with RangeServer(tmp_path, delay=0.1) as server:
        mine = reader()
        files = [ref(server, path, (64, 64)) for path in paths]
        start = time.monotonic()
        with mine.ahead([Request(file, (1,), 0, window, ("none",)) for file in files]):
            for number, file in enumerate(files):
                np.testing.assert_array_equal(read(mine, file, window)[0][0], noise((64, 64), seed=number))
        assert time.monotonic() - start < 1.0  # one after the other: 1.2 s of waiting
        assert len(server.asked) == 12
        assert server.most_busy >= 4
    assert not _remote_ahead._state.flights
    assert _remote_ahead._state.bytes == 0


def test_what_is_fetched_and_not_used_is_given_back(tmp_path, server):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    mine, file = reader(), ref(server, path)
    with mine.ahead([Request(file, (1,), 0, WINDOW, ("none",))]):
        pass
    with pytest.raises(ZeroDivisionError), mine.ahead([Request(file, (1,), 0, WINDOW, ("none",))]):
        raise ZeroDivisionError
    assert not _remote_ahead._state.flights
    assert _remote_ahead._state.bytes == 0
    assert not list(_remote_ahead.current())


@pytest.mark.parametrize("limit", ["MOST", "SHARE"])
def test_bytes_in_flight_are_bounded(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(_remote_ahead, "GAP", 0)
    monkeypatch.setattr(_remote_ahead, "LONGEST", 8192)
    monkeypatch.setattr(_remote_ahead, limit, 3 * 8192)
    if limit == "SHARE":
        monkeypatch.setattr(_remote_ahead, "BUDGET", 0)  # others hold it all
    pixels = noise((512, 512))
    path = write_raster(tmp_path / "a.tif", pixels, None, tiled=64, compress="none")
    with RangeServer(tmp_path, delay=0.01) as server:
        found = read(reader(), ref(server, path, (512, 512)), Window(0, 0, 512, 512))[0]
        assert 2 <= server.most_busy <= 3
        assert len(server.asked) == 1 + 64
    np.testing.assert_array_equal(found[0], pixels)


def test_bytes_are_given_back_when_they_were_used(tmp_path, server):
    pixels = noise((256, 256))
    path = write_raster(tmp_path / "a.tif", pixels, None, tiled=64)
    mine, file, whole = reader(), ref(server, path, (256, 256)), Window(0, 0, 256, 256)
    windows = [Window(0, 0, 100, 256), Window(100, 0, 156, 256)]  # a row of tiles is decoded once for both
    requests = [Request(file, (1,), 0, window, ("none",), whole) for window in windows]
    with mine.ahead(requests):
        assert _remote_ahead._state.bytes > 0
        for request, window in zip(requests, windows, strict=True):
            with mine.ahead([request]):
                found = mine.read(file, (1,), 0, window, masks=("none",), extent=whole)[0]
                np.testing.assert_array_equal(found[0], pixels[window.slices])
        assert _remote_ahead._state.bytes == 0


def test_what_is_not_needed_any_more_is_not_asked_for(tmp_path, server, monkeypatch):
    (tmp_path / "a").write_bytes(content := os.urandom(2**20))
    monkeypatch.setattr(_remote_ahead, "MOST", 1)
    file = RemoteFile(FileRef(href=f"{server.url}/a", shape=(1, 1)))
    with _remote_ahead.Ahead([(file, 0, 10), (file, 2**19, 10), (file, 2**19, 10)]) as ahead:
        ahead.skip(file, 2**19, 10)
        ahead.skip(file, 2**19, 10)
        assert (file.file, 2**19, 10) not in ahead
        assert bytes(ahead.take(file, 0, 10)) == content[:10]
    assert len(server.asked) == 1
    assert _remote_ahead._state.bytes == 0


@pytest.mark.parametrize(
    ("name", "value", "asked"), [("NEXT", 20, 2), ("BUDGET", 30, 3), ("CONCURRENT", 2, 1)]
)
def test_what_begins_later_takes_room_that_is_left(tmp_path, monkeypatch, name, value, asked):
    (tmp_path / "a").write_bytes(os.urandom(2**12))
    monkeypatch.setattr(_remote_ahead, "GAP", 0)
    monkeypatch.setattr(_remote_ahead, name, value)
    with RangeServer(tmp_path, delay=0.1) as server:
        file = RemoteFile(FileRef(href=f"{server.url}/a", shape=(1, 1)))
        later = _remote_ahead.Ahead([(file, 100 * k, 10) for k in range(6)])
        assert later.hold() == (name == "NEXT")
        assert _remote_ahead._state.bytes == 10 * asked
        with later:
            for k in range(6):
                later.take(file, 100 * k, 10)
        assert len(server.asked) == 6
    assert _remote_ahead._state.bytes == _remote_ahead._state.asking == 0


def test_threads_fetch_what_they_share_once(tmp_path):
    pixels = noise((256, 256))
    path = write_raster(tmp_path / "a.tif", pixels, None, tiled=128)
    with RangeServer(tmp_path, delay=0.1) as server:
        mine, file = reader(), ref(server, path, (256, 256))
        barrier = threading.Barrier(4)

        def work(number):
            barrier.wait()
            return read(mine, file, Window(10 + number, 10, 200, 200))[0][0]

        with ThreadPoolExecutor(4) as pool:
            for number, found in enumerate(pool.map(work, range(4))):
                np.testing.assert_array_equal(found, pixels[10 + number : 210 + number, 10:210])
        assert len(server.asked) == 2
    assert _remote_ahead._state.bytes == 0


def test_many_ranges_of_a_file(tmp_path, server):
    (tmp_path / "a").write_bytes(content := os.urandom(2**20))
    file = RemoteFile(FileRef(href=f"{server.url}/a", shape=(1, 1)))
    ranges = [(5, 10), (0, 3), (2**19, 100), (5, 10)]
    assert [bytes(part) for part in file.read_many(ranges)] == [content[o : o + s] for o, s in ranges]
    assert len(server.asked) == 2
    with pytest.raises(RasterReadError, match="ends"):
        file.read_many([(2**20 - 5, 10)])


# -- faults --------------------------------------------------------------------------------------------------

CURABLE = [
    Fault(kind="status", status=429, headers={"Retry-After": "0"}),
    Fault(kind="status", status=408),
    Fault(kind="status", status=425),
    Fault(kind="status", status=500),
    Fault(kind="status", status=503),
    Fault(kind="reset"),
    Fault(kind="short"),
    Fault(kind="hang", seconds=2),
    Fault(kind="slow", seconds=3),
]
FINAL = [
    (Fault(kind="status", status=403), RasterReadError, "refuses access"),
    (Fault(kind="status", status=401), RasterReadError, "refuses access"),
    (Fault(kind="status", status=404), RasterNotFoundError, "no such file"),
    (Fault(kind="status", status=410), RasterNotFoundError, "no such file"),
    (Fault(kind="status", status=418), RasterReadError, "418"),
    (Fault(kind="page"), RasterReadError, "web page"),
    (Fault(kind="loop"), RasterReadError, "redirects do not end"),
]


def name(case):
    fault = case[0] if isinstance(case, tuple) else case
    return f"{fault.kind}-{fault.status}"


@pytest.fixture(params=["obstore", "plain"])
def client(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(_remote_file, "serves", lambda href: False)
    return request.param


@pytest.mark.parametrize("fault", CURABLE, ids=name)
def test_a_passing_fault_costs_one_more_request(tmp_path, server, client, fault):
    pixels = noise(BOX.shape)
    path = write_raster(tmp_path / "a.tif", pixels, BOX)
    faulty = (1,) if fault.seconds else (0, 2)
    server.fault = lambda number, asked: fault if number in faulty else None
    with set_options(read_timeout=1):
        found = read(reader(), ref(server, path))[0][0]
    np.testing.assert_array_equal(found, pixels[WINDOW.slices])
    assert len(server.asked) == (3 if fault.seconds else 4)


@pytest.mark.parametrize("fault", CURABLE[:-1], ids=name)
def test_a_lasting_fault_is_an_error_after_all_attempts(tmp_path, server, client, fault):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    mine, file = reader(), ref(server, path)
    assert mine.is_fast(file)
    server.forget()
    server.fault = lambda number, asked: fault
    start = time.monotonic()
    with (
        set_options(read_timeout=1, read_attempts=2),
        pytest.raises(RasterReadError, match="in 2 attempts") as caught,
    ):
        read(mine, file)
    assert time.monotonic() - start < 4
    assert len(server.asked) == 2
    assert str(caught.value).count(file.href) == 1
    assert "rows 5-81" in str(caught.value)


@pytest.mark.parametrize("case", FINAL, ids=name)
def test_a_final_fault_is_an_error_at_once(tmp_path, server, client, case):
    fault, error, message = case
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    server.fault = lambda number, asked: fault
    mine, file = reader(), ref(server, path)
    with pytest.raises(error, match=message) as caught:
        read(mine, file)
    assert file.href in str(caught.value)
    assert len({asked.start for asked in server.asked}) == 1
    assert len(server.asked) <= {"loop": 11, "page": 2}.get(fault.kind, 1)


def test_a_server_that_ignores_ranges(tmp_path, server, client, monkeypatch):
    pixels = noise(BOX.shape)
    path = write_raster(tmp_path / "a.tif", pixels, BOX)
    server.fault = lambda number, asked: Fault(kind="whole")
    np.testing.assert_array_equal(read(reader(), ref(server, path))[0][0], pixels[WINDOW.slices])
    assert len(server.asked) <= 2
    monkeypatch.setattr(_remote_web, "MAX_WHOLE", 1000)
    with pytest.raises(RasterReadError, match="does not serve parts of files"):
        read(reader(), ref(server, path))


def test_redirects_are_followed(tmp_path, server, client):
    pixels = noise(BOX.shape)
    write_raster(tmp_path / "a.tif", pixels, BOX)
    server.fault = lambda number, asked: Fault(kind="redirect") if asked.name.startswith("from/") else None
    file = FileRef(href=f"{server.url}/from/a.tif", shape=BOX.shape)
    np.testing.assert_array_equal(read(reader(), file)[0][0], pixels[WINDOW.slices])


def test_the_wait_that_a_server_asks_for_is_kept(tmp_path, server):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    mine, file = reader(), ref(server, path)
    moments = []

    def fault(number, asked):
        moments.append(time.monotonic())
        return Fault(kind="status", status=429, headers={"Retry-After": "1"}) if number < 2 else None

    server.fault = fault
    assert mine.is_fast(file)
    assert moments[2] - moments[1] >= 0.99
    server.fault = lambda number, asked: Fault(kind="status", status=503, headers={"Retry-After": "600"})
    with pytest.raises(RasterReadError, match="asks to wait 600 s, longer than read_timeout=30"):
        read(mine, file)


def test_a_changed_file_is_noticed(tmp_path, server, client):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    mine, file = reader(), ref(server, path)
    assert mine.is_fast(file)
    write_raster(path, noise(BOX.shape, seed=1), BOX)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 5 * 10**9))
    with pytest.raises(RasterChangedError, match=r"a\.tif.*add it again"):
        read(mine, file)
    other = FileRef(href=file.href, size_bytes=12, shape=BOX.shape)
    with pytest.raises(RasterChangedError, match="was 12"):
        read(reader(), other)


def test_flipped_bytes_are_an_error(tmp_path, server):
    path = write_raster(tmp_path / "a.tif", noise(BOX.shape), BOX)
    mine, file = reader(), ref(server, path)
    assert mine.is_fast(file)
    server.fault = lambda number, asked: Fault(kind="flip")
    with pytest.raises(RasterReadError, match="cannot be unpacked"):
        read(mine, file, Window(0, 0, 16, 16))


def test_a_storm_of_faults(tmp_path, server, client):
    pixels = noise((512, 512))
    path = write_raster(tmp_path / "a.tif", pixels, None, tiled=64)
    faults = [fault for fault in CURABLE if fault.kind not in ("hang", "slow")]
    random = np.random.default_rng(7)
    lock = threading.Lock()

    def fault(number, asked):
        with lock:
            return faults[random.integers(len(faults))] if random.random() < 0.1 else None

    mine, file = reader(), ref(server, path, (512, 512))
    with set_options(read_attempts=4, read_timeout=5):
        assert mine.is_fast(file)
        server.fault = fault
        wrong = 0
        for number in range(60):
            y, x = (number * 37) % 400, (number * 91) % 400
            try:
                found = read(mine, file, Window(y, x, 100, 100))[0][0]
            except RasterError:
                wrong += 1
            else:
                np.testing.assert_array_equal(found, pixels[y : y + 100, x : x + 100])
    assert wrong <= 2


# -- who asks ------------------------------------------------------------------------------------------------


def test_a_signed_url_is_read_by_the_plain_client(tmp_path, server):
    pixels = noise(BOX.shape)
    write_raster(tmp_path / "a b.tif", pixels, BOX)
    file = FileRef(href=f"{server.url}/a%20b.tif?sig=x%2Fy&e=1", shape=BOX.shape)
    assert not _remote_store.serves(file.href)
    np.testing.assert_array_equal(read(reader(), file)[0][0], pixels[WINDOW.slices])


def test_a_bucket_is_read_with_credentials_of_the_environment(tmp_path, server, monkeypatch):
    pixels = noise(BOX.shape)
    (tmp_path / "bucket").mkdir()
    path = write_raster(tmp_path / "bucket" / "a.tif", pixels, BOX)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    _remote_store.forget_store("s3://bucket/a.tif")
    file = FileRef(href="s3://bucket/a.tif", shape=BOX.shape)
    mine = CogReader()
    np.testing.assert_array_equal(read(mine, file)[0][0], pixels[WINDOW.slices])
    assert b"secret-of-the-test" not in pickle.dumps((mine, file))
    # Credentials that ran out are looked up again, once.
    server.fault = lambda number, asked: Fault(kind="status", status=403) if number == 0 else None
    server.forget()
    assert CogReader().is_fast(
        FileRef(href="s3://bucket/a.tif", size_bytes=path.stat().st_size, shape=BOX.shape)
    )
    assert len(server.asked) == 2
    server.fault = lambda number, asked: Fault(kind="status", status=403)
    server.forget()
    with pytest.raises(RasterReadError, match="refuses access"):
        CogReader(Refusing()).is_fast(file)
    assert len(server.asked) == 2


def test_a_profile_is_left_to_gdal(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert not CogReader().is_fast(FileRef(href="s3://bucket/a.tif", shape=BOX.shape))


def _read_in_child(mine, file, sender):
    sender.send(read(mine, file)[0][0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_reads_without_its_parents_threads(tmp_path, server):
    pixels = noise(BOX.shape)
    path = write_raster(tmp_path / "a.tif", pixels, BOX)
    mine, file = reader(), ref(server, path)
    read(mine, file, Window(0, 0, 4, 4))
    receiver, sender = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_read_in_child, args=(mine, file, sender))
    child.start()
    try:
        assert receiver.poll(20)
        np.testing.assert_array_equal(receiver.recv(), pixels[WINDOW.slices])
    finally:
        child.kill()
        child.join()


def test_answers_that_make_no_sense():
    with pytest.raises(Trouble, match="Content-Range"):
        parse_place("bytes 10")
    assert parse_wait("Thu, 01 Jan 1970 00:00:00 GMT") == 0
