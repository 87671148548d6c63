"""Pages about the code say all of it: the source map, the errors, the glossary, the API, the gallery."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from dawnlight import errors, geo

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    path
    for path in sorted(DOCS.rglob("*.md"))
    if not {"_build", "_templates", "notebooks", "api"} & {*path.relative_to(DOCS).parts}
]


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- which file does what -----------------------------------------------------------------------------


def test_the_source_map_has_every_module_with_a_sentence() -> None:
    source = ROOT / "src" / "dawnlight"
    wanted = {path.relative_to(source).as_posix() for path in source.rglob("*.py")}
    rows = dict(_load("source_map").rows())
    assert set(rows) == wanted
    unsaid = [path for path, summary in rows.items() if len(summary) < 10]
    assert not unsaid, "begin these with a docstring that says what they do"


def test_the_source_map_is_in_the_documentation() -> None:
    page = _load("source_map").page()
    assert page.count("\n| `") == len(dict(_load("source_map").rows()))
    assert "## accessor" in page
    assert "api/source-map.txt" in text_of("reference/source-map.md")
    assert "source_map.page()" in text_of("conf.py")


# -- errors, glossary, API ----------------------------------------------------------------------------


def test_the_tree_of_errors_has_every_error_below_its_parent() -> None:
    tree = inspect.getdoc(errors) or ""
    above: dict[int, str] = {}
    drawn = {}
    for line in tree.splitlines():
        found = re.match(r"^(?P<bars>[\s│├└─]*)(?P<name>\w+Error|DawnlightError)\b", line)
        if found:
            depth = len(found["bars"])
            above[depth] = found["name"]
            drawn[found["name"]] = max((k for k in above if k < depth), default=None)
            drawn[found["name"]] = None if drawn[found["name"]] is None else above[drawn[found["name"]]]
    classes = {
        name: each
        for name in errors.__all__
        if inspect.isclass(each := getattr(errors, name)) and issubclass(each, Exception)
    }
    assert set(drawn) == set(classes)
    for name, parent in drawn.items():
        assert parent is None or issubclass(classes[name], classes[parent]), f"{name} is not below {parent}"


def test_the_glossary_explains_the_words_of_the_code_in_their_order() -> None:
    terms = re.findall(r"^(\S.*)\n: ", text_of("reference/glossary.md"), re.MULTILINE)
    words = " ".join(terms)
    for word in (
        *("band", "bounds", "catalog", "chunk", "cutline", "document", "fill_value", "footprint", "GeoBox"),
        *("geotrans", "href", "image", "kernel", "layer", "mask", "nodata", "overview", "plan", "product"),
        *("shape", "stack", "mosaic", "transform", "window", "store", "upload"),
    ):
        assert re.search(rf"\b{word}\b", words), f"{word} is not in the glossary"
    keys = [term.replace("`", "").lower() for term in terms]
    assert keys == sorted(keys), "the terms are sorted"
    for name in re.findall(r"`([A-Z]\w+)`", words):
        known = hasattr(geo, name) or hasattr(importlib.import_module("dawnlight.catalog"), name)
        assert known or name in ("Window", "GeoBox"), f"the glossary explains {name}, which is not there"


@pytest.mark.parametrize(
    "package", re.findall(r"^ {3}(dawnlight\.\w+)$", text_of("reference/api.md"), re.MULTILINE)
)
def test_the_reference_has_every_public_name(package: str, tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="needs the extra docs")
    from jinja2.sandbox import SandboxedEnvironment

    # The template of the packages lists the names that autosummary finds, which are those of `__all__`.
    module = importlib.import_module(package)
    template = SandboxedEnvironment().from_string(text_of("_templates/autosummary/module.rst"))
    names = list(getattr(module, "__all__", []))
    kinds: dict[str, list[str]] = {"classes": [], "exceptions": [], "functions": [], "attributes": []}
    for name in names:
        each = getattr(module, name)
        kind = (
            ("exceptions" if issubclass(each, BaseException) else "classes")
            if inspect.isclass(each)
            else "functions"
            if inspect.isroutine(each)
            else "attributes"
        )
        kinds[kind].append(name)
    texts = _load("source_map").values()
    said = {name for name in kinds["attributes"] if name in texts}
    assert said == {*kinds["attributes"]}, "say below each constant what it is"
    kinds["attributes"] = []  # from private modules: autosummary does not see them
    context: dict[str, Any] = {
        "texts": texts,
        "hidden": [],
        "fullname": package,
        "name": package,
        "underline": "=",
        "members": names,
    }
    page = template.render(**context, **kinds, modules=[], all_modules=[], objname=package, module=package)
    missing = [name for name in names if not re.search(rf"\b{name}\b", page)]
    assert names or package == "dawnlight.errors"
    assert not missing


# -- links ---------------------------------------------------------------------------------------------


def _slugs(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_to_headings_lead_to_one(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        other = page.parent / target if target else page
        assert anchor in _slugs(other), f"{page.name} links to {target}#{anchor}"


def test_every_page_is_in_the_table_of_contents() -> None:
    index = text_of("index.md")
    for page in PAGES:
        name = page.relative_to(DOCS).with_suffix("").as_posix()
        if name != "index" and not name.startswith("decisions/0"):
            assert re.search(rf"^{re.escape(name)}$", index, re.MULTILINE), f"{name} is in no toctree"


# -- gallery -------------------------------------------------------------------------------------------


def test_every_picture_of_the_gallery_has_its_code_and_a_text() -> None:
    page = text_of("gallery.md")
    shown = dict(re.findall(r"!\[(.*?)\]\(gallery/([\w.-]+)\)", page))
    made = set(re.findall(r'(?:path=|timelapse\()"([\w.-]+)"', page)) | {"live-map.png"}
    files = {path.name: path.stat().st_size for path in (DOCS / "gallery").iterdir()}
    assert set(shown.values()) == made == set(files)
    assert all(len(text) > 20 for text in shown)
    assert sum(files.values()) < 600_000
