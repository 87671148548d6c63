"""Acts under strace: what they call, and what becomes of the catalog when a call kills, or fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WRITES = (
    "write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "ftruncate", "fallocate", "rename",
    "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "link", "linkat",
    "copy_file_range", "sendfile",
)  # fmt: skip
"""All calls that change what is on disk: a process that dies between two of them leaves the same as if it had
died at the second."""
_CALL = re.compile(r"^(\d+)\s+(\w+)\((.*)$")
ALL = os.environ.get("DAWNLIGHT_FAULTS") == "all"
"""Whether to break every call, not only some of them."""


@dataclass(frozen=True)
class Call:
    """One call of the kernel in a trace."""

    name: str
    number: int
    """How many calls of this name the thread has made, this one included."""
    text: str
    """Arguments and result."""
    thread: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.number}"


@dataclass(frozen=True)
class Told:
    """What an act said."""

    lines: tuple[str, ...]

    @property
    def acknowledged(self) -> int:
        """How many of its calls returned."""
        return sum(line.startswith("ACK ") for line in self.lines)

    @property
    def ended(self) -> bool:
        return "END" in self.lines

    @property
    def error(self) -> str | None:
        """Class and message of the error of our own that ended it."""
        return next((line[4:] for line in self.lines if line.startswith("ERR ")), None)

    @property
    def states(self) -> list[Any]:
        """What the catalog held after each call."""
        return [json.loads(line[6:]) for line in self.lines if line.startswith("STATE ")]

    def words(self, number: int) -> list[str]:
        """Return what was said with an acknowledgement."""
        found = [line.split()[2:] for line in self.lines if line.startswith("ACK ")]
        return found[number]


class Stage:
    """Plays acts in processes of their own; see ``_stage.py``."""

    def __init__(self, strace: str, folder: Path) -> None:
        self._strace = strace
        self._folder = folder
        self._out = folder / "out"
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("_stage.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def play(
        self,
        act: str,
        *arguments: Any,
        traced: Sequence[str] = (),
        inject: str | None = None,
        log: Path | None = None,
        options: Sequence[str] = ("-y",),
        limits: dict[str, int] | None = None,
        record: bool = False,
    ) -> Told:
        """Play an act, under the tracer if something is to be traced."""
        self._out.unlink(missing_ok=True)
        request = {
            "act": act,
            "arguments": [str(each) if isinstance(each, Path) else each for each in arguments],
            "out": str(self._out),
            "limits": limits or {},
            "record": record,
        }
        pid = int(self._ask(request))
        tracer = None
        if traced:
            command = [self._strace, "-f", "-qq", *options, "-o", str(log or os.devnull), "-p", str(pid)]
            command += ["-e", "trace=" + ",".join(f"?{name}" for name in traced)]
            command += ["-e", f"inject={inject}"] if inject else []
            tracer = subprocess.Popen(command)
            _await_tracer(pid, tracer)
        self._ask("go")
        if tracer is not None:
            tracer.wait(60)
        text = self._out.read_text() if self._out.exists() else ""
        assert "BUG" not in text, text
        return Told(tuple(text.splitlines()))

    def calls(
        self, folder: Path, act: str, *arguments: Any, traced: Sequence[str]
    ) -> tuple[Told, list[Call]]:
        """Play an act and return its calls that touch a folder."""
        log = self._folder / "log"
        told = self.play(act, *arguments, traced=traced, log=log)
        assert told.ended, told
        return told, [call for call in read_log(log) if str(folder) in call.text]

    def _ask(self, request: object) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def read_log(path: Path) -> list[Call]:
    """Return the calls of a log, in the order in which they began."""
    counts: Counter[tuple[str, str]] = Counter()
    found = []
    for line in path.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match:
            thread, name, text = match.groups()
            counts[thread, name] += 1
            found.append(Call(name, counts[thread, name], text, thread))
    return found


def spread(calls: Sequence[Call], most: int) -> list[Call]:
    """Choose some calls, evenly from the first to the last; all of them if that is asked for."""
    if ALL or len(calls) <= most:
        return list(calls)
    return [calls[round(at * (len(calls) - 1) / (most - 1))] for at in range(most)]


def start_again(template: Path, folder: Path) -> None:
    """Put a copy of a closed catalog into the place of another."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)


def find_strace() -> str:
    """Return the path of strace where it may trace; in CI it must."""
    found = shutil.which("strace")
    if found is not None and not subprocess.run([found, "-o", os.devnull, "true"], check=False).returncode:
        return found
    if os.environ.get("DAWNLIGHT_CI"):
        pytest.fail("strace is missing or may not trace, so no fault of the file system can be tested")
    pytest.skip("needs strace, and the permission to trace")


def _await_tracer(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
        assert tracer.poll() is None, "strace cannot attach"
        time.sleep(0.001)
