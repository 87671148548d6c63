"""The check that a file is still the one that was registered."""

from __future__ import annotations

from datetime import UTC, datetime

from dawnlight.errors import RasterChangedError
from dawnlight.raster._header import FileRef
from dawnlight.raster._href import Fingerprint

__all__ = ["REGISTER_AGAIN", "check_unchanged"]

REGISTER_AGAIN = "add it again (dawnlight add --update) if the new file is the one you want"
"""What to do about a file that changed."""


def check_unchanged(file: FileRef, found: Fingerprint) -> None:
    """Compare a file with what was remembered of it; what either side does not know is not compared."""
    differences = []
    if None not in (file.size_bytes, found.size_bytes) and file.size_bytes != found.size_bytes:
        differences.append(f"its size is {found.size_bytes} bytes, was {file.size_bytes}")
    if None not in (file.modified_ns, found.modified_ns) and file.modified_ns != found.modified_ns:
        now, then = _moment(found.modified_ns), _moment(file.modified_ns)
        differences.append(f"it was modified at {now}, was at {then}")
    if differences:
        raise RasterChangedError(
            f"{file.href}: is not the file that was registered: {' and '.join(differences)}; {REGISTER_AGAIN}"
        )


def _moment(nanoseconds: int | None) -> str:
    seconds, rest = divmod(nanoseconds or 0, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
