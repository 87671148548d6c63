"""F20: after many cycles of search, read and upload a process holds no more than after few."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CYCLES = int(os.environ.get("DAWNLIGHT_SOAK", "60"))
"""500 is the size of the long run, in which each cycle uploads; here every sixth does."""
MOST_HANDLES = 128
"""So many files of images are kept open for the next read, see `dawnlight.raster._local_file`."""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="reads /proc")
@pytest.mark.timeout(300 + 5 * CYCLES)
def test_f20_a_long_session_holds_no_more_than_a_short_one(tmp_path: Path) -> None:
    every = 1 if CYCLES >= 500 else 6
    code = [
        sys.executable,
        str(Path(__file__).with_name("_soak.py")),
        str(tmp_path / "c"),
        str(CYCLES),
        str(every),
    ]
    done = subprocess.run(code, stdout=subprocess.PIPE, text=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == CYCLES
    warm = min(CYCLES // 2, 150)
    first, last = rows[warm], rows[-1]
    print(f"after {warm} cycles {first}, after {CYCLES} {last}")
    uploads = (CYCLES - warm) // every + 1
    assert max(row["files"] for row in rows) <= rows[0]["files"] + MOST_HANDLES
    assert last["files"] - first["files"] <= (uploads if warm < MOST_HANDLES else 2)
    assert last["threads"] <= first["threads"] + 1
    assert last["kib"] < first["kib"] * 1.05
    assert max(row["log"] for row in rows) < 64 * 2**20
