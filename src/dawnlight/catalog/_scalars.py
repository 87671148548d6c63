"""Kinds of attribute that hold one plain value: text, numbers, flags, times, members of a closed set."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

import numpy as np

from dawnlight.catalog._attributes import Attribute
from dawnlight.errors import ParameterError
from dawnlight.search import number_to_wire, parse_time, time_to_wire, wire_to_number

__all__ = [
    "BooleanAttribute",
    "EnumAttribute",
    "FloatAttribute",
    "IntegerAttribute",
    "NumberAttribute",
    "StringAttribute",
    "TimeAttribute",
]


class StringAttribute(Attribute[str | None]):
    """Text."""

    def normalize(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.fail(value, "a string")
        text = str(value.value) if isinstance(value, Enum) else str(value)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.fail(value, "text that can be written as UTF-8 (it holds half a surrogate)") from None
        return text


class IntegerAttribute(Attribute[int | None]):
    """A whole number; those of numpy are taken too."""

    def normalize(self, value: Any) -> int:
        try:
            return int(operator.index(value))
        except TypeError:
            raise self.fail(value, "a whole number") from None


class FloatAttribute(Attribute[float | None]):
    """A finite number, kept as float; everything that ``float()`` takes is taken."""

    def normalize(self, value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise self.fail(value, "a number") from None
        if not math.isfinite(number):
            raise self.fail(value, "a finite number; None says that there is no value")
        return number

    def load(self, wire: Any) -> Any:
        try:
            return float(wire) if type(wire) is int else wire  # JSON may have dropped the ".0"
        except OverflowError:
            return wire


class NumberAttribute(Attribute[int | float | None]):
    """An int or float that stays what it is. Not-a-number and infinities are allowed.

    Documents hold those as ``"nan"``, ``"inf"`` and ``"-inf"``.
    """

    def normalize(self, value: Any) -> int | float:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise self.fail(value, "a number")
        try:
            return int(operator.index(value))
        except TypeError:
            pass
        try:
            return float(value)
        except (TypeError, ValueError):
            raise self.fail(value, "a number") from None

    def load(self, wire: Any) -> Any:
        return wire_to_number(wire)

    def dump(self, native: Any) -> Any:
        return number_to_wire(native) if isinstance(native, float) else native


class BooleanAttribute(Attribute[bool | None]):
    """True or False.

    Strings must say ``true`` or ``false`` in any case: ``bool("False")`` would be True. Of anything else
    the truth value is taken.
    """

    def normalize(self, value: Any) -> bool:
        if isinstance(value, (str, bytes)):
            spelled = value.strip().lower() if isinstance(value, str) else ""
            if spelled not in ("true", "false"):
                raise self.fail(value, "True or False")
            return spelled == "true"
        try:
            return bool(value)
        except (TypeError, ValueError):
            raise self.fail(value, "True or False") from None


class TimeAttribute(Attribute[datetime | None]):
    """A point in time, kept as an aware `datetime.datetime` in UTC.

    ISO 8601 strings, `datetime.datetime` (naive means UTC), `datetime.date`, `numpy.datetime64` and
    `pandas.Timestamp` are taken. A time with nanoseconds is kept as `pandas.Timestamp`, which is a datetime.
    """

    def normalize(self, value: Any) -> datetime:
        try:
            return parse_time(value)
        except ParameterError as error:
            raise self.fail(value, f"a time: {error}") from error

    def load(self, wire: Any) -> Any:
        try:
            return parse_time(wire)
        except ParameterError:
            return wire  # what an older catalog holds must stay readable

    def dump(self, native: Any) -> Any:
        return time_to_wire(native) if isinstance(native, datetime) else native

    def dump_column(self, natives: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for native in natives:
            if type(native) is datetime and native.tzinfo is UTC and not native.microsecond:
                # Whole seconds, as nearly all are; without the offset, which isoformat asks for twice.
                found.append(f"{native.date().isoformat()}T{native.time().isoformat()}Z")
            else:
                found.append(self.dump_or_none(native))
        return found


class EnumAttribute(Attribute[str | None]):
    """A member of a closed set, or its exact string; kept as plain string."""

    def __init__(self, members: type[StrEnum], doc: str = "", **flags: Any) -> None:
        super().__init__(doc, **flags)
        self.members = members

    def normalize(self, value: Any) -> str:
        try:
            return str(self.members(value).value)
        except ValueError:
            known = ", ".join(repr(member.value) for member in self.members)
            raise self.fail(value, f"one of {known}") from None
