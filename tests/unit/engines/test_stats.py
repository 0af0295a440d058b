"""What Docker's counters mean, on control groups of version 1 and 2."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from fairway.engines.docker.stats import read
from fairway.model.usage import Sample, cpu_share

V1: dict[str, Any] = {
    "read": "2026-11-01T12:00:00.5Z",
    "cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}, "system_cpu_usage": 99, "online_cpus": 2},
    "memory_stats": {
        "usage": 100 << 20,
        "limit": 256 << 20,
        "stats": {"total_inactive_file": 40 << 20, "inactive_file": 1 << 20},
    },
    "networks": {"eth0": {"rx_bytes": 10, "tx_bytes": 1}, "eth1": {"rx_bytes": 5, "tx_bytes": 2}},
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"op": "Read", "value": 4096},
            {"op": "Write", "value": 8192},
            {"op": "Sync", "value": 1},
            {"op": "Total", "value": 12288},
            {"op": "Read", "value": 1},
        ]
    },
    "pids_stats": {"current": 7},
}
V2 = V1 | {
    "memory_stats": {"usage": 100 << 20, "limit": 256 << 20, "stats": {"inactive_file": 30 << 20, "anon": 5}},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 4096}, {"op": "write", "value": 8192}]},
}
WHOLE = Sample(
    at=1793534400.5,
    cpu=2.5,
    memory=60 << 20,
    limit=256 << 20,
    received=15,
    sent=3,
    read=4097,
    written=8192,
    pids=7,
)


def test_version_1() -> None:
    assert read(V1) == WHOLE


def test_version_2() -> None:
    assert read(V2) == replace(WHOLE, memory=70 << 20, read=4096)


def test_what_is_not_counted_is_not_known() -> None:
    bare = {"read": V1["read"], "cpu_stats": V1["cpu_stats"], "memory_stats": {}, "blkio_stats": None}
    assert read(bare | {"networks": None}) == Sample(at=WHOLE.at, cpu=2.5)


@pytest.mark.parametrize("said", [{}, {"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}}])
def test_a_container_that_does_not_run(said: dict[str, Any]) -> None:
    assert read(said) is None


def test_no_memory_is_below_zero() -> None:
    memory = {"usage": 10, "stats": {"inactive_file": 20}}
    found = read(V1 | {"memory_stats": memory})
    assert found is not None
    assert (found.memory, found.limit) == (0, None)


@pytest.mark.parametrize(
    ("before", "share"),
    [
        (Sample(at=WHOLE.at - 2, cpu=1.5), 0.5),
        (Sample(at=WHOLE.at - 1, cpu=0.5), 2.0),
        (Sample(at=WHOLE.at - 1, cpu=2.5), 0.0),
        (Sample(at=WHOLE.at, cpu=2.5), None),
        (Sample(at=WHOLE.at - 1, cpu=9.0), None),
        (None, None),
    ],
)
def test_the_share_of_a_cpu(before: Sample | None, share: float | None) -> None:
    assert cpu_share(before, WHOLE) == share
