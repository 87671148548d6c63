"""Chained comparisons become one range; every other question for the truth of an expression is refused."""

from __future__ import annotations

import datetime as dt
import gc
import operator
import subprocess
import sys
import threading
import weakref

import numpy as np
import pandas as pd
import pytest

from dawnlight.errors import AmbiguousTruthError, FilterError
from dawnlight.search import And, Properties, Property, Range, _chains

p = Properties()
q = p.x


def chains():
    return [
        (lambda: 5 < q < 7, Range("x", gt=5, lt=7)),
        (lambda: 5 <= q < 7, Range("x", gte=5, lt=7)),
        (lambda: 5 < q <= 7, Range("x", gt=5, lte=7)),
        (lambda: 7 > q > 5, Range("x", gt=5, lt=7)),
        (lambda: 7 >= q >= 5, Range("x", gte=5, lte=7)),
        (lambda: 5 < p.x < 7, Range("x", gt=5, lt=7)),
        (lambda: 5 < p.extra_properties.foo < 7, Range("extra_properties.foo", gt=5, lt=7)),
        (lambda: 5 < p.extra_properties["a b"] < 7, Range("extra_properties.a b", gt=5, lt=7)),
        (lambda: "2023-01-01" <= p.x < "2024-01-01", Range("x", gte="2023-01-01", lt="2024-01-01")),
        (lambda: dt.date(2023, 1, 1) <= p.x < "2024", Range("x", gte="2023-01-01T00:00:00Z", lt="2024")),
        (lambda: np.float64(5) < p.x < np.int64(7), Range("x", gt=5.0, lt=7)),
        (
            lambda: pd.Timestamp("2023-01-01") <= p.x < np.datetime64("2024-01-01"),
            Range("x", gte="2023-01-01T00:00:00Z", lt="2024-01-01T00:00:00Z"),
        ),
        (lambda: 5 < q > 7, And((Range("x", gt=5), Range("x", gt=7)))),
        (lambda: 5 < q >= 7, Range("x", gt=5, gte=7)),
        (lambda: 3 < 5 < q, Range("x", gt=5)),
        (lambda: 9 < 5 < q, False),
    ]


@pytest.mark.parametrize(("make", "expected"), chains())
def test_chain_is_one_range(make, expected):
    found = make()
    assert found is False if expected is False else found.is_same(expected)


def test_chain_over_several_lines():
    found = (
        5
        < p.x
        <= 7
    )  # fmt: skip
    assert found.is_same(Range("x", gt=5, lte=7))


def test_chain_at_module_level_and_in_a_class_body():
    scope = {"p": p}
    exec("a = 5 < p.x < 7\nclass C:\n    b = 1 < p.y < 2", scope)
    assert scope["a"].is_same(Range("x", gt=5, lt=7))
    assert scope["C"].b.is_same(Range("y", gt=1, lt=2))


def test_chains_combine():
    found = (1 < q < 2) & (3 < q <= 4) | ~(5 <= p.y < 6)
    expected = Range("x", gt=1, lt=2) & Range("x", gt=3, lte=4) | ~Range("y", gte=5, lt=6)
    assert found.is_same(expected)


def while_loop():
    while q > 5:
        return


def while_chain():
    while 5 < q < 7:
        return


def if_in_finally():
    try:
        pass
    finally:
        if q > 5:
            pass


def asserted():
    exec("assert q > 5", {"q": q})


