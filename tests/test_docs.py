"""What the documentation says is true: its Python runs, its pages exist, its commands are those of CI.

Every block of Python in the README and in ``docs/`` runs, page by page, in order, in one namespace and an
empty folder. A block that cannot run has a comment on the line before its fence::

    <!-- not run: needs a cluster -->

Blocks with ``>>>`` are checked against the output that they show, others only have to run.
"""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

import dawnlight
from dawnlight.catalog import CatalogClient

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts and "notebooks" not in page.parts]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|:::+)\s*(?P<info>[^\n`]*)$")
REASON = re.compile(r"<!-- not run: (?P<reason>.+?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    text: str
    reason: str | None
    """Why it is not run."""


def blocks_of(text: str) -> Iterator[Block]:
    """Find the fenced blocks of a page."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        start = number
        while number < len(lines) and lines[number].strip() != opening["fence"]:
            number += 1
        before = REASON.search(lines[start - 2]) if start >= 2 else None
        yield Block(
            line=start + 1,
            language=opening["info"].split()[0] if opening["info"].split() else "",
            text="\n".join(line.removeprefix(opening["indent"]) for line in lines[start:number]) + "\n",
            reason=before["reason"] if before else None,
        )
        number += 1


def _python_blocks(page: Path) -> list[Block]:
    found = blocks_of(page.read_text(encoding="utf-8"))
    return [block for block in found if block.language in ("python", "{code-cell}", "pycon")]


@pytest.fixture(autouse=True)
def _clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAWNLIGHT_CATALOG", str(tmp_path / "default-catalog"))
    monkeypatch.setattr("dawnlight._options._base", None)
    monkeypatch.setattr("dawnlight._options._current", None)
    yield
    CatalogClient.set_default_client(None)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a small demo catalog once, for all pages that use the demo."""
    from dawnlight.tutorial import demo_catalog

    folder = tmp_path_factory.mktemp("docs") / "dawnlight-demo"
    demo_catalog(folder, size=128, progress=False).close()
    return folder


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if _python_blocks(page)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_python_of_a_page_runs(
    page: Path, demo_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dawnlight import tutorial

    def small_demo(folder: Any = None, **arguments: Any) -> CatalogClient:
        return original(demo_folder if folder is None else folder, **{"size": 128, **arguments})

    original = tutorial.demo_catalog
    monkeypatch.setattr(tutorial, "demo_catalog", small_demo)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in _python_blocks(page):
        if block.reason is not None:
            continue
        where = f"{page.relative_to(ROOT)}, line {block.line}"
        if block.text.lstrip().startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(block.text, namespace, where, str(page), block.line)
            report: list[str] = []
            runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
            runner.run(test, out=report.append, clear_globs=False)
            namespace.update(test.globs)
            assert not runner.failures, f"{where}\n{''.join(report)}"
        else:
            code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
            exec(code, namespace)


def test_a_reason_is_given_for_what_is_not_run() -> None:
    for page in PAGES:
        for block in _python_blocks(page):
            assert block.reason is None or len(block.reason) > 10, f"{page}, line {block.line}"


def test_blocks_are_found() -> None:
    page = (
        "x\n\n```python\na = 1\n```\n\n<!-- not run: no network in tests -->\n```python\nb\n```\n"
        "- item\n  ```sh\n  ls\n  ```\n"
    )
    assert [(block.line, block.language, block.text, block.reason) for block in blocks_of(page)] == [
        (4, "python", "a = 1\n", None),
        (9, "python", "b\n", "no network in tests"),
        (13, "sh", "ls\n", None),
    ]


LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s#]+)[^)]*\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = link["target"]
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_readme_is_one_screen_with_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, re.MULTILINE)
    assert len(readme.splitlines()) <= 60
    assert [command.split()[-1] for command in commands if "demo" in command] == ["demo"]
    assert len(commands) == 2
    assert "pytest" in commands[1]


def test_ci_takes_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert "pytest" not in script.replace("PYTEST", "")


# -- docstrings ---------------------------------------------------------------------------------------


def _module_names() -> list[str]:
    found = pkgutil.walk_packages(dawnlight.__path__, "dawnlight.")
    # Alembic's scripts run when they are imported, and can only be imported by it.
    return ["dawnlight", *(module.name for module in found if "_migrations." not in module.name)]


@pytest.mark.parametrize("name", _module_names())
def test_examples_in_docstrings_are_true(name: str) -> None:
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    report: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


# -- the reference lists everything -------------------------------------------------------------------

REFERENCE = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", dawnlight.__all__)
def test_the_reference_lists_what_the_package_offers(name: str) -> None:
    assert f"`dl.{name}`" in REFERENCE


def test_the_reference_has_every_public_package() -> None:
    # Sphinx lists the names of each from its `__all__`.
    public = {name for name in _module_names() if "._" not in name and name.count(".") == 1}
    aliases = {"dawnlight.common", "dawnlight.exceptions", "dawnlight.cli"}
    listed = set(re.findall(r"^ {3}(dawnlight\.\w+)$", REFERENCE, re.MULTILINE))
    assert listed == public - aliases


def test_the_command_line_page_names_every_command() -> None:
    from dawnlight.cli import main

    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `dawnlight (\w+)`", page, re.MULTILINE)) == set(main.commands)


def test_the_settings_page_has_every_setting_with_its_default() -> None:
    from dawnlight._options import Options

    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for setting in fields(Options):
        row = re.search(rf"^\| `{setting.name}` \|([^|]*)\|", page, re.MULTILINE)
        assert row is not None, setting.name
        assert setting.default is None or str(setting.default) in row[1]


# -- notebooks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.name)
def test_notebooks_are_small_and_were_run(path: Path) -> None:
    assert path.stat().st_size < 600_000, "make the outputs smaller"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), (
        "run it from the top"
    )
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
