"""A small HTTP server for the tiles of maps, which only this machine can reach and only the map knows."""

from __future__ import annotations

import logging
import re
import secrets
import select
import socket
import threading
import weakref
from collections import OrderedDict, deque
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from dawnlight.accessor._live_tiles import empty_png
from dawnlight.errors import DawnlightError, ParameterError

__all__ = ["LiveTiles"]

logger = logging.getLogger("dawnlight.tiles")

_PATH = re.compile(r"/([\w-]{20,64})/(\d{1,2})/(\d{1,9})/(\d{1,9})\.png")
_MOST_ZOOM = 24
_AT_ONCE = 4
_MOST_CONNECTIONS = 32
_MOST_TILES = 512
_MOST_FAILURES = 200
_PATIENCE = 30.0
_POLL = 0.2


class Tiles(Protocol):
    """Whatever can draw a tile."""

    def png(self, z: int, x: int, y: int) -> bytes:
        """Return the tile as PNG; an error means that it is drawn empty and reported."""
        ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A tile that could not be drawn."""

    layer: str
    z: int
    x: int
    y: int
    reason: str


class LiveTiles:
    """Serves tiles on 127.0.0.1 until it is closed, forgotten, or Python ends.

    Parameters
    ----------
    layers : dict of str to Tiles
        Name of each layer and what draws it.
    proxy : str, optional
        Where browsers on other machines find the port of this one, with ``{port}`` in it.

    Notes
    -----
    Every layer has a token of 256 random bits in its URLs. Nothing but ``GET /token/z/x/y.png`` is answered.
    At most four tiles are computed at once, the last 512 are kept, and one that fails is answered with an
    empty picture and noted for `report`.
    """

    def __init__(self, layers: dict[str, Tiles], proxy: str | None = None) -> None:
        if proxy is not None and "{port}" not in proxy:
            raise ParameterError(
                f"proxy={proxy!r} must hold {{port}}, as in '/user/me/proxy/{{port}}' of jupyter-server-proxy"
            )
        self._desk = _Desk(layers)
        self._server = _Server(self._desk, any_host=proxy is not None)
        port = self._server.server_port
        place = (
            f"http://127.0.0.1:{port}" if proxy is None else proxy.replace("{port}", str(port)).rstrip("/")
        )
        self.urls = {
            name: f"{place}/{token}/{{z}}/{{x}}/{{y}}.png" for token, name in self._desk.names.items()
        }
        self._finalizer = weakref.finalize(self, self._server.stop)

    @property
    def port(self) -> int:
        """Port on the loopback interface."""
        return int(self._server.server_port)

    def report(self) -> list[dict[str, Any]]:
        """List the tiles that could not be drawn: ``layer``, ``z``, ``x``, ``y`` and ``reason``."""
        return [asdict(failure) for failure in list(self._desk.failures)]

    def close(self) -> None:
        """Stop serving; tiles that are being computed are finished."""
        self._finalizer()
        self._server.wait()


class _Desk:
    """Looks tiles up and has them computed, a few at once."""

    def __init__(self, layers: dict[str, Tiles]) -> None:
        self.names = {secrets.token_urlsafe(32): name for name in layers}
        self.failures: deque[Failure] = deque(maxlen=_MOST_FAILURES)
        self._sources = {token: layers[name] for token, name in self.names.items()}
        self._kept: OrderedDict[tuple[str, int, int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_AT_ONCE)

    def find(self, path: str) -> tuple[str, int, int, int] | None:
        """Return which tile a path means; None if it means none."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        token = next(
            (each for each in self.names if secrets.compare_digest(each.encode(), found[1].encode())), None
        )
        z, x, y = (int(number) for number in found.groups()[1:])
        if token is None or z > _MOST_ZOOM or x >= 2**z or y >= 2**z:
            return None
        return token, z, x, y

    def draw(self, key: tuple[str, int, int, int], wanted: Any) -> tuple[bytes, bool]:
        """Return a tile, and whether it is sound.

        Parameters
        ----------
        key
            From `find`.
        wanted
            Function that tells whether the tile is still waited for.
        """
        picture = self._look_up(key)
        if picture is not None:
            return picture, True
        with self._slots:
            picture = self._look_up(key)
            if picture is not None or not wanted():
                return picture or b"", picture is not None
            try:
                picture = self._sources[key[0]].png(*key[1:])
            except Exception as error:  # whatever reading and computing raise: told by `report`
                self._note(key, error)
                return empty_png(), False
        with self._lock:
            self._kept[key] = picture
            while len(self._kept) > _MOST_TILES:
                self._kept.popitem(last=False)
        return picture, True

    def _look_up(self, key: tuple[str, int, int, int]) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _note(self, key: tuple[str, int, int, int], error: Exception) -> None:
        kind = "" if isinstance(error, DawnlightError) else f"{type(error).__name__}: "
        failure = Failure(self.names[key[0]], *key[1:], f"{kind}{error}")
        if failure not in self.failures:
            self.failures.append(failure)
            logger.warning("tile %d/%d/%d of %r: %s", *key[1:], failure.layer, failure.reason)


class _Server(ThreadingHTTPServer):
    """Listens in a thread of its own, which never keeps Python from ending."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, desk: _Desk, *, any_host: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.desk = desk
        self._any_host = any_host
        self.timeout = _POLL
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dawnlight-tiles", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            self.handle_request()
        self.server_close()

    def stop(self) -> None:
        """Ask the thread to end; may be called from any, also by the garbage collector."""
        self._stopped.set()

    def wait(self) -> None:
        """Wait until the port is free."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Refuse what would be one connection too many."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in the log, and not on the terminal, that a browser went away."""
        logger.debug("a connection ended early", exc_info=True)

    def knows(self, host: str) -> bool:
        """Whether a request means this machine: names of others that lead here are a known attack."""
        return self._any_host or host.rpartition(":")[0] in ("127.0.0.1", "localhost")

    @property
    def is_stopped(self) -> bool:
        """Whether no more tiles are drawn."""
        return self._stopped.is_set()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET of tiles and nothing else."""

    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "dawnlight"
    sys_version = ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answer with a tile."""
        key = self.server.desk.find(self.path) if self.server.knows(self.headers.get("Host", "")) else None
        if key is None or self.server.is_stopped:
            self.send_error(404)
            return
        picture, sound = self.server.desk.draw(key, self._is_wanted)
        if not picture:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(picture)))
        self.send_header("Cache-Control", "private, max-age=600" if sound else "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(picture)

    def _is_wanted(self) -> bool:
        """Whether the browser still waits: those who pan on close their connections."""
        if self.server.is_stopped:
            return False
        readable, _, _ = select.select([self.connection], [], [], 0)
        return not readable or self.connection.recv(1, socket.MSG_PEEK) != b""

    def log_message(self, format: str, *args: Any) -> None:
        """Note requests in the log, without their tokens."""
        logger.debug("answered a request for a tile")
