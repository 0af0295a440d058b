"""Orders to a rollout: each a config of the Swarm, of which every manager tells at once: fulfils `ports.Signals`."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

from fairway.engines.common.orders import order_of, token
from fairway.engines.common.together import together
from fairway.model.environment import Environment
from fairway.model.orders import Order, Signal
from fairway.net.client import DockerError
from fairway.net.errors import translated
from fairway.net.managers import Managers
from fairway.render import names, swarm_names

DATA = base64.b64encode(b"order").decode()


class SwarmSignals:
    """What was heard counts until it is cleared here, whoever removes it."""

    def __init__(self, environment: Environment, managers: Managers) -> None:
        self.environment = environment
        self.managers = managers
        self.host = "the Swarm"
        self.labels = names.of_environment(environment, names.Kind.ORDER)
        self._heard: dict[str, Signal] = {}
        self._cleared: set[str] = set()

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None:
        told = {names.ORDER: order.value, names.RELEASE: str(release), names.BY: by, names.PHASE: str(phase)}
        name = swarm_names.fitting(names.order(self.environment, token()))
        body = {"Name": name, "Labels": self.labels | told, "Data": DATA}
        with translated(self.host, f"The order to {order} could not be given"):
            try:
                await self.managers.post("configs/create", body)
            except DockerError as error:
                if error.status != 409:  # the answer to the first try was lost
                    raise

    async def watch(self) -> AsyncGenerator[tuple[Signal, ...], None]:
        last: tuple[Signal, ...] | None = None
        async with aclosing(self.managers.events({"type": ["config"]})) as news:
            async for event in news:
                if event is not None and event["Action"] != "create":
                    continue
                known = await self._known()
                if known != last:
                    last = known
                    yield known

    async def clear(self) -> None:
        with translated(self.host, "The orders could not be cleared"):
            given = await self._given()
            await together(self.managers.remove(f"configs/{order['ID']}") for order in given)
        self._cleared |= {order["ID"] for order in given} | set(self._heard)
        self._heard.clear()

    async def _known(self) -> tuple[Signal, ...]:
        with translated(self.host, "The orders could not be read"):
            found = await self._given()
        given = {order["ID"]: told for order in found if (told := signal(order))}
        self._heard |= {key: told for key, told in given.items() if key not in self._cleared}
        return tuple(sorted(self._heard.values(), key=lambda told: told.at))

    async def _given(self) -> list[dict[str, Any]]:
        return await self.managers.get("configs", filters={"label": names.label_filter(self.labels)}) or []


def signal(config: Mapping[str, Any]) -> Signal | None:
    """None where its labels are no order that this Fairway knows. `at` is when the managers made it."""
    at = datetime.fromisoformat(f"{config['CreatedAt'][:19]}+00:00").timestamp() + _fraction(config["CreatedAt"])
    return order_of(config["Spec"].get("Labels") or {}, at, config["Spec"]["Name"])


def _fraction(date: str) -> float:
    """Docker writes nanoseconds, and leaves zeros at the end out."""
    part = date[19:].rstrip("Z")
    return float(f"0{part}") if part.startswith(".") else 0.0
