"""Bytes of remote files: attempts are counted, waits end, and a file that changed is noticed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from dawnlight._options import get_options
from dawnlight.errors import RasterChangedError, RasterError, RasterReadError
from dawnlight.raster._forks import after_fork
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import Fingerprint
from dawnlight.raster._remote_answers import Answer, Trouble
from dawnlight.raster._remote_store import ask_store, forget_store, forget_stores, serves
from dawnlight.raster._remote_web import ask_web, forget_sessions
from dawnlight.raster._unchanged import REGISTER_AGAIN, check_unchanged

__all__ = ["HEAD_BYTES", "HeaderBytes", "RemoteFile", "can_ask", "learn"]

HEAD_BYTES = 2**16
"""How much of a file is asked for at first: most headers of cloud-optimised files fit."""

_FIRST_WAIT = 0.25
_LONGEST_WAIT = 10.0
_PLAIN_FOR = 60.0  # seconds for which a host that is short of breath is asked by the plain client


class RemoteFile:
    """A file on a server or in a bucket, read by position; threads share it.

    What the first answer says of the file (size, ETag, time) is remembered, and every later answer is
    compared with it: no extra request is needed to notice that the file changed.

    Parameters
    ----------
    file
        Its location, and what was registered of it.
    """

    def __init__(self, file: FileRef) -> None:
        self.file = file
        self.size: int | None = file.size_bytes
        self.modified_ns: int | None = file.modified_ns
        self._etag: str | None = None
        self._whole: memoryview | None = None

    def read(self, offset: int, size: int) -> memoryview:
        """Return bytes from a position; fewer only at the end of the file.

        Raises
        ------
        RasterNotFoundError
            There is no such file.
        RasterChangedError
            It is not the file that was registered, or read before.
        RasterReadError
            The server gave no bytes, in as many attempts as ``options.read_attempts`` allows.
        """
        if self._whole is not None:
            return self._whole[offset : offset + size]
        answer = _ask(self.file.href, offset, size)
        self._check(answer)
        if answer.whole is not None:
            self._whole = answer.whole
        return answer.body

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Return the bytes of many (offset, size), asked for together; near ones in one request."""
        from dawnlight.raster._remote_ahead import Ahead

        with Ahead([(self, offset, size) for offset, size in ranges]) as ahead:
            return [ahead.take(self, offset, size) for offset, size in ranges]

    def _check(self, answer: Answer) -> None:
        found = Fingerprint(size_bytes=answer.size, modified_ns=answer.modified_ns)
        check_unchanged(self.file, found)
        seen = FileRef(
            href=self.file.href, size_bytes=self.size, modified_ns=self.modified_ns, shape=self.file.shape
        )
        check_unchanged(seen, found)
        if self._etag is not None and answer.etag is not None and answer.etag != self._etag:
            raise RasterChangedError(
                f"{self.file.href}: changed while it was in use: its ETag is {answer.etag}, was "
                f"{self._etag}; "
                f"{REGISTER_AGAIN}"
            )
        self.size = answer.size if self.size is None else self.size
        self.modified_ns = answer.modified_ns if self.modified_ns is None else self.modified_ns
        self._etag = self._etag or answer.etag


class HeaderBytes:
    """Small reads of a file's directories, out of few large ones that are kept until it is dropped."""

    def __init__(self, remote: RemoteFile) -> None:
        self._remote = remote
        self._blocks: dict[int, bytes] = {0: bytes(remote.read(0, HEAD_BYTES))}

    def read(self, offset: int, size: int) -> bytes:
        """Return bytes from a position; fewer at the end of the file."""
        first, last = offset // HEAD_BYTES, max(offset + size - 1, offset) // HEAD_BYTES
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        if missing:
            total = self._remote.size
            start, stop = missing[0] * HEAD_BYTES, (missing[-1] + 1) * HEAD_BYTES
            data = b"" if total is not None and start >= total else self._remote.read(start, stop - start)
            for number in range(missing[0], missing[-1] + 1):
                at = (number - missing[0]) * HEAD_BYTES
                self._blocks.setdefault(number, bytes(data[at : at + HEAD_BYTES]))
        joined = b"".join(self._blocks[number] for number in range(first, last + 1))
        at = offset - first * HEAD_BYTES
        return joined[at : at + size]


def can_ask(href: str) -> bool:
    """Tell whether the file can be asked for here: buckets need obstore and credentials that it finds."""
    return href.startswith("http") or serves(href)


def learn(href: str) -> Fingerprint:
    """Ask a server for the size of a file and when it was modified; empty where it does not say.

    Parameters
    ----------
    href
        A normalised URL.

    Returns
    -------
    Fingerprint
    """
    if not can_ask(href):
        return Fingerprint()
    remote = RemoteFile(FileRef(href=href, shape=(0, 0)))
    try:
        remote.read(0, 16)
    except RasterError:
        return Fingerprint()
    return Fingerprint(size_bytes=remote.size, modified_ns=remote.modified_ns)


class _Host:
    """What a server asked of everybody: to wait, and to be listened to."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self.plain_until = 0.0


_hosts: dict[str, _Host] = {}
_MAX_HOSTS = 1024


def _host(href: str) -> _Host:
    if len(_hosts) > _MAX_HOSTS:
        _hosts.clear()
    return _hosts.setdefault(urlsplit(href).netloc, _Host())


def _ask(href: str, offset: int, size: int) -> Answer:
    """Ask for bytes until they come, the failure is final, or no attempt is left."""
    options = get_options()
    host = _host(href)
    web = href.startswith("http")
    attempt = 0
    while True:
        attempt += 1
        time.sleep(min(max(host.free_at - time.monotonic(), 0.0), float(options.read_timeout)))
        try:
            if web and (time.monotonic() < host.plain_until or not serves(href)):
                return ask_web(href, offset, size, options.read_timeout)
            return ask_store(href, offset, size, options.read_timeout)
        except Trouble as trouble:
            left = options.read_attempts - attempt
            if web and trouble.plain:
                host.plain_until = time.monotonic() + _PLAIN_FOR
            if not trouble.again:
                if trouble.status == 403 and attempt == 1 and left and forget_store(href):
                    continue  # credentials may have run out
                raise trouble.error(f"{href}: {trouble}") from trouble
            if not left:
                tries = f", in {attempt} attempts" if attempt > 1 else ""
                raise RasterReadError(f"{href}: {trouble}{tries}") from trouble
            if trouble.wait is not None:
                if trouble.wait > options.read_timeout:
                    raise RasterReadError(
                        f"{href}: {trouble} and asks to wait {trouble.wait:.0f} s, longer than "
                        f"read_timeout={options.read_timeout}"
                    ) from trouble
                host.free_at = max(host.free_at, time.monotonic() + trouble.wait)
                continue
            if trouble.status is not None or not trouble.plain:
                time.sleep(_pause(attempt))


def _pause(attempt: int) -> float:
    """Seconds before the next attempt: longer each time, and not the same for all who wait."""
    longest: float = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return longest * random.uniform(0.5, 1.5)


def _after_fork() -> None:
    forget_stores()
    forget_sessions()


after_fork(_after_fork)
