from __future__ import annotations

import datetime as dt
import enum
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dawnlight.errors import FilterError
from dawnlight.search import Document, Properties

p = Properties()


class State(enum.StrEnum):
    DONE = "done"


class Unit(enum.StrEnum):
    DEGREES = "degrees"


OBJ = SimpleNamespace(
    id="p:a",
    product_id="p",
    name="a",
    number=0.5,
    count=np.int64(5),
    flag=True,
    state=State.DONE,
    acquired=dt.datetime(2023, 7, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    naive=dt.datetime(2023, 7, 1, 10),
    day=dt.date(2023, 7, 1),
    stamp=pd.Timestamp("2023-07-01T00:00:00.000000001"),
    moment=np.datetime64("2023-07-01"),
    tags=["a", "b"],
    labels={"x"},
    empty=[],
    nothing=None,
    resolution=SimpleNamespace(value=1, unit=Unit.DEGREES),
    resolution_map={"value": 1, "unit": "degrees"},
    extra_properties={"foo": 1, "a.b": "x"},
    structure={"a": 1},
)

HOLDS = [
    p.id == "p:a",
    p.product == "p",
    p.product == SimpleNamespace(id="p"),
    p.number == 0.5,
    0 < p.number <= 0.5,
    p.count == 5,
    p.flag == True,  # noqa: E712
    p.state == "done",
    p.state == State.DONE,
    p.acquired == "2023-07-01T10:00:00Z",
    "2023-07" <= p.acquired < "2023-08",
    p.naive == "2023-07-01T10:00:00Z",
    p.day == dt.datetime(2023, 7, 1),
    p.stamp > "2023-07-01",
    p.moment == "2023-07-01",
    p.tags == "b",
    p.tags != "c",
    p.labels.prefix("x"),
    p.empty.isnull,
    p.nothing.isnull,
    ~(p.nothing > 5),
    p.nothing != 5,
    p.resolution == 111111,
    p.resolution > "100 km".replace("km", "m"),
    p.extra_properties.foo == 1,
    p.extra_properties["a.b"].like("_"),
    p.extra_properties.bar.isnull,
    p.structure.isnotnull,
    (p.number > 0) & ((p.name == "z") | ~(p.name == "z")),
]


@pytest.mark.parametrize("expression", HOLDS, ids=repr)
def test_attributes_compare_by_their_own_types(expression):
    assert expression.evaluate(OBJ) is True
    assert (~expression).evaluate(OBJ) is False


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (p.missing == 1, "has no attribute 'missing'"),
        (p.acquired == "garbage", "not a point in time"),
        (p.acquired.prefix("2023"), "prefix"),
        (p.structure == 1, "does not fit"),
        (p.resolution == "60", "with a unit"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_an_error(expression, words):
    with pytest.raises(FilterError, match=words):
        (expression | expression).evaluate(OBJ)


def test_catalog_objects_are_asked_for_their_document():
    class Thing:
        acquired = "not looked at"

        def _to_document(self):
            return Document(kind="image", id="p:a", attributes={"acquired": "2023-07-01T00:00:00Z"})

    assert (p.acquired == "2023-07-01").evaluate(Thing())
    with pytest.raises(FilterError, match="did you mean"):
        (p.acquird == "2023-07-01").evaluate(Thing())


def test_things_that_are_no_conditions_are_refused():
    with pytest.raises(FilterError):
        type(p.x == 1).__mro__[2]().evaluate(OBJ)
