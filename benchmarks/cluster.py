"""A cluster of two processes on this machine, whose processor time and memory can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Memory


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Two processes with one thread each, kept for the life of this process."""

    client: Any

    def meters(self) -> dict[str, float]:
        """Return the workers' processor time and memory peaks since the last call, summed up."""
        found = self.client.run(_since_last).values()
        return {key: sum(each[key] for each in found) for key in ("cpu", "peak")}


_last: dict[str, Any] = {}


def _since_last() -> dict[str, float]:
    """Run in a worker."""
    import time

    now = time.process_time()
    memory = _last.get("memory")
    found = {"cpu": now - _last.get("cpu", now), "peak": memory.end() if memory else 0.0}
    _last["memory"] = Memory()
    _last["memory"].begin()
    _last["cpu"] = time.process_time()
    return found


_started: list[Workers] = []


def start() -> Workers:
    """Start the cluster, or return the one that runs: a small run warms its processes for the next."""
    from distributed import Client, LocalCluster

    if not _started:
        nodes = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        _started.append(Workers(client=Client(nodes)))
    return _started[0]


def stop() -> None:
    """End the cluster, if there is one."""
    while _started:
        client = _started.pop().client
        nodes = client.cluster
        client.close()
        nodes.close()
