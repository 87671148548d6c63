from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.storage._json import encode_json

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    _SCALARS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(_VALUES)
def test_what_is_written_reads_back_as_it_was(value: Any) -> None:
    assert repr(json.loads(encode_json(value))) == repr(value)  # also types, -0.0 and the order of keys


class _Word(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([2**64, -(2**63) - 1], "[18446744073709551616,-9223372036854775809]"),
        ({"é\u2028": "\x1f"}, '{"é\u2028":"\\u001f"}'),
        ([_Word.RED, (1, 2)], '["red",[1,2]]'),
        (type("Number", (float,), {})(0.5), "0.5"),
    ],
    ids=["more than 64 bits", "not ASCII", "str by another name", "float by another name"],
)
def test_text(value: Any, text: str) -> None:
    assert encode_json(value) == text


@dataclass
class _Point:
    x: int = 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        type("Number", (float,), {})("nan"),
        math.nan,
        {"a": [None, {"b": -math.inf}]},
        datetime(2024, 6, 1, tzinfo=UTC),
        _Point(),
    ],
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_json(value)
