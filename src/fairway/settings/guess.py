"""Guesses about a Compose application that nobody has described to Fairway yet."""

from __future__ import annotations

import re

from msgspec import Struct

from fairway.model.app import App, Service

BACKENDS = re.compile(
    r"(postgres|mysql|mariadb|mongo|redis|valkey|keydb|memcached|rabbitmq|kafka|zookeeper|nats|elasticsearch|opensearch"
    r"|cassandra|clickhouse|influxdb|etcd|consul|vault|mosquitto|ldap|postfix|bind9)"
)
"""Images that are no web applications, whatever their ports."""

OTHER_PORTS = frozenset(
    (443, 465, 514, 587, 636, 993, 995, 1433, 1521, 1883, 2049, 2181, 2375, 2376, 2379, 3306, 3389, 4222)
)
OTHER_PORTS |= {5432, 5672, 6379, 8443, 9042, 9092, 9200, 9300, 11211, 27017, *range(80), *range(81, 400)}
"""Ports where something else than plain HTTP listens by custom."""

COMMON = (80, 8080, 8000, 3000, 5000, 9000, 9090, 8888, 4000, 8081)
"""Ports where HTTP listens by custom, the most usual first."""


class Candidate(Struct, frozen=True):
    """A service that seems to answer HTTP on `port`; `published` says whether users reach it so today."""

    service: Service
    port: int
    published: bool


def candidates(app: App) -> list[Candidate]:
    """The services that may want a route, the likeliest first."""
    found = [one for service in app.services.values() if (one := _candidate(service))]
    inner = {name for service in app.services.values() for name in service.depends_on}
    return sorted(found, key=lambda one: (not one.published, one.service.name in inner, *_likelihood(one)))


def takes(service: Service, number: int) -> bool:
    """Whether the service may publish this port of the host."""
    return any((port.published or 0) <= number <= (port.published_to or port.published or 0) for port in service.ports)


def free_port(app: App) -> int:
    """A port of the host for the gateway that no service publishes: 80 where it can be."""
    services = app.services.values()
    return next((port for port in (80, *range(8080, 65536)) if not any(takes(one, port) for one in services)), 80)


def _candidate(service: Service) -> Candidate | None:
    image = (service.image or "").partition("@")[0]
    if service.network_mode not in (None, "bridge") or (not service.build and BACKENDS.search(image)):
        return None
    published = [port.target for port in service.ports if port.protocol == "tcp"]
    exposed = [int(item.removesuffix("/tcp")) for item in service.expose if item.removesuffix("/tcp").isdecimal()]
    for ports in (published, exposed):
        fitting = sorted((port for port in ports if port not in OTHER_PORTS), key=_custom)
        if fitting:
            return Candidate(service, fitting[0], published=ports is published)
    return None


def _likelihood(candidate: Candidate) -> tuple[bool, int, str]:
    service = candidate.service
    return service.build is None, _custom(candidate.port), service.name


def _custom(port: int) -> int:
    return COMMON.index(port) if port in COMMON else len(COMMON)
