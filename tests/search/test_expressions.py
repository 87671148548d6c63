from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings

from dawnlight.errors import FilterError
from dawnlight.search import (
    KINDS,
    And,
    Eq,
    Expression,
    ILike,
    IsNotNull,
    IsNull,
    Like,
    Ne,
    Not,
    Or,
    Prefix,
    Properties,
    Property,
    Range,
    ResolutionValue,
)
from dawnlight.testing._strategies import document_lists, expressions

p = Properties()
A, B, C, D = p.a == 1, p.b > 2, p.c.isnull, p.d.prefix("x")


def test_combining_is_flat_and_leaves_the_operands_alone():
    both = A & B
    more = both & C
    assert both.is_same(And((A, B)))
    assert more.is_same(And((A, B, C)))
    assert (both & (C & D)).is_same(And((A, B, C, D)))
    assert ((A | B) | (C | D)).is_same(Or((A, B, C, D)))
    assert ((A & B) | (C & D)).is_same(Or((And((A, B)), And((C, D)))))


def test_negation_of_a_negation_is_the_condition():
    assert (~A).is_same(Not(A))
    assert (~~A).is_same(A)


@pytest.mark.parametrize("other", [True, None, "x", 1, p.x])
def test_only_expressions_combine(other):
    for combine in (lambda: A & other, lambda: A | other, lambda: other & A, lambda: other | A):
        with pytest.raises(TypeError):
            combine()
    with pytest.raises(FilterError, match="not"):
        And((A, other))
    with pytest.raises(FilterError, match="not"):
        Not(other)


def test_expressions_are_frozen():
    for expression, name in ((A, "value"), (B, "gt"), (C, "name"), (A & B, "parts"), (~A, "part")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(expression, name, 5)


def test_equality_and_hash_go_by_structure():
    assert (p.a == 1) == A
    assert hash(p.a == 1) == hash(A)
    assert len({A, p.a == 1, p.a == 1.0, A & B, And((A, B))}) == 2
    different = [
        Eq("a", 1), Eq("a", True), Eq("a", "1"), Eq("b", 1), Ne("a", 1), Range("a", gt=1), Range("a", gte=1),
        Prefix("a", "1"), Like("a", "1"), ILike("a", "1"), IsNull("a"), IsNotNull("a"), And((A,)), Or((A,)),
        Not(A),
        And(()), Or(()), And((A, B)), And((B, A)), Eq("a", ResolutionValue(1, "meters")),
        Eq("a", ResolutionValue(1, "degrees")), Range("a", gt=1, lt=2), Range("a", gt=1, lte=2),
    ]  # fmt: skip
    assert len(set(different)) == len(different)
    assert A != "A"
    assert not A.is_same(B)


def test_range_needs_a_bound():
    with pytest.raises(FilterError, match="at least one"):
        Range("a")


def test_bounds_are_listed_in_order():
    assert Range("a", lte=4, gt=1).bounds == {"gt": 1, "lte": 4}
    assert Range("a", gt=0, lt=0.0).bounds == {"gt": 0, "lt": 0.0}


@pytest.mark.parametrize("name", ["", None, 5, b"a", "a" * 2001])
def test_name_must_be_text(name):
    with pytest.raises(FilterError, match="name of a field"):
        Eq(name, 1)


def test_depth_is_limited():
    deep = reduce(lambda inner, i: inner & A if i % 2 else inner | B, range(63), A)
    assert deep.depth == 64
    with pytest.raises(FilterError, match="deeper than 64"):
        reduce(lambda inner, _: ~(inner & A), range(60), A)


def test_wide_expressions_are_fine():
    wide = p.a.any_of(range(20_000))
    assert wide.depth == 2
    assert hash(wide) == hash(p.a.any_of(range(20_000)))


REPRS = {
    "p.a == 1": A,
    "p.a != 'x'": p.a != "x",
    "p.a > 1": p.a > 1,
    "1 < p.a <= 2.5": Range("a", gt=1, lte=2.5),
    "(p.a > 1) & (p.a >= 2)": Range("a", gt=1, gte=2),
    "p.a.isnull": p.a.isnull,
    "p.a.isnotnull": p.a.isnotnull,
    "p.a.prefix('x')": p.a.prefix("x"),
    "p.a.like('%')": p.a.like("%"),
    "p.a.ilike('%')": p.a.ilike("%"),
    "p.a.any_of([1, 2])": p.a.any_of([1, 2]),
    "(p.a == 1) & (p.b > 2)": A & B,
    "(p.a == 1) | p.c.isnull": A | C,
    "~(p.a == 1)": ~A,
    "Not(~(p.a == 1))": Not(Not(A)),
    "~p.c.isnull": ~C,
    "~((p.a == 1) & (p.b > 2))": ~(A & B),
    "((p.a == 1) & (p.b > 2)) | p.c.isnull": (A & B) | C,
    "(p.a == 1) & p.b.any_of([1, 2])": A & p.b.any_of([1, 2]),
    "And(())": And(()),
    "Or((p.a == 1,))": Or((A,)),
    "p.a == ResolutionValue(value=10, unit='meters')": p.a == ResolutionValue(10, "meters"),
    "p.extra_properties.foo == 1": p.extra_properties.foo == 1,
    "p.extra_properties['eo:x'] == 1": p.extra_properties["eo:x"] == 1,
    "Property('a b') == 1": Property("a b") == 1,
}


@pytest.mark.parametrize(("text", "expression"), REPRS.items(), ids=REPRS)
def test_repr_reads_like_the_python_that_makes_it(text, expression):
    assert repr(expression) == text


NAMES = {"p": p, "And": And, "Or": Or, "Not": Not, "Property": Property, "ResolutionValue": ResolutionValue}


@pytest.mark.parametrize("kind", KINDS)
def test_repr_evaluates_to_an_expression_that_means_the_same(kind):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(expressions(kind), document_lists(kind, max_size=4))
    def check(expression, documents):
        read = eval(repr(expression), NAMES)
        assert [read.evaluate(d) for d in documents] == [expression.evaluate(d) for d in documents]

    check()


@pytest.mark.parametrize("expression", [*REPRS.values()], ids=REPRS)
def test_pickle_and_copy(expression):
    for other in (pickle.loads(pickle.dumps(expression)), copy.copy(expression), copy.deepcopy(expression)):
        assert other.is_same(expression)
        assert other.depth == expression.depth


def test_expression_itself_is_abstract():
    with pytest.raises(FilterError):
        Expression().serialize()
