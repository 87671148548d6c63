"""Patterns of `like` and `ilike` for databases."""

from __future__ import annotations

from dawnlight.storage._sql_dialect import Sign, Wild

__all__ = ["make_pattern", "next_prefix"]

_MAX_RUNS = 3
_MAX_LENGTH = 1000

# The letters beyond ASCII that are the same as an ASCII letter when case does not count (as in Python's
# `re`).
_OTHER_CASES = {"i": ("\u0130", "\u0131"), "k": ("\u212a",), "s": ("\u017f",)}


def make_pattern(pattern: str, *, ignore_case: bool) -> list[Sign] | None:
    r"""Read a pattern with ``%``, ``_`` and backslash escapes.

    Parameters
    ----------
    pattern : str
        Does not end in a single backslash.
    ignore_case : bool
        Whether upper and lower case are the same. Letters beyond ASCII then become wildcards, so the result
        fits a few texts more than the pattern.

    Returns
    -------
    list of Sign or None
        None where a database could take very long: it tries all ways to place several runs.
    """
    signs: list[Sign] = []
    text = iter(pattern)
    for sign in text:
        if sign == "%":
            signs.append(Wild.RUN)
        elif sign == "_":
            signs.append(Wild.ONE)
        else:
            letter = next(text, sign) if sign == "\\" else sign
            signs.append(_any_case(letter) if ignore_case else letter)
    if len(signs) > _MAX_LENGTH or signs.count(Wild.RUN) > _MAX_RUNS:
        return None
    return signs


def next_prefix(prefix: str) -> str | None:
    """Find the first text, by code points, behind all that begin with a prefix.

    Parameters
    ----------
    prefix : str
        Not empty.

    Returns
    -------
    str or None
        None where nothing lies behind.

    Examples
    --------
    >>> next_prefix("LC08")
    'LC09'
    """
    for length in range(len(prefix), 0, -1):
        code = ord(prefix[length - 1]) + 1
        if 0xD800 <= code <= 0xDFFF:
            code = 0xE000
        if code <= 0x10FFFF:
            return prefix[: length - 1] + chr(code)
    return None


def _any_case(letter: str) -> Sign:
    if not letter.isascii():
        return Wild.ONE
    if not letter.isalpha():
        return letter
    return (letter.lower(), letter.upper(), *_OTHER_CASES.get(letter.lower(), ()))
