"""Which ports services have under their names, in an environment of several hosts."""

from __future__ import annotations

import pytest

from fairway.model.app import App, Port, Service
from fairway.model.build import ImageRef
from fairway.model.policy import Ready, Route, ServicePolicy
from fairway.rollout.names import named

ROUTE = Route(hosts=("shop.test",), port=9000, path="/api", retries=1)


def ports(service: Service, policy: ServicePolicy | None = None, image: tuple[int, ...] = ()) -> Route | None:
    policies = {service.name: policy} if policy else {}
    images = {service.name: ImageRef(reference="any", ports=image)}
    found = named(App(name="shop", services={service.name: service}), images, policies).get(service.name)
    return found.route if found else None


@pytest.mark.parametrize(
    ("service", "image", "wanted"),
    [
        (Service(name="db", expose=("5432",)), (), (5432,)),
        (Service(name="db", expose=("5432/tcp", "53/udp", "7000-7002")), (), (5432, 7000, 7001, 7002)),
        (Service(name="db", ports=(Port(target=80), Port(target=53, protocol="udp"))), (), (80,)),
        (Service(name="db", expose=("80",)), (6379, 80), (80, 6379)),
    ],
)
def test_what_the_compose_file_and_the_image_name(
    service: Service, image: tuple[int, ...], wanted: tuple[int, ...]
) -> None:
    assert ports(service, image=image) == Route(hosts=(), port=wanted[0], names=wanted)


def test_the_route_stays_and_its_port_is_one_of_them() -> None:
    policy = ServicePolicy(route=ROUTE, ready=Ready(http="/up", port=9999))
    found = ports(Service(name="web", expose=("5432",)), policy)
    assert found == Route(hosts=("shop.test",), port=9000, path="/api", retries=1, names=(5432, 9000))


def test_a_service_without_tcp_ports_has_no_name() -> None:
    assert ports(Service(name="worker", expose=("53/udp",))) is None


@pytest.mark.parametrize("mode", ["host", "none", "service:web"])
def test_a_service_without_a_network_of_its_own_stays_as_it_is(mode: str) -> None:
    service = Service(name="web", network_mode=mode, expose=("80",))
    assert ports(service) is None
    assert ports(service, ServicePolicy(route=ROUTE)) == ROUTE
