from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dawnlight.search import pattern_matcher

CASES = [
    ("", "", True),
    ("", "a", False),
    ("a", "a", True),
    ("a", "A", False),
    ("a", "ab", False),
    ("%", "", True),
    ("%", "a\nb", True),
    ("%%", "", True),
    ("_", "", False),
    ("_", "\n", True),
    ("_", "😀", True),
    ("__", "a", False),
    ("a%", "a", True),
    ("a%", "ba", False),
    ("%a", "bba", True),
    ("%a", "ab", False),
    ("%a%", "bab", True),
    ("a%a", "a", False),
    ("a%a", "aa", True),
    ("a%b%c", "aXbXc", True),
    ("a%b%c", "acb", False),
    ("%ab%ab%", "abab", True),
    ("%ab%ab%", "aba", False),
    ("%ab%b", "ab", False),
    ("%ab%b", "abb", True),
    ("%_b", "b", False),
    ("%_b", "ab", True),
    ("a_c", "abc", True),
    ("a_c", "ac", False),
    (r"50\%", "50%", True),
    (r"50\%", "50x", False),
    (r"a\_b", "a_b", True),
    (r"a\_b", "axb", False),
    (r"a\\b", r"a\b", True),
    (r"\a", "a", True),
    (r"%\%", "a%", True),
    (r"%\%", "a", False),
    (".*", "ab", False),
    (".*", ".*", True),
    ("[a]", "a", False),
    ("a^$", "a^$", True),
]


@pytest.mark.parametrize(("pattern", "text", "fits"), CASES)
def test_like(pattern, text, fits):
    assert pattern_matcher(pattern, ignore_case=False)(text) is fits


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("abc", "ABC", True),
        ("A%", "abc", True),
        ("ä%", "Äb", True),
        ("%ß", "aß", True),
        ("ss", "ß", False),
        ("é", "e", False),
    ],
)
def test_ilike(pattern, text, fits):
    assert pattern_matcher(pattern, ignore_case=True)(text) is fits


@settings(deadline=None)
@given(st.text("ab%_\\", max_size=8), st.text("ab%_\\", max_size=8), st.booleans())
def test_equals_the_regular_expression_that_backtracks(pattern, text, ignore_case):
    signs, source = iter(pattern), ""
    for sign in signs:
        if sign == "\\":
            source += re.escape(next(signs, sign))
        else:
            source += {"%": ".*", "_": "."}.get(sign) or re.escape(sign)
    expected = re.fullmatch(source, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None
    assert pattern_matcher(pattern, ignore_case=ignore_case)(text) is expected


def test_hostile_pattern_takes_no_time():
    fits = pattern_matcher("%a" * 500 + "%b", ignore_case=True)
    start = time.perf_counter()
    assert fits("a" * 20_000) is False
    assert time.perf_counter() - start < 20
