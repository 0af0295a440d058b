"""What Docker on one host cannot honour is refused with its place, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from fairway.model.app import App, Attachment, Dependency, Healthcheck, Location, Network, Port, Service
from fairway.model.deploy import Deploy, Placement, Preference, Resources, RestartPolicy, UpdateConfig
from fairway.model.files import FileMount, FileObject, Mount
from fairway.render.docker_refusals import refusals

NEW = (1, 51)
TWO = Deploy(replicas=2)


def refused(service: Service, api: tuple[int, int] = NEW, **app: Any) -> list[str]:
    found = refusals(App(name="shop", services={service.name: service}, **app), api)
    assert all(problem.hint for problem in found)
    return [".".join(problem.path).removeprefix(f"services.{service.name}.") for problem in found]


@pytest.mark.parametrize(
    ("service", "place"),
    [
        (Service(name="w", command=()), "command"),
        (Service(name="w", depends_on={"db": Dependency(service="db", restart=True)}), "depends_on.db.restart"),
        (Service(name="w", deploy=TWO, mac_address="02:42:ac:11:00:02"), "mac_address"),
        (Service(name="w", deploy=TWO, networks={"n": Attachment(ipv4_address="10.0.0.2")}), "networks.n.ipv4_address"),
        (Service(name="w", deploy=TWO, ports=(Port(target=1), Port(target=80, published=80))), "ports.1.published"),
        (Service(name="w", external_links=("db:db",)), "external_links"),
        (Service(name="w", volumes=(Mount(type="npipe", target="/x", source="y"),)), "volumes.0.type"),
        (Service(name="w", configs=(FileMount(source="c", target="/c", uid="www"),)), "configs.0.uid"),
        (Service(name="w", secrets=(FileMount(source="c", target="/c", gid="www"),)), "secrets.0.gid"),
        (Service(name="w", security_opt=("label:disable", "seccomp:./profile.json")), "security_opt.1"),
        (Service(name="w", isolation="hyperv"), "isolation"),
        (Service(name="w", deploy=Deploy(mode="replicated-job")), "deploy.mode"),
        (Service(name="w", deploy=Deploy(endpoint_mode="vip")), "deploy.endpoint_mode"),
        (Service(name="w", deploy=Deploy(placement=Placement(constraints=("a==b",)))), "deploy.placement.constraints"),
        (
            Service(name="w", deploy=Deploy(placement=Placement(preferences=(Preference(spread="x"),)))),
            "deploy.placement.preferences",
        ),
        (
            Service(name="w", deploy=Deploy(reservations=Resources(generic=({"kind": "x"},)))),
            "deploy.resources.reservations.generic_resources",
        ),
        (
            Service(name="w", deploy=Deploy(restart_policy=RestartPolicy(condition="any", max_attempts=3))),
            "deploy.restart_policy.max_attempts",
        ),
        (
            Service(name="w", deploy=Deploy(restart_policy=RestartPolicy(condition="any", delay=5))),
            "deploy.restart_policy.delay",
        ),
        (
            Service(name="w", deploy=Deploy(restart_policy=RestartPolicy(condition="any", window=5))),
            "deploy.restart_policy.window",
        ),
        *((Service(name="w", extra={key: {}}), key) for key in ("credential_spec", "provider", "models", "post_start")),
        *((Service(name="w", extra={key: 1}), key) for key in ("umask", "cpu_count", "use_api_socket", "pre_stop")),
    ],
)  # fmt: skip
def test_what_cannot_be(service: Service, place: str) -> None:
    assert refused(service) == [place]


@pytest.mark.parametrize(
    ("service", "place"),
    [
        (Service(name="w", annotations={"a": "b"}), "annotations"),
        (Service(name="w", healthcheck=Healthcheck(start_interval=1)), "healthcheck.start_interval"),
        (Service(name="w", networks={"n": Attachment(gw_priority=1)}), "networks.n.gw_priority"),
        (Service(name="w", networks={"n": Attachment(interface_name="x")}), "networks.n.interface_name"),
        (Service(name="w", networks={"n": Attachment(mac_address="x")}), "networks.n.mac_address"),
        (Service(name="w", volumes=(Mount(type="bind", source="/x", target="/x", recursive="disabled"),)), "volumes.0.bind"),
        (Service(name="w", volumes=(Mount(type="volume", target="/x", subpath="x"),)), "volumes.0.volume"),
        (Service(name="w", volumes=(Mount(type="image", source="x", target="/x"),)), "volumes.0.type"),
    ],
)  # fmt: skip
def test_what_only_a_newer_docker_can(service: Service, place: str) -> None:
    assert refused(service, (1, 41)) == [place]
    assert refused(service, NEW) == []


@pytest.mark.parametrize(
    "service",
    [
        Service(name="w"),
        Service(name="w", command=(), entrypoint=("x",)),
        Service(name="w", ports=(Port(target=80, published=80),), mac_address="x"),
        Service(name="w", deploy=TWO, ports=(Port(target=80, published=8000, published_to=8010), Port(target=81))),
        Service(name="w", security_opt=("seccomp=unconfined", 'seccomp={"a": 1}', "no-new-privileges:true")),
        Service(name="w", deploy=Deploy(mode="global", endpoint_mode="dnsrr", update_config=UpdateConfig())),
        Service(name="w", restart=RestartPolicy(condition="on-failure", max_attempts=3)),
        Service(name="w", configs=(FileMount(source="c", target="/c", uid="33", gid="0"),)),
        Service(name="w", extra={"develop": {}, "attach": False, "x-mine": {}}),
    ],
)
def test_what_can(service: Service) -> None:
    assert refused(service) == []


def test_objects_and_sections() -> None:
    found = refused(
        Service(name="w"),
        configs={
            "c": FileObject(name="c", external=True),
            "d": FileObject(name="d", file="d", template_driver="golang"),
            "e": FileObject(name="e", file="e", template_driver="jinja"),
        },
        secrets={"s": FileObject(name="s", driver="vault"), "t": FileObject(name="t", external=True)},
        networks={"n": Network(key="n", enable_ipv4=False)},
        locations={("jobs", "nightly"): Location("compose.yaml", 9)},
    )
    assert found == ["jobs", "configs.c.external", "configs.d.template_driver", "secrets.s.driver"]


@pytest.mark.parametrize(("action", "found"), [("rollback", []), ("pause", []), ("continue", ["failure_action"])])
def test_a_failed_release_is_never_gone_on_with(action: str, found: list[str]) -> None:
    service = Service(name="w", deploy=Deploy(update_config=UpdateConfig(failure_action=action)))
    assert refused(service) == [f"deploy.update_config.{key}" for key in found]


@pytest.mark.parametrize(
    ("replicas", "ratio", "goes_on"),
    [(4, 0.25, True), (4, 0.2, False), (10, 0.1, True), (1, 1.0, False), (3, 1.0, True)],
)
def test_it_is_gone_on_with_where_some_may_fail(replicas: int, ratio: float, goes_on: bool) -> None:
    update = UpdateConfig(failure_action="continue", max_failure_ratio=ratio)
    found = refused(Service(name="w", deploy=Deploy(replicas=replicas, update_config=update)))
    assert found == ([] if goes_on else ["deploy.update_config.failure_action"])


def test_a_refusal_has_its_file_and_line() -> None:
    service = Service(name="w", deploy=Deploy(endpoint_mode="vip"))
    place = Location("compose.yaml", 12, 7)
    app = App(name="a", services={"w": service}, locations={("services", "w", "deploy", "endpoint_mode"): place})
    (problem,) = refusals(app, NEW)
    assert problem.where == place
    assert "vip" in problem.what
    assert "swarm" in problem.hint