STORED = p.x > 5
REFUSED = {
    "if": lambda: 1 if p.x > 5 else 2,
    "if stored property": lambda: 1 if q > 5 else 2,
    "if chain": lambda: 1 if 5 < q < 7 else 2,
    "not": lambda: not p.x > 5,
    "not stored property": lambda: not q > 5,
    "not chain": lambda: not 5 < p.x < 7,
    "and": lambda: (p.x > 5) and (p.y < 3),
    "and same name": lambda: (p.x > 5) and (p.x < 7),
    "and same property": lambda: (q > 5) and (q < 7),
    "and flag": lambda: (q > 5) and True,
    "or": lambda: (p.x > 5) or (p.x < 3),
    "or same property": lambda: (q > 5) or (q < 3),
    "chain and chain": lambda: (5 < q < 7) and (5 < q < 7),
    "bool": lambda: bool(p.x > 5),
    "bool of stored property": lambda: bool(q > 5),
    "bool of stored range": lambda: bool(STORED),
    "all": lambda: all([q > 5, q < 7]),
    "any": lambda: any(r for r in [q > 5]),
    "filter": lambda: list(filter(None, [q > 5])),
    "comprehension": lambda: [1 for _ in "a" if q > 5],
    "while": while_loop,
    "while chain": while_chain,
    "finally": if_in_finally,
    "assert": asserted,
    "operator": lambda: operator.not_(operator.gt(q, 5)),
    "longer chain": lambda: 1 < p.x < 5 < 7,
    "eq": lambda: bool(p.x == 5),
    "ne and": lambda: (p.x != 5) and True,
    "eq in chain": lambda: p.x == 5 < 7,
    "and expression": lambda: bool((p.x > 5) & (p.y < 3)),
    "or expression": lambda: bool((p.x > 5) | (p.y < 3)),
    "not expression": lambda: bool(~(p.x > 5)),
    "isnull": lambda: not p.x.isnull,
    "prefix": lambda: p.x.prefix("a") or p.x.prefix("b"),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_truth_of_an_expression_is_refused(make):
    with pytest.raises(AmbiguousTruthError, match=r"& \| ~") as caught:
        make()
    assert isinstance(caught.value, FilterError)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("make", [lambda: 1 < q == 5, lambda: 1 < p.x != 5])
def test_equality_in_a_chain_is_refused(make):
    with pytest.raises(FilterError, match="only <, <=, > and >= can be chained"):
        make()


@pytest.mark.parametrize(
    "make",
    [lambda: 1 < p.x < p.y, lambda: p.x < p.y, lambda: p.x & (p.y > 1), lambda: p.x & (p.y > 1) > 1],
)
def test_properties_do_not_compare_or_combine_with_each_other(make):
    with pytest.raises((FilterError, TypeError)):
        make()


def test_truth_of_a_property_is_refused():
    with pytest.raises(FilterError, match="neither true nor false"):
        bool(p.x)
    with pytest.raises(FilterError, match="cannot be iterated"):
        list(p.x)


def test_stored_property_is_not_polluted():
    r = p.x
    first = r > 5
    second = r < 3
    third = 1 < r < 2
    fourth = r >= 9
    assert first.is_same(Range("x", gt=5))
    assert second.is_same(Range("x", lt=3))
    assert third.is_same(Range("x", gt=1, lt=2))
    assert fourth.is_same(Range("x", gte=9))


def test_refused_truth_leaves_nothing_behind():
    r = p.x
    with pytest.raises(AmbiguousTruthError):
        bool(r > 5)
    assert (r < 7).is_same(Range("x", lt=7))


def test_error_inside_a_chain_leaves_nothing_behind():
    r = p.x
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            5 < r < 1 / 0  # noqa: B015 - raises in between
        found = r < 7
        assert found.is_same(Range("x", lt=7))
        found = 2 < r < 4
        assert found.is_same(Range("x", gt=2, lt=4))


def test_retried_chain_starts_anew():
    r, found = p.x, []
    for low, high in ((1, "bad"), (2, 9)):
        try:
            found.append(low < r < int(high))
        except ValueError:
            continue
    assert found == [Range("x", gt=2, lt=9)]


def test_expressions_made_inside_a_chain_do_not_disturb_it():
    def inner():
        made = 3 < q < 4
        assert made.is_same(Range("x", gt=3, lt=4))
        assert (q > 1).is_same(Range("x", gt=1))
        return 9

    found = [
        5 < q < inner(),
        5 < q < len([1 < q < 2, q > 7, p.y < 3]),
        5 < q < max(len([q > i for i in range(3)]), 2),
    ]
    assert found == [Range("x", gt=5, lt=9), Range("x", gt=5, lt=3), Range("x", gt=5, lt=3)]


def test_recursion_inside_a_chain():
    def make(depth):
        found = depth < q < (make(depth - 1).lt + 1 if depth else 0)
        return found

    assert make(3).is_same(Range("x", gt=3, lt=3))


def test_generators_that_pause_inside_a_chain_keep_their_own_bounds():
    def pausing(low):
        yield low < q < (yield)

    one, two = pausing(1), pausing(2)
    next(one), next(two)
    assert one.send(10).is_same(Range("x", gt=1, lt=10))
    assert two.send(20).is_same(Range("x", gt=2, lt=20))


def test_generator_resumed_by_another_thread_keeps_its_bound():
    def pausing():
        yield 1 < q < (yield)

    made, found = pausing(), []
    next(made)
    thread = threading.Thread(target=lambda: found.append(made.send(10)))
    thread.start()
    thread.join()
    assert found[0].is_same(Range("x", gt=1, lt=10))


def test_threads_share_a_property_without_mixing_bounds():
    shared, wrong = p.x, []
    barrier = threading.Barrier(8)

    def work(low):
        barrier.wait()
        for high in range(300):
            found = low < shared < high
            if not found.is_same(Range("x", gt=low, lt=high)):
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(low,)) for low in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_properties_are_not_kept_alive():
    made = Property("x")
    alive = weakref.ref(made)
    found = 5 < made < 7
    assert found.is_same(Range("x", gt=5, lt=7))
    del made
    gc.collect()
    assert alive() is None


