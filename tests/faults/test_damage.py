"""F7 and F9: damaged files are refused with a reason or taken over exactly; nothing else is opened."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.faults._tracing import ALL

from dawnlight.geo import GeoBox
from dawnlight.ingest._sandbox import ChildFailure, run_child
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (300, 280), 32615)
MUTANTS = 1000 if ALL else 42
MOST_SECONDS = 10
MOST_KIB = 2**20
"""Processor time and memory of a child, whatever it is given."""
KINDS: dict[str, dict[str, Any]] = {
    "deflate": {},
    "lzw": {"compress": "lzw", "tiled": None},
    "zstd": {"compress": "zstd"},
    "packbits": {"compress": "packbits", "interleave": "band"},
    "none": {"compress": "none", "overviews": (2, 4)},
    "bigtiff": {"BIGTIFF": "YES", "predictor": 2},
    "jp2": {"driver": "JP2OpenJPEG"},
}


def _mutate(data: bytes, chance: random.Random) -> bytes:
    """Cut off, flip, zero or move some bytes, the header more often than chance would."""
    changed = bytearray(data)
    way = chance.randrange(4)
    end = len(data) if chance.random() < 0.5 else min(len(data), 600)
    start = chance.randrange(8, end)
    if way == 0:
        return data[: chance.randrange(len(data))]
    if way == 1:
        for _ in range(chance.randrange(1, 20)):
            changed[chance.randrange(8, end)] ^= 1 << chance.randrange(8)
    elif way == 2:
        length = min(chance.randrange(1, 400), len(data) - start)
        changed[start : start + length] = bytes(length)
    else:
        length = chance.randrange(1, 200)
        changed[start : start + length] = chance.randbytes(length)
    return bytes(changed)


def _mutants(folder: Path, count: int) -> Iterator[Path]:
    chance = random.Random(7)
    for number in range(count):
        kind = list(KINDS)[number % len(KINDS)]
        suffix = ".jp2" if kind == "jp2" else ".tif"
        sound = folder / f"{kind}{suffix}"
        if not sound.exists():
            write_raster(sound, noise((2, 300, 280)), BOX, **KINDS[kind])
        path = folder / f"mutant{number}{suffix}"
        path.write_bytes(_mutate(sound.read_bytes(), chance))
        yield path


def _convert(path: Path, target: Path) -> dict[str, Any] | None:
    return run_child(
        {
            "convert": True,
            "id": "p:a",
            "sources": [str(path)],
            "names": [path.name],
            "targets": [str(target)],
            "image": {},
            "bands": [],
        }
    )


def check_mutants(folder: Path, count: int) -> dict[str, int]:
    """Convert damaged files; what is accepted must hold the pixels that the file gives."""
    found = {"accepted": 0, "refused": 0}
    target = folder / "out.tif"
    for path in _mutants(folder, count):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            _convert(path, target)
        except ChildFailure:
            found["refused"] += 1
        else:
            found["accepted"] += 1
            with rasterio.open(path) as old, rasterio.open(target) as new:
                assert np.array_equal(old.read(), new.read())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        assert spent < MOST_SECONDS, f"{path.name}: {spent:.1f} s of processor time"
        assert after.ru_maxrss < MOST_KIB, f"{path.name}: {after.ru_maxrss / 1024:.0f} MiB"
        target.unlink(missing_ok=True)
        path.unlink()
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_f7_many_damaged_files(tmp_path: Path) -> None:
    found = check_mutants(tmp_path, MUTANTS)
    assert found["refused"] > found["accepted"] > 0


@pytest.mark.slow
def test_f9_no_other_file_is_opened(tmp_path: Path, strace: str) -> None:
    folder = tmp_path / "given"
    path = write_raster(
        folder / "a.tif",
        noise((2, 300, 280)),
        BOX,
        mask=np.eye(300, 280) == 0,
        sidecars=True,
        overviews=(2, 4),
    )
    (folder / "a.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
    (folder / "a.tfw").write_text("1\n0\n0\n-1\n0\n0\n")
    log = tmp_path / "log"
    code = (
        "import sys; sys.path.insert(0, '.'); from dawnlight.ingest._sandbox import run_child; "
        f"run_child({{'convert': True, 'id': 'p:a', 'sources': [{str(path)!r}], 'names': ['a.tif'], "
        f"'targets': [{str(tmp_path / 'out.tif')!r}], 'image': {{}}, 'bands': []}})"
    )
    traced = "trace=openat,open,connect,stat,newfstatat,lstat"
    subprocess.run(
        [strace, "-f", "-qq", "-e", traced, "-o", str(log), sys.executable, "-c", code], check=True
    )
    text = log.read_text()
    opened = {line for line in text.splitlines() if f'"{folder}/' in line}
    assert opened
    beside = {line for line in opened if f'"{path}"' not in line and "ENOENT" not in line}
    assert not beside
    assert "AF_INET" not in text
