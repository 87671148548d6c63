"""Leaflet as part of the page, so that maps need no network."""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib import resources

__all__ = ["leaflet_head"]


@cache
def leaflet_head() -> str | None:
    """Return the script and style of Leaflet as elements of a page's head, as a template of branca.

    Returns
    -------
    str or None
        None if no installed package has them (`xstatic-leaflet`, part of the extra ``maps``).
    """
    try:
        folder = resources.files("xstatic.pkg.leaflet") / "data"
    except ImportError:
        return None
    script = (folder / "leaflet.js").read_text(encoding="utf-8")
    script = re.sub(r"\n//# sourceMappingURL=.*", "", script)
    style = (folder / "leaflet.css").read_text(encoding="utf-8")

    def inline(found: re.Match[str]) -> str:
        picture = base64.b64encode((folder / found[1]).read_bytes()).decode()
        return f"url(data:image/png;base64,{picture})"

    style = re.sub(r"url\((images/[\w.-]+\.png)\)", inline, style)
    return f"{{% raw %}}<script>{script}</script><style>{style}</style>{{% endraw %}}"
