"""What one host of a fleet lacks of the files of an earlier release may be on another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fairway.engines.docker.files import Files, Found
from fairway.net.hosts import Hosts


class Elsewhere:
    """`files` are those of each host, once they are known."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.files: dict[str, Files] = {}

    def than(self, host: str) -> Callable[[str], Awaitable[Found | None]]:
        """Asks the others, one after the other: what is in the volume of that name."""

        async def ask(volume: str) -> Found | None:
            for other in self.hosts.ready:
                if other != host and (found := await self.hosts.on(other, self.files[other].read(volume))):
                    return found
            return None

        return ask
