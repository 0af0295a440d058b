from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.model.app import Attachment, Healthcheck, Port, Service
from fairway.model.deploy import Deploy, UpdateConfig
from fairway.model.files import Mount
from fairway.model.hardening import Hardening
from fairway.model.policy import Ready, Rollout, Route, ServicePolicy, WayBack
from fairway.settings.policies import policies
from tests.unit.settings.parts import app, hints, settings, wrong

WEB = Service(name="web")
ROUTED = "services: {web: {route: {port: 8000}}}"
DATA = Mount(type="volume", source="data", target="/data")


def policy(text: str, service: Service, environment: str | None = None, **lines: int) -> ServicePolicy:
    places = {("services", service.name, *key.split("__")): line for key, line in lines.items()}
    return policies(settings(text), app(service, lines=places), environment)[service.name]


def test_every_service_of_the_application_has_a_policy() -> None:
    found = policies(settings(ROUTED), app(WEB, Service(name="worker")))
    assert found["web"].route == Route(hosts=("*",), port=8000)
    assert found["worker"].route is None


def test_a_route_is_what_the_file_says() -> None:
    text = "services: {web: {route: {hosts: [a.example.com, b.example.com], port: 1, path: /api, timeout: 5s, retries: 0}}}"
    route = policy(text, WEB).route
    assert route == Route(hosts=("a.example.com", "b.example.com"), port=1, path="/api", timeout=5, retries=0)


@pytest.mark.parametrize(
    "service",
    [
        Service(name="web", expose=("8000",)),
        Service(name="web", expose=("8000/tcp", "53/udp")),
        Service(name="web", ports=(Port(target=8000),), expose=("8000",)),
    ],
)
def test_a_route_without_a_port_goes_to_the_only_one_there_is(service: Service) -> None:
    route = policy("services: {web: {route: {host: a.example.com}}}", service).route
    assert route is not None
    assert route.port == 8000


@pytest.mark.parametrize("service", [WEB, Service(name="web", expose=("80", "81"))])
def test_a_route_whose_port_cannot_be_known_is_a_problem(service: Service) -> None:
    assert wrong(lambda: policy("services:\n  web:\n    route: {host: a.b}", service)) == [
        "3 services.web.route: a route needs the port on which the service listens"
    ]


def test_two_services_cannot_have_the_same_route() -> None:
    text = "services:\n  web: {route: {host: a.b, port: 1}}\n  api: {route: {hosts: [c.d, a.b], port: 1}}"
    assert wrong(lambda: policies(settings(text), app(WEB, Service(name="api")))) == [
        "3 services.api.route: web has the same route: host a.b, path /"
    ]


def test_an_environment_says_what_differs_in_it() -> None:
    text = """
services: {web: {route: {host: shop.example.com, port: 8000}, ready: {http: /up}, rollout: {surge: 1}}}
environments:
  production: {}
  staging: {services: {web: {route: {hosts: [staging.example.com]}, rollout: {pause: 1s}}}}
"""
    service = Service(name="web", deploy=Deploy(replicas=2))
    here, there = policy(text, service, "staging"), policy(text, service, "production")
    assert here.route == Route(hosts=("staging.example.com",), port=8000)
    assert there.route == Route(hosts=("shop.example.com",), port=8000)
    assert here.ready == there.ready
    assert (here.rollout.surge, here.rollout.pause, there.rollout.pause) == (1, 1, 0)


def test_readiness_is_asked_for_by_http_else_the_healthcheck_else_by_running_for_two_seconds() -> None:
    assert policy("services: {web: {ready: {http: /up, port: 1, status: 204}}}", WEB).ready == Ready(
        http="/up", port=1, status=204
    )
    assert (
        policy("", Service(name="web", healthcheck=Healthcheck(test=("CMD", "true"), interval=1))).ready.min_ready == 0
    )
    assert policy("", WEB).ready == Ready(min_ready=2)
    assert policy("", Service(name="web", healthcheck=Healthcheck(disable=True))).ready.min_ready == 2
    assert policy("services: {web: {ready: {min_ready: 0}}}", WEB).ready.min_ready == 0


def test_the_deadline_leaves_the_healthcheck_its_time() -> None:
    slow = Healthcheck(test=("CMD", "true"), start_period=300, interval=10, timeout=5, retries=4)
    assert policy("", Service(name="web", healthcheck=slow)).ready.deadline == 360
    assert policy("services: {web: {ready: {deadline: 5s}}}", Service(name="web", healthcheck=slow)).ready.deadline == 5
    assert policy("", WEB).ready.deadline == 120


