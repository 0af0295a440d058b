"""Waiting until replicas that get no new requests have answered those they have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from fairway.model.routes import Endpoint
from fairway.ports import Traffic

SETTLE = 0.05
"""Seconds between two looks that must both find nothing: a request may be on its way from the gateway's other thread."""


async def drained(traffic: Traffic, endpoints: Collection[Endpoint], timeout: float) -> int:
    """How many requests and streams were still open when the time was over; 0 where all have ended."""
    until = time.monotonic() + timeout
    quiet = 0
    while True:
        open_now = await traffic.in_flight(endpoints)
        quiet = quiet + 1 if open_now == 0 else 0
        if quiet == 2 or time.monotonic() >= until:
            return open_now
        await asyncio.sleep(SETTLE)
