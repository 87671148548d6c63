"""Checks of single values: each returns the value in its stored spelling, or says what was allowed.

A check is a function of one value. What it returns shares nothing with what it was given, so a stored
document cannot change behind the store's back. Times, numbers and lists have one spelling each afterwards, so
every store returns the same document.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from dawnlight.errors import ParameterError
from dawnlight.search import NOT_FINITE, number_to_wire, time_to_wire

__all__ = [
    "MAX_INT",
    "MAX_TEXT",
    "SURROGATES",
    "WIRE_TIME",
    "Check",
    "Refusal",
    "check_bool",
    "check_float",
    "check_int",
    "check_json",
    "check_number",
    "check_pixel_value",
    "check_resolution",
    "check_time",
    "list_of",
    "mapping_of",
    "one_of",
    "text_of",
    "tuple_of",
]

Check: TypeAlias = Callable[[Any], Any]
"""Takes a JSON value, returns it in its stored spelling, or raises `Refusal`."""

MAX_TEXT = 80_000
MAX_INT = 2**53
_MAX_DEPTH = 32
WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{0,8}[1-9])?Z", re.ASCII)
SURROGATES = re.compile("[\ud800-\udfff]")


class Refusal(Exception):  # noqa: N818 - never leaves the package: the rules turn it into a ValidationError
    """A value is not allowed.

    Parameters
    ----------
    value : object
        What was found.
    allowed : str
        What would have been right, as it fits after "must be".
    path : str
        Where inside the attribute it is: ``[3].href``; empty for the whole.
    """

    def __init__(self, value: object, allowed: str, path: str = "") -> None:
        super().__init__(value, allowed, path)
        self.value = value
        self.allowed = allowed
        self.path = path

    def within(self, step: str) -> Refusal:
        """Tell the same of the value one level up."""
        return Refusal(self.value, self.allowed, step + self.path)


def text_of(
    *,
    longest: int = MAX_TEXT,
    pattern: re.Pattern[str] | None = None,
    allowed: str = "a string",
    empty: bool = True,
) -> Check:
    """Make the check of a string.

    Parameters
    ----------
    longest : int
        Characters allowed.
    pattern : re.Pattern, optional
        What the whole string must match.
    allowed : str
        The rule in words.
    empty : bool
        Whether the empty string is allowed.
    """

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Refusal(value, allowed)
        text = value if type(value) is str else str(value)
        if len(text) > longest:
            raise Refusal(value, f"at most {longest} characters long, it has {len(text)}")
        if not text and not empty:
            raise Refusal(value, f"{allowed} that is not empty")
        if "\0" in text or not (text.isascii() or SURROGATES.search(text) is None):
            raise Refusal(value, "text without NUL characters and lone surrogates")
        if pattern is not None and not pattern.fullmatch(text):
            raise Refusal(value, allowed)
        return text

    return check


def one_of(values: Collection[str]) -> Check:
    """Make the check of a string from a closed set."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in values:
            raise Refusal(value, f"one of {', '.join(values)}")
        return str(value)

    return check


def check_float(value: Any) -> float:
    """Check a finite number."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Refusal(value, "a finite number")
    return number


def check_number(value: Any) -> int | float:
    """Check a finite number and keep its type: a whole number stays one."""
    return check_int(value) if type(value) is int else check_float(value)


def check_pixel_value(value: Any) -> int | float | str:
    """Check a number that a pixel can hold, also one that is not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return number_to_wire(value)
    if isinstance(value, str) and value in NOT_FINITE:
        return str(value)
    try:
        return check_number(value)
    except Refusal:
        raise Refusal(value, f"a number, or one of {', '.join(map(repr, NOT_FINITE))}") from None


def check_int(value: Any) -> int:
    """Check a whole number; a float without fraction counts."""
    if type(value) is int and -MAX_INT <= value <= MAX_INT:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(value, "a whole number")
    if abs(value) > MAX_INT:
        raise Refusal(value, "a whole number of at most 2**53")
    return int(value)


def check_bool(value: Any) -> bool:
    """Check a truth value."""
    if not isinstance(value, bool):
        raise Refusal(value, "true or false")
    return value