@pytest.mark.parametrize(
    ("ready", "problem"),
    [
        ("{status: 200}", "1 services.web.ready.status: `status` goes with `http`"),
        ("{port: 80}", "1 services.web.ready.port: `port` goes with `http`"),
        ("{http: /up}", "1 services.web.ready.http: `http` needs a port where the service has no route"),
    ],
)
def test_readiness_that_cannot_be_asked_for_is_a_problem(ready: str, problem: str) -> None:
    assert wrong(lambda: policy(f"services: {{web: {{ready: {ready}}}}}", WEB)) == [problem]


def test_batches_are_those_of_the_compose_file() -> None:
    update = UpdateConfig(parallelism=2, delay=3, monitor=4, order="start-first")
    service = Service(name="web", deploy=Deploy(replicas=4, update_config=update))
    assert policy(ROUTED, service).rollout == Rollout(surge=2, pause=3, monitor=4)
    said = "services: {web: {route: {port: 1}, rollout: {surge: all, pause: 0, monitor: 1s, drain_timeout: 5m, deadline: 1h}}}"
    assert policy(said, service).rollout == Rollout(surge=None, monitor=1, drain_timeout=300, deadline=3600)


def test_no_parallelism_is_all_at_once() -> None:
    assert (
        policy("", Service(name="web", deploy=Deploy(update_config=UpdateConfig(parallelism=0)))).rollout.surge is None
    )
    assert policy("", WEB).rollout.surge is None


def test_stop_first_holds_for_what_is_not_routed_and_is_told_where_it_cannot() -> None:
    service = Service(name="web", deploy=Deploy(update_config=UpdateConfig(order="stop-first")))
    assert policy("", service).rollout.strategy == "rolling", "the default of the specification is nobody's wish"
    written = {"deploy__update_config__order": 9}
    unrouted, routed = policy("", service, **written).rollout, policy(ROUTED, service, **written).rollout
    assert (unrouted.strategy, unrouted.why) == ("recreate", "the order is stop-first (compose.yaml:9)")
    assert routed.strategy == "rolling"
    assert "compose.yaml:9" in routed.why
    assert policy("services: {web: {rollout: {strategy: rolling}}}", service, **written).rollout == Rollout(surge=1)


@pytest.mark.parametrize(
    ("replicas", "ratio", "spare"),
    [(4, 0.0, 0), (4, 0.25, 1), (4, 0.3, 1), (10, 0.3, 3), (3, 1.0, 2), (1, 1.0, 0), (0, 1.0, 0)],
)
def test_some_may_fail_but_never_all(replicas: int, ratio: float, spare: int) -> None:
    update = UpdateConfig(parallelism=0, max_failure_ratio=ratio)
    service = Service(name="web", deploy=Deploy(replicas=replicas, update_config=update))
    assert policy(ROUTED, service).rollout.spare == spare
    stepped = "services: {web: {route: {port: 1}, rollout: {strategy: canary}}}"
    assert policy(stepped, service).rollout.spare == 0


@given(some.integers(0, 60), some.floats(0, 1))
def test_as_many_as_the_ratio_says_and_no_more(replicas: int, ratio: float) -> None:
    spare = UpdateConfig(max_failure_ratio=ratio).may_fail(replicas)
    assert 0 <= spare <= max(0, replicas - 1)
    assert spare <= replicas * ratio + 1e-6
    assert spare + 1 > replicas * ratio - 1e-6 or spare == replicas - 1


BACK = UpdateConfig(parallelism=2, delay=3, monitor=4, max_failure_ratio=0.5, order="stop-first")


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("", WayBack(surge=2, pause=3, monitor=4, recreate=True, spare=2)),
        (ROUTED, WayBack(surge=2, pause=3, monitor=4, spare=2)),
        ("services: {web: {rollout: {strategy: rolling}}}", WayBack(surge=2, pause=3, monitor=4, spare=2)),
    ],
)
def test_the_way_back_is_what_rollback_config_says(text: str, back: WayBack) -> None:
    service = Service(name="web", deploy=Deploy(replicas=4, rollback_config=BACK))
    written = {f"deploy__rollback_config__{key}": 9 for key in ("parallelism", "order")}
    assert policy(text, service, **written).rollout.back == back


