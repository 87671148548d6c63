"""Adding files to the catalog as copies: looked at, queued, and converted like any other upload."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dawnlight.errors import BadRequestError, RasterError
from dawnlight.ingest._groups import FileGroup
from dawnlight.ingest._inspect import Candidate, inspect_group
from dawnlight.ingest._register import Adder
from dawnlight.ingest._report import FileResult
from dawnlight.ingest._sandbox import ChildFailure, run_child
from dawnlight.ingest._submit import submit_files
from dawnlight.raster._href import is_remote
from dawnlight.search import Document

__all__ = ["CopyAdder"]

# What the files say is found out from the copies.
_FROM_FILES = frozenset(
    ("files", "file_headers", "geotrans", "x_pixels", "y_pixels", "cs_code", "projection", "geometry")
)


class CopyAdder(Adder):
    """One run of `add_files` that copies."""

    def _sort(self, groups: Sequence[FileGroup]) -> tuple[list[FileGroup], list[tuple[FileGroup, Document]]]:
        """Tell new images from those in the catalog, which are replaced if that is asked for."""
        ids = [f"{self.product_id}:{group.name}" for group in groups]
        stored = {image.id: image for image in self.store.get_many("image", ids)}
        new: list[FileGroup] = []
        changed: list[tuple[FileGroup, Document]] = []
        for id_, group in zip(ids, groups, strict=True):
            if id_ not in stored:
                new.append(group)
            elif self.update:
                changed.append((group, stored[id_]))
            else:
                self.results.extend(_compare(group, stored[id_]))
        return new, changed

    def _inspect(self, group: FileGroup) -> Candidate | tuple[FileResult, ...]:
        """Look at files only after the child process has opened them without harm."""
        refused = tuple(self._refuse_foreign(group))
        return refused or inspect_group(group, self.options, self.reader, strict=self.strict)

    def _refuse_foreign(self, group: FileGroup) -> Iterator[FileResult]:
        for href in group.hrefs:
            reason = None
            if is_remote(href):
                reason = "is remote; download it first, or add it by reference (without --copy)"
            elif Path(f"{href}.msk").exists():
                reason = "has its mask in a file beside it; bring both into one file first (gdal_translate)"
            elif Path(href).is_file():
                try:
                    run_child({"convert": False, "sources": [href], "names": [href]})
                except ChildFailure as failure:
                    reason = str(failure).removeprefix(f"{href}: ")
            if reason is not None:
                yield FileResult(href=href, status="refused", reason=reason)

    def _store(self, candidates: Sequence[Candidate], stored: Mapping[str, Document]) -> None:
        for candidate in self._fit(candidates):
            image = candidate.to_document(self.product_id)
            paths = [Path(header.href) for header in candidate.headers]
            upload = _make_upload(image, [str(path) for path in paths], sum(p.stat().st_size for p in paths))
            try:
                queued = submit_files(
                    self.store,
                    upload,
                    paths,
                    [str(path) for path in paths],
                    overwrite=image.id in stored,
                    keep_origin=True,
                )
            except (BadRequestError, RasterError) as error:
                self.results.extend(
                    FileResult(href=str(path), status="refused", reason=str(error)) for path in paths
                )
                continue
            self.on_queued(queued.id, image.id)
            self._report(candidate, "updated" if image.id in stored else "added", image)


def _compare(group: FileGroup, image: Document) -> Iterator[FileResult]:
    """Say that files were copied before, or that others were."""
    known = {file.get("provider_href") for file in image.get("files") or ()}
    for href in group.hrefs:
        if href in known:
            yield FileResult(href=href, status="unchanged", image_id=image.id)
        else:
            reason = f"image {image.id!r} exists already with other files; --update puts these in their place"
            yield FileResult(href=href, status="refused", image_id=image.id, reason=reason)


def _make_upload(image: Document, names: list[str], size: int) -> Document:
    given = {name: value for name, value in image.attributes.items() if name not in _FROM_FILES}
    attributes: dict[str, Any] = {
        "product_id": image.get("product_id"),
        "image_id": image.id,
        "image": {"type": "image", "id": image.id, "attributes": given},
        "image_upload_options": {"upload_type": "file", "image_files": names, "upload_size": size},
    }
    return Document(kind="image_upload", id=uuid.uuid4().hex, attributes=attributes)
