from __future__ import annotations

import enum
import importlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import dawnlight
from dawnlight.catalog._attributes import Attribute

PACKAGES = [
    "dawnlight",
    "dawnlight.catalog",
    "dawnlight.errors",
    "dawnlight.exceptions",
    "dawnlight.geo",
    "dawnlight.search",
    "dawnlight.storage",
]
TERSE = {"dawnlight.geo", "dawnlight.search", "dawnlight.storage"}
"""Short and overriding methods say all in one line there, and dataclasses document fields one by one."""


def _names() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for name in importlib.import_module(package).__all__:
            yield package, name


def _get(package: str, name: str) -> Any:
    return getattr(importlib.import_module(package), name)


def _sections(doc: str) -> dict[str, str]:
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.cleandoc(doc), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _callables() -> Iterator[Any]:
    """Yield functions, classes and public methods that users meet, each once."""
    seen = set()
    for package, name in _names():
        if package in TERSE:
            continue
        obj = _get(package, name)
        if inspect.isfunction(obj) or (
            inspect.isclass(obj)
            and obj.__module__.startswith("dawnlight.")
            and not issubclass(obj, enum.Enum)
        ):
            members = [(name, obj)]
        else:
            continue
        if inspect.isclass(obj) and not issubclass(obj, Exception):
            members += [
                (f"{name}.{key}", inspect.getattr_static(base, key))
                for base in obj.__mro__
                if base.__module__.startswith("dawnlight.catalog")
                for key in vars(base)
                if not key.startswith("_")
            ]
        for label, member in members:
            member = getattr(member, "__func__", member)
            if id(member) not in seen and (inspect.isfunction(member) or inspect.isclass(member)):
                seen.add(id(member))
                yield pytest.param(member, id=label)


@pytest.mark.parametrize(("package", "name"), list(_names()))
def test_public_names_are_there_and_have_a_summary(package: str, name: str) -> None:
    obj = _get(package, name)
    if not (inspect.isclass(obj) or inspect.isroutine(obj) or inspect.ismodule(obj)):
        return  # a constant; its docstring is in the source
    doc = inspect.getdoc(obj)
    assert doc, f"{package}.{name}"
    summary = doc.split("\n\n")[0]
    assert summary.rstrip().endswith((".", "::", "?")), summary


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_without_doubles(package: str) -> None:
    names = importlib.import_module(package).__all__
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("member", list(_callables()))
def test_parameters_are_documented(member: Any) -> None:
    if inspect.isclass(member) and issubclass(member, Exception):
        return
    doc = inspect.getdoc(member) or ""
    assert doc, member
    if inspect.isclass(member) and member.__init__ is object.__init__:
        return
    documented = _sections(doc).get("Parameters", "")
    names = {
        name.strip().lstrip("*")
        for line in documented.splitlines()
        if line and not line[0].isspace()
        for name in line.split(":")[0].split(",")
    }
    wanted = {
        name
        for name in inspect.signature(member).parameters
        if name not in ("self", "cls") and not name.startswith("_")
    }
    assert wanted <= names, f"{member.__qualname__}: {sorted(wanted - names)} not documented"
    if inspect.isfunction(member) and inspect.signature(member).return_annotation not in ("None", None):
        assert "Returns" in _sections(doc) or "Yields" in _sections(doc) or "Raises" in _sections(doc), member


def test_attributes_are_documented() -> None:
    for package, name in _names():
        obj = _get(package, name)
        if inspect.isclass(obj):
            for key, attribute in vars(obj).items():
                if isinstance(attribute, Attribute) and not key.startswith("_"):
                    assert attribute.__doc__, f"{name}.{key}"


def test_short_names_are_the_same_objects() -> None:
    assert dawnlight.Image is dawnlight.catalog.Image
    assert dawnlight.properties is dawnlight.catalog.properties
    assert dawnlight.open is dawnlight.catalog.open
    assert dawnlight.AOI is dawnlight.geo.AOI
    assert dawnlight.common.geo.DLTile is dawnlight.geo.DLTile
    assert dawnlight.exceptions.ConflictError is dawnlight.errors.ConflictError


def test_other_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        dawnlight.nothing  # type: ignore[attr-defined]  # noqa: B018
