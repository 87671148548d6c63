"""``python -m benchmarks.growth``: how cost grows with images, bands and threads, as a picture.

Building a lazy array: 100 to 100,000 images of 1, 4 and 16 bands. Loading one: 1, 4 and 16 bands by 1, 2 and
4 threads. Each for Dawnlight and odc-stac; where odc-stac would take more than half a minute it is left out.
Writes ``benchmarks-growth.svg`` and the figures, ``benchmarks-growth.json``, into a folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.archive import Scene, build, linked
from benchmarks.machine import machine, versions
from benchmarks.measure import Run, measure
from benchmarks.prepare import Archive, Construction, builder, compute, grid

IMAGES = (100, 1_000, 10_000, 100_000)
BANDS = (1, 4, 16)
THREADS = (1, 2, 4)
LIBRARIES = ("ours", "odc")
ODC_MOST = 40_000
"""Images times bands that odc-stac is asked for: it takes about 0.4 ms for each."""
NAME = "benchmarks-growth"
_STYLES = {"ours": ("Dawnlight", "-", "o"), "odc": ("odc-stac", "--", "s")}
_COLORS = {1: "#4477aa", 4: "#228833", 16: "#cc6677"}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("benchmark-archive"))
    parser.add_argument("--out", type=Path, default=Path("docs/reference"), help="folder for the picture")
    parser.add_argument("--images", type=int, nargs="*", default=IMAGES, help="numbers of images to build")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        library, images, bands = options.one[0], int(options.one[1]), int(options.one[2])
        found = _load(options.folder, library, bands) if images == 0 else _build(library, images, bands)
        print(json.dumps(found))
        return
    write(options.folder, options.out, options.images)


def write(folder: Path, out: Path, sizes: Sequence[int] = IMAGES) -> None:
    """Measure, and write picture and figures into a folder."""
    out.mkdir(parents=True, exist_ok=True)  # before anything is measured
    build(folder)
    report: dict[str, Any] = {"machine": machine(), "versions": versions(), "built": [], "loaded": []}
    for bands in BANDS:
        for library in LIBRARIES:
            report["loaded"] += _in_fresh_process(folder, library, 0, bands)
            for images in sizes:
                if library == "ours" or images * bands <= ODC_MOST:
                    report["built"].append(_in_fresh_process(folder, library, images, bands))
    (out / f"{NAME}.json").write_text(json.dumps(report, indent=1) + "\n")
    draw(report, out / f"{NAME}.svg")


def _in_fresh_process(folder: Path, library: str, images: int, bands: int) -> Any:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.growth", "--folder", str(folder)]
    command += ["--one", library, str(images), str(bands)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{images} images x {bands} bands with {library} failed:\n{done.stderr}")
    print(f"{library}: {images} images x {bands} bands done", file=sys.stderr, flush=True)
    return json.loads(done.stdout.splitlines()[-1])


def _build(library: str, images: int, bands: int) -> dict[str, Any]:
    """Build a lazy array and pickle its graph."""
    prepare, nowhere = Construction(images=images, bands=bands), Archive(folder=Path())
    found = measure(prepare(nowhere, library, True), prepare(nowhere, library, False), None)
    return {"library": library, "images": images, "bands": bands, **found}


def _load(folder: Path, library: str, bands: int) -> list[dict[str, Any]]:
    """Load two dates of 2048² pixels by 1, 2 and 4 threads; each band has a file name of its own."""
    box, small_box = grid(2048), grid(256)
    found = []
    small = _many_bands(linked(folder, 12 * bands, first=20_000), bands)
    names = list(small[0].files)
    warm = builder(library, small[:2], names, small_box, chunk=1024)
    for position, threads in enumerate(THREADS):
        first = 10_000 + 1_000 * position
        scenes = _many_bands(linked(folder, 2 * bands, first=first), bands)
        build_array = builder(library, scenes, names, box, chunk=1024)

        def run(build_array: Any = build_array, threads: int = threads) -> Any:
            return compute(build_array(), threads)

        timed = measure(Run(call=lambda: compute(warm())), Run(call=run), None)
        found.append({"library": library, "threads": threads, "bands": bands, **timed})
    return found


def _many_bands(scenes: list[Scene], bands: int) -> list[Scene]:
    """Make one scene of so many: the first band of each is a band of it."""
    groups = [scenes[start : start + bands] for start in range(0, len(scenes), bands)]
    return [
        replace(group[0], files={f"b{k}": scene.files["red"] for k, scene in enumerate(group)})
        for group in groups
        if len(group) == bands
    ]


def draw(report: dict[str, Any], path: Path) -> None:
    """Draw three panels: time and size against images, time against threads."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.9), layout="constrained", facecolor="white")
    FigureCanvasSVG(figure)
    left, middle, right = figure.subplots(1, 3)
    panels = (
        (left, "built", "images", "cpu", 1.0, "CPU seconds to build the lazy array", "images"),
        (middle, "built", "images", "size", 1e6, "MB of its pickled graph", "images"),
        (right, "loaded", "threads", "wall", 1.0, "seconds to load 2 dates of 2048² pixels", "threads"),
    )
    for axes, part, across, key, scale, title, label in panels:
        for library, (_, line, marker) in _STYLES.items():
            for bands, color in _COLORS.items():
                rows = [r for r in report[part] if r["library"] == library and r["bands"] == bands]
                axes.plot(
                    [row[across] for row in rows],
                    [row[key] / scale for row in rows],
                    linestyle=line,
                    marker=marker,
                    markersize=4,
                    color=color,
                )
        axes.set(xscale="log", yscale="log", xlabel=label)
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3, which="major")
        axes.spines[["top", "right"]].set_visible(False)
    right.set_xscale("log", base=2)
    right.set_xticks(THREADS, [str(count) for count in THREADS])
    right.minorticks_off()
    _add_legend(figure)
    with mpl.rc_context({"svg.hashsalt": NAME}):
        figure.savefig(path, metadata={"Date": None})


