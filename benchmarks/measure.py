"""One measurement in this process: CPU and wall time, and memory over the start, of one run of a workload.

A small run of the same kind, on other files, loads and compiles the code first. Then one full run is timed.
*Start* is the resident memory right before it, after preparation and the small run; *peak* is the highest
resident memory during the run, less the start.
"""

from __future__ import annotations

import ctypes
import gc
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAMPLE = 200_000
"""Values of a result that are kept for the comparison with other libraries, evenly spread."""
_AT_HAND = 2**31
"""Bytes that are touched before each timed run."""


def _no_meters() -> dict[str, float]:
    return {}


def _do_nothing() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is timed."""

    call: Callable[[], Any]
    """Returns an array of all values, or the bytes of a pickled graph."""
    meters: Callable[[], dict[str, float]] = _no_meters
    """What others counted since the last call; "cpu" and "peak" are added to those of this process."""
    close: Callable[[], None] = _do_nothing
    """Ends what the preparation started."""
    repeat: bool = False
    """Whether to run once more in the same process, with what the first run has learnt: reported apart."""


class Memory:
    """Resident memory of this process in MiB, and its peak since `start`."""

    def __init__(self) -> None:
        self.start = 0.0
        self._resets = False
        self._highest = 0.0
        self._stop = threading.Event()

    def begin(self) -> None:
        """Give freed memory back, and begin to watch."""
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        try:
            Path("/proc/self/clear_refs").write_text("5")  # resets the peak; see proc(5)
            self._resets = True
        except OSError:
            threading.Thread(target=self._watch, daemon=True).start()
        self.start = self._highest = _status("VmRSS")

    def end(self) -> float:
        """Return the peak over the start."""
        self._stop.set()
        peak = _status("VmHWM") if self._resets else max(self._highest, _status("VmRSS"))
        return peak - self.start

    def _watch(self) -> None:
        while not self._stop.wait(0.002):
            self._highest = max(self._highest, _status("VmRSS"))


def _status(field: str) -> float:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status has no {field}: memory is measured on Linux only")
    return int(found[1]) / 1024


def measure(small: Run, run: Run, sample: Path | None) -> dict[str, Any]:
    """Do the small run, then time the other one, and keep a sample of its values."""
    small.call()
    small.close()
    try:
        found, values = _timed(run)
        if sample is not None and isinstance(values, np.ndarray):
            np.save(sample, spread(values))
        del values
        if run.repeat:
            found["again"] = _timed(run)[0]
    finally:
        run.close()
    return found


def _touch() -> None:
    """Use as much memory as any run needs, and give it back.

    A virtual machine gets its memory from its host when it is used for the first time, and may lose it again
    when it is not. That takes longer than decoding, and belongs to no library.
    """
    np.ones(_AT_HAND, dtype=np.uint8)


def _timed(run: Run) -> tuple[dict[str, Any], Any]:
    _touch()
    memory = Memory()
    memory.begin()
    run.meters()
    wall, cpu = time.perf_counter(), time.process_time()
    values = run.call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found: dict[str, Any] = {"wall": wall, "cpu": cpu, "start": memory.start, "peak": memory.end()}
    for name, value in run.meters().items():
        found[name] = found.get(name, 0) + value
    found["size"] = len(values) if isinstance(values, bytes) else values.nbytes
    return found, values


def spread(values: np.ndarray) -> np.ndarray:
    """Return about `SAMPLE` values of an array, evenly spread, as floats."""
    flat = values.reshape(-1)
    step = max(1, flat.size // SAMPLE) | 1  # odd: does not fall into step with rows
    return flat[::step].astype(np.float64)


def outline(values: np.ndarray) -> tuple[float, float]:
    """Return the mean of the pixels with data, and the share of those without (NaN or 0)."""
    known = np.nan_to_num(values.astype(np.float64))
    return float(known[known != 0].mean()), float((known == 0).mean())


def distance(mine: np.ndarray, theirs: np.ndarray, tolerance: float) -> float:
    """Return the share of values that differ by more than a tolerance; NaN and 0 both say "no data"."""
    if mine.shape != theirs.shape:
        raise SystemExit(f"shapes differ: {mine.shape}, {theirs.shape}")
    a, b = np.nan_to_num(mine.astype(np.float64)), np.nan_to_num(theirs.astype(np.float64))
    return float((np.abs(a - b) > tolerance).mean())


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Say on the error stream how long something took."""
    start = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
