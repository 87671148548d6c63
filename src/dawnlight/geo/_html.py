"""What all HTML descriptions for notebooks have in common: colours, a box that folds, tables.

No script and no outside resource is used, and every value is escaped by whoever puts it in. Colours come from
the theme of JupyterLab, VS Code or the documentation where there is one, else from the reader's system, light
or dark. Boxes are `details` elements, which fold with Enter and Space by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["box", "fold", "side_by_side", "table"]

_STYLE = (
    "<style>"
    ".dawnlight-box{--dl-i:#1f2328;--dl-p:#fff;--dl-l:#d0d7de;"
    "color:var(--jp-content-font-color1,var(--vscode-editor-foreground,var(--pst-color-text-base,var(--dl-i))));"
    "background:var(--jp-layout-color1,var(--vscode-editor-background,var(--pst-color-background,var(--dl-p))));"
    "border:1px solid;"
    "border-color:var(--jp-border-color2,var(--vscode-widget-border,var(--pst-color-border,var(--dl-l))));"
    "border-radius:4px;box-sizing:border-box;display:inline-block;font-size:13px;line-height:1.45;"
    "max-width:100%;overflow-x:auto;padding:6px 12px}"
    "@media(prefers-color-scheme:dark){.dawnlight-box{--dl-i:#e6edf3;--dl-p:#161b22;--dl-l:#3d444d}}"
    ".dawnlight-box summary{cursor:pointer;font-weight:600;padding:2px 0}"
    ".dawnlight-box summary:focus-visible{outline:2px solid currentColor;outline-offset:2px}"
    ".dawnlight-box .note{font-weight:400;opacity:.8}"
    ".dawnlight-box .beside{align-items:flex-start;display:flex;flex-wrap:wrap;gap:16px;margin:4px 0}"
    ".dawnlight-box .main{flex:1 1 18em;min-width:0}"
    ".dawnlight-box table{border:0;border-collapse:collapse;color:inherit;font-size:inherit;margin:2px 0 6px}"
    ".dawnlight-box tr:is(*,:hover,:nth-child(odd),:nth-child(even)){background:none;color:inherit}"
    ".dawnlight-box :is(td,th){background:none;border:0;color:inherit;max-width:48em;overflow-wrap:anywhere;"
    "padding:1px 14px 1px 0;text-align:left;vertical-align:top;white-space:normal}"
    ".dawnlight-box th{font-weight:400;opacity:.8;white-space:nowrap}"
    ".dawnlight-box code{background:none;color:inherit;font-size:12px;white-space:pre-wrap}"
    ".dawnlight-box svg{display:block;margin:2px 0}"
    ".dawnlight-box .sea{fill:currentColor;fill-opacity:.05}"
    ".dawnlight-box .land{fill:currentColor;fill-opacity:.14}"
    ".dawnlight-box .here{fill:#d9480f;fill-opacity:.3;stroke:#d9480f;stroke-width:1.2}"
    "</style>"
)


def box(head: str, body: str) -> str:
    """Return a description that folds.

    Parameters
    ----------
    head, body
        HTML, values escaped.

    Examples
    --------
    >>> from dawnlight.geo._html import box
    >>> box("A", "b").endswith("<details open='open'><summary>A</summary>b</details></div>")
    True
    """
    return f"{_STYLE}<div class='dawnlight-box'>{fold(head, body, is_open=True)}</div>"


def fold(head: str, body: str, *, is_open: bool = False) -> str:
    """Return a part that folds; nothing if it has no body and is not the whole."""
    if not body and not is_open:
        return ""
    state = " open='open'" if is_open else ""
    return f"<details{state}><summary>{head}</summary>{body}</details>"


def side_by_side(left: str, right: str) -> str:
    """Return two parts beside each other where there is room; the second alone if there is no first."""
    return f"<div class='beside'><div>{left}</div><div class='main'>{right}</div></div>" if left else right


def table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, nothing if it has no rows.

    Parameters
    ----------
    names
        Heads of the columns; none where the first cell of each row is its head.
    rows
        Cells as HTML, values escaped.
    """
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in names)
    lines = []
    for row in rows:
        cells = list(row)
        first = "" if names or not cells else f"<th scope='row'>{cells.pop(0)}</th>"
        lines.append(f"<tr>{first}{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{''.join(lines)}</table>" if lines else ""
