r"""Patterns with ``%`` and ``_``, matched in time proportional to text times pattern at worst.

A pattern is cut at each ``%`` into pieces of fixed length. The first piece must begin the text, the last one
must end it, and each of the others is taken at its first place after the one before: if any way to place
them works, this one does. So there is no backtracking, whatever a stranger sends.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

__all__ = ["pattern_matcher"]


@lru_cache(maxsize=512)
def pattern_matcher(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    r"""Make a function that tells whether a whole text fits a pattern.

    Parameters
    ----------
    pattern : str
        ``%`` is any run of characters, also none and also line ends; ``_`` is exactly one. A backslash
        takes the next character literally; a single one at the end stands for itself.
    ignore_case : bool
        True makes upper and lower case the same, character by character, in all scripts.

    Returns
    -------
    callable
        Takes a string and returns a bool.

    Examples
    --------
    >>> fits = pattern_matcher("LC0_%", ignore_case=False)
    >>> fits("LC08_L1TP"), fits("lc08_L1TP")
    (True, False)
    """
    pieces = [_Piece(piece, ignore_case) for piece in _cut(pattern)]
    if len(pieces) == 1:
        return lambda text: pieces[0].fits_all(text)
    first, *middle, last = pieces

    def fits(text: str) -> bool:
        if len(text) < first.length + last.length or not first.fits_at(text, 0):
            return False
        at = first.length
        for piece in middle:
            at = piece.find(text, at)
            if at < 0:
                return False
        end = len(text) - last.length
        return at <= end and last.fits_at(text, end)

    return fits


class _Piece:
    """A run of characters and ``_``; None in `signs` is the latter."""

    __slots__ = ("_regex", "length")

    def __init__(self, signs: list[str | None], ignore_case: bool) -> None:
        source = "".join("." if sign is None else re.escape(sign) for sign in signs)
        self._regex = re.compile(source, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
        self.length = len(signs)

    def fits_all(self, text: str) -> bool:
        return len(text) == self.length and self._regex.match(text) is not None

    def fits_at(self, text: str, at: int) -> bool:
        return self._regex.match(text, at) is not None

    def find(self, text: str, start: int) -> int:
        """Return the end of the first place at or after `start`, -1 where there is none."""
        found = self._regex.search(text, start)
        return -1 if found is None else found.end()


def _cut(pattern: str) -> list[list[str | None]]:
    pieces: list[list[str | None]] = [[]]
    signs = iter(pattern)
    for sign in signs:
        if sign == "%":
            pieces.append([])
        elif sign == "_":
            pieces[-1].append(None)
        elif sign == "\\":
            pieces[-1].append(next(signs, sign))
        else:
            pieces[-1].append(sign)
    return pieces
