"""`python -m tests.real.gateway.applying URL APP ADDRESS…`: changes the routes without a pause, until it is killed.

Each table is a revision of its own, on the same replicas; a line is printed for each that is live.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys

from fairway.gateway.traffic import GatewayTraffic
from fairway.model.environment import Environment
from fairway.model.policy import Route
from fairway.model.routes import Endpoint, RoutedService, RoutingTable
from fairway.net.docker import connect
from tests.real.gateway.place import GATEWAY_PORT
from tests.real.gateway.replicas import PORT, backend


async def main(url: str, app: str, *addresses: str) -> None:
    environment = Environment(app, "test")
    route = Route(hosts=(f"{app}.test",), port=PORT)
    endpoints = [Endpoint(address, PORT) for address in addresses]
    async with connect(url) as docker, GatewayTraffic(docker, environment, http_port=GATEWAY_PORT) as traffic:
        for count in itertools.count():
            web = RoutedService(service="web", route=route, backends=(backend(f"{os.getpid()}-r{count}", *endpoints),))
            await traffic.apply(RoutingTable(environment=environment, services=(web,)))
            print(count, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
