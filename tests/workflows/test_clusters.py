"""One stack, many ways to compute it: threads, processes, clusters, and workers that die."""

from __future__ import annotations

import os
import pickletools
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cloudpickle
import dask
import numpy as np
import pytest
import xarray as xr
from dask.callbacks import Callback

import dawnlight as dl
from dawnlight.catalog import CatalogClient, ImageCollection
from dawnlight.geo import GeoBox, Window
from dawnlight.raster._cog import CogReader
from dawnlight.raster._dask import to_dask
from dawnlight.testing._engine import file_sources, make_lazy
from dawnlight.testing._rasters import noise, write_raster
from dawnlight.tutorial import demo_catalog

CLUSTER = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::UserWarning"
)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogClient]:
    client = demo_catalog(tmp_path_factory.mktemp("clusters") / "demo", size=128, progress=False)
    with client:
        yield client


@pytest.fixture(scope="module")
def images(catalog: CatalogClient) -> ImageCollection:
    found = dl.Product.get("demo-s2", client=catalog).images().sort("acquired").limit(8).collect()
    context = dl.AOI(found[0].geometry, crs="EPSG:32631", resolution=160.0)
    return ImageCollection(list(found), geocontext=context)


def requests(images: ImageCollection) -> dict[str, xr.DataArray]:
    """Lazy arrays of every kind; half of the images change their UTM zone."""
    return {
        "stack": images.stack("red nir", chunks={"time": 3, "y": 32, "x": 40}, resampler="cubic"),
        "mosaic": images.mosaic("red scl", chunks=32),
        "composite": images.composite("red", "median", mask={"scl": [3, 8, 9]}, chunks=32),
        "reduced": images.stack("red nir", chunks=48).mean("time"),
    }


@pytest.fixture(scope="module")
def expected(images: ImageCollection) -> dict[str, np.ndarray[Any, Any]]:
    found = {name: array.compute(scheduler="synchronous").values for name, array in requests(images).items()}
    assert all(np.isfinite(values).any() for values in found.values())
    return found


def same(images: ImageCollection, expected: dict[str, Any], **how: Any) -> None:
    for name, array in requests(images).items():
        np.testing.assert_array_equal(array.compute(**how).values, expected[name], err_msg=name, strict=True)


@contextmanager
def cluster(workers: int = 2) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.comm.retry.count": 2}),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as made,
        distributed.Client(made) as client,
    ):
        yield client


# -- the same values everywhere --------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_give_the_values_of_one_thread(
    images: ImageCollection, expected: dict[str, Any], threads: int
) -> None:
    same(images, expected, scheduler="threads", num_workers=threads)


@pytest.mark.slow
@CLUSTER
def test_processes_give_the_values_of_one_thread(images: ImageCollection, expected: dict[str, Any]) -> None:
    same(images, expected, scheduler="processes", num_workers=2)


@pytest.mark.slow
@CLUSTER
def test_a_cluster_gives_the_values_of_one_thread(images: ImageCollection, expected: dict[str, Any]) -> None:
    with cluster():
        same(images, expected)


@pytest.mark.slow
@CLUSTER
def test_a_worker_that_is_killed_changes_nothing(images: ImageCollection) -> None:
    array = images.stack("red nir", chunks={"time": 1, "y": 8, "x": 8}, resampler="cubic")
    whole = array.compute(scheduler="synchronous").values
    with cluster() as client:
        pids = client.run(os.getpid)
        future = client.compute(array.data)
        time.sleep(0.3)
        assert not future.done()
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        values = future.result(timeout=200)
        assert client.run(os.getpid) != pids
    np.testing.assert_array_equal(values, whole)


# -- what goes to the workers ----------------------------------------------------------------------


def graph_bytes(array: xr.DataArray) -> bytes:
    (optimized,) = dask.optimize(array)
    return bytes(cloudpickle.dumps(optimized.__dask_graph__()))


