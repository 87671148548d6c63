"""``python -m benchmarks``: measure the workloads against the peers, each run in a fresh process.

Values are compared before anything is timed, and again with a sample of what was timed. The libraries take
turns. Ratios are medians of the pairs of one round, CPU time first: other programs disturb it less.
``--write docs/reference/benchmarks.md`` writes the page, with the picture of growth beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import cluster, growth, remote
from benchmarks.archive import build
from benchmarks.machine import left_out, machine, versions
from benchmarks.measure import distance, measure, outline, reported
from benchmarks.page import page, table
from benchmarks.prepare import Archive
from benchmarks.workloads import WORKLOADS, Workload


def main() -> None:
    """Run what the command line asks for."""
    options = _parser().parse_args()
    archive = Archive(folder=options.folder, url=options.url)
    if options.one:
        name, library = options.one
        prepare = WORKLOADS[name].prepare
        small, run = prepare(archive, library, True), prepare(archive, library, False)
        print(json.dumps(measure(small, run, options.sample)))
        cluster.stop()
    elif options.check:
        _check(WORKLOADS[options.check], archive)
        cluster.stop()
    else:
        _run_all(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path("benchmark-archive"), help="where the archive is made (1.3 GB)"
    )
    parser.add_argument("--only", nargs="*", default=list(WORKLOADS), help="workloads, such as W1 'W4 near'")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write every figure of every run here, too")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page here")
    parser.add_argument(
        "--from-json", type=Path, help="measure nothing: take the figures from here (made by --json)"
    )
    parser.add_argument(
        "--keep-growth", action="store_true", help="with --write: keep the picture of growth that is there"
    )
    parser.add_argument(
        "--note", default="", help="with --write: a warning at the top, such as 'Provisional'"
    )
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--check", help=argparse.SUPPRESS)
    parser.add_argument("--sample", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    return parser


def _run_all(options: argparse.Namespace) -> None:
    unknown = set(options.only) - set(WORKLOADS)
    if unknown:
        raise SystemExit(f"--only {sorted(unknown)[0]!r}: use some of {', '.join(WORKLOADS)}")
    if options.from_json:
        report = json.loads(options.from_json.read_text())
    else:
        build(options.folder)
        report = {"machine": machine(), "versions": versions(), "rounds": options.rounds, "runs": {}}
        report["left_out"] = left_out()
        start = time.perf_counter()
        for name in options.only:
            with reported(name):
                report["runs"][name] = compare(options.folder, name, options.rounds)
            report["minutes"] = (time.perf_counter() - start) / 60
            if options.json:  # after each: what was measured is not lost when a later one fails
                options.json.write_text(json.dumps(report, indent=1))
    print(table(report))
    if options.write:
        if not options.keep_growth and not options.from_json:
            with reported("growth"):
                growth.write(options.folder, options.write.parent)
        options.write.write_text(page(report, growth.words(options.write.parent), options.note))


def compare(folder: Path, name: str, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Compare values, then measure all libraries in turn; the order changes from round to round."""
    workload = WORKLOADS[name]
    libraries = [library for library in workload.libraries if library not in left_out()]
    runs: dict[str, list[dict[str, Any]]] = {library: [] for library in libraries}
    serving = workload.serve(folder) if workload.serve else nullcontext("")
    with serving as url, tempfile.TemporaryDirectory() as samples:
        common = ["--folder", str(folder), *(["--url", url] if url else [])]
        if workload.has_values:
            _in_fresh_process(f"{name}: comparing", [*common, "--check", name])
        for number in range(rounds):
            turn = libraries[number % len(libraries) :] + libraries[: number % len(libraries)]
            for library in turn:
                if number and library in workload.once:
                    continue
                sample = Path(samples) / f"{library}.npy"
                command = [*common, "--one", name, library, "--sample", str(sample)]
                output = _in_fresh_process(f"{name} with {library}", command)
                runs[library].append(json.loads(output.splitlines()[-1]))
            _compare_samples(name, workload, libraries, Path(samples))
    return runs


def _check(workload: Workload, archive: Archive) -> None:
    """Let all libraries do the small run in this process, and compare every value."""
    mine: Any = None
    for library in workload.libraries:
        if library in left_out():
            continue
        run = workload.prepare(archive, library, True)
        found = run.call()
        mine = found if mine is None else mine
        _agree(library, workload, mine, found)


def _compare_samples(name: str, workload: Workload, libraries: list[str], samples: Path) -> None:
    """Compare evenly spread values of what was timed."""
    found = {library: samples / f"{library}.npy" for library in libraries}
    if not found[libraries[0]].exists():
        return
    mine = np.load(found[libraries[0]])
    for library, path in found.items():
        _agree(f"{name}: {library}", workload, mine, np.load(path))


def _agree(library: str, workload: Workload, mine: np.ndarray, theirs: np.ndarray) -> None:
    if library.rpartition(" ")[2] in workload.elsewhere:
        mine, theirs = outline(mine), outline(theirs)
        if not np.allclose(mine, theirs, rtol=0.02, atol=0.02):
            raise SystemExit(f"{library}: mean and share of missing pixels are {theirs}, ours are {mine}")
        return
    share = distance(mine, theirs, workload.tolerance)
    if share > workload.share:
        raise SystemExit(
            f"{library}: {share:.3%} of the values differ from ours by more than {workload.tolerance:g}; "
            f"allowed are {workload.share:.3%}"
        )


def _in_fresh_process(what: str, options: list[str]) -> str:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks", *options]
    environment = {**os.environ, **(remote.GDAL if "--url" in options else {})}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{what} failed:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
