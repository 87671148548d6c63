"""Slices of time give all candidates, in order, whatever their width."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from dawnlight.search import Document, Properties, Query, run
from dawnlight.storage import SqliteStore
from dawnlight.storage import _sql_candidates as slices
from dawnlight.storage._sql_candidates import OrderedCandidates, rank_of_candidate

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
            "cloud_fraction": rng.random(),
        }
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
    monkeypatch.setattr(slices, "_FIRST_SLICE", request.param)
    monkeypatch.setattr(slices, "_LARGEST_SLICE", request.param)


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
        Properties().cloud_fraction < 0.1,
        (Properties().acquired >= "2020") & (Properties().acquired < "2021"),
        Properties().acquired > "2400",
        Properties().acquired <= "1900",
        Properties().acquired == "2020-01-01",
        Properties().acquired.isnull,
    ],
    ids=["all", "few", "a year", "later", "earlier", "an instant", "without a time"],
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