def test_graphs_carry_no_secret_and_no_handle(
    images: ImageCollection, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cr3t-of-the-user"
    for name in ("DAWNLIGHT_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GDAL_HTTP_BEARER"):
        monkeypatch.setenv(name, secret)
    for name, array in requests(images).items():
        array[..., :4, :4].compute(scheduler="synchronous")  # files are open and headers known now
        packed = graph_bytes(array)
        assert secret.encode() not in packed, name
        used = {str(text).split(" ")[0] for _, text, _ in pickletools.genops(packed) if isinstance(text, str)}
        banned = (
            "dawnlight.catalog",
            "dawnlight.storage",
            "sqlalchemy",
            "sqlite3",
            "rasterio",
            "_io",
            "socket",
        )
        assert not [each for each in used if each.startswith(banned)], name
        assert "dawnlight.db" not in str(used)


WORKER = """
    import os, pickle, sys
    import numpy as np
    import dask
    with open("array.pickle", "rb") as file:
        array = pickle.load(file)
    values = array.compute(scheduler="synchronous")
    np.save("values.npy", values)
    banned = ("dawnlight.catalog", "dawnlight.storage", "sqlalchemy", "sqlite3")
    print([name for name in sys.modules if name.startswith(banned)])
"""


def test_workers_never_open_the_catalog(
    images: ImageCollection, expected: dict[str, Any], tmp_path: Path
) -> None:
    array = requests(images)["composite"].data
    (tmp_path / "array.pickle").write_bytes(cloudpickle.dumps(array))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WORKER)],
        env={**os.environ, "DAWNLIGHT_CATALOG": str(tmp_path / "nowhere" / "x.toml")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    np.testing.assert_array_equal(np.load(tmp_path / "values.npy"), expected["composite"])
    assert not (tmp_path / "nowhere").exists()


def test_names_are_the_same_in_every_process(catalog: CatalogClient, images: ImageCollection) -> None:
    code = f"""
        import dawnlight as dl
        from dawnlight.catalog import ImageCollection
        with dl.open({catalog.store.url!r}) as client:
            found = dl.Product.get("demo-s2", client=client).images().sort("acquired").limit(8).collect()
            context = dl.AOI(found[0].geometry, crs="EPSG:32631", resolution=160.0)
            images = ImageCollection(list(found), geocontext=context)
            print(images.stack("red nir", chunks=32).data.name, images.mosaic("red", chunks=32).data.name,
                  images.composite("red", mask={{"scl": [3]}}, chunks=32).data.name)
    """
    names = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        names.add(done.stdout.strip())
    here = (
        images.stack("red nir", chunks=32).data.name,
        images.mosaic("red", chunks=32).data.name,
        images.composite("red", mask={"scl": [3]}, chunks=32).data.name,
    )
    assert names == {" ".join([here[0], here[1], here[2]])}


# -- what is read ------------------------------------------------------------------------------------


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Window]:
    """Windows of files that were read, in order."""
    found: list[Window] = []
    read = CogReader.read

    def noted(self: Any, file: Any, bands: Any, level: int, window: Window, **options: Any) -> Any:
        found.append(window)
        return read(self, file, bands, level, window, **options)

    monkeypatch.setattr(CogReader, "read", noted)
    return found


@pytest.mark.parametrize(
    "take",
    [
        lambda stack: stack.isel(time=0, x=slice(20, 24), y=slice(20, 23)) + 1,
        lambda stack: stack.isel(x=slice(20, 24), y=slice(20, 23)).mean("time"),
        lambda stack: stack[:, 0, 20:23, 20:24] * 2,
    ],
)
def test_a_slice_before_arithmetic_reads_only_the_slice(
    images: ImageCollection, windows: list[Window], take: Callable[[xr.DataArray], xr.DataArray]
) -> None:
    array = take(images.stack("red nir", chunks={"time": 1, "y": 64, "x": 64}))
    largest = array.dl.explain().chunk_shape
    assert windows == []
    array.compute(scheduler="synchronous")
    assert largest[2:] == (3, 4)
    # Files have pixels of half the size; two more all around are for the kernel.
    assert windows
    assert max(max(window.shape) for window in windows) <= 2 * 4 + 5


def test_a_slice_after_arithmetic_reads_whole_chunks_and_explain_says_so(
    images: ImageCollection, windows: list[Window]
) -> None:
    array = (images.stack("red", chunks={"time": 1, "y": 64, "x": 64}) + 1).isel(x=slice(20, 24))
    array.compute(scheduler="synchronous")
    assert max(window.width for window in windows) > 16
    assert any("whole" in note for note in array.dl.explain().notes)


# -- memory ------------------------------------------------------------------------------------------


class _Memory(Callback):  # type: ignore[misc]  # dask has no types
    """Resident memory of the process after every task that read a chunk, in MiB."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.sizes: list[float] = []

    def _posttask(self, key: Any, result: Any, dsk: Any, state: Any, worker_id: Any) -> None:
        self.sizes.append(self.process.memory_info().rss / 2**20)


@pytest.mark.slow
def test_memory_stays_flat_over_a_thousand_chunks(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    box = GeoBox.from_geotrans((300000, 10, 0, 5000000, 0, -10), (512, 512), 32632)
    files = [
        file_sources(write_raster(tmp_path / f"{k}.tif", noise((1, 512, 512), "uint16", k), box, tiled=256))
        for k in range(20)
    ]
    other = GeoBox.from_geotrans((-170000, 10, 0, 5020000, 0, -10), (480, 480), 32633)
    for target in (box.window(Window(10, 10, 480, 480)), other):
        rows = [files[k % 20] for k in range(1000)]
        lazy = make_lazy(rows, target, CogReader(), kernel="bilinear")
        array = to_dask(lazy, ((1,) * 1000, (1,), (480,), (480,)))
        with dl.set_options(cache_bytes=8 * 2**20), _Memory(psutil.Process()) as memory:
            means = array.mean(axis=(1, 2, 3)).compute(scheduler="threads", num_workers=2)
        assert len(means) == 1000
        early = max(memory.sizes[len(memory.sizes) // 5 : 2 * len(memory.sizes) // 5])
        late = max(memory.sizes[-len(memory.sizes) // 5 :])
        assert late - early < 24, (early, late)
