"""What processes do to one store at the same time, for tests that start them.

They live here and not in a test module, because a process that is spawned imports them by name. Each takes
the location of a store that holds the product ``p``, its own number, and a count.
"""

from __future__ import annotations

import time
from pathlib import Path

from dawnlight.errors import ConflictError
from dawnlight.search import Properties, Query
from dawnlight.storage import open_store
from dawnlight.testing._store_suite import image, square

__all__ = [
    "BATCH",
    "count_up",
    "create",
    "create_batches",
    "create_without_end",
    "open_again",
    "read_batches",
]

BATCH = 20
"""Images in one batch of `create_batches`."""
p = Properties()


def create(location: str, number: int, count: int) -> None:
    """Create images one by one; every one must be there at once, and none may wait for long."""
    worst = 0.0
    with open_store(location) as store:
        for step in range(count):
            start = time.monotonic()
            store.create([image(f"w{number}-{step}", geometry=square(number, step % 80))])
            worst = max(worst, time.monotonic() - start)
            assert store.exists("image", f"p:w{number}-{step}")
    assert worst < 10, f"a writer waited {worst:.1f} s"


def count_up(location: str, number: int, count: int) -> None:
    """Add 1 to a number in one document, from the version read, until it is not in conflict."""
    with open_store(location) as store:
        for _ in range(count):
            while True:
                found = store.get_many("product", ["p"])[0]
                value = found.attributes["extra_properties"]["n"] + 1
                try:
                    store.update("product", "p", {"extra_properties": {"n": value}}, version=found.version)
                    break
                except ConflictError:
                    continue


def create_batches(location: str, number: int, count: int) -> None:
    """Create images in batches."""
    with open_store(location) as store:
        for step in range(count):
            tag = f"batch-{number}-{step}"
            store.create(
                [image(f"{tag}-{i}", tags=[tag, "batch"], geometry=square(i, number)) for i in range(BATCH)]
            )


def read_batches(location: str, number: int, seconds: int) -> None:
    """See only whole batches, in the table, by tag and by place."""
    deadline = time.monotonic() + seconds
    seen = 0
    with open_store(location, read_only=True) as store:
        everywhere = Query(kind="image").intersecting((-180, -90, 180, 90))
        while time.monotonic() < deadline:
            for query in (Query(kind="image"), Query(kind="image").filtered(p.tags == "batch"), everywhere):
                count = store.count(query)
                assert count % BATCH == 0, f"{count} images are not whole batches"
                assert count >= seen, "images went away"
            seen = count


def create_without_end(location: str, number: int, count: int) -> None:
    """Create batches until killed; after each, make the file ``done-<step>`` in the folder."""
    with open_store(location) as store:
        for step in range(10_000):
            store.create(
                [image(f"k{number}-{step}-{i}", geometry=square(i % 80, 0), tags=["k"]) for i in range(count)]
            )
            Path(location, f"done-{step}").touch()


def open_again(location: str, number: int, count: int) -> None:
    """Open and close the store."""
    for _ in range(count):
        with open_store(location) as store:
            store.count(Query(kind="image"))