def test_chains_inside_assert_statements_that_pytest_rewrites():
    assert (5 < q < 7).is_same(Range("x", gt=5, lt=7))
    assert (5 <= p.x <= 7).serialize() == {"range": {"x": {"gte": 5, "lte": 7}}}
    assert ((1 < q < 2) | (3 < q < 4)).is_same(Range("x", gt=1, lt=2) | Range("x", gt=3, lt=4))
    assert ((q > 5) | (q < 3)).is_same(Range("x", gt=5) | Range("x", lt=3))
    assert repr("2023" <= p.extra_properties.foo < "2024") == "'2023' <= p.extra_properties.foo < '2024'"
    for make in (lambda: q > 5, lambda: 5 < q < 7):
        with pytest.raises(AmbiguousTruthError):
            assert make()
    with pytest.raises(AmbiguousTruthError):
        assert 5 < q < 7
    with pytest.raises(AmbiguousTruthError):
        assert q > 5
        pytest.fail("was taken for true")
    with pytest.raises(AmbiguousTruthError):
        assert (q > 5) and (q < 7)  # noqa: PT018 - the conjunction is the point
    with pytest.raises(AmbiguousTruthError):
        assert not q > 5
    assert (q < 7).is_same(Range("x", lt=7))


def test_works_without_columns_in_the_bytecode():
    code = (
        "from dawnlight.search import Properties, Range\n"
        "from dawnlight.errors import AmbiguousTruthError\n"
        "p = Properties(); q = p.x\n"
        "assert (5 < q < 7).is_same(Range('x', gt=5, lt=7))\n"
        "try:\n"
        "    (q > 5) and (q < 7)\n"
        "except AmbiguousTruthError:\n"
        "    print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "no_debug_ranges", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "refused\n"


def test_other_implementations_fall_back_to_the_life_of_the_property(monkeypatch):
    monkeypatch.setattr(_chains, "_CAN_TELL", False)
    found = 5 < p.x < 7
    assert found.is_same(Range("x", gt=5, lt=7))
    for make in (lambda: not p.x > 5, lambda: (p.x > 5) and (p.y < 3), lambda: bool(p.x > 5)):
        with pytest.raises(AmbiguousTruthError):
            make()
