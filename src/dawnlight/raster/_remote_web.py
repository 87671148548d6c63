"""The plain web client: it sees the head of every answer, and takes any URL.

It serves where obstore cannot: URLs with a query (signed ones), servers that ask to wait (obstore does not
show Retry-After) or that ignore the range, and forked processes (obstore's threads do not survive a fork).
Proxies, certificates and passwords come from the environment and ``.netrc``, as `requests` finds them.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from dawnlight.raster._remote_answers import (
    Answer,
    Trouble,
    check_kind,
    of_status,
    parse_place,
    parse_wait,
    to_nanoseconds,
)

__all__ = ["ask_web", "forget_sessions"]

MAX_WHOLE = 16 * 2**20
"""A server that ignores the range may send a whole file of so many bytes."""

_CONNECT = 10.0
_PIECE = 2**18
_TRICKLE = 2**12
_lock = threading.Lock()
_session: Any = None


def ask_web(href: str, offset: int, size: int, timeout: float) -> Answer:
    """Ask a web server for bytes of a file, once.

    Parameters
    ----------
    href
        An ``http`` or ``https`` URL.
    offset, size
        Which bytes.
    timeout
        Seconds until the last byte is there.

    Raises
    ------
    Trouble
        Anything but those bytes.
    """
    import requests
    from urllib3.exceptions import HTTPError

    end = time.monotonic() + timeout
    headers = {"Range": f"bytes={offset}-{offset + size - 1}", "Accept-Encoding": "identity"}
    try:
        with _open_session().get(
            href, headers=headers, stream=True, timeout=(min(_CONNECT, timeout), timeout)
        ) as reply:
            return _answer(reply, offset, size, end)
    except requests.TooManyRedirects:
        raise Trouble("the server's redirects do not end") from None
    except requests.exceptions.SSLError as error:
        raise Trouble(f"no secure connection ({_short(error)})") from error
    except (requests.Timeout, TimeoutError):
        raise Trouble(f"no answer within {timeout:g} s", again=True) from None
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, HTTPError, OSError) as error:
        if isinstance(error, requests.RequestException) and not isinstance(
            error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError
        ):
            raise Trouble(f"cannot be asked for ({_short(error)})") from error
        raise Trouble(f"the connection broke ({_short(error)})", again=True) from error


def forget_sessions() -> None:
    """Start afresh: a forked child must not share its parent's connections."""
    global _session, _lock
    _session = None
    _lock = threading.Lock()


def _open_session() -> Any:
    global _session
    with _lock:
        if _session is None:
            import requests

            made = requests.Session()
            made.max_redirects = 5
            adapter = requests.adapters.HTTPAdapter(pool_connections=16, pool_maxsize=64)
            made.mount("http://", adapter)
            made.mount("https://", adapter)
            _session = made
        return _session


def _answer(reply: Any, offset: int, size: int, end: float) -> Answer:
    head = reply.headers
    status = reply.status_code
    if status not in (200, 206):
        raise of_status(status, wait=parse_wait(head.get("Retry-After")))
    check_kind(head.get("Content-Type"))
    if head.get("Content-Encoding", "identity") != "identity":
        raise Trouble(f"the server sends the file compressed ({head['Content-Encoding']}), not as it is")
    etag, modified = head.get("ETag"), to_nanoseconds(head.get("Last-Modified"))
    if status == 206:
        start, stop, total = parse_place(head.get("Content-Range"))
        wanted = min(offset + size, total) if total is not None else stop
        if start != offset or stop != wanted:
            raise Trouble(f"the server sends bytes {start}-{stop} where {offset}-{wanted} were asked for")
        body = _body(reply, stop - start, end)
        return Answer(body=body, size=total, etag=etag, modified_ns=modified)
    length = head.get("Content-Length", "")
    if not length.isdecimal() or int(length) > MAX_WHOLE:
        raise Trouble(
            "the server does not serve parts of files: asked for some bytes it sends the whole file; "
            "download the file and add the copy"
        )
    whole = _body(reply, int(length), end)
    return Answer(
        body=whole[offset : offset + size], size=len(whole), etag=etag, modified_ns=modified, whole=whole
    )


def _body(reply: Any, size: int, end: float) -> memoryview:
    body = bytearray(size)
    view = memoryview(body)
    # At most what is there now, so that a slow trickle is noticed; urllib3 has that from 2.1 on.
    some = getattr(reply.raw, "read1", None) or (lambda most: reply.raw.read(min(most, _TRICKLE)))
    place = 0
    while place < size:
        piece = some(min(_PIECE, size - place))
        if not piece:
            raise Trouble(f"the server sent {place} of {size} bytes", again=True)
        view[place : place + len(piece)] = piece
        place += len(piece)
        if time.monotonic() > end and place < size:
            raise TimeoutError
    return view.toreadonly()


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
