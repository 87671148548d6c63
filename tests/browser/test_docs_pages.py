"""The built documentation, with its notebooks, as readers see it."""

from __future__ import annotations

import functools
import http.server
import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
    for path in (ROOT / "docs").rglob("*.md")
    if not {"_build", "_templates", "notebooks"} & {*path.parts}
)
NOTEBOOKS = sorted(f"notebooks/{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb"))

BUILT = os.environ.get("DAWNLIGHT_DOCS")
"""Folder of the finished pages, where there is one; else they are built."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The documentation, served on this machine."""
    built = BUILT or _build(tmp_path_factory.mktemp("docs"))
    handler = functools.partial(Quiet, directory=str(built))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def _build(folder: Path) -> Path:
    """Build the documentation without the pages that are made from docstrings, which take long."""
    pytest.importorskip("myst_nb", reason="needs the extra docs, or DAWNLIGHT_DOCS: a folder of built pages")
    settings = [
        "autosummary_generate=0",
        "exclude_patterns=_build,_templates,**/.ipynb_checkpoints,reference/api/**",
    ]
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-d", str(folder / "trees")]
        + [part for setting in settings for part in ("-D", setting)]
        + [str(ROOT / "docs"), str(folder / "html")],
        check=True,
        capture_output=True,
        timeout=240,
    )
    return folder / "html"


def test_every_page_opens_without_errors(browser: Any, site: str) -> None:
    wrong = {}
    for page in [*PAGES, *NOTEBOOKS]:
        browser.open(site + page)
        heads = browser.find("article h1, main h1")
        broken = browser.run("return [...document.images].filter(i => !i.complete || !i.naturalWidth).length")
        errors = browser.errors()
        if errors or not heads or not heads[0].is_displayed() or broken:
            wrong[page] = [*errors, f"{len(heads)} heads, {broken} broken pictures"]
    assert not wrong


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["index.html", "gallery.html", NOTEBOOKS[0]])
def test_pages_can_be_read_in_the_light_and_in_the_dark(
    browser: Any, site: str, page: str, dark: bool
) -> None:
    browser.open(site + page, dark=dark, size=(1300, 900))
    browser.wait(lambda: browser.run("return document.documentElement.dataset.theme"), "the theme")
    assert browser.run("return document.documentElement.dataset.theme") == ("dark" if dark else "light")
    name = page.replace("/", "-").removesuffix(".html")
    browser.screenshot(f"docs-{name}-{'dark' if dark else 'light'}", whole=True)
    assert browser.contrast("article p, article li, article h1") >= 4.5
    if browser.find(".dawnlight-box"):
        assert browser.contrast(".dawnlight-box td, .dawnlight-box th, .dawnlight-box summary") >= 4.5


def test_searching_finds_pages(browser: Any, site: str) -> None:
    browser.open(f"{site}search.html?q=antimeridian")
    found = browser.wait(lambda: browser.find("#search-results li a"), "results")
    assert any("reference" in (link.get_attribute("href") or "") for link in found)
    browser.screenshot("docs-search")
    assert browser.errors() == []
    browser.open(f"{site}search.html?q=xyzzyplugh")
    browser.wait(
        lambda: "did not match any documents" in browser.find("#search-results")[0].text, "no results"
    )


@pytest.mark.skipif(BUILT is None, reason="needs the finished pages of the API: DAWNLIGHT_DOCS")
def test_the_built_reference_has_every_public_name() -> None:
    reference = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    packages = re.findall(r"^ {3}(dawnlight\.\w+)$", reference, re.MULTILINE)
    assert len(packages) > 5
    for package in packages:
        page = (Path(str(BUILT)) / "reference" / "api" / f"{package}.html").read_text(encoding="utf-8")
        for name in importlib.import_module(package).__all__:
            code = r'<code class="(xref py py-obj )?docutils literal notranslate">'
            assert re.search(rf'{code}<span class="pre">{name}<', page), (
                f"{package}.{name} is not in the reference"
            )
