"""The examples in the documentation of this layer run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import dawnlight.geo

MODULES = [f"dawnlight.geo.{module.name}" for module in pkgutil.iter_modules(dawnlight.geo.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_public_things_have_examples() -> None:
    finder = doctest.DocTestFinder(recurse=False)
    for name in dawnlight.geo.__all__:
        if name.endswith("Like"):
            continue
        found = finder.find(getattr(dawnlight.geo, name), name, module=False)
        assert any(test.examples for test in found), name
