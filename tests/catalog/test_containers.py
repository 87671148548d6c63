from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from dawnlight.catalog import Image, ImageUpload
from dawnlight.catalog._containers import CheckedDict, CheckedList
from dawnlight.catalog._scalars import IntegerAttribute
from dawnlight.errors import AttributeValidationError


def make_list(frozen: bool = False) -> CheckedList[int]:
    return CheckedList([3, 1, 2], IntegerAttribute(), frozen=frozen)


def make_dict(frozen: bool = False) -> CheckedDict[int]:
    return CheckedDict({"a": 1, "b": 2}, IntegerAttribute(), frozen=frozen)


def iadd(target: Any, values: Any) -> None:
    target += values


def imul(target: Any, count: int) -> None:
    target *= count


def ior(target: Any, values: Any) -> None:
    target |= values


LIST_CHANGES: list[tuple[str, Callable[[Any], Any], list[int]]] = [
    ("append", lambda x: x.append(4), [3, 1, 2, 4]),
    ("insert", lambda x: x.insert(0, 4), [4, 3, 1, 2]),
    ("extend", lambda x: x.extend(i for i in (4, 5)), [3, 1, 2, 4, 5]),
    ("iadd", lambda x: iadd(x, [4]), [3, 1, 2, 4]),
    ("imul", lambda x: imul(x, 2), [3, 1, 2, 3, 1, 2]),
    ("setitem", lambda x: x.__setitem__(1, 9), [3, 9, 2]),
    ("set slice", lambda x: x.__setitem__(slice(0, 2), [9]), [9, 2]),
    ("delitem", lambda x: x.__delitem__(0), [1, 2]),
    ("del slice", lambda x: x.__delitem__(slice(0, 2)), [2]),
    ("pop", lambda x: x.pop(), [3, 1]),
    ("pop first", lambda x: x.pop(0), [1, 2]),
    ("remove", lambda x: x.remove(1), [3, 2]),
    ("clear", lambda x: x.clear(), []),
    ("reverse", lambda x: x.reverse(), [2, 1, 3]),
    ("sort", lambda x: x.sort(reverse=True), [3, 2, 1]),
]
DICT_CHANGES: list[tuple[str, Callable[[Any], Any], dict[str, int]]] = [
    ("setitem", lambda x: x.__setitem__("c", 3), {"a": 1, "b": 2, "c": 3}),
    ("delitem", lambda x: x.__delitem__("a"), {"b": 2}),
    ("update", lambda x: x.update({"a": 5}, c=6), {"a": 5, "b": 2, "c": 6}),
    ("ior", lambda x: ior(x, {"a": 5}), {"a": 5, "b": 2}),
    ("setdefault", lambda x: x.setdefault("c", 3), {"a": 1, "b": 2, "c": 3}),
    ("pop", lambda x: x.pop("a"), {"b": 2}),
    ("popitem", lambda x: x.popitem(), {"a": 1}),
    ("clear", lambda x: x.clear(), {}),
]


@pytest.mark.parametrize(
    ("name", "change", "after"), LIST_CHANGES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_list_changes_like_a_list(name: str, change: Callable[[Any], Any], after: list[int]) -> None:
    values = make_list()
    change(values)
    assert values == after
    assert isinstance(values, list)


@pytest.mark.parametrize(
    ("name", "change", "after"), LIST_CHANGES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_frozen_list_refuses(name: str, change: Callable[[Any], Any], after: list[int]) -> None:
    values = make_list(frozen=True)
    with pytest.raises(AttributeValidationError, match="cannot be changed in place"):
        change(values)
    assert values == [3, 1, 2]


@pytest.mark.parametrize(
    ("name", "change", "after"), DICT_CHANGES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_dict_changes_like_a_dict(name: str, change: Callable[[Any], Any], after: dict[str, int]) -> None:
    values = make_dict()
    change(values)
    assert values == after


@pytest.mark.parametrize(
    ("name", "change", "after"), DICT_CHANGES, ids=lambda x: x if isinstance(x, str) else ""
)
def test_a_frozen_dict_refuses(name: str, change: Callable[[Any], Any], after: dict[str, int]) -> None:
    values = make_dict(frozen=True)
    with pytest.raises(AttributeValidationError, match="cannot be changed in place"):
        change(values)
    assert values == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.append("a"),
        lambda x: x.insert(0, "a"),
        lambda x: x.extend([4, "a"]),
        lambda x: iadd(x, ["a"]),
        lambda x: x.__setitem__(0, "a"),
        lambda x: x.__setitem__(slice(0, 1), ["a"]),
    ],
)
def test_a_list_checks_what_comes_in(change: Callable[[Any], Any]) -> None:
    values = make_list()
    with pytest.raises(AttributeValidationError, match="whole number"):
        change(values)
    assert values == [3, 1, 2]


def test_a_dict_checks_what_comes_in() -> None:
    values = make_dict()
    with pytest.raises(AttributeValidationError, match="whole number"):
        values["c"] = "x"
    with pytest.raises(AttributeValidationError, match="must be a string"):
        values.update({1: 1})  # type: ignore[dict-item]
    assert values == {"a": 1, "b": 2}
    assert values.setdefault("a", "never looked at") == 1


def test_comparisons_and_concatenation_are_those_of_a_list() -> None:
    tags = Image(tags=["b", "a"]).tags
    assert tags is not None
    assert tags == ["b", "a"]
    assert tags > ["a"]
    assert tags != ["a"]
    joined = tags + ["c"]  # noqa: RUF005 - what is tested
    assert type(joined) is list
    assert tags == ["b", "a"]


@pytest.mark.parametrize("make", [make_list, make_dict])
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_plain(make: Callable[[], Any], duplicate: Callable[[Any], Any]) -> None:
    values = make()
    found = duplicate(values)
    assert found == values
    assert type(found) in (list, dict)


def test_a_readonly_list_of_a_document_is_frozen() -> None:
    upload = ImageUpload(id="u", resumable_urls=["a"], _saved=True)
    assert upload.resumable_urls == ["a"]
    with pytest.raises(AttributeValidationError):
        upload.resumable_urls.append("b")
