"""What Swarm cannot honour is refused with its place, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from fairway.model.app import App, Attachment, Device, Location, Network, Port, Service
from fairway.model.deploy import Deploy, Placement, Preference, Resources, RestartPolicy
from fairway.model.files import FileObject, Mount
from fairway.render.swarm_refusals import refusals

OLD, NEW = (1, 41), (1, 51)


def refused(service: Service, api: tuple[int, int] = NEW, **app: Any) -> list[str]:
    found = refusals(App(name="shop", services={service.name: service}, **app), api)
    assert all(problem.hint and "engine: swarm" not in problem.hint for problem in found)
    assert all(problem.what.startswith("not possible with Docker Swarm: ") for problem in found)
    return [".".join(problem.path).removeprefix(f"services.{service.name}.") for problem in found]


@pytest.mark.parametrize(
    ("service", "place"),
    [
        (Service(name="w", container_name="one"), "container_name"),
        (Service(name="w", privileged=True), "privileged"),
        (Service(name="w", devices=(Device(source="/dev/fuse", target="/dev/fuse"),)), "devices"),
        (Service(name="w", cpuset="0"), "cpuset"),
        (Service(name="w", shm_size=1 << 20), "shm_size"),
        (Service(name="w", oom_kill_disable=True), "oom_kill_disable"),
        (Service(name="w", network_mode="service:db"), "network_mode"),
        (Service(name="w", security_opt=("no-new-privileges", "label:disable")), "security_opt.1"),
        (Service(name="w", ports=(Port(target=1, mode="host"), Port(target=80, published=80))), "ports.1"),
        (Service(name="w", ports=(Port(target=80, published=80, host_ip="::1", mode="host"),)), "ports.0"),
        (Service(name="w", ports=(Port(target=80, published=80, published_to=90, mode="host"),)), "ports.0"),
        (Service(name="w", volumes=(Mount(type="tmpfs", target="/x", options=("noexec",)),)), "volumes.0"),
        (Service(name="w", volumes=(Mount(type="image", target="/x", source="y"),)), "volumes.0.type"),
        (Service(name="w", volumes=(Mount(type="bind", target="/x", source="/y", selinux="z"),)), "volumes.0"),
        (Service(name="w", networks={"n": Attachment(ipv4_address="10.0.0.2")}), "networks.n.ipv4_address"),
        (Service(name="w", deploy=Deploy(endpoint_mode="vip")), "deploy.endpoint_mode"),
        (
            Service(name="w", deploy=Deploy(reservations=Resources(devices=({"capabilities": ["gpu"]},)))),
            "deploy.resources.reservations.devices",
        ),
    ],
)
def test_it_is_refused(service: Service, place: str) -> None:
    assert refused(service) == [place]


@pytest.mark.parametrize(
    "service",
    [
        Service(name="w", deploy=Deploy(mode="global", endpoint_mode="dnsrr")),
        Service(name="w", deploy=Deploy(placement=Placement(constraints=("node.role==worker",)))),
        Service(name="w", deploy=Deploy(placement=Placement(preferences=(Preference(spread="node.labels.zone"),)))),
        Service(name="w", deploy=Deploy(restart_policy=RestartPolicy(condition="any", delay=5, window=9))),
        Service(name="w", deploy=Deploy(restart_policy=RestartPolicy(condition="any", max_attempts=3))),
        Service(name="w", network_mode="host"),
        Service(name="w", ports=(Port(target=80, published=80, mode="host"),)),
        Service(name="w", security_opt=("no-new-privileges:true",)),
    ],
)
def test_it_is_honoured(service: Service) -> None:
    assert refused(service) == []


def test_an_old_engine_does_not_know_how_to_take_privileges_away() -> None:
    assert refused(Service(name="w", security_opt=("no-new-privileges",)), OLD) == ["security_opt.0"]


def test_a_network_that_ends_at_its_node_is_none() -> None:
    networks = {"back": Network(key="back", driver="bridge"), "front": Network(key="front", driver="overlay")}
    assert refused(Service(name="w"), networks=networks) == ["networks.back.driver"]


def test_a_config_of_somebody_else_is_refused_with_its_line() -> None:
    where = {("configs", "c", "external"): Location("compose.yaml", 7)}
    app = App(name="shop", services={}, configs={"c": FileObject(name="c", external=True)}, locations=where)
    [problem] = refusals(app)
    assert str(problem.where) == "compose.yaml:7"
    assert "keeps its own configs" in problem.what
