"""Continuation tokens: where a page of results ended, in a text that callers pass back without reading it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from dawnlight.errors import BadRequestError, FilterError
from dawnlight.search import Query, place
from dawnlight.storage._checks import Refusal, check_json

__all__ = ["Position", "check_size", "make_token", "read_token"]

_VERSION = 1
_MAX_LENGTH = 100_000
_MOST_ON_A_PAGE = 10_000
"""Larger pages are not made, whatever a stranger asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page starts."""

    after: tuple[Any, ...] | None
    """Sort values of the last document before it (see `dawnlight.search.sort_values`); None at the start."""
    returned: int
    """Number of documents on the pages before, which count against the query's limit."""

    def room(self, query: Query, size: int) -> int:
        """Tell how many documents fit on a page of a given size."""
        size = min(size, _MOST_ON_A_PAGE)
        return size if query.limit is None else max(0, min(size, query.limit - self.returned))


def check_size(size: Any) -> int:
    """Check the size of a page.

    Raises
    ------
    BadRequestError
        It is not a whole number of at least 1.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise BadRequestError(f"page size={size!r} must be a whole number >= 1")
    return size


def make_token(query: Query, position: Position) -> str:
    """Spell a position as a token that only this query accepts."""
    content = [_VERSION, _digest(query), position.returned, list(position.after or ())]
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def read_token(query: Query, token: str | None) -> Position:
    """Read a token back.

    Parameters
    ----------
    query : Query
        The query it was made for.
    token : str or None
        From whoever; None is the first page.

    Raises
    ------
    BadRequestError
        It is no token, or that of another query.
    """
    if token is None:
        return Position(after=None, returned=0)
    version, digest, returned, after = _read_content(token)
    if version != _VERSION:
        raise BadRequestError(
            "the continuation was made by another version of Dawnlight; start the search again"
        )
    if digest != _digest(query):
        raise BadRequestError(
            "the continuation belongs to another search; pass it with the search that returned it"
        )
    if (
        isinstance(returned, bool)
        or not isinstance(returned, int)
        or returned < 0
        or not isinstance(after, list)
    ):
        raise _malformed(token)
    try:
        check_json(after)
        place(query, after)
    except (FilterError, Refusal) as error:
        raise _malformed(token) from error
    return Position(after=tuple(after), returned=returned)


def _read_content(token: Any) -> list[Any]:
    if not isinstance(token, str) or not token.isascii() or len(token) > _MAX_LENGTH:
        raise _malformed(token)
    try:
        padded = token + "=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise _malformed(token) from error
    if not isinstance(content, list) or len(content) != 4:
        raise _malformed(token)
    return content


def _malformed(token: object) -> BadRequestError:
    return BadRequestError(f"continuation={str(token)[:60]!r} is not one that a search returned")


def _digest(query: Query) -> str:
    text = json.dumps([query.kind, query.to_wire()], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
