"""Adding files to the catalog by reference: they stay where they are, and the catalog learns about them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dawnlight.errors import BadRequestError, ConflictError, ParameterError, RasterError
from dawnlight.geo import normalize_crs
from dawnlight.ingest._existing import changes_of, compare_with_image
from dawnlight.ingest._groups import FileGroup, expand_files, group_files
from dawnlight.ingest._inspect import Candidate, InspectOptions, Refusal, inspect_group, without_name
from dawnlight.ingest._names import check_distinct
from dawnlight.ingest._pattern import NamePattern
from dawnlight.ingest._plan import ProductPlan
from dawnlight.ingest._report import AddReport, FileResult, Status
from dawnlight.ingest._samples import BandSample, sample_bands
from dawnlight.raster._gdal import GdalReader, read_header
from dawnlight.raster._header import FileHeader
from dawnlight.raster._href import normalize_href
from dawnlight.search import Document, time_to_wire
from dawnlight.storage import CatalogStore
from dawnlight.storage._names import make_valid_name

__all__ = ["Adder", "add_files"]

# Images that are looked at together and stored in one transaction.
_BATCH = 200
_ATTEMPTS = 5


def add_files(
    product: str,
    files: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    store: CatalogStore,
    pattern: str | None = None,
    acquired: Any = None,
    bands: Sequence[str] = (),
    crs: Any = None,
    update: bool = False,
    footprint: bool = True,
    progress: Callable[[int, int], None] | None = None,
    copy: bool = False,
    on_queued: Callable[[str, str], None] | None = None,
) -> AddReport:
    """Add raster files to a product as images, by reference or as copies.

    The product and its bands are made where they do not exist; files that do not fit them are refused, each
    with the reason, and do not stop the others. Adding the same files again changes nothing.

    Parameters
    ----------
    product : str
        Id of the product.
    files : path, URL, or iterable of them
        GeoTIFF and JPEG 2000 files, folders of them, or wildcards. Relative paths start from the working
        folder.
    store : CatalogStore
        The catalog.
    pattern : str, optional
        Which files make up an image and what their names say, such as ``"{name}_{band}.tif"``; see
        `dawnlight.ingest.NamePattern`. Without it each file is an image of its own, named after the file.
    acquired : time, optional
        When the images were acquired. By default the time is taken from the date in the pattern, from a tag
        of the file that says it (``acquired``, ``ACQUISITIONDATETIME``, ...), from a date in the name, or
        from TIFFTAG_DATETIME, whichever comes first.
    bands : sequence of str, optional
        Names of the bands, in the order of the file's bands. Where the pattern names bands: those to add.
    crs : CRS-like, optional
        Coordinate reference system of files that have none.
    update : bool, default False
        Refresh images whose files have changed, are others than before, or are more, and let the product have
        new bands. Otherwise such files are refused.
    footprint : bool, default True
        Look at a coarse version of the pixels, so that the footprint follows the valid ones; False takes that
        of the pixel grid.
    progress : callable, optional
        Called with the number of images done and that of all.
    copy : bool, default False
        Upload the files instead: the catalog makes cloud-optimised copies in its own folder, in the
        background. Only local files can be.
    on_queued : callable, optional
        With `copy`, called with the ids of each upload and of its image as soon as nothing can be lost.

    Returns
    -------
    AddReport
        What became of each file; of a copied one, whether its upload was queued.

    Raises
    ------
    ParameterError
        The pattern, the time, a name or the CRS cannot be used.

    Examples
    --------
    >>> from dawnlight.storage import MemoryStore
    >>> report = add_files("fields", ["missing_20240601.tif"], store=MemoryStore())
    >>> report.ok, report.count("refused")
    (False, 1)
    """
    parsed = NamePattern(pattern) if pattern is not None else None
    names = _normalize_bands(bands)
    options = InspectOptions(
        acquired=None if acquired is None else time_to_wire(acquired),
        bands=names,
        crs=None if crs is None else normalize_crs(crs),
        footprint=footprint,
    )
    expanded = expand_files(files)
    groups, refused = group_files(expanded, parsed, names)
    with GdalReader(max_open=16) as reader:
        adder = _adder_type(copy)(store, product, options, reader, pattern=parsed, update=update)
        if on_queued is not None:
            adder.on_queued = on_queued
        for done in adder.run(groups):
            if progress is not None:
                progress(done, len(groups))
    results = {result.href: result for result in (*refused, *adder.results)}
    order = {href: number for number, href in enumerate(_spellings(expanded))}
    return AddReport(
        product_id=product,
        files=tuple(sorted(results.values(), key=lambda result: order.get(result.href, len(order)))),
        created_product=adder.created_product,
        created_bands=tuple(adder.created_bands),
    )


def _adder_type(copy: bool) -> type[Adder]:
    if not copy:
        return Adder
    from dawnlight.ingest._copying import CopyAdder

    return CopyAdder


class Adder:
    """One run of `add_files`.

    Attributes
    ----------
    on_queued : callable
        Called with the id of each upload and that of its image once the upload is safe.
    """

    on_queued: Callable[[str, str], None] = staticmethod(lambda upload, image: None)

    def __init__(
        self,
        store: CatalogStore,
        product_id: str,
        options: InspectOptions,
        reader: GdalReader,
        *,
        pattern: NamePattern | None,
        update: bool,
    ) -> None:
        self.store = store
        self.product_id = product_id
        self.options = options
        self.reader = reader
        self.pattern = pattern
        # The bands of an image in one file come and go together.
        self.strict = pattern is None or not pattern.has_band
        self.update = update
        self.plan = ProductPlan(store, product_id, extend=update)
        self.results: list[FileResult] = []
        self.created_product = False
        self.created_bands: list[str] = []

    def run(self, groups: Sequence[FileGroup]) -> Iterator[int]:
        """Add groups in batches; yields how many have been looked at."""
        done = 0
        workers = min(8, (os.cpu_count() or 1) + 2)
        with ThreadPoolExecutor(workers, thread_name_prefix="dawnlight-add") as pool:
            for start in range(0, len(groups), _BATCH):
                new, changed = self._sort(groups[start : start + _BATCH])
                done += min(_BATCH, len(groups) - start) - len(new) - len(changed)
                found: list[Candidate] = []
                for outcome in pool.map(self._inspect, [*new, *(group for group, _ in changed)]):
                    done += 1
                    yield done
                    if isinstance(outcome, Candidate):
                        found.append(outcome)
                        self.results.extend(outcome.refused)
                    else:
                        self.results.extend(outcome)
                self._store(found, {image.id: image for _, image in changed})
            yield done

    def _sort(self, groups: Sequence[FileGroup]) -> tuple[list[FileGroup], list[tuple[FileGroup, Document]]]:
        """Tell new images from those in the catalog; what is unchanged there is settled here."""
        ids = [f"{self.product_id}:{group.name}" for group in groups]
        stored = {image.id: image for image in self.store.get_many("image", ids)}
        new: list[FileGroup] = []
        changed: list[tuple[FileGroup, Document]] = []
        for id_, group in zip(ids, groups, strict=True):
            if id_ not in stored:
                new.append(group)
                continue
            settled = compare_with_image(
                group, stored[id_], update=self.update, pattern=self.pattern, default_crs=self.options.crs
            )
            self.results.extend(settled.results)
            if settled.again is not None:
                changed.append((settled.again, stored[id_]))
        return new, changed

    def _inspect(self, group: FileGroup) -> Candidate | tuple[FileResult, ...]:
        return inspect_group(
            group,
            self.options,
            self._read_header,
            self.reader if self.options.footprint else None,
            strict=self.strict,
        )

    def _read_header(self, href: str) -> FileHeader:
        return read_header(href, default_crs=self.options.crs)

    def _sample(self, header: FileHeader, indexes: Sequence[int]) -> Sequence[BandSample]:
        return sample_bands(header, indexes, self.reader)

    def _store(self, candidates: Sequence[Candidate], stored: Mapping[str, Document]) -> None:
        fitting = self._fit(candidates)
        images = [candidate.to_document(self.product_id) for candidate in fitting]
        new = [pair for pair in zip(fitting, images, strict=True) if pair[1].id not in stored]
        try:
            self.store.create([image for _, image in new])
        except BadRequestError:
            # One of them was added meanwhile, or breaks a rule; the others must not suffer.
            for candidate, image in new:
                self._create_one(candidate, image)
        else:
            for candidate, image in new:
                self._report(candidate, "added", image)
        for candidate, image in zip(fitting, images, strict=True):
            if image.id in stored:
                self._update_one(candidate, stored[image.id])

    def _fit(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Find the images that fit the product, and see to it that the product and its bands are there."""
        for _ in range(_ATTEMPTS):
            refused: list[FileResult] = []
            fitting = [candidate for candidate in candidates if self._fits(candidate, refused)]
            needed = self.plan.documents() if fitting else []
            try:
                if needed:
                    self.store.create(needed)
            except ConflictError:
                # Somebody else made the product or a band at this moment: look at what it is now.
                self.plan = ProductPlan(self.store, self.product_id, extend=self.update)
                continue
            self.created_product |= bool(needed) and not self.plan.exists
            self.created_bands.extend(band.attributes["name"] for band in self.plan.new_bands if needed)
            if needed:
                self.plan.settle()
            self.results.extend(refused)
            return fitting
        raise ConflictError(f"product {self.product_id!r} keeps being changed by others; try again later")

    def _fits(self, candidate: Candidate, refused: list[FileResult]) -> bool:
        try:
            self.plan.check(candidate, self._sample, strict=self.strict)
        except (Refusal, RasterError) as error:
            refused.extend(_refuse(candidate, error))
            return False
        return True

    def _create_one(self, candidate: Candidate, image: Document) -> None:
        try:
            self.store.create([image])
        except ConflictError as error:
            found = self.store.get("image", image.id)
            if found is None or found.get("file_headers") != image.get("file_headers"):
                self.results.extend(_refuse(candidate, error))
            else:
                self._report(candidate, "unchanged", image)
        except BadRequestError as error:
            self.results.extend(_refuse(candidate, error))
        else:
            self._report(candidate, "added", image)

    def _update_one(self, candidate: Candidate, image: Document) -> None:
        changes = changes_of(candidate, image)
        try:
            if changes:
                self.store.update("image", image.id, changes, version=image.version)
        except BadRequestError as error:
            self.results.extend(_refuse(candidate, error))
        else:
            self._report(candidate, "updated" if changes else "unchanged", image)

    def _report(self, candidate: Candidate, status: Status, image: Document) -> None:
        self.results.extend(
            FileResult(
                href=header.href,
                status=status,
                image_id=image.id,
                acquired=candidate.acquisition.start,
                acquired_from=candidate.acquisition.source,
                notes=header.notes,
            )
            for header in candidate.headers
        )


def _refuse(candidate: Candidate, error: BaseException) -> list[FileResult]:
    return [
        FileResult(href=header.href, status="refused", reason=without_name(header.href, error))
        for header in candidate.headers
    ]


def _spellings(files: Iterable[str]) -> Iterator[str]:
    for file in files:
        try:
            yield normalize_href(file)
        except RasterError:
            yield file


def _normalize_bands(bands: Sequence[str]) -> tuple[str, ...]:
    if isinstance(bands, str):
        bands = bands.split(",")
    names = tuple(str(name).strip() for name in bands)
    for name in names:
        if not name or make_valid_name(name) != name:
            raise ParameterError(f"band name {name!r} must be made of letters, digits, '_', '.' and '-'")
    check_distinct(names, "the names of the bands")
    return names
