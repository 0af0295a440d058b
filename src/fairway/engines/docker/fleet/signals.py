"""Orders to a rollout on several hosts: each is kept on all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fairway.engines.common.orders import token
from fairway.engines.docker.signals import DockerSignals
from fairway.model.orders import Order, Signal
from fairway.net.hosts import Hosts


class FleetSignals:
    """`signals` by host."""

    def __init__(self, hosts: Hosts, signals: Mapping[str, DockerSignals]) -> None:
        self.hosts = hosts
        self.signals = signals

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        same = token()
        await self.hosts.each(lambda name: self.signals[name].write(same, order, release, by, phase=phase))

    async def watch(self) -> AsyncGenerator[tuple[Signal, ...], None]:
        last: tuple[Signal, ...] | None = None
        async with aclosing(self.hosts.latest(lambda name: self.signals[name].watch())) as news:
            async for told in news:
                known = {signal.key: signal for signals in reversed(list(told.values())) for signal in signals}
                given = tuple(sorted(known.values(), key=lambda signal: (signal.at, signal.key)))
                if given != last:
                    last = given
                    yield given

    async def clear(self) -> None:
        await self.hosts.each(lambda name: self.signals[name].clear())