def test_the_way_back_has_no_batches_that_nobody_has_written() -> None:
    service = Service(name="web", deploy=Deploy(replicas=4, rollback_config=UpdateConfig()))
    assert policy("", service).rollout.back == WayBack()
    twice = Service(name="web", container_name="web", deploy=Deploy(rollback_config=BACK))
    found = policy("", twice, deploy__rollback_config__order=9).rollout
    assert found.back.recreate is None
    assert found.recreates(back=True)


def test_the_way_back_goes_on_with_a_single_replica_where_continue_is_written() -> None:
    service = Service(name="web", deploy=Deploy(replicas=4, rollback_config=UpdateConfig(failure_action="continue")))
    assert policy("", service, deploy__rollback_config__failure_action=9).rollout.back == WayBack(spare=3)


def test_continue_means_nothing_in_steps() -> None:
    service = Service(name="web", deploy=Deploy(replicas=4, update_config=UpdateConfig(failure_action="continue")))
    text = "services: {web: {route: {port: 1}, rollout: {strategy: canary}}}"
    assert wrong(lambda: policy(text, service, deploy__update_config__failure_action=9)) == [
        "9 services.web.deploy.update_config.failure_action: `continue` means nothing where the strategy is canary: "
        "a release that fails is led back"
    ]


TWICE: list[tuple[dict[str, Any], str, str]] = [
    ({"ports": (Port(target=80, published=8080),)}, "ports", "it publishes port 8080/tcp of the host"),
    ({"container_name": "web"}, "container_name", "it has a container_name"),
    ({"mac_address": "02:42:ac:11:00:02"}, "mac_address", "it has a mac_address"),
    ({"network_mode": "host"}, "network_mode", "it has `network_mode: host`"),
    ({"network_mode": "service:db"}, "network_mode", "it has `network_mode: service:db`"),
    (
        {"networks": {"n": Attachment(ipv4_address="10.0.0.2")}},
        "networks__n__ipv4_address",
        "it has a fixed ipv4_address",
    ),
]


@pytest.mark.parametrize(("fields", "path", "why"), TWICE)
def test_what_cannot_run_twice_is_recreated_and_the_plan_can_say_why(
    fields: dict[str, Any], path: str, why: str
) -> None:
    rollout = policy("", Service(name="web", **fields), **{path: 7}).rollout
    assert rollout.strategy == "recreate"
    assert rollout.why.startswith(f"{why} (compose.yaml:7); drop `")


@pytest.mark.parametrize(("fields", "path", "why"), TWICE)
def test_what_cannot_run_twice_cannot_be_told_to(fields: dict[str, Any], path: str, why: str) -> None:
    text = "services:\n  web:\n    rollout:\n      strategy: rolling"
    assert wrong(lambda: policy(text, Service(name="web", **fields), **{path: 7})) == [
        f"4 services.web.rollout.strategy: rolling needs two at once, and {why} (compose.yaml:7)"
    ]


@pytest.mark.parametrize("fields", [fields for fields, _, _ in TWICE] + [{"volumes": (DATA,)}])
def test_recreate_may_be_chosen_for_anything(fields: dict[str, Any]) -> None:
    rollout = policy("services: {web: {rollout: {strategy: recreate}}}", Service(name="web", **fields)).rollout
    assert rollout == Rollout(strategy="recreate")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"volumes": (DATA,)}, "volumes__0"),
        ({"volumes": (Mount(type="bind", source="/srv", target="/data"),)}, "volumes__0"),
        ({"volumes_from": ("db:rw",)}, "volumes_from__0"),
    ],
)
def test_a_volume_has_one_writer_unless_the_user_says_otherwise(fields: dict[str, Any], path: str) -> None:
    service = Service(name="web", **fields)
    rollout = policy("", service, **{path: 5}).rollout
    assert rollout.strategy == "recreate"
    assert "compose.yaml:5" in rollout.why
    assert policy("services: {web: {rollout: {strategy: rolling}}}", service).rollout == Rollout()


@pytest.mark.parametrize(
    "service",
    [
        Service(name="web", volumes=(Mount(type="volume", source="d", target="/d", read_only=True),)),
        Service(name="web", volumes=(Mount(type="volume", target="/d"), Mount(type="tmpfs", target="/t"))),
        Service(name="web", volumes=(DATA,), deploy=Deploy(replicas=2)),
        Service(name="web", volumes_from=("db:ro",)),
        Service(name="web", ports=(Port(target=80),)),
        Service(name="web", ports=(Port(target=80, published=8000, published_to=8003),), deploy=Deploy(replicas=2)),
    ],
)
def test_what_can_run_twice_rolls(service: Service) -> None:
    assert policy("", service).rollout.strategy == "rolling"


