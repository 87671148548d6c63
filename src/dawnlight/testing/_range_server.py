"""A web server for tests of remote reading: serves ranges of files, counts, delays and fails as told.

Run by hand it prints its address and serves a folder: ``python -m dawnlight.testing._range_server FOLDER``.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit

__all__ = ["Asked", "Fault", "RangeServer"]

COUNTS = "/-/counts"
"""Path that answers with the counts so far, as JSON, and sets them to zero."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    name: str
    """Path without the leading slash."""
    start: int
    """First byte asked for."""
    size: int
    """Number of bytes asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What to do instead of a proper answer."""

    kind: str
    """``"status"``, ``"reset"``, ``"short"``, ``"slow"``, ``"hang"``, ``"page"``, ``"whole"``, ``"flip"``,
    ``"redirect"`` or ``"loop"``."""
    status: int = 500
    """For ``"status"``."""
    headers: dict[str, str] = field(default_factory=dict)
    """For ``"status"``: more headers."""
    seconds: float = 0.0
    """For ``"slow"`` and ``"hang"``."""


class RangeServer:
    """Serves the files of a folder on the loopback interface; a context manager.

    Parameters
    ----------
    folder : path-like
        What to serve.
    delay : float, default: 0
        Seconds before each answer.
    fault : callable, optional
        Gets the number of the request (from 0) and the request; returns a `Fault`, or None for none.

    Examples
    --------
    >>> with RangeServer("/nowhere") as server:
    ...     server.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        delay: float = 0.0,
        fault: Callable[[int, Asked], Fault | None] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.delay = delay
        self.fault = fault
        self.asked: list[Asked] = []
        self.sent = 0
        self.busy = 0
        self.most_busy = 0
        self.lock = threading.Lock()
        self.stop = threading.Event()

    @property
    def url(self) -> str:
        """Address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> RangeServer:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget(self) -> None:
        """Begin to count anew."""
        with self.lock:
            self.asked.clear()
            self.sent = self.most_busy = 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    owner: RangeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 2**16
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def _serve(self, *, with_body: bool) -> None:
        owner = self.server.owner
        path = unquote(urlsplit(self.path).path)
        if path == COUNTS:
            with owner.lock:
                counts = {"requests": len(owner.asked), "bytes": owner.sent, "most": owner.most_busy}
            owner.forget()
            self._send(200, json.dumps(counts).encode(), {})
            return
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(found[1]) if found else 0
        stop = int(found[2]) + 1 if found and found[2] else None
        asked = Asked(path.lstrip("/"), start, -1 if stop is None else stop - start)
        with owner.lock:
            number = len(owner.asked)
            owner.asked.append(asked)
            owner.busy += 1
            owner.most_busy = max(owner.busy, owner.most_busy)
        try:
            if owner.delay:
                time.sleep(owner.delay)
            fault = owner.fault(number, asked) if owner.fault else None
            self._answer(asked, fault, with_body=with_body, ranged=found is not None)
        finally:
            with owner.lock:
                owner.busy -= 1

    def _answer(self, asked: Asked, fault: Fault | None, *, with_body: bool, ranged: bool) -> None:
        kind = fault.kind if fault else ""
        if fault and self._fail(fault):
            return
        file = self.server.owner.folder / asked.name
        if not file.is_file():
            self._send(404, b"", {})
            return
        size, status = file.stat().st_size, file.stat()
        headers = {
            "ETag": f'"{status.st_mtime_ns:x}-{size:x}"',
            "Last-Modified": self.date_time_string(int(status.st_mtime)),
            "Content-Type": "image/tiff",
            "Accept-Ranges": "bytes",
        }
        start, stop = asked.start, size if asked.size < 0 else min(asked.start + asked.size, size)
        if ranged and start >= size:
            self._send(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        if kind == "whole" or not ranged:
            start, stop, ranged = 0, size, False
        else:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        if not with_body:
            self._send(206 if ranged else 200, b"", headers, length=stop - start)
            return
        with file.open("rb") as opened:
            opened.seek(start)
            body = opened.read(stop - start)
        if kind == "flip":
            body = bytes([body[0] ^ 255]) + body[1:]
        if kind == "short":
            self._send(206, body[: len(body) // 2], headers, length=len(body))
            self._hang_up()
        elif kind == "slow" and fault:
            self._trickle(body, headers, fault.seconds)
        else:
            self._send(206 if ranged else 200, body, headers)

    def _fail(self, fault: Fault) -> bool:
        """Answer with a fault that needs no file; False for the others."""
        if fault.kind == "status":
            self._send(fault.status, b"no", fault.headers)
        elif fault.kind == "page":
            self._send(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif fault.kind == "loop":
            self._send(302, b"", {"Location": self.path})
        elif fault.kind == "redirect":
            self._send(302, b"", {"Location": self.path.replace("/from/", "/")})
        elif fault.kind == "reset":
            self._hang_up()
        elif fault.kind == "hang":
            self.server.owner.stop.wait(fault.seconds)
            self._hang_up()
        else:
            return False
        return True

    def _trickle(self, body: bytes, headers: dict[str, str], seconds: float) -> None:
        self._send(206, b"", headers, length=len(body))
        steps = 20
        size = -(-len(body) // steps)
        for start in range(0, len(body), size):
            if self.server.owner.stop.wait(seconds / steps):
                return
            self.wfile.write(body[start : start + size])
            self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            # Counted first: whoever has the last byte may look at the count at once.
            with self.server.owner.lock:
                self.server.owner.sent += len(body)
            self.wfile.write(body)
        self.wfile.flush()


def main() -> None:
    """Serve a folder until the standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    arguments = parser.parse_args()
    with RangeServer(arguments.folder, delay=arguments.delay) as server:
        print(server.url, flush=True)
        input()


if __name__ == "__main__":
    main()
