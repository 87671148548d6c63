"""The JSON text of what has no column of its own, written quickly."""

from __future__ import annotations

import json
from typing import Any

import orjson

__all__ = ["encode_json"]

_encode_any = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_json(value: Any) -> str:
    """Write checked values as JSON, compact and with every digit.

    Parameters
    ----------
    value : object
        What the checks let through: in particular only finite numbers, since NaN would become null here.

    Returns
    -------
    str
        Text that reads back as an equal value; keys keep their order.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # also orjson's own error: whole numbers beyond 64 bits, types made from str or float
        return _encode_any(value)
