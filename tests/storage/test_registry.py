"""Opening stores by folder and URL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from dawnlight.errors import CatalogNotFoundError, ConfigError
from dawnlight.storage import (
    CatalogStore,
    MemoryStore,
    SqliteStore,
    open_store,
    register_store,
    unregister_store,
)
from dawnlight.testing._store_suite import product


def test_a_folder_is_an_embedded_catalog(tmp_path: Path) -> None:
    with open_store(tmp_path / "catalog") as store:
        assert isinstance(store, SqliteStore)
        assert store.url == f"sqlite:///{tmp_path.as_posix()}/catalog"
        store.create([product()])
    with open_store(store.url, create=False, read_only=True) as again:
        assert again.exists("product", "p")


def test_urls_may_be_relative_and_hold_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_store("sqlite:///my%20catalog"):
        assert (tmp_path / "my catalog" / "catalog.sqlite").is_file()


def test_odd_folder_names_work(tmp_path: Path) -> None:
    with open_store(tmp_path / "a?b#c%20d e") as store:
        store.create([product()])
    assert [path.name for path in tmp_path.iterdir()] == ["a?b#c%20d e"]


def test_memory_is_shared_by_name() -> None:
    with open_store("memory://registry-test") as first, open_store("memory://registry-test") as second:
        first.create([product()])
        assert second.exists("product", "p")
    with open_store("memory://") as other, open_store("memory://") as another:
        other.create([product()])
        assert not another.exists("product", "p")
    with pytest.raises(CatalogNotFoundError, match="create=True"):
        open_store("memory://registry-test-unknown", create=False)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("ftp://host/catalog", "the scheme 'ftp' is unknown; known are a folder, memory://, sqlite://"),
        ("sqlite://host/folder", "has no host; write sqlite:///relative/folder"),
        ("sqlite:///", "the folder is missing"),
        ("", "must be a folder or a URL"),
    ],
)
def test_what_cannot_be_opened_is_explained(location: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_store(location)


def test_a_missing_catalog_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(CatalogNotFoundError, match=r"no catalog in .*catalog.sqlite.*create=True"):
        open_store(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def open_mine(url: str, *, create: bool, read_only: bool, owners: Iterable[str]) -> CatalogStore:
    """Open a store as a registered scheme does."""
    return MemoryStore(url.partition("://")[2], owners=owners)


def test_schemes_can_be_added_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "store_of_this_test", sys.modules[__name__])
    register_store("mine", "store_of_this_test:open_mine")
    try:
        with open_store("mine://x", owners=["org:o"]) as store:
            assert store.create([product()])[0].attributes["owners"] == ["org:o"]
        with pytest.raises(ConfigError, match="is taken"):
            register_store("mine", "other:thing")
    finally:
        unregister_store("mine")
    with pytest.raises(ConfigError, match="unknown"):
        open_store("mine://x")


def test_malformed_registrations_are_refused() -> None:
    for scheme, target in [("My", "a:b"), ("a b", "a:b"), ("mine", "nothing"), ("mine", "a:b c")]:
        with pytest.raises(ConfigError, match="must"):
            register_store(scheme, target)


def test_a_target_that_cannot_be_imported_is_named() -> None:
    register_store("broken", "no_such_module:thing")
    try:
        with pytest.raises(ConfigError, match="'no_such_module:thing', which cannot be imported"):
            open_store("broken://x")
    finally:
        unregister_store("broken")
