"""A process on which acts are played under a tracer: public calls that change a catalog, told line by line.

Started as a script it imports what the acts need once, and forks for each act, so that an act costs
milliseconds. It reads lines of JSON. ``{"act", "arguments", "out"}`` is answered with the number of a process
that waits to be traced; the next line, whatever it holds, lets that process go on, and is answered with the
status that it ended with.

An act writes to its file `out`: ``ACK n`` once the call number n has returned, ``ERR class message`` where
one of Dawnlight's own errors ended it, ``BUG`` and a traceback where another did.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from click import ClickException

import dawnlight as dl
from dawnlight.errors import DawnlightError

MODULES = (
    "alembic.command", "encodings.idna", "filelock", "platformdirs", "pyproj.crs", "rasterio", "tomllib",
    "uuid", "sqlalchemy.dialects.sqlite.pysqlite", "dawnlight.catalog", "dawnlight.catalog._upload",
    "dawnlight.cli", "dawnlight.ingest._dispatcher", "dawnlight.ingest._submit", "dawnlight.storage._sqlite",
    "dawnlight.storage._sqlite_doctor", "dawnlight.storage._sqlite_migrate",
    "dawnlight.storage._sqlite_uploads",
)  # fmt: skip
"""Imported once, before the first act."""
TIMES = frozenset(("created", "modified"))


def dump(client: Any) -> list[Any]:
    """Return all that is in a catalog, but for the times at which it was stored."""
    found = []
    for kind in (dl.Product, dl.Band, dl.Image):
        for each in kind.search(client=client):
            attributes = {k: v for k, v in each.serialize().items() if k not in TIMES}
            found.append([kind.__name__, each.id, attributes])
    return json.loads(json.dumps(sorted(found, key=lambda row: row[:2]), default=str))


# -- acts: generators that stop after each acknowledged call ------------------------------------------------


def documents(folder: str) -> Iterator[Any]:
    """Make a catalog, and create, change and delete every kind of document."""
    client = dl.open(folder)
    yield client
    product = dl.Product(id="p", name="P", tags=["a", "b"], client=client)
    product.save()
    yield client
    band = dl.SpectralBand(product=product, name="red", data_type="UInt16", client=client)
    band.band_index = 0
    band.data_range = [0, 10000]
    band.display_range = [0, 4000]
    band.save()
    yield client
    image = _image(client, "a")
    image.save()
    yield client
    image.cloud_fraction = 0.5
    image.tags = ["changed"]
    image.save()
    yield client
    dl.Image.save_many([_image(client, f"m{number}") for number in range(5)])
    yield client
    image.delete()
    yield client
    product.name = "renamed"
    product.save()
    yield client
    product.delete_related_objects()
    yield client
    product.delete()
    yield client
    client.close()


def _image(client: Any, name: str) -> Any:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    return dl.Image(
        product_id="p", name=name, acquired="2024-01-01", geometry=square, tags=["t"], client=client
    )


def migrate(folder: str) -> Iterator[Any]:
    """Open a catalog, which brings an older one up to date."""
    client = dl.open(folder)
    yield client
    client.close()


def backup(folder: str, target: str) -> Iterator[Any]:
    """Write a copy of the catalog's file."""
    client = dl.open(folder)
    yield client
    client.store.backup(target)
    yield client
    client.close()


def queue(folder: str, file: str) -> Iterator[Any]:
    """Queue the upload of an image in the place of the one that may be there, and die at once."""
    client = dl.open(folder)
    yield client
    image = dl.Image(product_id="p", name="a", acquired="2024-01-01", client=client)
    made = image.upload(file, overwrite=True)
    yield made.id


def work(folder: str) -> Iterator[Any]:
    """Carry out the uploads that wait, as the command line does."""
    from dawnlight.cli import main as command

    try:
        command(["worker", "--drain", "--lease", "2", "--catalog", folder], standalone_mode=False)
    except ClickException as error:
        raise error.__cause__ or error from None
    yield ""


ACTS: dict[str, Callable[..., Iterator[Any]]] = {
    act.__name__: act for act in (documents, migrate, backup, queue, work)
}


def play(act: str, arguments: list[Any], out: str, *, limits: dict[str, int], record: bool) -> None:
    """Play an act to its end, or to its first error."""
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def tell(line: str) -> None:
        os.write(handle, (" ".join(line.split()) + "\n").encode())

    for name, value in limits.items():
        kind = getattr(resource, name)
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
    try:
        for number, told in enumerate(ACTS[act](*arguments)):
            if record:
                tell(f"STATE {json.dumps(dump(told))}")
            tell(f"ACK {number} {told if isinstance(told, str) else ''}")
        tell("END")
    except DawnlightError as error:
        tell(f"ERR {type(error).__name__} {error}")
    except BaseException:
        tell(f"BUG {traceback.format_exc()}")


def main() -> None:
    """Serve."""
    warnings.simplefilter("ignore")
    for module in MODULES:
        importlib.import_module(module)
    for line in sys.stdin:
        request = json.loads(line)
        receive, send = os.pipe()
        pid = os.fork()
        if pid == 0:
            with suppress(BaseException):
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(0, 1)
                os.read(receive, 1)
                options = {"limits": request["limits"], "record": request["record"]}
                play(request["act"], request["arguments"], request["out"], **options)
            os._exit(0)
        print(pid, flush=True)
        sys.stdin.readline()
        os.write(send, b"g")
        _, status = os.waitpid(pid, 0)
        print(status, flush=True)
        os.close(receive)
        os.close(send)


if __name__ == "__main__":
    main()
