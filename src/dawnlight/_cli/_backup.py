"""The command ``backup``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dawnlight._cli._common import catalog_option, json_option, open_client
from dawnlight.errors import CatalogDamagedError, CatalogError, MethodNotAllowedError

if TYPE_CHECKING:
    from dawnlight.storage import CatalogStore, SqliteStore

__all__ = ["backup"]


@click.command(epilog="\b\ndawnlight backup /backups/catalog-2024-06-01")
@click.argument("target", metavar="FOLDER")
@catalog_option
@json_option
def backup(target: str, catalog: str | None, as_json: bool) -> None:
    """Copy the database of the catalog into a new FOLDER, also while others use and change it.

    The copy holds all products, bands, images and uploads, and is a catalog of its own: open it with
    --catalog FOLDER. It does not hold image files. Those that were added by reference stay where they are;
    those of uploads are below "blobs" and "uploads" in the catalog's folder, where the copy looks for them
    too: copy these folders with any tool. The copy is opened and examined before this is called a success.
    """
    folder = Path(target).expanduser().absolute()
    with open_client(catalog, create=False, adopt=False) as client:
        store = _embedded(client.store)
        _make_folder(folder)
        try:
            store.backup(folder / "catalog.sqlite")
            told = _examine(folder, store.uuid)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    counts = ", ".join(
        f"{told[name]} {name if told[name] != 1 else name.removesuffix('s')}"
        for name in ("products", "bands", "images", "uploads")
    )
    click.echo(f"{folder}: {counts} ({told['bytes'] / 2**20:.1f} MiB)")
    click.echo("Image files are not in it: those of the catalog are needed as well.")


def _embedded(store: CatalogStore) -> SqliteStore:
    from dawnlight.storage import SqliteStore

    if not isinstance(store, SqliteStore):
        raise MethodNotAllowedError(
            f"the catalog {store.url!r} is not in a folder; only embedded catalogs can be backed up"
        )
    return store


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir()
    except FileExistsError:
        raise CatalogError(f"{str(folder)!r} exists; name a new folder for the backup") from None
    except FileNotFoundError:
        raise CatalogError(
            f"{str(folder.parent)!r} does not exist; make it first, or name another place for the backup"
        ) from None
    except OSError as error:
        raise CatalogError(f"cannot make the folder {str(folder)!r}: {error.strerror or error}") from error


def _examine(folder: Path, uuid: str) -> dict[str, Any]:
    """Open a copy, examine it, and tell what is in it."""
    from dawnlight.search import KINDS, Query
    from dawnlight.storage import SqliteStore

    with SqliteStore(folder, create=False, read_only=True) as copy:
        problems = [f"{finding.check}: {finding.message}" for finding in copy.doctor()]
        if copy.uuid != uuid:
            problems.append("it is that of another catalog")
        if problems:
            raise CatalogDamagedError(
                f"the copy is not sound and was removed ({problems[0]}); examine the catalog with: "
                "dawnlight doctor"
            )
        counts = {f"{kind.removeprefix('image_')}s": copy.count(Query(kind=kind)) for kind in KINDS}
    size = (folder / "catalog.sqlite").stat().st_size
    return {"folder": str(folder), **counts, "bytes": size, "image_files": False}
