"""The embedded catalog: it passes the suite, on every road to the rows, and agrees with the memory store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from dawnlight.storage import CatalogStore, SqliteStore, _sql_roads, _sql_search
from dawnlight.testing._store_models import make_store_machine
from dawnlight.testing._store_suite import CatalogStoreSuite, fixed_clock, image, product


class TestSqliteStore(CatalogStoreSuite):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[CatalogStore]:
        with SqliteStore(tmp_path, clock=fixed_clock) as store:
            yield store


class _Searches:
    """The part of the suite that depends on how rows are reached."""

    examples = CatalogStoreSuite.examples
    filled = CatalogStoreSuite.filled
    test_searches_answer_as_the_model = CatalogStoreSuite.test_searches_answer_as_the_model
    test_the_limit_counts_over_all_pages = CatalogStoreSuite.test_the_limit_counts_over_all_pages
    test_pages_stay_in_step = CatalogStoreSuite.test_pages_stay_in_step_when_documents_come_and_go
    test_antimeridian = CatalogStoreSuite.test_images_across_the_antimeridian_are_found_from_both_sides

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[CatalogStore]:
        with SqliteStore(tmp_path, clock=fixed_clock) as store:
            yield store


class TestWalking(_Searches):
    """Every search walks along an index, as in catalogs too large for candidates."""

    @pytest.fixture(autouse=True)
    def _walk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_sql_roads, "_FEWEST_PROBED", 0)
        monkeypatch.setattr(_sql_roads, "_MOST_PROBED", 0)
        monkeypatch.setattr(_sql_roads, "_MOST_KEYS", 0)
        monkeypatch.setattr(_sql_search, "_LARGEST_BATCH", 2)
        monkeypatch.setattr(_sql_search, "_STREAM_BATCH", 2)


class TestBitByBit(_Searches):
    """Candidates are read one by one, as far as the page needs them."""

    @pytest.fixture(autouse=True)
    def _bit_by_bit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_sql_search, "_LARGEST_BATCH", 1)


def _open_in_new_folder() -> CatalogStore:
    folder = tempfile.TemporaryDirectory()
    store = SqliteStore(folder.name, clock=fixed_clock)
    close = store.close

    def close_and_clean() -> None:
        close()
        folder.cleanup()

    store.close = close_and_clean  # type: ignore[method-assign]
    return store


TestHistories = make_store_machine(_open_in_new_folder).TestCase
TestHistories.settings = settings(max_examples=8, stateful_step_count=15, deadline=None)


@pytest.mark.slow
class TestManySearches(_Searches):
    examples = 400


@pytest.mark.slow
class TestManyWalks(TestWalking):
    examples = 400


@pytest.mark.slow
class TestManyBits(TestBitByBit):
    examples = 400


@pytest.mark.slow
def test_long_histories() -> None:
    machine = make_store_machine(_open_in_new_folder)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=100, stateful_step_count=50, deadline=None)
    )


def test_a_catalog_lives_on(tmp_path: Path) -> None:
    with SqliteStore(tmp_path) as store:
        store.create([product(), image()])
        identity = store.uuid
    with SqliteStore(tmp_path, create=False) as store:
        assert store.exists("image", "p:a")
        assert store.uuid == identity
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog.lock", "catalog.sqlite"]


def test_a_backup_is_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    with SqliteStore(tmp_path / "live") as store:
        store.create([product(), image(tags=["x"])])
        store.backup(tmp_path / "copy" / "catalog.sqlite")
        with pytest.raises(FileExistsError, match="exists"):
            store.backup(tmp_path / "copy" / "catalog.sqlite")
    with SqliteStore(tmp_path / "copy", read_only=True) as copy:
        assert copy.get_many("image", ["p:a"])[0].attributes["tags"] == ["x"]
        assert copy.doctor(deep=True) == []
