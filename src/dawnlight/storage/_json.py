"""The JSON text of what has no column of its own, written quickly."""

from __future__ import annotations

import json
from typing import Any

import orjson

__all__ = ["encode_json"]

_STRICT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
"""What the standard library refuses is left to it."""

_encode_any = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_json(value: Any) -> str:
    """Write checked values as JSON, compact and with every digit.

    Parameters
    ----------
    value : object
        What the checks let through.

    Returns
    -------
    str
        Text that reads back as an equal value; keys keep their order.

    Raises
    ------
    TypeError, ValueError
        JSON cannot hold the value, or a number is not finite.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
    except TypeError:  # also orjson's own error: whole numbers beyond 64 bits, types made from str or float
        return _encode_any(value)
    # A number that is not finite is written as null, too; what has a null is written by who can tell.
    return _encode_any(value) if b"null" in text else text.decode()
