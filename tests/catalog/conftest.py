from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import dawnlight as dl
from dawnlight.catalog import CatalogClient, Product


@pytest.fixture(params=["memory", "sqlite"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CatalogClient]:
    """A new, empty catalog of each embedded kind."""
    with dl.open("memory://" if request.param == "memory" else tmp_path / "catalog") as client:
        yield client


@pytest.fixture
def product(client: CatalogClient) -> Product:
    """A saved product."""
    product = Product(id="fields", name="Fields", client=client)
    product.save()
    return product