def test_a_routed_service_is_told_that_it_needs_no_port_of_the_host() -> None:
    service = Service(name="web", ports=(Port(target=8000, published=8080),))
    assert policy(ROUTED, service, ports=4).rollout.why == (
        "it publishes port 8080/tcp of the host (compose.yaml:4); drop `ports` (the gateway routes to it)"
    )


def test_batches_of_what_is_recreated_are_refused() -> None:
    text = "services: {web: {rollout: {surge: 1, pause: 1s}}}"
    assert wrong(lambda: policy(text, Service(name="web", volumes=(DATA,)), volumes__0=5)) == [
        "1 services.web.rollout.pause: `pause` means nothing where it is recreated: it writes to /data (compose.yaml:5)",
        "1 services.web.rollout.surge: `surge` means nothing where it is recreated: it writes to /data (compose.yaml:5)",
    ]


@pytest.mark.parametrize("mode", ["host", "none", "service:db", "container:x"])
def test_the_gateway_cannot_reach_what_is_not_on_its_network(mode: str) -> None:
    (line,) = wrong(lambda: policy(ROUTED, Service(name="web", network_mode=mode), network_mode=6))
    assert line == (
        f"1 services.web.route: the gateway cannot reach a service with network_mode {mode} (compose.yaml:6)"
    )


def test_the_gateway_keeps_its_port() -> None:
    service = Service(name="db", ports=(Port(target=80, published=80),))
    application = app(WEB, service, lines={("services", "db", "ports"): 8})
    assert wrong(lambda: policies(settings(ROUTED), application)) == [
        "8 services.db.ports: port 80 of the host is the gateway's"
    ]
    assert policies(settings(f"gateway: {{http: 8080}}\n{ROUTED}"), application)
    assert policies(settings(""), application)


def test_services_that_the_application_lacks_are_told_with_their_lines() -> None:
    text = """\
test:
  unit: {service: wbe}
  smoke: {up: true, http: {service: api, port: 1}}
environments:
  production: {services: {other: {}}}
services:
  worker: {}
"""
    assert wrong(lambda: policies(settings(text), app(WEB), "production")) == [
        "2 test.unit.service: the application has no service `wbe`",
        "3 test.smoke.http.service: the application has no service `api`",
        "5 environments.production.services.other: the application has no service `other`",
        "7 services.worker: the application has no service `worker`",
    ]
    assert "did you mean `web`?" in hints(lambda: policies(settings(text), app(WEB)))


def test_a_service_whose_profile_is_not_active_is_no_stranger() -> None:
    assert policies(settings("services: {debug: {}}"), app(WEB, lines={("services", "debug"): 9}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", Hardening()),
        ("hardening: strict", Hardening(strict=True)),
        ("hardening: strict\nservices: {web: {hardening: off}}", Hardening()),
        ("services: {web: {hardening: strict}}", Hardening(strict=True)),
        (
            "hardening: strict\nservices: {web: {hardening: {writable: /cache, capabilities: NET_RAW, user: 33}}}",
            Hardening(strict=True, writable=("/cache",), capabilities=("NET_RAW",), user="33"),
        ),
        (
            "services: {web: {hardening: {level: strict, user: web}}}\n"
            "environments: {production: {services: {web: {hardening: {writable: [/a, /b]}}}}}",
            Hardening(strict=True, writable=("/a", "/b"), user="web"),
        ),
        (
            "hardening: strict\nenvironments: {production: {services: {web: {hardening: off}}}}",
            Hardening(),
        ),
    ],
)
def test_hardening_is_the_whole_files_word_or_the_services_own(text: str, found: Hardening) -> None:
    assert policy(text, WEB, "production").hardening == found


def test_exceptions_go_with_strict_hardening() -> None:
    text = "services: {web: {hardening: {user: web, writable: /cache}}}"
    assert wrong(lambda: policy(text, WEB)) == [
        "1 services.web.hardening.user: `user` goes with strict hardening",
        "1 services.web.hardening.writable: `writable` goes with strict hardening",
    ]
