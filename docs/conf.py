"""Sphinx settings. Build with ``sphinx-build -W docs docs/_build/html``; every warning is an error there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version as installed_version
from pathlib import Path

import click

from dawnlight.cli import main

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import source_map  # noqa: E402

project = "Dawnlight"
author = "The Dawnlight developers"
copyright = author
release = installed_version("dawnlight")
version = release

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]

# Sphinx reads below this folder only. The notebooks live beside it, where people look for them.
shutil.rmtree(HERE / "notebooks", ignore_errors=True)
shutil.copytree(
    HERE.parent / "notebooks", HERE / "notebooks", ignore=shutil.ignore_patterns("dawnlight-demo*", ".*")
)


def _help_texts(command: click.Command, path: str) -> Iterator[str]:
    """Yield the help of a command and of all below it, as the terminal shows it."""
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    yield f"$ {path} --help\n{command.get_help(context)}\n"
    for name, inner in getattr(command, "commands", {}).items():
        yield from _help_texts(inner, f"{path} {name}")


(HERE / "reference" / "api").mkdir(exist_ok=True)
(HERE / "reference" / "api" / "cli.txt").write_text(
    "\n".join(_help_texts(main, "dawnlight")), encoding="utf-8"
)

(HERE / "reference" / "api" / "source-map.txt").write_text(source_map.page(), encoding="utf-8")

exclude_patterns = ["_build", "_templates", "**/.ipynb_checkpoints"]
root_doc = "index"

# The outputs shown are those in the repository; `.ci/run` executes every notebook besides.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
# Constants and types come from private modules, where autosummary does not find what is said of them.
autosummary_context = {"texts": source_map.values(), "hidden": ["annotations"]}
autodoc_typehints = "none"
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_show_inherited_class_members = False
numpydoc_xref_param_type = False
# Single backticks in the docstrings name parameters as well as objects, so they cannot all be links.
default_role = "literal"

templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "Dawnlight"
html_show_sourcelink = False
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
# All pages by kind in the sidebar; the theme's own header would list the first few only.
html_sidebars = {"**": ["sidebar-pages"]}
html_theme_options = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
}
