"""The command ``rm``."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from dawnlight._cli import _common
from dawnlight._cli._common import catalog_option, find_document, json_option, kind_option, open_client
from dawnlight.errors import ConflictError

if TYPE_CHECKING:
    from dawnlight.catalog import CatalogClient
    from dawnlight.search import Document

__all__ = ["rm"]

_ORDER = ("image_upload", "image", "band", "product")
"""What belongs to a product goes before it."""
_SHOWN = 10  # of the objects that are asked about


@click.command(
    epilog="\b\ndawnlight rm sentinel2:S2A_20240601\ndawnlight rm sentinel2 --related --yes",
)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@kind_option
@click.option("--related", "-r", is_flag=True, help="With products, also their bands, images and uploads.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@catalog_option
@json_option
def rm(
    ids: Sequence[str], kind: str | None, related: bool, yes: bool, catalog: str | None, as_json: bool
) -> None:
    """Delete the objects with these IDs from the catalog, after asking.

    All must exist, or nothing is deleted. Files are not touched: those that were added by reference stay
    where they are, those of uploads are removed by gc once no image needs them.
    """
    with open_client(catalog, create=False, adopt=False) as client:
        found = _find(client, ids, kind)
        belonging = {each.id: _count_related(client, each.id, found) for each in found if _is_product(each)}
        if not related:
            _refuse_related(belonging)
        rows = [_row(each, belonging) for each in found]
        if not yes:
            _ask(rows)
        done = list(_delete(client, found, rows, to_stderr=as_json))
    if as_json:
        click.echo(json.dumps(done, indent=2))


def _find(client: CatalogClient, ids: Sequence[str], kind: str | None) -> list[Document]:
    """Return the documents in the order in which they can be deleted, each once."""
    found = {(each.kind, each.id): each for each in (find_document(client, id_, kind) for id_ in ids)}
    for document in found.values():
        if document.kind == "image_upload" and document.get("status") in ("pending", "running"):
            raise ConflictError(
                f"upload {document.id!r} is {document.get('status')}; cancel it or wait for it first"
            )
    return sorted(found.values(), key=lambda each: _ORDER.index(each.kind))


def _is_product(document: Document) -> bool:
    return document.kind == "product"


def _count_related(client: CatalogClient, product_id: str, found: Sequence[Document]) -> dict[str, int]:
    """Count what belongs to a product and was not named itself, by kind."""
    from dawnlight.search import Eq, Query

    named = Counter(each.kind for each in found if each.get("product_id") == product_id)
    return {
        kind: client.store.count(Query(kind=kind, where=Eq("product_id", product_id))) - named[kind]
        for kind in ("band", "image", "image_upload")
    }


def _refuse_related(belonging: dict[str, dict[str, int]]) -> None:
    for product_id, counts in belonging.items():
        if any(counts.values()):
            raise ConflictError(
                f"product {product_id!r} has {_spell(counts)}; nothing was deleted: give --related to delete "
                "them too"
            )


def _row(document: Document, belonging: dict[str, dict[str, int]]) -> dict[str, Any]:
    counts = belonging[document.id] if _is_product(document) else {}
    named = {f"{kind.removeprefix('image_')}s": count for kind, count in counts.items()}
    return {"kind": document.kind, "id": document.id, **({"related": named} if named else {})}


def _ask(rows: Sequence[dict[str, Any]]) -> None:
    if not (_common.is_terminal() and sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked here; give --yes to delete without a question")
    for row in rows[:_SHOWN]:
        click.echo(_line(row), err=True)
    if len(rows) > _SHOWN:
        click.echo(f"... and {len(rows) - _SHOWN} more", err=True)
    click.confirm(f"Delete {'this' if len(rows) == 1 else 'these'}?", abort=True, err=True)


def _delete(
    client: CatalogClient, found: Sequence[Document], rows: Sequence[dict[str, Any]], *, to_stderr: bool
) -> Iterator[dict[str, Any]]:
    """Delete one by one, and tell each at once: what was deleted is known even if a later one fails."""
    for document, row in zip(found, rows, strict=True):
        if any(row.get("related", {}).values()):
            client.store.delete_related(document.id)
        if client.store.delete(document.kind, document.id):
            click.echo(f"deleted {_line(row)}", err=to_stderr)
            yield row


def _line(row: dict[str, Any]) -> str:
    related = row.get("related", {})
    told = f" with {_spell(related)}" if any(related.values()) else ""
    return f"{row['kind'].removeprefix('image_')} {row['id']}{told}"


def _spell(counts: dict[str, int]) -> str:
    parts = []
    for name, count in counts.items():
        word = name.removeprefix("image_").removesuffix("s")
        if count:
            parts.append(f"{count} {word}{'' if count == 1 else 's'}")
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
