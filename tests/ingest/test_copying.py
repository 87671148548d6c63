"""``dawnlight add --copy`` and the commands around it."""

from __future__ import annotations

import json
import os
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

import dawnlight as dl
from dawnlight.cli import main
from dawnlight.errors import CatalogAccessError, RasterWriteError
from dawnlight.geo import GeoBox
from dawnlight.ingest import _sandbox
from dawnlight.testing._rasters import noise, truncate, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (70, 60), 32615)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_raster(tmp_path / "a_20240601.tif", noise((2, 70, 60)), BOX, descriptions=["red", "nir"])


def run(tmp_path: Path, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, [*arguments, "-c", str(tmp_path / "c")])
    assert result.exit_code == code, result.output
    return result.output


def stored(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "c" / "blobs").rglob("*.tif"))


def test_copies(tmp_path: Path, file: Path) -> None:
    lines = run(tmp_path, "add", "p", str(file), "--copy").splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["ACK", "DONE"]
    assert lines[1] == "DONE p:a_20240601"
    assert lines[2] == "product 'p': 1 image added (1 file)"
    (copy,) = stored(tmp_path)
    with rasterio.open(copy) as made:
        np.testing.assert_array_equal(made.read(), noise((2, 70, 60)))
    assert "1 image unchanged" in run(tmp_path, "add", "p", str(file), "--copy")
    write_raster(file, noise((2, 70, 60), seed=1), BOX, descriptions=["red", "nir"])
    assert "1 image updated" in run(tmp_path, "add", "p", str(file), "--copy", "--update")
    assert len(stored(tmp_path)) == 2
    assert run(tmp_path, "gc").startswith("0 removed (0.0 MiB), 1 wait")
    assert run(tmp_path, "gc", "--grace", "0").startswith("1 removed")
    rows = json.loads(run(tmp_path, "uploads", "--json"))
    assert [row["status"] for row in rows] == ["success", "success"]
    assert json.loads(run(tmp_path, "uploads", "--status", "failure", "--json")) == []
    assert "'nonsense' is not one of" in run(tmp_path, "uploads", "--status", "nonsense", code=2)
    assert "no problems" in run(tmp_path, "doctor", "--deep")
    (copy,) = stored(tmp_path)
    copy.write_bytes(copy.read_bytes()[:-1] + b"!")
    assert "damaged" in run(tmp_path, "doctor", "--deep", code=1)
    with dl.open(tmp_path / "c") as client:
        image = dl.Image.get("p:a_20240601", client=client)
        assert image is not None
        assert image.acquired is not None
        assert image.acquired.year == 2024


@pytest.mark.slow
def test_a_damaged_file_is_refused_and_the_others_are_not(tmp_path: Path, file: Path) -> None:
    broken = truncate(write_raster(tmp_path / "b_20240602.tif", noise((2, 70, 60)), BOX), 0.5)
    out = run(tmp_path, "add", "p", str(file), str(broken), "--copy", "--json", code=1)
    report = json.loads(out[out.index("{") :])
    assert report["files"] == {"added": 1, "refused": 1}
    assert len(stored(tmp_path)) == 1


