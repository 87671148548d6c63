"""Which file does what: the table of ``reference/source-map.md``, from the first line of every module."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "dawnlight"


def rows() -> Iterator[tuple[str, str]]:
    """Yield each module's path below ``src/dawnlight`` and what it says of itself."""
    for path in sorted(
        SOURCE.rglob("*.py"), key=lambda path: (path.parent.parts, path.name != "__init__.py", path.name)
    ):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        yield path.relative_to(SOURCE).as_posix(), " ".join(text.partition("\n\n")[0].split())


def page() -> str:
    """Return the tables as Markdown, one for each package."""
    lines: list[str] = []
    package = None
    for path, summary in rows():
        folder = path.rpartition("/")[0]
        if folder != package:
            package = folder
            lines += ["", f"## {folder or 'The package itself'}", "", "| file | what it does |", "|---|---|"]
        lines.append(f"| `{path.rpartition('/')[2]}` | {summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def values() -> dict[str, str]:
    """Return the first line of the text below every constant and type alias, by its name."""
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, after in itertools.pairwise(body):
            target = node.target if isinstance(node, ast.AnnAssign) else None
            if isinstance(node, ast.Assign):
                target = node.targets[0]
            text = (
                after.value.value
                if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                else None
            )
            if isinstance(target, ast.Name) and isinstance(text, str) and not target.id.startswith("_"):
                found[target.id] = " ".join(text.partition("\n\n")[0].split())
    return found
