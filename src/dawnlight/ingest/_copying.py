"""Adding files to the catalog as copies: looked at, queued, and converted like any other upload."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dawnlight.errors import BadRequestError, DawnlightError, RasterError, UnsupportedRasterError
from dawnlight.geo import spell_crs
from dawnlight.ingest._groups import FileGroup
from dawnlight.ingest._inspect import Candidate, inspect_group
from dawnlight.ingest._register import Adder
from dawnlight.ingest._report import FileResult
from dawnlight.ingest._samples import BandSample
from dawnlight.ingest._sandbox import ChildFailure, run_child
from dawnlight.ingest._submit import submit_files
from dawnlight.raster._header import FileHeader
from dawnlight.raster._href import is_remote, read_fingerprint
from dawnlight.search import Document

__all__ = ["CopyAdder"]

# What the files say is found out from the copies.
_FROM_FILES = frozenset(
    ("files", "file_headers", "geotrans", "x_pixels", "y_pixels", "cs_code", "projection", "geometry")
)


class CopyAdder(Adder):
    """One run of `add_files` that copies.

    No file is opened in this process. Header and samples come from a child process for each file, with the
    limits of a conversion: what crashes or never ends is one file, which is refused.
    """

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
        # The footprint follows the valid pixels of the new file; that of the grid is of no interest.
        return inspect_group(group, self.options, self._read_header, None, strict=self.strict)

    @property
    def _crs(self) -> str | None:
        return None if self.options.crs is None else spell_crs(self.options.crs)

    def _read_header(self, href: str) -> FileHeader:
        if is_remote(href):
            raise UnsupportedRasterError(
                f"{href}: is remote; download it first, or add it by reference (without --copy)"
            )
        read_fingerprint(href)  # says so where there is no such file
        if Path(f"{href}.msk").exists():
            raise UnsupportedRasterError(
                f"{href}: has its mask in a file beside it; bring both into one file first (gdal_translate)"
            )
        with _answer_of(href):
            (record,) = self._ask(href)["headers"]
            return FileHeader.from_dict({**record, "href": href})

    def _sample(self, header: FileHeader, indexes: Sequence[int]) -> Sequence[BandSample]:
        wanted = {"header": header.patch(tags={}).to_dict(), "indexes": list(indexes)}
        with _answer_of(header.href):
            return [
                BandSample.from_dict(record) for record in self._ask(header.href, sample=wanted)["samples"]
            ]

    def _ask(self, href: str, **more: Any) -> dict[str, Any]:
        reply = run_child({"convert": False, "sources": [href], "names": [href], "crs": self._crs, **more})
        assert reply is not None  # nobody ends it
        return reply

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
                    crs=self._crs,
                )
            except (BadRequestError, RasterError) as error:
                self.results.extend(
                    FileResult(href=str(path), status="refused", reason=str(error)) for path in paths
                )
                continue
            self.on_queued(queued.id, image.id)
            self._report(candidate, "updated" if image.id in stored else "added", image)


@contextmanager
def _answer_of(href: str) -> Iterator[None]:
    """Turn whatever goes wrong with a child process, and with what it answers, into a refusal of the file."""
    try:
        yield
    except ChildFailure as failure:
        raise UnsupportedRasterError(f"{href}: {str(failure).removeprefix(f'{href}: ')}") from failure
    except (DawnlightError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UnsupportedRasterError(f"{href}: the child process answers nonsense about it") from error


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
