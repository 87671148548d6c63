"""The alphabet of the names of bands and images."""

from __future__ import annotations

import re

__all__ = ["VALID_NAME", "make_valid_name"]

VALID_NAME = re.compile(r"[a-zA-Z0-9_.-]+")
"""What the whole of a name must match."""

_INVALID = re.compile(r"[^a-zA-Z0-9_.-]+")


def make_valid_name(text: str) -> str:
    """Return a text with every run of characters that names cannot have replaced by one ``_``.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Made of letters, digits, ``_``, ``.`` and ``-``; empty for the empty text.

    Examples
    --------
    >>> make_valid_name("Scene 1 (north)")
    'Scene_1_north_'
    """
    return _INVALID.sub("_", text)