def test_no_file_is_opened_outside_the_child(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(*_: Any, **__: Any) -> None:
        raise AssertionError("a file was opened in the process of the user")

    palette = {0: (0, 0, 0, 255), 1: (9, 8, 7, 255)}
    classes = noise((70, 60), "uint8") % 2
    write_raster(tmp_path / "c_20240601.tif", classes, BOX, colors=["palette"], colormap=palette)
    monkeypatch.setattr("dawnlight.raster._gdal_open._open", opened)
    monkeypatch.setattr("rasterio.open", opened)
    assert "1 image added" in run(tmp_path, "add", "p", str(file), "--copy")
    assert "1 image added" in run(tmp_path, "add", "q", str(tmp_path / "c_20240601.tif"), "--copy")
    with dl.open(tmp_path / "c") as client:
        band = dl.Band.get("q:band_1", client=client)
        assert band is not None
        assert [tuple(color) for color in band.colormap or ()][:2] == list(palette.values())


def test_a_file_that_harms_the_child_is_refused_and_the_others_are_not(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [write_raster(tmp_path / f"{name}_20240602.tif", noise((2, 70, 60)), BOX) for name in "bcd"]
    started = _sandbox._start

    def start(request: Any, *more: Any) -> Any:
        child = started(request, *more)
        if request["sources"] == [str(bad[0])]:
            os.kill(child.pid, signal.SIGSEGV)
        elif request["sources"] == [str(bad[1])]:
            os.kill(child.pid, signal.SIGSTOP)
        return child

    asked = _sandbox.run_child

    def ask(request: Any) -> Any:
        if request["sources"] == [str(bad[2])]:
            return {"headers": [{"version": 1, "driver": "GTiff"}]}
        return asked(request, wall=1.0 if request["sources"] == [str(bad[1])] else 100.0)

    monkeypatch.setattr(_sandbox, "_start", start)
    monkeypatch.setattr("dawnlight.ingest._copying.run_child", ask)
    out = run(tmp_path, "add", "p", *map(str, bad), str(file), "--copy", "--json", code=1)
    report = json.loads(out[out.index("{") :])
    reasons = {Path(result["href"]).name[0]: result.get("reason", "") for result in report["results"]}
    assert "SIGSEGV" in reasons["b"]
    assert "longer than it may" in reasons["c"]
    assert "nonsense" in reasons["d"]
    assert report["files"] == {"added": 1, "refused": 3}


def test_a_crs_for_files_without_one(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = tmp_path / "n_20240601.tif"
        with rasterio.open(
            path, "w", driver="GTiff", width=60, height=70, count=1, dtype="uint8", transform=BOX.transform
        ) as draft:
            draft.write(noise((1, 70, 60), "uint8"))
    assert "--crs" in run(tmp_path, "add", "p", str(path), "--copy", code=1)
    run(tmp_path, "add", "p", str(path), "--copy", "--crs", "EPSG:32615")
    (copy,) = stored(tmp_path)
    with rasterio.open(copy) as made:
        assert made.crs.to_epsg() == 32615


def test_what_cannot_be_copied_is_refused_with_the_reason(tmp_path: Path, file: Path) -> None:
    (tmp_path / "a_20240601.tif.msk").write_bytes(b"")
    files = [str(file), str(tmp_path / "gone_20240601.tif"), "https://localhost/b_20240601.tif"]
    out = run(tmp_path, "add", "p", *files, "--copy", code=1)
    for reason in ("mask in a file beside it", "no such file", "is remote; download"):
        assert reason in out


def test_a_worker_ends_when_nothing_is_left(tmp_path: Path, file: Path) -> None:
    run(tmp_path, "add", "p", str(file))
    assert run(tmp_path, "worker", "--drain") == ""


def test_uploads_need_a_catalog_that_can_be_written(tmp_path: Path, file: Path, monkeypatch: Any) -> None:
    run(tmp_path, "add", "p", str(file))
    array = noise((2, 70, 60))
    meta = {"geoTransform": BOX.geotrans, "coordinateSystem": {"epsg": 32615}}
    with dl.open(tmp_path / "c", read_only=True) as client:
        image = dl.Image(id="p:x", acquired="2024-01-01", client=client)
        with pytest.raises(CatalogAccessError, match="read_only"):
            image.upload_ndarray(array, raster_meta=meta)
    with dl.open(tmp_path / "c") as client:
        image = dl.Image(id="p:x", acquired="2024-01-01", client=client)

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("dawnlight.ingest._submit.sync_file", full)
        with pytest.raises(RasterWriteError, match="No space left"):
            image.upload_ndarray(array, raster_meta=meta)
        assert list((tmp_path / "c" / "uploads").iterdir()) == []
        assert dl.ImageUpload.search(client=client).count() == 0
