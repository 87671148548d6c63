"""The memory store is the model; still it must pass what the others must."""

from __future__ import annotations

import pytest

from dawnlight.errors import CatalogAccessError
from dawnlight.storage import MemoryStore
from dawnlight.testing._store_suite import CatalogStoreSuite, fixed_clock, product


class TestMemoryStore(CatalogStoreSuite):
    examples = 10

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(clock=fixed_clock)


def test_views_share_documents_and_close_alone() -> None:
    store = MemoryStore("shared", clock=fixed_clock)
    view = store.view(read_only=True)
    store.create([product()])
    assert view.exists("product", "p")
    assert repr(view) == "MemoryStore('memory://shared', read_only=True)"
    with pytest.raises(CatalogAccessError, match="read_only"):
        view.delete("product", "p")
    view.close()
    assert store.exists("product", "p")
