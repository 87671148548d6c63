"""Messages from the workers of a `distributed` cluster to the process that asks for values.

They go through the scheduler's event log, so they arrive with the results and wait there until they are asked
for. Where no cluster is in use, nothing happens.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["find_events", "send_event"]

_TOPIC = "dawnlight-failures-"


def send_event(token: str, record: Mapping[str, Any], warning: str | None = None) -> bool:
    """Tell the scheduler, if this is a worker of a cluster.

    Parameters
    ----------
    token
        Whom it concerns.
    record
        Plain values.
    warning
        Text to warn of, here and where the client is.

    Returns
    -------
    bool
        False if this is no worker; nothing was said then.
    """
    if "distributed" not in sys.modules:  # it is there on every worker; importing it takes its time
        return False
    import distributed

    try:
        worker = distributed.get_worker()
    except ValueError:
        return False
    worker.log_event(_TOPIC + token, {"record": dict(record)})
    if warning is not None:
        distributed.warn(warning, RuntimeWarning)
    return True


def find_events(token: str) -> list[Mapping[str, Any]]:
    """Return what workers of the cluster in use have told under a token, oldest first.

    The scheduler keeps a limited number of messages (``distributed.admin.low-level-log-length``, 1000 unless
    configured), and only as long as it runs.
    """
    if "distributed" not in sys.modules:
        return []
    import distributed

    try:
        client = distributed.default_client()
    except ValueError:
        return []
    if client.asynchronous or client.status != "running":
        return []
    return [event["record"] for _, event in client.get_events(_TOPIC + token)]