def _add_legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color="#444444", linestyle=line, marker=marker, markersize=4, label=name)
        for name, line, marker in _STYLES.values()
    ]
    handles += [
        Line2D([], [], color=color, linewidth=4, label=f"{bands} band{'s' * (bands > 1)}")
        for bands, color in _COLORS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)


def words(folder: Path) -> str:
    """Return the part of the page about growth; empty when it was not measured."""
    path = folder / f"{NAME}.json"
    if not path.exists():
        return ""
    report = json.loads(path.read_text())
    ours = [row for row in report["built"] if row["library"] == "ours"]
    rows = [
        f"| {row['images']:,} x {row['bands']} | {row['cpu']:.3f} | {row['size'] / 1e6:.2f} "
        f"| {_odc(report, row)} |"
        for row in ours
    ]
    threads = [
        f"| {row['bands']} | {row['threads']} | {row['cpu']:.2f} | {row['wall']:.2f} | "
        f"{other['cpu']:.2f} | {other['wall']:.2f} |"
        for row in report["loaded"]
        if row["library"] == "ours"
        for other in report["loaded"]
        if other["library"] == "odc" and (other["bands"], other["threads"]) == (row["bands"], row["threads"])
    ]
    where = report["machine"]
    return "\n".join(
        [
            "## How cost grows",
            "",
            f"Measured on {where['date']} on {where['size']}, load {where['load']}; one run each. "
            "odc-stac is left out where it would take more than half a minute.",
            "",
            "![Cost against images, bands and threads for Dawnlight and odc-stac](" + f"{NAME}.svg)",
            "",
            "Building the lazy array; nothing is read:",
            "",
            "| images x bands | CPU s | graph MB | odc-stac: CPU s | graph MB |",
            "|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "Loading 2 dates of 2048² pixels in chunks of 1024² (more threads than cores gain nothing):",
            "",
            "| bands | threads | CPU s | wall s | odc-stac: CPU s | wall s |",
            "|---:|---:|---:|---:|---:|---:|",
            *threads,
        ]
    )


def _odc(report: dict[str, Any], mine: dict[str, Any]) -> str:
    for row in report["built"]:
        if (row["library"], row["images"], row["bands"]) == ("odc", mine["images"], mine["bands"]):
            return f"{row['cpu']:.2f} | {row['size'] / 1e6:.2f}"
    return "– | –"


if __name__ == "__main__":
    main()
