"""What became of the files that were to be added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["AddReport", "FileResult", "Status"]

Status = Literal["added", "updated", "unchanged", "refused"]

# Refusals that a summary names; the rest is counted.
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of one file."""

    href: str
    """Absolute path or URL; as it was given where it is neither."""
    status: Status
    """``"unchanged"``: the catalog has it already, as it is."""
    image_id: str | None = None
    """The image that the file belongs to; None where that is not known."""
    reason: str | None = None
    """Why it was refused, and what to do."""
    acquired: str | None = None
    """When the image was acquired."""
    acquired_from: str | None = None
    """How that is known: ``"argument"``, ``"pattern"``, ``"tag NAME"`` or ``"name"``."""
    notes: tuple[str, ...] = ()
    """What was ignored in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddReport:
    """What became of all files.

    Examples
    --------
    >>> result = FileResult(href="a.tif", status="refused", reason="no CRS")
    >>> report = AddReport(product_id="p", files=(result,))
    >>> print(report)
    product 'p': 1 file refused
      refused a.tif: no CRS
    """

    product_id: str
    """The product."""
    files: tuple[FileResult, ...]
    """Each file once, in the order given."""
    created_product: bool = False
    """Whether the product was made."""
    created_bands: tuple[str, ...] = ()
    """Names of the bands that were made."""

    @property
    def ok(self) -> bool:
        """Whether no file was refused."""
        return not self.refused

    @property
    def refused(self) -> tuple[FileResult, ...]:
        """The files that were refused."""
        return tuple(result for result in self.files if result.status == "refused")

    def count(self, status: Status) -> int:
        """Return the number of files that a word applies to."""
        return sum(result.status == status for result in self.files)

    def image_ids(self, *statuses: Status) -> list[str]:
        """Return the ids of the images with a file of one of these statuses, in order, each once."""
        found = (result.image_id for result in self.files if result.status in statuses)
        return list(dict.fromkeys(image_id for image_id in found if image_id is not None))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        counts = Counter(result.status for result in self.files)
        return {
            "product_id": self.product_id,
            "created_product": self.created_product,
            "created_bands": list(self.created_bands),
            "files": dict(sorted(counts.items())),
            "images": {status: len(self.image_ids(status)) for status in ("added", "updated", "unchanged")},
            "results": [
                {name: value for name, value in _items(result) if value not in (None, ())}
                for result in self.files
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        parts = []
        for status in ("added", "updated", "unchanged"):
            images, files = len(self.image_ids(status)), self.count(status)
            if files:
                parts.append(f"{_number(images, 'image')} {status} ({_number(files, 'file')})")
        if self.refused:
            parts.append(f"{_number(len(self.refused), 'file')} refused")
        yield f"product {self.product_id!r}: {', '.join(parts) or 'nothing to add'}"
        if self.created_bands:
            made = "new product with " if self.created_product else "new "
            yield f"  {made}bands {', '.join(self.created_bands)}"
        sources = Counter(
            result.acquired_from for result in self.files if result.acquired_from and result.status == "added"
        )
        for source, count in sources.items():
            yield f"  acquisition time from {source}: {_number(count, 'file')}"
        notes = Counter(note for result in self.files for note in result.notes)
        for note, count in notes.items():
            yield f"  note: {note} ({_number(count, 'file')})"
        for result in self.refused[:_SHOWN]:
            yield f"  refused {result.href}: {result.reason}"
        if len(self.refused) > _SHOWN:
            yield f"  ... and {len(self.refused) - _SHOWN} more"


def _items(result: FileResult) -> list[tuple[str, Any]]:
    return [(name, getattr(result, name)) for name in FileResult.__slots__]


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
