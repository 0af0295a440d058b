"""Replicas that are found by a name, whoever moves them."""

from __future__ import annotations

from fairway.model.environment import Environment
from fairway.model.policy import Ready, Route
from fairway.model.routes import Backend, Endpoint, RoutedService
from fairway.render.envoy_clusters import cluster


def rendered(*endpoints: Endpoint, ready: Ready | None = None) -> dict[str, object]:
    web = Backend(revision="web-r1", digest="sha256:d1", endpoints=endpoints, name="tasks.shop-web-r1")
    service = RoutedService(
        service="web", route=Route(hosts=("a.test",), port=80), backends=(web,), ready=ready or Ready()
    )
    return cluster(Environment("shop", "test"), service, web)


def points(found: dict[str, object]) -> list[str]:
    [locality] = found["load_assignment"]["endpoints"]  # type: ignore[index]
    return [point["endpoint"]["address"]["socket_address"]["address"] for point in locality["lb_endpoints"]]


def test_it_is_the_name_that_is_asked_for_however_many_there_are() -> None:
    found = rendered(Endpoint("10.254.0.9", 80), Endpoint("10.254.0.8", 80))
    assert (found["type"], points(found)) == ("STRICT_DNS", ["tasks.shop-web-r1"])


def test_it_goes_on_while_some_are_leaving_and_stops_when_all_are() -> None:
    leaving = Endpoint("10.254.0.8", 80, draining=True)
    assert points(rendered(Endpoint("10.254.0.9", 80), leaving)) == ["tasks.shop-web-r1"]
    assert points(rendered(leaving)) == []


def test_a_task_that_swarm_has_given_up_is_not_kept_for_its_health() -> None:
    assert rendered(Endpoint("10.254.0.9", 80), ready=Ready(http="/up"))["ignore_health_on_host_removal"] is True
