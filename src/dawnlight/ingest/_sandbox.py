"""The child process in which files from outside are opened: how it is started, watched and ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["ChildFailure", "run_child"]

# A path to libraries and data may be needed to start at all; nothing else of the user's environment is.
_KEPT = (
    "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "CONDA_PREFIX",
    "GDAL_DATA", "PROJ_DATA", "PROJ_LIB",
)  # fmt: skip
_SET = {
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "GDAL_CACHEMAX": "128",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "PROJ_NETWORK": "OFF",
    # No request leaves the process, whatever a library thinks it needs.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
}
# `import dawnlight` registers the accessor of xarray, and that takes longer to import than all the rest.
_CODE = """
import sys, types
sys.path[:] = {path!r}
sys.modules["dawnlight.accessor"] = types.ModuleType("dawnlight.accessor")
from dawnlight.ingest._child import main
main()
"""
MEMORY_BYTES = 4 * 2**30
"""Address space of the child; about 1 GiB of it is real memory at most."""
START_SECONDS = 10
"""Processor time for starting Python and opening the files."""
_OPENING_WALL = 120.0
_BYTES_PER_SECOND = 2**19
_LOOK = 0.1
_MOST_LINE = 64 * 2**20


class ChildFailure(Exception):  # noqa: N818 - never leaves the package: it becomes an event of the upload
    """The child could not do its work.

    Parameters
    ----------
    message : str
        Why, for the user.
    passing : bool
        Whether it may work at another time.
    kind : str
        Value of `ImageUploadEventType`.
    """

    def __init__(self, message: str, *, passing: bool = False, kind: str = "error") -> None:
        super().__init__(message)
        self.passing = passing
        self.kind = kind


def run_child(
    request: Mapping[str, Any], *, keep: Callable[[], bool] = lambda: True, wall: float = _OPENING_WALL
) -> dict[str, Any] | None:
    """Carry out a request in a child process.

    Parameters
    ----------
    request : mapping
        See `dawnlight.ingest._child`; memory and processor limits are filled in.
    keep : callable
        Called several times a second; False ends the child.
    wall : float, default: 120
        Seconds for opening the files; the time for the rest grows with their pixels.

    Returns
    -------
    dict or None
        The reply; None if `keep` returned False.

    Raises
    ------
    ChildFailure
        Files were refused, or the child crashed or took too long.
    """
    full = {"memory_bytes": MEMORY_BYTES, "seconds": START_SECONDS, **request}
    with (
        tempfile.TemporaryDirectory(prefix="dawnlight-child-") as folder,
        open(Path(folder) / "stderr", "w+b") as errors,
    ):
        child = _start(full, folder, errors)
        try:
            return _follow(child, keep, wall, errors)
        finally:
            _end(child)


def _start(request: Mapping[str, Any], folder: str, errors: Any) -> subprocess.Popen[str]:
    work = Path(folder) / "empty"
    work.mkdir()
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {**_SET, "HOME": str(work), "TMPDIR": str(work)}
    path = [entry for entry in sys.path if entry and os.path.exists(entry)]
    code = _CODE.format(path=path)
    child = subprocess.Popen(
        [sys.executable, "-I", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=work,
        env=environment,
        text=True,
        close_fds=True,
        start_new_session=True,
    )
    assert child.stdin is not None  # for mypy
    # It may die at once; how is told when it is waited for.
    with contextlib.suppress(OSError):
        child.stdin.write(json.dumps(request) + "\n")
        child.stdin.flush()
    return child


def _follow(
    child: subprocess.Popen[str], keep: Callable[[], bool], wall: float, errors: Any
) -> dict[str, Any] | None:
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_pump, args=(child, lines), daemon=True).start()
    end = time.monotonic() + wall
    while True:
        try:
            line = lines.get(timeout=_LOOK)
        except queue.Empty:
            if not keep():
                return None
            if time.monotonic() > end:
                raise ChildFailure(
                    "took longer than it may; the file may be made to never end", kind="timeout"
                ) from None
            continue
        reply = _parse(line)
        if reply is None:
            raise _crash(child, errors)
        if "bytes" in reply:
            end = time.monotonic() + wall + reply["bytes"] / _BYTES_PER_SECOND
        elif reply.get("ok"):
            return reply
        else:
            raise ChildFailure(str(reply.get("message")), passing=bool(reply.get("passing")))


def _pump(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert child.stdout is not None  # for mypy
    # A line of a child that is under the control of its file could be endless.
    for line in iter(lambda: child.stdout.readline(_MOST_LINE), ""):  # type: ignore[union-attr]  # see above
        lines.put(line)
        if len(line) == _MOST_LINE:
            break
    lines.put("")


def _parse(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _crash(child: subprocess.Popen[str], errors: Any) -> ChildFailure:
    try:
        code = child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return ChildFailure("the child process answers nonsense")
    errors.seek(0)
    text = errors.read()[-2000:].decode(errors="replace").strip()
    last = text.splitlines()[-1] if text else ""
    if -code == signal.SIGXCPU:
        return ChildFailure("took more processor time than it may", kind="timeout")
    if "MemoryError" in text or "bad_alloc" in text:
        return ChildFailure("needs more memory than it may have")
    if -code == signal.SIGKILL:
        # The kernel does this when memory runs out, and people do it.
        return ChildFailure("the child process was killed", passing=True)
    if code < 0:
        name = signal.Signals(-code).name
        return ChildFailure(f"reading it crashed the child process ({name}); the file is damaged")
    return ChildFailure(f"the child process ended with code {code}: {last}", passing=True)


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
