"""Patterns for databases fit whatever the patterns of the search layer fit."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal_column, select
from sqlalchemy.dialects import sqlite

from dawnlight.search import pattern_matcher
from dawnlight.storage._sql_dialect import fits_pattern
from dawnlight.storage._sql_patterns import _OTHER_CASES, make_pattern, next_prefix

_SIGNS = st.text(st.sampled_from("aAkKsSiI%_*?[]^-\\ßé\u0130\u212a\U0001f600\n"), max_size=6)


def test_all_other_cases_of_ascii_letters_are_known() -> None:
    ascii_letters = {chr(code) for code in range(128)}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        expression = re.compile(letter, re.IGNORECASE)
        found = [chr(code) for code in range(128, 0x10000) if expression.fullmatch(chr(code))]
        assert set(found) - ascii_letters == set(_OTHER_CASES.get(letter, ())), letter


@given(_SIGNS, _SIGNS, st.booleans())
def test_patterns_fit_what_the_model_fits(pattern: str, text: str, ignore_case: bool) -> None:
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        return
    signs = make_pattern(pattern, ignore_case=ignore_case)
    if signs is None:
        return
    statement = select(fits_pattern(literal_column("?"), signs)).compile(dialect=sqlite.dialect())
    connection = sqlite3.connect(":memory:")
    try:
        (fits,) = connection.execute(str(statement), (text, *statement.params.values())).fetchone()
    finally:
        connection.close()
    expected = pattern_matcher(pattern, ignore_case=ignore_case)(text)
    assert fits or not expected
    if not ignore_case:
        assert bool(fits) == expected


def test_costly_patterns_are_left_to_the_model() -> None:
    assert make_pattern("%a%b%c%", ignore_case=False) is None
    assert make_pattern("a" * 2000, ignore_case=False) is None


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("a", "b"), ("\ud7ff", "\ue000"), ("a\U0010ffff", "b"), ("\U0010ffff", None)],
)
def test_the_text_behind_a_prefix(prefix: str, expected: str | None) -> None:
    assert next_prefix(prefix) == expected


@given(st.text(min_size=1), st.text())
def test_prefixes_are_spans(prefix: str, text: str) -> None:
    behind = next_prefix(prefix)
    assert text.startswith(prefix) == (text >= prefix and (behind is None or text < behind))
