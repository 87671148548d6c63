from __future__ import annotations

import pytest

from dawnlight.catalog import Collection


def test_attributes_items_and_calls_go_to_each_item() -> None:
    c = Collection(["one", "two", "three", "four"])
    assert list(c.each.capitalize()) == ["One", "Two", "Three", "Four"]
    assert list(c.each.capitalize()[:2]) == ["On", "Tw", "Th", "Fo"]
    assert list(c.each.replace("o", "0", 1)) == ["0ne", "tw0", "three", "f0ur"]
    assert list(Collection([1 + 2j, 3 + 4j]).each.imag) == [2.0, 4.0]


def test_it_can_be_iterated_again() -> None:
    each = Collection([1, 2]).each.bit_length()
    assert list(each) == list(each) == [1, 2]


def test_it_sees_the_collection_as_it_is_when_iterated() -> None:
    c = Collection([1])
    each = c.each.bit_length()
    c.append(4)
    assert list(each) == [1, 3]


def test_nothing_happens_before_it_is_iterated() -> None:
    calls = []
    each = Collection([1, 2]).each.pipe(calls.append)
    assert calls == []
    list(each)
    assert calls == [1, 2]


def test_pipe_combine_and_collect() -> None:
    c = Collection(["one", "two", "three"])
    assert c.each.pipe(len).combine() == [3, 3, 5]
    assert c.each.pipe(len).combine(set) == {3, 5}
    assert list(c.each.pipe(int, base=36)) == [int("one", 36), int("two", 36), int("three", 36)]
    collected = c.each.upper().collect()
    assert type(collected) is Collection
    assert collected == ["ONE", "TWO", "THREE"]
    assert c.each.collect(tuple) == ("one", "two", "three")


def test_printing_shows_eight_and_leaves_the_rest() -> None:
    c = Collection(list(range(10)))
    each = c.each.pipe(str)
    assert repr(each) == "\n".join([*(repr(str(i)) for i in range(8)), "..."])
    assert list(each) == [str(i) for i in range(10)]
    assert repr(Collection(list(range(8))).each) == "\n".join(str(i) for i in range(8))


def test_special_names_are_not_passed_on() -> None:
    with pytest.raises(AttributeError):
        Collection([1]).each.__array__  # noqa: B018


def test_errors_of_items_come_through() -> None:
    with pytest.raises(AttributeError):
        list(Collection([1]).each.nothing)


def test_the_old_name_of_op_works_and_is_told() -> None:
    with pytest.warns(FutureWarning, match=r"combine\(op=...\)"):
        assert Collection([1, 2]).each.combine(collection=tuple) == (1, 2)
