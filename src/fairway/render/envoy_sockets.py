"""Options of TCP sockets, by their numbers on Linux: how the end of a connection is found whose other side has vanished."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def keepalive(*, idle: int, every: int, times: int) -> list[Json]:
    """For a listener. Who says nothing for `idle` seconds is asked each `every` seconds, and gone without so many answers."""
    options = ((1, 9, 1), (6, 4, idle), (6, 5, every), (6, 6, times))
    return [{"level": level, "name": name, "int_value": value} for level, name, value in options]


def user_timeout(seconds: int) -> Json:
    """For a cluster: TCP_USER_TIMEOUT. What was sent and not taken for so long ends the connection."""
    return {"level": 6, "name": 18, "int_value": 1000 * seconds, "state": "STATE_PREBIND"}
