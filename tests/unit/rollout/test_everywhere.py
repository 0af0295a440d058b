"""`mode: global` in numbers, and which services are found by their names."""

from __future__ import annotations

from fairway.model.app import App, Dependency, Port, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Placement
from fairway.model.hosts import Host, HostState
from fairway.model.policy import Route, ServicePolicy
from fairway.rollout.everywhere import everywhere
from fairway.rollout.names import named

HOSTS = (
    Host(name="a", labels={"disk": "ssd"}, arch="x86_64"),
    Host(name="b", labels={"disk": "ssd"}, arch="aarch64"),
    Host(name="c", labels={"disk": "hdd"}, arch="x86_64"),
    Host(name="d", labels={"disk": "ssd"}, state=HostState.LOST),
)


def app(*services: Service) -> App:
    return App(name="shop", services={service.name: service for service in services})


def test_a_global_service_has_a_replica_on_each_host_that_will_do() -> None:
    agent = Service(name="agent", deploy=Deploy(mode="global"))
    picky = Service(
        name="picky",
        platform="linux/amd64",
        deploy=Deploy(mode="global", placement=Placement(constraints=("node.labels.disk == ssd",))),
    )
    web = Service(name="web", deploy=Deploy(replicas=2))
    sized = everywhere(app(agent, picky, web), HOSTS).services
    assert {name: service.deploy.replicas for name, service in sized.items()} == {"agent": 3, "picky": 1, "web": 2}
    assert everywhere(app(agent), ()) == app(agent)


def test_all_known_ports_of_a_service_are_its_names() -> None:
    web = Service(name="web", ports=(Port(target=80, published=8080),), expose=("9090", "53/udp"))
    cache = Service(name="cache")
    job = Service(name="job", expose=("1",))
    alone = Service(name="alone", network_mode="host", expose=("1",))
    silent = Service(
        name="silent", depends_on={"job": Dependency(service="job", condition="service_completed_successfully")}
    )
    images = {"cache": ImageRef(reference="redis:7", ports=(6379,))}
    policies = {"web": ServicePolicy(route=Route(hosts=("shop.test",), port=8000))}
    found = named(app(web, cache, job, alone, silent), images, policies)
    assert found["web"].route == Route(hosts=("shop.test",), port=8000, names=(80, 8000, 9090))
    assert found["cache"].route == Route(hosts=(), port=6379, names=(6379,))
    assert not {"job", "alone", "silent"} & found.keys()
