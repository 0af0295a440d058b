"""Orders to a rollout: each a container that is created and never started, so that Docker tells of it at once and keeps it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fairway.engines.common.orders import order_of, token
from fairway.engines.common.together import together
from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import inspected, listed, seconds
from fairway.engines.docker.replicas import remove
from fairway.engines.docker.small import confined
from fairway.engines.docker.watching import changes
from fairway.model.environment import Environment
from fairway.model.orders import Order, Signal
from fairway.net.client import Docker
from fairway.net.errors import translated
from fairway.render import names


class DockerSignals:
    """`ports.Signals` on one Docker host. `image` is any that the host has.

    Whoever prunes the host removes orders, too: one that was heard counts nevertheless, until it is cleared here.
    """

    def __init__(self, environment: Environment, docker: Docker, image: str, *, host: str = "local") -> None:
        self.environment = environment
        self.docker = docker
        self.image = image
        self.host = host
        self.labels = names.of_environment(environment, names.Kind.ORDER)
        self._heard: dict[str, Signal] = {}
        self._cleared: set[str] = set()

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        await self.write(token(), order, release, by, phase=phase)

    async def write(self, token: str, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        """`token` tells it from every other order."""
        name = names.order(self.environment, token)
        told = {names.ORDER: order.value, names.RELEASE: str(release), names.BY: by, names.PHASE: str(phase)}
        body = confined(self.image, ["/never-started"], self.labels | told)
        with explained(self.host, f"The order to {order} could not be given"):
            await self.docker.post("containers/create", body, name=name)

    async def watch(self) -> AsyncGenerator[tuple[Signal, ...], None]:
        last: tuple[Signal, ...] | None = None
        async with aclosing(changes(self.docker, self.labels, self.host, happenings=("create",))) as news:
            async for _ in news:
                known = await self._known()
                if known != last:
                    last = known
                    yield known

    async def clear(self) -> None:
        with translated(self.host, "The orders could not be cleared"):
            given = await listed(self.docker, self.labels)
            await together(remove(self.docker, container["Id"]) for container in given)
        self._cleared |= {container["Id"] for container in given} | set(self._heard)
        self._heard.clear()

    async def _known(self) -> tuple[Signal, ...]:
        with translated(self.host, "The orders could not be read"):
            found = await inspected(self.docker, self.labels)
        given = {container["Id"]: told for container in found if (told := signal(container))}
        self._heard |= {name: told for name, told in given.items() if name not in self._cleared}
        return tuple(sorted(self._heard.values(), key=lambda told: told.at))


def signal(container: dict[str, Any]) -> Signal | None:
    """None where its labels are no order that this Fairway knows. `at` is when the engine made it."""
    at, key = seconds(container["Created"]), container["Name"].removeprefix("/")
    return order_of(container["Config"].get("Labels") or {}, at, key)
