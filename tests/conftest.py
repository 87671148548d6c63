"""No test leaves a default catalog behind, and none touches the user's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dawnlight.catalog import CatalogClient


@pytest.fixture(autouse=True)
def _no_default_catalog(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DAWNLIGHT_CATALOG", "memory://default-of-the-tests")
    yield
    CatalogClient.set_default_client(None)
