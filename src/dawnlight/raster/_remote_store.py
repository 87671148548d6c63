"""Bytes through obstore: connections kept for each host or bucket, and its failures understood.

Credentials are looked up in the environment, by the names that the services define, when a connection is
made: nothing of them is ever part of a task.
"""

from __future__ import annotations

import os
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from dawnlight.raster._remote_answers import Answer, Trouble, check_kind, of_status, to_nanoseconds

__all__ = ["ask_store", "forget_store", "forget_stores", "serves"]

_MAX_STORES = 64
_CONNECT = 10
# What reaches the server unchanged; obstore would quote a "%" again and cannot send a query.
_CLEAN = re.compile(r"/?[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~=+,@:-]+)*")
_STATUS = re.compile(r"status code: (\d{3})")
_AWS_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_GOOGLE_KEYS = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
)

_Key = tuple[str, str, int]
_lock = threading.Lock()
_stores: OrderedDict[_Key, Any] = OrderedDict()
_owner: int | None = None


def serves(href: str) -> bool:
    """Tell whether obstore can be asked for a file, here and now."""
    if _owner is not None and _owner != os.getpid():
        return False  # its threads stayed in the parent
    parts = urlsplit(href)
    if parts.query or parts.fragment or not _CLEAN.fullmatch(parts.path):
        return False
    return parts.scheme != "s3" or _knows_aws()


def ask_store(href: str, offset: int, size: int, timeout: int) -> Answer:
    """Ask obstore for bytes of a file, once; see `ask_web`."""
    import obstore

    try:
        store, path = _open(href, timeout)
        found = obstore.get(store, path, options={"range": (offset, offset + size)})
        meta = found.meta
        check_kind(found.attributes.get("Content-Type"))
        body = memoryview(found.bytes())
    except Trouble:
        raise
    except Exception as error:  # its errors have no common root but this
        raise _understood(error, timeout) from error
    expected = min(offset + size, meta["size"]) - offset
    if len(body) != expected:
        raise Trouble(f"the server sent {len(body)} of {expected} bytes", again=True)
    return Answer(
        body=body,
        size=meta["size"],
        etag=meta.get("e_tag"),
        modified_ns=to_nanoseconds(meta.get("last_modified")),
    )


def forget_store(href: str) -> bool:
    """Drop the connections to a bucket, so that the next read looks for credentials again.

    Returns
    -------
    bool
        Whether there is anything to look for: web servers have no signer here.
    """
    parts = urlsplit(href)
    if parts.scheme not in ("s3", "gs"):
        return False
    with _lock:
        for key in [key for key in _stores if key[:2] == (parts.scheme, parts.netloc)]:
            del _stores[key]
    return True


def forget_stores() -> None:
    """Start afresh in a forked child; what the parent had is neither used nor closed."""
    global _lock
    _lock = threading.Lock()
    _abandoned.append(dict(_stores))
    _stores.clear()


_abandoned: list[Any] = []


def _open(href: str, timeout: int) -> tuple[Any, str]:
    global _owner
    parts = urlsplit(href)
    key = (parts.scheme, parts.netloc, timeout)
    with _lock:
        store = _stores.get(key)
        if store is not None:
            _stores.move_to_end(key)
    if store is None:
        _owner = os.getpid()
        made = _make(parts.scheme, parts.netloc, timeout)
        with _lock:
            store = _stores.setdefault(key, made)
            while len(_stores) > _MAX_STORES:
                _stores.popitem(last=False)
    return store, parts.path.lstrip("/")


def _make(scheme: str, place: str, timeout: int) -> Any:
    from obstore.store import GCSStore, HTTPStore, S3Store

    client: Any = {
        "timeout": f"{timeout}s",
        "connect_timeout": f"{min(_CONNECT, timeout)}s",
        "pool_max_idle_per_host": "64",
        "allow_http": scheme == "http",
    }
    ours: Any = {"max_retries": 0}  # the retries are counted and timed in `_remote_file`
    if scheme == "s3":
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        client["allow_http"] = (endpoint or "").startswith("http://")
        config: dict[str, Any] = {}
        if os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in ("yes", "true", "1"):
            config["skip_signature"] = True
        if endpoint:
            config["endpoint"] = endpoint
        else:
            config["region"] = _region(place, timeout)
        return S3Store(place, config=cast(Any, config), client_options=client, retry_config=ours)
    if scheme == "gs":
        anonymous = not any(os.environ.get(name) for name in _GOOGLE_KEYS)
        options: dict[str, Any] = {"skip_signature": True} if anonymous else {}
        return GCSStore(place, config=cast(Any, options), client_options=client, retry_config=ours)
    return HTTPStore.from_url(f"{scheme}://{place}", client_options=client, retry_config=ours)


def _knows_aws() -> bool:
    """Whether obstore finds what AWS's own tools find; profiles in files are read by GDAL only."""
    names = ("AWS_NO_SIGN_REQUEST", *_AWS_KEYS)
    if any(os.environ.get(name) for name in names):
        return True
    files = (
        os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or Path.home() / ".aws" / "credentials",
        os.environ.get("AWS_CONFIG_FILE") or Path.home() / ".aws" / "config",
    )
    return not os.environ.get("AWS_PROFILE") and not any(Path(file).exists() for file in files)


def _region(bucket: str, timeout: int) -> str:
    """Where a bucket is: anybody may ask, and a request to another region is refused."""
    import requests

    here = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    try:
        reply = requests.head(
            f"https://s3.amazonaws.com/{bucket}", timeout=min(_CONNECT, timeout), allow_redirects=False
        )
    except requests.RequestException:
        return here or "us-east-1"
    return reply.headers.get("x-amz-bucket-region") or here or "us-east-1"


def _understood(error: Exception, timeout: int) -> Trouble:
    """Find out what kind of failure obstore reports; only its text says."""
    text = str(error)
    line = text.splitlines()[0][:300] if text else type(error).__name__
    short = line.rpartition(" - ")[2]  # before it: the address, which the error names anyway
    status = _STATUS.search(line)
    if status is not None:
        return of_status(int(status[1]))
    if isinstance(error, FileNotFoundError):
        return of_status(404)
    kind = type(error).__name__
    if kind == "NotSupportedError" or "Content-Range" in line:
        # A web page, a server without ranges ...: the plain client sees which.
        return Trouble("the server does not serve parts of files", again=True, plain=True)
    if "redirect" in line:
        return Trouble("the server's redirects do not end")
    if "certificate" in text:
        return Trouble(f"no secure connection ({short})")
    if "kind: Timeout" in text or "TimedOut" in text:
        return Trouble(f"no answer within {timeout} s", again=True)
    if "HTTP error" in line or "error decoding response body" in text or "error sending request" in text:
        return Trouble(f"the connection broke ({short})", again=True)
    return Trouble(short)
