"""Slices of time give all candidates, in order, whatever their width."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dawnlight.search import Document, Properties, Query, run
from dawnlight.storage import SqliteStore
from dawnlight.storage import _sql_candidates as slices
from dawnlight.storage._sql_candidates import OrderedCandidates, rank_of_candidate
from dawnlight.storage._sql_tree import cloud_code, row_number

p = Properties()
_WORLD = (-180.0, -90.0, 180.0, 90.0)


def _square(x: float, y: float) -> dict[str, Any]:
    ring = [[x, y], [x + 3, y], [x + 3, y + 3], [x, y + 3], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def _make_images() -> Iterator[Document]:
    rng = random.Random(3)
    for number in range(400):
        name = f"i{number}"
        attributes: dict[str, Any] = {
            "product_id": "p",
            "name": name,
            "geometry": _square(rng.uniform(-180, 179), rng.uniform(-80, 80)),  # some cross the antimeridian
        }
        if number % 7:
            attributes["cloud_fraction"] = rng.choice((rng.random(), 0.25, 0.252, 0.5, -3.0, 7.0))
        # Many at one instant, few far away, some without a time.
        if number % 10:
            year = rng.choice((2020, 2020, 2020, 2021, 1950, 2300))
            attributes["acquired"] = f"{year}-01-{rng.choice((1, 1, 1, 20)):02d}T00:00:00Z"
        yield Document(kind="image", id=f"p:{name}", attributes=attributes)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path_factory.mktemp("catalog")) as made:
        made.create([Document(kind="product", id="p", attributes={"name": "P"})])
        made.create(list(_make_images()))
        yield made


@pytest.fixture(params=[1, 7, 100_000], ids=["tiny", "small", "whole"])
def first_slice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SMALLEST_SLICE", request.param)
    monkeypatch.setattr(slices, "_LARGEST_SLICE", request.param)


@given(st.one_of(st.none(), st.floats(-2, 2), st.integers(0, 250).map(lambda step: step / 250)))
def test_codes_are_the_same_in_sql(fraction: float | None) -> None:
    statement = f"SELECT {row_number()} FROM (SELECT 5 AS key, ? AS cloud_fraction)"
    connection = sqlite3.connect(":memory:")
    assert connection.execute(statement, (fraction,)).fetchone() == (512 * 5 + 2 * cloud_code(fraction),)
    connection.close()


@given(st.lists(st.floats(-1, 2), min_size=2, max_size=2))
def test_codes_do_not_fall(fractions: list[float]) -> None:
    low, high = map(cloud_code, sorted(fractions))
    assert 1 <= low <= high <= 251
    assert cloud_code(None) == 0


def test_the_tree_follows_a_changed_cloud_fraction(tmp_path: Any) -> None:
    query = Query(kind="image").intersecting(_WORLD).sorted_by("acquired")
    with SqliteStore(tmp_path) as store:
        store.create([Document(kind="product", id="p", attributes={"name": "P"})])
        store.create(list(_make_images())[1:6])
        for fraction in (0.9, None, 0.1):
            store.update("image", "p:i3", {"cloud_fraction": fraction})
            for low, high in ((0.0, 0.2), (0.8, 1.0)):
                asked = query.filtered((p.cloud_fraction >= low) & (p.cloud_fraction <= high))
                inside = fraction is not None and low <= fraction <= high
                assert ("p:i3" in [image.id for image in store.page(asked).documents]) is inside
                assert store.count(asked) == len(run(asked, list(store.search(Query(kind="image")))))
            assert store.doctor(deep=True) == []
        store.delete("image", "p:i3")
        assert store.doctor(deep=True) == []


@pytest.mark.usefixtures("first_slice")
@pytest.mark.parametrize("ascending", [True, False])
def test_all_come_once_and_in_order(store: SqliteStore, ascending: bool) -> None:
    with store._engine.read("looking") as connection:
        candidates = OrderedCandidates(connection, [_WORLD], (None, None), ascending=ascending)
        found = []
        while (following := candidates.peek()) is not None:
            taken = candidates.take(13)
            assert taken[0] == following
            found += taken
    ranks = [rank_of_candidate(candidate, ascending=ascending) for candidate in found]
    assert ranks == sorted(ranks)
    assert sorted(key for key, _, _ in found) == list(range(1, 401))


@pytest.mark.usefixtures("first_slice")
@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize(
    "condition",
    [
        None,
        p.cloud_fraction < 0.1,
        p.cloud_fraction == 0.25,
        (p.cloud_fraction >= 0.252) & (p.cloud_fraction <= 0.5),
        (p.cloud_fraction > 1) | (p.cloud_fraction < 0),
        (p.cloud_fraction > 0.7) & (p.cloud_fraction < 0.2),
        p.cloud_fraction.isnull,
        ~(p.cloud_fraction < 0.9),
        (p.acquired >= "2020") & (p.acquired < "2021"),
        p.acquired > "2400",
        p.acquired <= "1900",
        p.acquired == "2020-01-01",
        p.acquired.isnull,
    ],
    ids=[
        "all",
        "few",
        "one value",
        "a range",
        "no fractions",
        "none",
        "no value",
        "not below",
        "a year",
        "later",
        "earlier",
        "an instant",
        "without a time",
    ],
)
def test_pages_are_those_of_the_model(store: SqliteStore, ascending: bool, condition: Any) -> None:
    query = Query(kind="image").intersecting((160, -90, 200, 90)).sorted_by("acquired", ascending=ascending)
    if condition is not None:
        query = query.filtered(condition)
    everything = list(store.search(Query(kind="image")))
    found, continuation = [], None
    while True:
        page = store.page(query, continuation, 7)
        found += page.documents
        continuation = page.continuation
        if continuation is None:
            break
    assert [document.id for document in found] == [document.id for document in run(query, everything)]
