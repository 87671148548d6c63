"""The rules of the catalog that hold whatever the store: what a document must have, may have, and gets.

Stores call `prepare_new` or `prepare_changed` for what concerns one document alone, outside their locks where
they can; and inside the transaction `next_sort_order` and `summarize_resolutions` for what concerns others.

Filled in by the catalog, whatever the caller says
    ``created``, ``modified``; ``resolution_min`` and ``resolution_max`` of products.
Filled in where the caller says nothing
    ``owners`` of products; ``sort_order`` of bands (one more than the largest of the product), ``file_index``
    and ``jpx_layer_index`` of bands (0), ``data_range`` and ``display_range`` of mask bands ([0, 1]).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dawnlight.errors import ValidationError
from dawnlight.search import KINDS, Document, Kind, resolution_to_meters
from dawnlight.storage._attributes import CHECKS, check_id
from dawnlight.storage._checks import Refusal

__all__ = [
    "DEFAULT_OWNERS",
    "next_sort_order",
    "prepare_changed",
    "prepare_new",
    "summarize_resolutions",
]

DEFAULT_OWNERS = ("user:local",)
"""Owners of a product whose maker named none, where nobody is signed in."""

_REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "product": ("name",),
    "band": ("product_id", "name", "type", "data_type", "data_range", "display_range", "band_index"),
    "image": ("product_id", "name"),
    "image_upload": (),
}
_IMMUTABLE: Mapping[Kind, frozenset[str]] = {
    "product": frozenset(),
    "band": frozenset({"product_id", "name", "type"}),
    "image": frozenset({"product_id", "name"}),
    "image_upload": frozenset({"product_id", "image_id", "image", "image_upload_options"}),
}
_READONLY: Mapping[Kind, frozenset[str]] = {
    "product": frozenset({"created", "modified", "resolution_min", "resolution_max"}),
    "band": frozenset({"created", "modified"}),
    "image": frozenset({"created", "modified"}),
    "image_upload": frozenset({"created", "modified"}),
}
_MASK_RANGE = [0, 1]
_REPR_LENGTH = 100


def prepare_new(document: Document, now: str, *, owners: Iterable[str] = DEFAULT_OWNERS) -> Document:
    """Check a document that is to be created and complete what depends on nothing else.

    Parameters
    ----------
    document : Document
        As the caller made it.
    now : str
        The time, in wire spelling.
    owners : iterable of str
        For a product without owners.

    Returns
    -------
    Document
        Version 1, in stored spelling, sharing nothing with `document`.

    Raises
    ------
    ValidationError
        A rule is broken; the message names the document, the attribute, its value and what is allowed.
    """
    if document.kind not in KINDS:
        raise ValidationError(
            f"a document of kind {document.kind!r} cannot be stored; kinds are {', '.join(KINDS)}"
        )
    try:
        id_ = check_id(document.id)
    except Refusal as refusal:
        raise _error(document.kind, document.id, "id", refusal) from None
    given = {
        name: value for name, value in document.attributes.items() if name not in _READONLY[document.kind]
    }
    attributes = _check_attributes(document.kind, id_, given)
    _fill_defaults(document.kind, attributes, owners)
    attributes["created"] = attributes["modified"] = now
    _check_whole(document.kind, id_, attributes)
    return Document(kind=document.kind, id=id_, attributes=attributes, version=1)


def prepare_changed(stored: Document, changes: Mapping[str, Any], now: str) -> Document:
    """Apply changes to a stored document and check the result.

    Parameters
    ----------
    stored : Document
        As it is.
    changes : mapping
        New values by attribute; None removes one.
    now : str
        The time, in wire spelling.

    Returns
    -------
    Document
        The next version.

    Raises
    ------
    ValidationError
        A rule is broken, or an attribute is changed that never may.
    """
    kind = stored.kind
    checked = _check_attributes(kind, stored.id, changes, keep_none=True)
    for name, value in checked.items():
        before = stored.attributes.get(name)
        if value == before:
            continue
        if name in _READONLY[kind]:
            raise ValidationError(f"{kind} {stored.id!r}: {name} is set by the catalog and cannot be changed")
        if name in _IMMUTABLE[kind] and before is not None:
            raise ValidationError(
                f"{kind} {stored.id!r}: {name} is {before!r} and cannot be changed to {value!r}; "
                f"delete the {kind} and create another"
            )
    merged = {**stored.attributes, **checked}
    attributes = {name: value for name, value in merged.items() if value is not None}
    _fill_defaults(kind, attributes, DEFAULT_OWNERS)
    attributes["modified"] = now
    _check_whole(kind, stored.id, attributes)
    return Document(kind=kind, id=stored.id, attributes=attributes, version=stored.version + 1)


def next_sort_order(document: Document, largest: int | None) -> Document:
    """Put a band without ``sort_order`` behind the others of its product.

    Parameters
    ----------
    document : Document
        A band.
    largest : int or None
        The largest ``sort_order`` of its product so far.
    """
    if document.attributes.get("sort_order") is not None:
        return document
    order = 1 if largest is None else largest + 1
    return Document(
        kind="band",
        id=document.id,
        attributes={**document.attributes, "sort_order": order},
        version=document.version,
    )


def summarize_resolutions(resolutions: Iterable[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Find the finest and the coarsest resolution of a product's bands.

    Parameters
    ----------
    resolutions : iterable of mapping or None
        The attribute ``resolution`` of each band. Degrees and metres are compared as filters compare them.

    Returns
    -------
    dict
        ``resolution_min`` and ``resolution_max``; None where no band has a resolution.
    """
    known = [
        (meters, index, dict(resolution))
        for index, resolution in enumerate(resolutions)
        if resolution is not None and (meters := resolution_to_meters(resolution)) is not None
    ]
    if not known:
        return {"resolution_min": None, "resolution_max": None}
    return {"resolution_min": min(known)[2], "resolution_max": max(known)[2]}


