"""The command line: ``dawnlight add``, ``ls``, ``search``, ``uploads`` and others; see ``-h``.

Exit codes: 0 all went well; 1 something was refused or found; 2 the command could not be carried out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from dawnlight._cli._backup import backup
from dawnlight._cli._common import catalog_option, json_option, limit_option, open_client, show
from dawnlight._cli._listing import get, images, ls, products
from dawnlight._cli._removing import rm
from dawnlight._cli._search import search
from dawnlight.errors import DawnlightError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dawnlight.catalog import CatalogClient
    from dawnlight.ingest import AddReport

__all__ = ["main"]


class _Group(click.Group):
    """Tells our own errors in one line; a traceback is for mistakes of ours."""

    def invoke(self, ctx: click.Context) -> Any:  # as in click
        try:
            return super().invoke(ctx)
        except DawnlightError as error:
            raise _Failure(" ".join(str(error).split())) from error


class _Failure(click.ClickException):
    exit_code = 2


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="dawnlight")
def main() -> None:
    """Keep a catalog of Earth-observation images, and load them as lazy, labelled arrays."""


@main.command(
    # The first character keeps the lines apart.
    epilog="\b\n"
    "dawnlight add sentinel2 scenes/*.tif\n"
    "dawnlight add landsat8 scenes/ --pattern '{name}_{band}.TIF'\n"
    "dawnlight add ndvi rasters/ --pattern '{date:%Y%m%d}_*.tif' --bands ndvi"
)
@click.argument("product")
@click.argument("files", nargs=-1, required=True)
@catalog_option
@click.option(
    "--pattern",
    "-p",
    help="What the files' names say, such as '{name}_{band}.tif' or '{name}/{band}.jp2': {name} and {band} "
    "of the image, {date} or {date:%Y%m%d}, {end}, * and ? for any text and character. Files of one name "
    "are one image.",
)
@click.option(
    "--acquired", "-a", metavar="TIME", help="When the images were acquired, such as 2024-06-01T10:30Z."
)
@click.option(
    "--bands",
    "-b",
    metavar="NAME,...",
    default="",
    help="Names of the bands in the order of the file; if the pattern has {band}, the bands to add.",
)
@click.option("--crs", help="Coordinate reference system of files that have none, such as EPSG:32615.")
@click.option(
    "--update", "-u", is_flag=True, help="Take over files that have changed or moved, and new bands."
)
@click.option("--box", is_flag=True, help="Do not look at pixels: footprints are those of the pixel grids.")
@click.option(
    "--copy",
    is_flag=True,
    help="Make cloud-optimised copies in the catalog's folder. Prints ACK and the id of each upload when it "
    "is safe, and DONE and the id of each image when it is there.",
)
@json_option
def add(
    product: str,
    files: Sequence[str],
    catalog: str | None,
    pattern: str | None,
    acquired: str | None,
    bands: str,
    crs: str | None,
    update: bool,
    box: bool,
    copy: bool,
    as_json: bool,
) -> None:
    """Add FILES to PRODUCT as images. The files stay where they are; --copy does not need them afterwards.

    FILES are GeoTIFF or JPEG 2000 files, or folders of them. The product and its bands are made where they do
    not exist. A file that cannot be used is reported and does not stop the others; running the command again
    changes nothing.
    """
    from dawnlight.catalog import Product
    from dawnlight.ingest import add_files

    tell = _Copies(to_stderr=as_json)
    with open_client(catalog) as client, _progress(hidden=as_json or copy) as progress:
        report = add_files(
            Product.namespace_id(product, client=client),
            files,
            store=client.store,
            pattern=pattern,
            acquired=acquired,
            bands=[name for name in bands.split(",") if name],
            crs=crs,
            update=update,
            footprint=not box,
            progress=progress,
            copy=copy,
            on_queued=tell.queued,
        )
        report = tell.wait(client, report)
    click.echo(json.dumps(report.to_dict(), indent=2) if as_json else str(report))
    if not report.ok:
        sys.exit(1)


class _Copies:
    """The uploads of one ``add --copy``: told when they are safe, waited for, and told when they are done."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._to_stderr = to_stderr
        self._images: dict[str, str] = {}

    def queued(self, upload: str, image: str) -> None:
        """Note an upload."""
        self._images[upload] = image
        click.echo(f"ACK {upload}", err=self._to_stderr)

    def wait(self, client: CatalogClient, report: AddReport) -> AddReport:
        """Wait for all uploads and return the report with those that failed as refused."""
        from dataclasses import replace

        from dawnlight.catalog import ImageUpload

        failed: dict[str, str] = {}
        for id_, image in self._images.items():
            upload = ImageUpload.get(id_, client=client)
            if upload is not None:
                with _quiet_log():
                    upload.wait_for_completion()
            if upload is not None and upload.status == "success":
                click.echo(f"DONE {image}", err=self._to_stderr)
            else:
                reason = None if upload is None else upload.error_message or str(upload.status)
                failed[image] = reason or "the upload is gone"
        results = tuple(
            replace(result, status="refused", reason=failed[result.image_id].removeprefix(f"{result.href}: "))
            if result.image_id in failed and result.status in ("added", "updated")
            else result
            for result in report.files
        )
        return replace(report, files=results)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep a failure, which the report tells, from being logged as well."""
    import logging

    log = logging.getLogger("dawnlight.uploads")
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = False


@main.command()
@catalog_option
@click.option(
    "--status",
    "-s",
    type=click.Choice(["pending", "running", "success", "failure", "canceled"]),
    help="Only those.",
)
@limit_option
@json_option
def uploads(catalog: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """List uploads, the newest first, and why those that failed did."""
    from dawnlight.catalog import ImageUpload
    from dawnlight.search import Eq, Query, SortKey

    with open_client(catalog, create=False, read_only=True) as client:
        query = Query(
            kind="image_upload",
            where=None if status is None else Eq("status", status),
            sort=(SortKey("created", ascending=False),),
            limit=limit or None,
        )
        rows = [
            {
                "id": upload.id,
                "image": upload.image_id,
                "status": str(upload.status),
                "created": document.get("created"),
                "message": upload.error_message,
            }
            for document in client.store.search(query)
            for upload in [ImageUpload._from_document(document, client)]
        ]
    show(rows, as_json, empty="There are no uploads.")


@main.command()
@catalog_option
@click.option("--drain", is_flag=True, help="End when nothing is left to do.")
@click.option(
    "--lease",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Seconds without a sign of life after which others take over.",
)
def worker(catalog: str | None, drain: bool, lease: float) -> None:
    """Carry out the uploads of the catalog; prints DONE and the id of each image."""
    import signal
    import threading
    import time

    from dawnlight.ingest._worker import UploadWorker, recover

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with open_client(catalog, adopt=False) as client:
        recover(client.store)
        hand = UploadWorker(client.store, lease=lease, stop=stop)
        while not stop.is_set():
            done = hand.run_one()
            if done is not None:
                upload = client.store.get("image_upload", done)
                if upload is not None and upload.get("status") in ("success", "failure"):
                    word = "DONE" if upload.get("status") == "success" else "FAILED"
                    click.echo(f"{word} {upload.get('image_id')}")
                continue
            due = hand.queue.next_due()
            if due is None and drain:
                return
            stop.wait(min(max((due or time.time() + 1) - time.time(), 0.05), 1.0))
            recover(client.store)


@main.command()
@catalog_option
@click.option(
    "--grace",
    default=24.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="HOURS",
    help="How long files without an image stay, counted from the first time that gc finds them.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
def gc(catalog: str | None, grace: float, dry_run: bool) -> None:
    """Remove files of uploads that no image needs any more; files added by reference are never touched."""
    from dawnlight.ingest import sweep

    with open_client(catalog, create=False, adopt=False) as client:
        found = sweep(client.store, grace=grace * 3600, dry_run=dry_run)
    word = "would be removed" if dry_run else "removed"
    size = f"{found.freed_bytes / 2**20:.1f} MiB"
    click.echo(
        f"{len(found.removed)} {word} ({size}), {len(found.waiting)} wait for their grace period to end"
    )


@main.command()
@catalog_option
@click.option("--deep", is_flag=True, help="Read every document, and look for every file.")
@json_option
def doctor(catalog: str | None, deep: bool, as_json: bool) -> None:
    """Examine the catalog; with --deep also whether its files are there and unchanged, byte by byte."""
    from dawnlight.ingest import find_damaged_files, find_lost_files

    with open_client(catalog, create=False, read_only=True) as client:
        store = client.store
        # Only an embedded catalog has a file to examine.
        examine = getattr(store, "doctor", None)
        findings = examine(deep=deep) if examine is not None else ()
        rows = [{"check": finding.check, "message": finding.message} for finding in findings]
        if deep:
            rows.extend(
                {"check": "files", "message": f"{lost.image_id}: {lost.href}: {lost.reason}"}
                for find in (find_lost_files, find_damaged_files)
                for lost in find(store)
            )
        show(rows, as_json, empty=f"{store.url}: no problems found")
    if rows:
        sys.exit(1)


@main.command()
@click.argument("folder", required=False)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but the paths of the pictures.")
def demo(folder: str | None, quiet: bool) -> None:
    """Make a small synthetic catalog in FOLDER, search it, and save a picture without clouds."""
    from dawnlight import tutorial

    pictures = tutorial.demo(folder, quiet=quiet)
    if quiet:
        click.echo("\n".join(map(str, pictures)))


@contextmanager
def _progress(*, hidden: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal; its length is known once the files are grouped."""
    if hidden or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="images", file=sys.stderr, show_pos=True) as bar:

        def report(done: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos)

        yield report


for _command in (ls, get, search, rm, backup, products, images):
    main.add_command(_command)
