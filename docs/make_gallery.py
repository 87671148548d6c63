"""Make the pictures of ``docs/gallery.md`` anew by running its code: ``python docs/make_gallery.py``.

``live-map.png`` is a picture of a browser's window and stays as it is.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent


def main() -> None:
    """Run the blocks of the page one after the other and keep what they write."""
    blocks = re.findall(r"^```python\n(.*?)^```", (HERE / "gallery.md").read_text("utf-8"), re.M | re.S)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        names: dict[str, Any] = {}
        for block in blocks:
            exec(block, names)
        for picture in Path(folder).glob("*.png"):
            shrink(picture, HERE / "gallery" / picture.name)
        (HERE / "gallery" / "year.gif").write_bytes(Path("year.gif").read_bytes())


def shrink(source: Path, target: Path, colors: int = 96) -> None:
    """Write a picture in few colours, which is a third of the size and looks the same."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(colors, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    main()
