"""Documents on disk or in memory: stores, their rules, and the door that opens them by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dawnlight.storage._memory import MemoryStore
from dawnlight.storage._protocol import CatalogStore, Page
from dawnlight.storage._registry import open_store, register_store, unregister_store
from dawnlight.storage._rules import DEFAULT_OWNERS

if TYPE_CHECKING:
    from dawnlight.storage._sqlite import SqliteStore
    from dawnlight.storage._sqlite_doctor import Finding, doctor

__all__ = [
    "DEFAULT_OWNERS",
    "CatalogStore",
    "Finding",
    "MemoryStore",
    "Page",
    "SqliteStore",
    "doctor",
    "open_store",
    "register_store",
    "unregister_store",
]

# These need SQLAlchemy, which takes its time to import.
_LATE = {
    "Finding": "dawnlight.storage._sqlite_doctor",
    "SqliteStore": "dawnlight.storage._sqlite",
    "doctor": "dawnlight.storage._sqlite_doctor",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LATE[name]), name)
