"""Range reads: a server of its own process serves the archive on the loopback interface, slowly, and counts.

``python -m benchmarks.remote FOLDER`` is that server: it waits 50 ms before each answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.archive import Scene, scenes

DELAY = 0.05
"""Seconds before each answer."""
GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2TLS",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "67108864",
    "CPL_VSIL_CURL_CACHE_SIZE": "268435456",
    "GDAL_CACHEMAX": "512",
}
"""Settings for whoever reads through GDAL: those that serve it best here."""
_HEADERS = "-/headers"


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Start the server; gives its address."""
    command = [sys.executable, "-m", "benchmarks.remote", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def served(found: list[Scene], url: str) -> list[Scene]:
    """Return scenes with the addresses of their files."""
    return [
        replace(scene, files={band: f"{url}/{Path(path).name}" for band, path in scene.files.items()})
        for scene in found
    ]


def counts(url: str) -> dict[str, float]:
    """Return requests, those among them that begin in a file's header, and bytes, since the last call."""
    found = _ask(f"{url}/-/counts")
    with urllib.request.urlopen(f"{url}/{_HEADERS}") as reply:
        headers = int(reply.headers["Header-Requests"])
    _ask(f"{url}/-/counts")  # asking for the headers was counted, too
    return {"requests": found["requests"], "bytes": found["bytes"], "header_requests": headers}


def _ask(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url) as reply:
        found: dict[str, int] = json.load(reply)
    return found


def _header_bytes(path: str) -> int:
    """Return where the first pixels of a file are stored: its directories end before."""
    import rasterio

    found = []
    with rasterio.open(path) as file:
        levels = len(file.overviews(1))
        found.append(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    for level in range(levels):
        with rasterio.open(path, OVERVIEW_LEVEL=level) as file:
            found.append(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    return min(int(offset) for offset in found)


def main() -> None:
    """Serve a folder until the standard input ends."""
    from dawnlight.testing._range_server import Asked, Fault, RangeServer

    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    ends = {Path(p).name: _header_bytes(p) for scene in scenes(options.folder) for p in scene.files.values()}
    in_headers = 0

    def look(_number: int, asked: Asked) -> Fault | None:
        nonlocal in_headers
        if asked.name == _HEADERS:
            told, in_headers = in_headers, 0
            return Fault(kind="status", status=200, headers={"Header-Requests": str(told)})
        in_headers += asked.start < ends.get(asked.name, 0)
        return None

    with RangeServer(options.folder, delay=DELAY, fault=look) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
