from __future__ import annotations

import gc
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from dawnlight.accessor._live_server import LiveTiles
from dawnlight.accessor._live_tiles import empty_png
from dawnlight.errors import ParameterError


class Fake:
    """Draws tiles that say which they are."""

    def __init__(self, draw: Callable[[int, int, int], bytes] | None = None) -> None:
        self.asked: list[tuple[int, int, int]] = []
        self.draw = draw

    def png(self, z: int, x: int, y: int) -> bytes:
        self.asked.append((z, x, y))
        return b"tile %d %d %d" % (z, x, y) if self.draw is None else self.draw(z, x, y)


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def live(fake: Fake) -> Iterator[LiveTiles]:
    live = LiveTiles({"one": fake, "two": Fake()})
    yield live
    live.close()


def ask(
    live: LiveTiles, path: str, method: str = "GET", **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def path_of(live: LiveTiles, z: int = 3, x: int = 1, y: int = 2, layer: str = "one") -> str:
    return urlsplit(live.urls[layer].format(z=z, x=x, y=y)).path


def test_tiles_are_served_and_kept(live: LiveTiles, fake: Fake) -> None:
    for _ in range(2):
        status, body, headers = ask(live, path_of(live))
        assert (status, body) == (200, b"tile 3 1 2")
        assert headers["Content-Type"] == "image/png"
    assert fake.asked == [(3, 1, 2)]
    assert ask(live, path_of(live, layer="two"))[1] == b"tile 3 1 2"
    assert fake.asked == [(3, 1, 2)]


def test_tokens_are_long_and_each_its_own(live: LiveTiles) -> None:
    tokens = {urlsplit(url).path.split("/")[1] for url in live.urls.values()}
    assert len(tokens) == 2
    assert all(len(token) == 43 for token in tokens)
    assert all(url.startswith(f"http://127.0.0.1:{live.port}/") for url in live.urls.values())


HOSTILE = [
    "/",
    "/{token}",
    "/{token}/",
    "/{token}/3/1/2",
    "/{token}/3/1/2.png?x=1",
    "/{token}/3/1/2.png/",
    "/{token}/3/1/2.jpg",
    "/{token}/3/8/2.png",
    "/{token}/3/1/8.png",
    "/{token}/25/1/1.png",
    "/{token}/-1/1/1.png",
    "/{token}/3/1/2.png%00",
    "/{token}/3/%31/2.png",
    "/{token}/٣/1/2.png",
    "/{token}/3/1/99999999999999999999.png",
    "/{token}/../../../etc/passwd",
    "/{token}/3/1/../../../../../../etc/passwd",
    "//etc/passwd",
    "/..%2f..%2fetc/passwd",
    "http://127.0.0.1/{token}/3/1/2.png",
    "/{wrong}/3/1/2.png",
    "/{short}/3/1/2.png",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_every_other_path_is_refused(live: LiveTiles, fake: Fake, path: str) -> None:
    token = path_of(live).split("/")[1]
    wanted = path.format(token=token, wrong="A" * 43, short=token[:-1])
    status, body = raw(live, f"GET {wanted} HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\n\r\n")
    assert status == 404, wanted
    assert b"root:" not in body
    assert fake.asked == []


def raw(live: LiveTiles, request: str) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return int(answer.split()[1]), answer


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "TRACE"])
def test_every_other_method_is_refused(live: LiveTiles, fake: Fake, method: str) -> None:
    assert ask(live, path_of(live), method)[0] == 501
    assert fake.asked == []


def test_names_that_only_lead_here_are_refused(live: LiveTiles, fake: Fake) -> None:
    assert ask(live, path_of(live), Host=f"evil.example:{live.port}")[0] == 404
    assert ask(live, path_of(live), Host=f"localhost:{live.port}")[0] == 200


def test_it_listens_on_the_loopback_interface_only(live: LiveTiles) -> None:
    assert live._server.server_address[0] == "127.0.0.1"


def test_no_file_is_opened(live: LiveTiles, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins
    import os

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"opened {args}")

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", refuse)
        patch.setattr(os, "open", refuse)
        for path in ("/etc/passwd", path_of(live)):
            ask(live, path)


