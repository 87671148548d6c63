"""What comes from outside is opened in a child process, which may refuse, crash or never end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from dawnlight.geo import GeoBox
from dawnlight.ingest import _sandbox
from dawnlight.ingest._sandbox import ChildFailure, run_child
from dawnlight.testing._rasters import noise, truncate, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (70, 60), 32615)


def inspect(path: Path, **more: Any) -> Any:
    return run_child({"convert": False, "sources": [str(path)], "names": ["given.tif"]}, **more)


def refusal(path: Path) -> ChildFailure:
    with pytest.raises(ChildFailure) as found:
        inspect(path)
    return found.value


def sparse(path: Path, width: int, height: int, count: int = 1, **options: Any) -> Path:
    """Write a file that claims to be large and holds no pixel."""
    profile = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": count,
        "dtype": "uint8",
        "crs": "EPSG:32615",
        "transform": BOX.transform,
        "sparse_ok": True,
        "bigtiff": "yes",
    }
    with rasterio.open(path, "w", **{**profile, **options}):
        pass
    return path


def test_a_sound_file_is_described(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise((2, 70, 60)), BOX)
    reply = inspect(path)
    assert reply["headers"][0]["shape"] == [70, 60]


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ({"width": 1_000_001, "height": 10, "blockysize": 1}, "1000000"),
        ({"width": 2, "height": 2, "count": 1025}, "1 to 1024"),
        (
            {"width": 10_000, "height": 10_000, "tiled": True, "blockxsize": 10_000, "blockysize": 10_000},
            "64 MiB",
        ),
        ({"width": 900_000, "height": 900_000, "tiled": True}, "MiB are taken"),
        ({"width": 90_000, "height": 90_000, "tiled": True}, "times the size"),
    ],
    ids=["side", "bands", "block", "pixels", "ratio"],
)
def test_bombs_are_refused_before_a_pixel_is_read(
    tmp_path: Path, options: dict[str, Any], limit: str
) -> None:
    if options.get("blockxsize") == 10_000:
        options = {**options, "blockxsize": 10_000 // 16 * 16, "blockysize": 10_000 // 16 * 16}
    path = sparse(tmp_path / "bomb.tif", **options)
    failure = refusal(path)
    assert limit in str(failure)
    assert "given.tif" in str(failure)
    assert not failure.passing


def test_disguised_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text(f"<VRTDataset rasterXSize='1' rasterYSize='1'>{tmp_path}/b.tif</VRTDataset>")
    assert "VRT" in str(refusal(path))
    path.write_bytes(b"II*\0" + bytes(100))
    assert "given.tif" in str(refusal(path))


def test_references_to_other_files_are_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise((70, 60)), BOX)
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(tmp_path / "b.tif"))
    assert "another file" in str(refusal(path))


def test_a_file_of_several_images_is_refused(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", noise((70, 60)), BOX)
    profile = {"driver": "GTiff", "width": 60, "height": 70, "count": 1, "dtype": "uint16"}
    with rasterio.open(
        path, "w", append_subdataset=True, crs="EPSG:32615", transform=BOX.transform, **profile
    ) as file:
        file.write(noise((1, 70, 60)))
    assert "2 images" in str(refusal(path))


def test_what_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sandbox, "_LOOK", 0.01)
    path = write_raster(tmp_path / "a.tif", noise((70, 60)), BOX)
    start = time.monotonic()
    with pytest.raises(ChildFailure, match="longer than it may"):
        inspect(path, wall=0.0)
    assert inspect(path, keep=lambda: False) is None
    assert time.monotonic() - start < 10


@pytest.mark.slow
def test_a_crash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_raster(tmp_path / "a.tif", noise((70, 60)), BOX)
    started = _sandbox._start

    def crashing(signal: int) -> Any:
        def start(*args: Any) -> Any:
            child = started(*args)
            os.kill(child.pid, signal)
            return child

        return start

    for signal, word, passing in ((11, "SIGSEGV", False), (9, "killed", True), (24, "processor", False)):
        monkeypatch.setattr(_sandbox, "_start", crashing(signal))
        failure = refusal(path)
        assert word in str(failure)
        assert failure.passing is passing


def test_the_environment_stays_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    seen: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def popen(command: list[str], **options: Any) -> None:
        seen.update(options)
        seen["empty"] = not os.listdir(options["cwd"])
        raise Stop

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GDAL_DRIVER_PATH", "/anywhere")
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(Stop):
        run_child({"convert": False})
    assert seen["empty"]
    assert not {"AWS_SECRET_ACCESS_KEY", "GDAL_DRIVER_PATH"} & set(seen["env"])


def test_pixels_survive_conversion(tmp_path: Path) -> None:
    data = noise((3, 700, 600), "float32")
    data[:, :100] = np.nan
    path = write_raster(tmp_path / "a.tif", data, BOX.zoom_to((700, 600)), nodata=np.nan, tiled=None)
    target = tmp_path / "out"
    target.mkdir()
    reply = run_child(
        {
            "convert": True,
            "id": "p:a",
            "sources": [str(path)],
            "names": ["a.tif"],
            "targets": [str(target / "0.tif")],
            "image": {"acquired": "2024-01-01T00:00:00Z"},
            "bands": [],
        }
    )
    assert reply is not None
    assert reply["attributes"]["fill_fraction"] == pytest.approx(6 / 7)
    assert "none of its bands" in reply["notes"][0]
    assert [entry.name for entry in target.iterdir()] == ["0.tif"]
    with rasterio.open(target / "0.tif") as file:
        np.testing.assert_array_equal(file.read(), data)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.block_shapes[0] == (512, 512)
        assert file.overviews(1) == [2]
        assert float(file.tags(1)["STATISTICS_MAXIMUM"]) == pytest.approx(float(np.nanmax(data[0])))
    truncate(path, 0.7)
    with pytest.raises(ChildFailure, match=r"a\.tif"):
        run_child(
            {
                "convert": True,
                "id": "p:a",
                "sources": [str(path)],
                "names": ["a.tif"],
                "targets": [str(target / "1.tif")],
                "image": {},
                "bands": [],
            }
        )
