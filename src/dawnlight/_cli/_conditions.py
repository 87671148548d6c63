"""Conditions as they are written on the command line: ``cloud_fraction<0.2``. Text is read, never run.

================================  =========================================
text                              holds where
================================  =========================================
``NAME<VALUE`` (<= > >= = == !=)  the field compares so
``LOW<=NAME<HIGH``                it lies between
``NAME in VALUE,VALUE``           it is one of these
``NAME like PATTERN`` (ilike)     it fits the pattern: % any text, _ any sign
``NAME prefix TEXT``              it begins so
``NAME is null`` (is not null)    it has no value (has one)
JSON                              `Expression.parse` says
================================  =========================================

What a value is follows from the type of the field. Quotes keep spaces, commas and the word null as text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from dawnlight.errors import FilterError
from dawnlight.search import (
    Eq,
    Expression,
    Field,
    IsNotNull,
    IsNull,
    Kind,
    Ne,
    Properties,
    Property,
    Range,
    get_field,
)

__all__ = ["parse_condition"]

_NAME = r"(?:p\.)?(?P<name>[A-Za-z_][^\s<>=!'\"]*)"
_COMPARED = re.compile(rf"{_NAME}\s*(?P<sign><=|>=|==|!=|<|>|=)\s*(?P<value>[^<>=!\s].*)", re.DOTALL)
_BETWEEN = re.compile(
    rf"(?P<low>[^<>=!]+?)\s*(?P<first><=|<)\s*{_NAME}\s*(?P<second><=|<)\s*(?P<high>[^<>=!]+)", re.DOTALL
)
_WORDED = re.compile(
    rf"{_NAME}\s+(?:(?P<null>is(?:\s+not)?\s+null)|(?P<word>in|like|ilike|prefix)\s+(?P<value>\S.*))",
    re.DOTALL | re.IGNORECASE,
)
_ITEM = re.compile(r"\s*('[^']*'|\"[^\"]*\"|[^,'\"]+?)\s*(?:,|$)")
_TRUTHS = {"true": True, "false": False}


def parse_condition(kind: Kind, text: str) -> Expression:
    """Read one condition.

    Parameters
    ----------
    kind : {"product", "band", "image", "image_upload"}
        What is searched; the types of its fields decide what the values are.
    text : str
        See the table of the module.

    Returns
    -------
    Expression
        The condition.

    Raises
    ------
    FilterError
        The text is no condition, or names a field that the kind does not have.

    Examples
    --------
    >>> from dawnlight._cli._conditions import parse_condition
    >>> parse_condition("image", "0.1 <= cloud_fraction < 0.5")
    0.1 <= p.cloud_fraction < 0.5
    >>> parse_condition("image", "tags in clear,'north west'")
    p.tags.any_of(['clear', 'north west'])
    """
    stripped = text.strip()
    if stripped.startswith(("{", "[")):
        return Expression.parse(stripped)
    if found := _WORDED.fullmatch(stripped):
        return _read_words(kind, found)
    if found := _COMPARED.fullmatch(stripped):
        field = get_field(kind, found["name"])
        return _compare(field, found["sign"], _read_value(field, found["value"]))
    if found := _BETWEEN.fullmatch(stripped):
        field = get_field(kind, found["name"])
        low, high = (_read_value(field, found[side]) for side in ("low", "high"))
        if low is None or high is None:
            raise FilterError(f"filter on {field.name}: < does not compare with null")
        bounds = {"gte" if found["first"] == "<=" else "gt": low}
        bounds["lte" if found["second"] == "<=" else "lt"] = high
        return Range(field.name, **bounds)
    raise FilterError(
        f"filter {text[:200]!r} is no condition; write one such as cloud_fraction<0.2, "
        "0.1<=cloud_fraction<0.5, tags=clear, 'name like LC08%' or 'acquired is not null', "
        "in quotes for the shell"
    )


def _read_words(kind: Kind, found: re.Match[str]) -> Expression:
    field = get_field(kind, found["name"])
    made = _property(field)
    if found["null"]:
        return made.isnotnull if "not" in found["null"].lower().split() else made.isnull
    word, value = found["word"].lower(), found["value"]
    if word == "in":
        return made.any_of([_read_value(field, item) for item in _split(field, value)])
    text = _unquote(value)
    if word == "prefix":
        return made.prefix(text)
    return made.like(text) if word == "like" else made.ilike(text)


def _property(field: Field) -> Property:
    head, dot, key = field.name.partition(".")
    made: Property = getattr(Properties(), head)
    return made[key] if dot else made


_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def _compare(field: Field, sign: str, value: Any) -> Expression:
    if sign in ("=", "=="):
        return IsNull(field.name) if value is None else Eq(field.name, value)
    if sign == "!=":
        return IsNotNull(field.name) if value is None else Ne(field.name, value)
    if value is None:
        raise FilterError(f"filter on {field.name}: {sign} does not compare with null")
    return Range(field.name, **{_RANGES[sign]: value})


def _read_value(field: Field, text: str) -> Any:
    text = text.strip()
    bare = _unquote(text)
    if bare != text:
        return bare
    if text == "null":
        return None
    if field.type == "bool":
        if text.lower() not in _TRUTHS:
            raise FilterError(f"filter on {field.name}: {text[:80]!r} must be true or false")
        return _TRUTHS[text.lower()]
    if field.type in ("int", "float", "any"):
        return _read_number(field, text)
    return text


def _read_number(field: Field, text: str) -> Any:
    """Read a number; an extra property may also be a truth value or text."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, (int, float)) and (field.type == "any" or not isinstance(value, bool)):
        return value
    if field.type == "any":
        return text
    try:
        return float(text)  # spellings such as .5 that JSON does not have
    except ValueError:
        raise FilterError(f"filter on {field.name}: {text[:80]!r} must be a number") from None


def _split(field: Field, text: str) -> list[str]:
    items, at = [], 0
    while at < len(text):
        found = _ITEM.match(text, at)
        if found is None:
            raise FilterError(f"filter on {field.name}: {text[:80]!r} must be values with commas between")
        items.append(found[1])
        at = found.end()
    return items


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text
