"""What a child process does with the threads, locks and handles that it inherits through a fork: nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

__all__ = ["abandon", "after_fork"]

_abandoned: list[Any] = []


def after_fork(renew: Callable[[], None]) -> None:
    """Have a function called in each child process, where there are any."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=renew)


def abandon(inherited: Any) -> None:
    """Keep what belongs to the parent, untouched: ending it could wait for a lock that nobody holds."""
    _abandoned.append(inherited)
