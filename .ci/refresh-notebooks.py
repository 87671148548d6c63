"""Execute notebooks and keep their outputs small: ``python .ci/refresh-notebooks.py notebooks/03*.ipynb``.

Pictures are stored with 128 colours, which halves their size and can hardly be seen; metadata that change
with every run are left out. Needs the extra ``dev``. `.ci/run` executes notebooks and stores nothing.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

COLORS = 128
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def refresh(path: Path) -> None:
    """Execute a notebook in its folder and store it with small outputs."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, coalesce_streams=True, resources=resources).execute()
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells):
        cell["id"], cell["metadata"] = f"cell-{number:02d}", {}
        for output in cell.get("outputs", []):
            if "data" in output:
                output["metadata"] = {}
                if "image/png" in output["data"]:
                    output["data"]["image/png"] = shrink(output["data"]["image/png"])
    nbformat.write(notebook, path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def shrink(encoded: str) -> str:
    """Return a picture on white with few colours, if that is smaller."""
    original = base64.b64decode(encoded)
    picture = Image.open(io.BytesIO(original)).convert("RGBA")
    page = Image.new("RGBA", picture.size, "white")
    page.alpha_composite(picture)
    few = page.convert("RGB").quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return base64.b64encode(min(original, file.getvalue(), key=len)).decode()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        refresh(Path(argument))