def check_time(value: Any) -> str:
    """Check a point in time, given in any spelling."""
    if isinstance(value, str) and WIRE_TIME.fullmatch(value):
        try:
            datetime.fromisoformat(value[:19])
        except ValueError as error:
            raise Refusal(value, f"a point in time ({error})") from None
        return str(value)
    try:
        return time_to_wire(value)
    except ParameterError as error:
        raise Refusal(value, f"a point in time ({error})") from None


def check_resolution(value: Any) -> dict[str, Any]:
    """Check ``{"value": ..., "unit": ...}``."""
    if not isinstance(value, Mapping) or set(value) != {"value", "unit"}:
        raise Refusal(value, 'a resolution such as {"value": 10, "unit": "meters"}')
    try:
        unit = one_of(("meters", "degrees"))(value["unit"])
    except Refusal as refusal:
        raise refusal.within(".unit") from None
    try:
        return {"value": check_float(value["value"]), "unit": unit}
    except Refusal as refusal:
        raise refusal.within(".value") from None


def list_of(item: Check, *, most: int | None = None, nullable: bool = False) -> Check:
    """Make the check of a list.

    Parameters
    ----------
    item : Check
        For each of its items.
    most : int, optional
        How many items are allowed.
    nullable : bool
        Whether an item may be None.
    """

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise Refusal(value, "a list")
        if most is not None and len(value) > most:
            raise Refusal(value, f"a list of at most {most} items, it has {len(value)}")
        try:
            return [None if nullable and part is None else item(part) for part in value]
        except Refusal:
            for index, part in enumerate(value):
                if not (nullable and part is None):
                    _check_inside(item, part, f"[{index}]")
            raise

    return check


def tuple_of(length: int) -> Check:
    """Make the check of a list of so many finite numbers."""
    numbers = list_of(check_number)

    def check(value: Any) -> list[int | float]:
        found: list[int | float] = numbers(value)
        if len(found) != length:
            raise Refusal(value, f"a list of {length} numbers")
        return found

    return check


def mapping_of(
    keys: Mapping[str, Check] | None = None,
    *,
    other: Check | None = None,
    required: Collection[str] = (),
    most: int | None = None,
) -> Check:
    """Make the check of a mapping; keys whose value is None are left out.

    Parameters
    ----------
    keys : mapping of str to Check, optional
        Checks of the values of known keys.
    other : Check, optional
        Check of the values of all other keys; None allows no others.
    required : collection of str
        Keys that must have a value.
    most : int, optional
        How many keys are allowed.
    """
    known = keys or {}
    key_check = text_of(allowed="a string as key", empty=False)

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Refusal(value, "a mapping")
        if most is not None and len(value) > most:
            raise Refusal(list(value), f"a mapping of at most {most} keys, it has {len(value)}")
        found: dict[str, Any] = {}
        for key, part in value.items():
            name = key if key in known else key_check(key)
            rule = known.get(name, other)
            if rule is None:
                raise Refusal(key, f"a key among {', '.join(known)}")
            if part is not None:
                try:
                    found[name] = rule(part)
                except Refusal as refusal:
                    raise refusal.within(f".{name}") from None
        for name in required:
            if name not in found:
                raise Refusal(dict(value), f"a mapping with {name!r} in it")
        return found

    return check


def check_json(value: Any, depth: int = 0) -> Any:
    """Check any JSON value: finite numbers, storable text, bounded depth. Keeps None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _json_text(value)
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise Refusal(value, "a whole number of at most 64 bits")
        return int(value)
    if isinstance(value, float):
        return check_float(value)
    if depth >= _MAX_DEPTH:
        raise Refusal(type(value).__name__, f"nested at most {_MAX_DEPTH} deep")
    if isinstance(value, list | tuple):
        return [check_json(part, depth + 1) for part in value]
    if isinstance(value, Mapping):
        return {_json_text(key): check_json(part, depth + 1) for key, part in value.items()}
    raise Refusal(value, "what JSON can hold: text, finite numbers, true, false, null, lists and mappings")


_json_text = text_of(longest=10_000_000)


def _check_inside(check: Check, value: Any, step: str) -> Any:
    try:
        return check(value)
    except Refusal as refusal:
        raise refusal.within(step) from None