def test_an_error_is_an_empty_tile_and_a_line_of_the_report(caplog: pytest.LogCaptureFixture) -> None:
    def fail(z: int, x: int, y: int) -> bytes:
        raise (ParameterError("zoom in") if z == 1 else OSError("the disk is gone"))

    live = LiveTiles({"one": Fake(fail)})
    with caplog.at_level(logging.WARNING, "dawnlight"):
        for z in (1, 2, 2):
            status, body, headers = ask(live, path_of(live, z, 0, 0))
            assert (status, body) == (200, empty_png())
            assert headers["Cache-Control"] == "no-store"
    live.close()
    assert live.report() == [
        {"layer": "one", "z": 1, "x": 0, "y": 0, "reason": "zoom in"},
        {"layer": "one", "z": 2, "x": 0, "y": 0, "reason": "OSError: the disk is gone"},
    ]
    assert "the disk is gone" in caplog.text
    assert path_of(live).split("/")[1] not in caplog.text


def test_a_few_tiles_are_computed_at_once() -> None:
    now = most = 0
    lock, enough = threading.Lock(), threading.Event()

    def draw(z: int, x: int, y: int) -> bytes:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == 4:
                enough.set()
        enough.wait(20)
        with lock:
            now -= 1
        return b"x"

    live = LiveTiles({"one": Fake(draw)})
    threads = [threading.Thread(target=ask, args=(live, path_of(live, 5, k, 0))) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    live.close()
    assert most == 4


def test_tiles_that_nobody_waits_for_are_not_computed() -> None:
    hold, busy = threading.Event(), threading.Semaphore(0)

    def draw(z: int, x: int, y: int) -> bytes:
        busy.release()
        hold.wait(20)
        return b"x"

    fake = Fake(draw)
    live = LiveTiles({"one": fake})
    threads = [threading.Thread(target=ask, args=(live, path_of(live, 5, k, 0))) for k in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert busy.acquire(timeout=20)
    gone = socket.create_connection(("127.0.0.1", live.port), timeout=20)
    gone.sendall(f"GET {path_of(live, 5, 9, 9)} HTTP/1.1\r\nHost: localhost:1\r\n\r\n".encode())
    before = threading.active_count()
    deadline = time.monotonic() + 20
    while threading.active_count() <= before and time.monotonic() < deadline and before < 10:
        time.sleep(0.01)
    gone.close()
    hold.set()
    for thread in threads:
        thread.join(30)
    assert ask(live, path_of(live, 5, 8, 8))[0] == 200
    live.close()
    assert (5, 9, 9) not in fake.asked


def test_too_many_connections_are_turned_away(live: LiveTiles) -> None:
    kept = [socket.create_connection(("127.0.0.1", live.port), timeout=20) for _ in range(32)]
    try:
        for connection in kept:  # each has been taken when it has an answer
            connection.sendall(f"GET {path_of(live)} HTTP/1.1\r\nHost: localhost:1\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
        with socket.create_connection(("127.0.0.1", live.port), timeout=20) as late:
            assert late.recv(1) == b""
    finally:
        for connection in kept:
            connection.close()


def test_it_ends_with_close_and_with_the_last_reference() -> None:
    for end in ("close", "forget"):
        live = LiveTiles({"one": Fake()})
        port, thread = live.port, live._server._thread
        assert ask(live, path_of(live))[0] == 200
        if end == "close":
            live.close()
            live.close()
        del live
        gc.collect()
        thread.join(20)
        assert not thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_behind_a_proxy_urls_and_hosts_are_others() -> None:
    live = LiveTiles({"one": Fake()}, "/user/me/proxy/{port}/")
    assert live.urls["one"].startswith(f"/user/me/proxy/{live.port}/")
    assert (
        ask(live, "/" + live.urls["one"].format(z=0, x=0, y=0).split("/", 5)[5], Host="hub.example")[0] == 200
    )
    live.close()
    with pytest.raises(ParameterError, match="port"):
        LiveTiles({"one": Fake()}, "/proxy")
