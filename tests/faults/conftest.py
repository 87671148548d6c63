"""A catalog that is driven through its command line only, and examined for what must never happen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.faults._tracing import Stage, find_strace

from dawnlight.geo import GeoBox
from dawnlight.testing._rasters import noise, write_raster

BOX = GeoBox.from_geotrans((500000, 10, 0, 4600000, 0, -10), (300, 280), 32615)
COMMAND = [sys.executable, "-c", "from dawnlight.cli import main; main()"]


class Harness:
    """One catalog in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "catalog"
        self.sources = folder / "sources"
        self.sources.mkdir()

    def make_files(self, count: int) -> list[Path]:
        """Make small images, each with pixels of its own."""
        return [
            write_raster(self.sources / f"i{number:03}_20240101.tif", noise((300, 280), seed=number), BOX)
            for number in range(count)
        ]

    def command(self, name: str, *arguments: str, under: tuple[str, ...] = ()) -> list[str]:
        """Return the command line of a subcommand, under a tracer if given."""
        return [*under, *COMMAND, name, *arguments, "--catalog", str(self.folder)]

    def start(self, name: str, *arguments: str, under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start a subcommand."""
        return subprocess.Popen(
            self.command(name, *arguments, under=under),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, name: str, *arguments: str, under: tuple[str, ...] = (), timeout: float = 120) -> str:
        """Run a subcommand to its end and return what it printed."""
        process = self.start(name, *arguments, under=under)
        out, _ = process.communicate(timeout=timeout)
        return out

    def ask(self, name: str, *arguments: str) -> Any:
        """Run a subcommand that answers in JSON."""
        return json.loads(self.run(name, *arguments, "--json"))

    def check(self, acknowledged: set[str]) -> dict[str, str]:
        """Carry out what is left and see that nothing was lost, doubled or damaged; return the statuses."""
        self.run("worker", "--drain", "--lease", "2")
        uploads = {row["id"]: row for row in self.ask("uploads", "-n", "0")}
        assert acknowledged <= uploads.keys(), "an acknowledged upload was lost"
        assert {uploads[id_]["status"] for id_ in acknowledged} <= {"success"}, uploads
        assert self.run("doctor", "--deep").strip().endswith("no problems found")
        self.run("gc", "--grace", "0")
        stored = [path for path in (self.folder / "blobs").rglob("*") if path.suffix == ".tif"]
        done = [row for row in uploads.values() if row["status"] == "success"]
        assert len(stored) == len({row["image"] for row in done}), "a file without an image, or none for one"
        assert not list((self.folder / "uploads").iterdir())
        assert not list((self.folder / "blobs" / "incoming").iterdir())
        return {row["image"]: row["status"] for row in uploads.values()}


@pytest.fixture
def harness(tmp_path: Path) -> Harness:
    return Harness(tmp_path)


@pytest.fixture(scope="session")
def strace() -> str:
    """Path of strace, where it may trace."""
    return find_strace()


@pytest.fixture(scope="session")
def stage(strace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A process that plays acts under strace."""
    stage = Stage(strace, tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()
