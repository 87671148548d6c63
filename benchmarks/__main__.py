"""``python -m benchmarks``: measure the workloads against the peers, each run in a fresh process.

The libraries take turns. Values are compared before anything is timed. CPU and wall time are the process's
own between the end of its preparation and the result, second run of two in the process (the first compiles
and warms caches); ratios are medians of the pairs of one round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.archive import build
from benchmarks.workloads import WORKLOADS

_PACKAGES = (
    "dawnlight",
    "odc-stac",
    "stackstac",
    "numpy",
    "numba",
    "dask",
    "xarray",
    "rasterio",
    "imagecodecs",
)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("benchmark-archive"), help="where the archive is made"
    )
    parser.add_argument("--only", nargs="*", default=list(WORKLOADS), help="workloads, such as W1 'W4 near'")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    parser.add_argument("--one", nargs=2, metavar=("WORKLOAD", "LIBRARY"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folder, *options.one)))
        return
    build(options.folder)
    rows = [compare(options.folder, name, options.rounds) for name in options.only]
    report = {"machine": machine(), "versions": versions(), "rows": rows}
    print(table(report))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))


def measure(folder: Path, name: str, library: str) -> dict[str, Any]:
    """Run a workload twice in this process and time the second run."""
    run = WORKLOADS[name].setup(folder, library)
    before = _peak()
    first = run()
    start, cpu = time.perf_counter(), time.process_time()
    second = run()
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    size = len(second) if isinstance(second, bytes) else second.nbytes
    del first
    return {"wall": wall, "cpu": used, "peak": _peak() - before, "size": size, "sum": _digest(second)}


def _digest(result: Any) -> list[float]:
    """Numbers by which results of different libraries are compared: mean, spread and share of missing."""
    if isinstance(result, bytes):
        return []
    values = result.astype(np.float64)
    values[values == 0] = np.nan
    return [float(np.nanmean(values)), float(np.nanstd(values)), float(np.isnan(values).mean())]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def compare(folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """Measure all libraries in turn, and return the medians and ratios."""
    libraries = WORKLOADS[name].libraries
    found: dict[str, list[dict[str, Any]]] = {library: [] for library in libraries}
    for _ in range(rounds):
        for library in libraries:
            found[library].append(_in_fresh_process(folder, name, library))
    row: dict[str, Any] = {"name": name, "title": WORKLOADS[name].title, "libraries": {}}
    for library, runs in found.items():
        entry = {key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak", "size")}
        if library != "ours":
            for key in ("cpu", "wall"):
                ratios = [theirs[key] / mine[key] for theirs, mine in zip(runs, found["ours"], strict=True)]
                entry[f"{key}_ratio"] = statistics.median(ratios)
        entry["digest"] = runs[0]["sum"]
        row["libraries"][library] = entry
    _check_values(row)
    print(f"{name} done", file=sys.stderr)
    return row


def _check_values(row: dict[str, Any]) -> None:
    """Refuse to report a row whose results are not the same picture."""
    mine = row["libraries"]["ours"]["digest"]
    for library, entry in row["libraries"].items():
        if mine and not np.allclose(mine, entry["digest"], rtol=2e-3, atol=2e-3):
            raise SystemExit(f"{row['name']}: {library} gives {entry['digest']}, ours gives {mine}")


def _in_fresh_process(folder: Path, name: str, library: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks",
        "--folder",
        str(folder),
        "--one",
        name,
        library,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} with {library} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def machine() -> str:
    """Say how large the machine is."""
    return f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}"


def versions() -> dict[str, str]:
    """Return the versions of what was measured."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def table(report: dict[str, Any]) -> str:
    """Write the figures as a Markdown table."""
    lines = [
        f"Machine: {report['machine']}. " + ", ".join(f"{k} {v}" for k, v in report["versions"].items()),
        "",
        "| | work | library | CPU s | wall s | peak MiB | times slower: CPU | wall |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in report["rows"]:
        for library, entry in row["libraries"].items():
            ratios = [f"{entry[key]:.2f}" if key in entry else "" for key in ("cpu_ratio", "wall_ratio")]
            head = (row["name"], row["title"]) if library == "ours" else ("", "")
            figures = [f"{entry['cpu']:.3f}", f"{entry['wall']:.3f}", f"{entry['peak']:.0f}"]
            lines.append("| " + " | ".join([*head, library, *figures, *ratios]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
