"""What a server answers to a request for some bytes, and what each kind of failure means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from dawnlight.errors import RasterError, RasterNotFoundError, RasterReadError

__all__ = ["Answer", "Trouble", "check_kind", "of_status", "parse_place", "parse_wait", "to_nanoseconds"]

_PLACE = re.compile(r"\s*bytes\s+(\d+)-(\d+)/(\d+|\*)\s*")
_AGAIN = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes of a file, and what tells one state of the file from another."""

    body: memoryview
    """As many bytes as asked for; fewer only at the end of the file."""
    size: int | None = None
    """Bytes in the whole file."""
    etag: str | None = None
    """The server's name for this state of the file."""
    modified_ns: int | None = None
    """When it was modified, nanoseconds since 1970."""
    whole: memoryview | None = None
    """The whole file, from a server that sends it whatever part is asked for."""


class Trouble(Exception):  # noqa: N818 - turned into one of our errors when no attempt is left
    """A request that failed.

    Parameters
    ----------
    text
        What went wrong, without the name of the file.
    again
        Whether another attempt may succeed.
    status
        HTTP status, or None.
    wait
        Seconds that the server asks to wait before the next attempt.
    error
        Class of the error that the user gets.
    plain
        Whether the next attempt should be made by the client that sees an answer's head.
    """

    def __init__(
        self,
        text: str,
        *,
        again: bool = False,
        status: int | None = None,
        wait: float | None = None,
        error: type[RasterError] = RasterReadError,
        plain: bool = False,
    ) -> None:
        super().__init__(text)
        self.again = again
        self.status = status
        self.wait = wait
        self.error = error
        self.plain = plain


def of_status(status: int, *, wait: float | None = None) -> Trouble:
    """Classify an HTTP status that is not a success.

    Examples
    --------
    >>> of_status(503).again, of_status(404).again
    (True, False)
    """
    if status in (404, 410):
        return Trouble(
            f"there is no such file (HTTP status {status})", status=status, error=RasterNotFoundError
        )
    if status in (401, 403):
        return Trouble(f"the server refuses access (HTTP status {status})", status=status)
    if status == 416:
        return Trouble("the file ends before the part that is needed (HTTP status 416)", status=status)
    again = status in _AGAIN or 500 <= status < 600
    # Only the plain client sees how long the server asks to wait.
    return Trouble(
        f"the server answers with HTTP status {status}",
        again=again,
        status=status,
        wait=wait,
        plain=status in (429, 503),
    )


def check_kind(content_type: str | None) -> None:
    """Refuse a web page, which servers send instead of a file when one has to log in."""
    if (content_type or "").partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        raise Trouble("the server sends a web page (a page to log in, perhaps), not the file")


def parse_place(text: str | None) -> tuple[int, int, int | None]:
    """Read a Content-Range: first byte, byte after the last, bytes in the file.

    Examples
    --------
    >>> parse_place("bytes 10-19/1000")
    (10, 20, 1000)
    """
    found = _PLACE.fullmatch(text or "")
    if found is None:
        raise Trouble(f"the server does not say which part of the file it sends (Content-Range {text!r})")
    return int(found[1]), int(found[2]) + 1, None if found[3] == "*" else int(found[3])


def parse_wait(text: str | None) -> float | None:
    """Read a Retry-After, which is a number of seconds or a date.

    Examples
    --------
    >>> parse_wait("2"), parse_wait(None), parse_wait("soon")
    (2.0, None, None)
    """
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def to_nanoseconds(moment: datetime | str | None) -> int | None:
    """Return a Last-Modified as nanoseconds since 1970; None where there is none.

    Examples
    --------
    >>> to_nanoseconds("Thu, 01 Jan 1970 00:00:02 GMT")
    2000000000
    """
    if isinstance(moment, str):
        try:
            moment = parsedate_to_datetime(moment)
        except ValueError:
            return None
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = int(moment.timestamp())
    return seconds * 10**9 if seconds > 0 else None  # clients put 1970 where a server says nothing