def _check_attributes(
    kind: Kind, id_: str, attributes: Mapping[str, Any], *, keep_none: bool = False
) -> dict[str, Any]:
    checks = CHECKS[kind]
    found: dict[str, Any] = {}
    for name, value in attributes.items():
        check = checks.get(name)
        if check is None:
            raise ValidationError(
                f"{kind} {id_!r} has no attribute {name!r}; known are {', '.join(sorted(checks))}"
            )
        if value is None:
            if keep_none:
                found[name] = None
            continue
        try:
            found[name] = check(value)
        except Refusal as refusal:
            raise _error(kind, id_, name, refusal) from refusal.__cause__
    return found


def _fill_defaults(kind: Kind, attributes: dict[str, Any], owners: Iterable[str]) -> None:
    if kind == "product":
        attributes.setdefault("owners", list(owners))
    elif kind == "band":
        attributes.setdefault("file_index", 0)
        attributes.setdefault("jpx_layer_index", 0)
        if attributes.get("type") == "mask":
            attributes.setdefault("data_range", list(_MASK_RANGE))
            attributes.setdefault("display_range", list(_MASK_RANGE))


def _check_whole(kind: Kind, id_: str, attributes: Mapping[str, Any]) -> None:
    for name in _REQUIRED[kind]:
        if attributes.get(name) is None:
            raise ValidationError(f"{kind} {id_!r}: {name} is required and missing")
    if kind in ("band", "image"):
        expected = f"{attributes['product_id']}:{attributes['name']}"
        if id_ != expected:
            raise ValidationError(f"{kind} {id_!r}: id must be product_id:name, which is {expected!r}")
    if kind == "band" and attributes["type"] == "mask":
        for name in ("data_range", "display_range"):
            if attributes[name] != _MASK_RANGE:
                raise ValidationError(
                    f"band {id_!r}: {name}={attributes[name]} must be (0, 1) for a mask band"
                )
    if kind == "image":
        _check_image(id_, attributes)


def _check_image(id_: str, attributes: Mapping[str, Any]) -> None:
    files = attributes.get("files") or []
    state = attributes.get("storage_state")
    if state == "available" and not any(file.get("href") for file in files):
        raise ValidationError(
            f"image {id_!r}: storage_state='available' needs at least one file with an href; "
            "add files, or use storage_state='remote'"
        )
    if state == "remote":
        for index, file in enumerate(files):
            if not (file.get("href") or file.get("provider_href")):
                raise ValidationError(f"image {id_!r}: files[{index}] needs an href or a provider_href")


def _error(kind: str, id_: str, name: str, refusal: Refusal) -> ValidationError:
    value = repr(refusal.value)
    if len(value) > _REPR_LENGTH:
        value = value[: _REPR_LENGTH - 3] + "..."
    return ValidationError(f"{kind} {id_!r}: {name}{refusal.path}={value} must be {refusal.allowed}")
