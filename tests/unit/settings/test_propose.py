from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import settings as run

from fairway import compose
from fairway.model.app import App
from fairway.model.policy import ServicePolicy
from fairway.settings import Settings, load
from fairway.settings.policies import policies
from fairway.settings.propose import propose
from tests.unit.settings.applications import applications
from tests.unit.settings.compose_files import FILES


class Memory:
    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, path: str) -> str:
        return self.text

    def exists(self, path: str) -> bool:
        return path == "/shop/compose.yaml"


def application(text: str) -> App:
    return compose.load(["/shop/compose.yaml"], reader=Memory(text), directory="/shop", environment={})


def both(app: App, text: str) -> tuple[Settings, dict[str, ServicePolicy]]:
    settings = load(text, file="fairway.yaml")
    return settings, dict(policies(settings, app, "production"))


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_what_is_proposed_has_no_problems(text: str) -> None:
    app = application(text)
    settings, _ = both(app, propose(app))
    assert settings.app == "shop"


def proposed(name: str) -> tuple[str, Settings, dict[str, ServicePolicy]]:
    app = application(FILES[name])
    text = propose(app)
    return text, *both(app, text)


def test_the_service_that_users_reach_gets_a_route_and_is_asked() -> None:
    text, settings, found = proposed("a web application with its database and cache")
    assert [name for name, policy in found.items() if policy.route] == ["web"]
    (smoke,) = settings.stages()
    assert (smoke.up, smoke.http.service if smoke.http else "", smoke.http.port if smoke.http else 0) == (
        True,
        "web",
        3000,
    )
    assert "when its healthcheck passes" in text
    assert "# - it publishes port 8080/tcp of the host: drop `ports`" in text
    assert "# db: it publishes port 5432/tcp of the host; it writes to /var/lib/postgresql/data" in text


def test_unit_tests_are_left_to_the_user() -> None:
    text, settings, _ = proposed("workers only")
    assert "  #   service: worker" in text
    assert settings.stages() == ()


def test_the_gateway_gets_a_port_that_is_free() -> None:
    text, settings, _ = proposed("one service that publishes port 80")
    assert settings.gateway.http == 8080
    assert "published by web in the Compose file. Drop it there" in text
    assert proposed("workers only")[1].gateway.http == 80


def test_others_that_may_answer_http_are_named() -> None:
    text, _, found = proposed("images only")
    assert found["proxy"].route is not None
    assert "# api may answer HTTP, too" in text


def test_what_others_depend_on_is_not_the_front() -> None:
    _, _, found = proposed("a front and what it depends on")
    assert [name for name, policy in found.items() if policy.route] == ["front"]


def test_the_registry_and_the_hosts_are_those_that_were_given() -> None:
    app = application(FILES["workers only"])
    text = propose(app, registry="registry.example.com/team", hosts={"web-1": "ssh://root@10.0.0.1"})
    settings, _ = both(app, text)
    assert settings.registry == "registry.example.com/team"
    assert settings.environments["production"].hosts["web-1"].address == "ssh://root@10.0.0.1"


@run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "150")), deadline=None)
@given(applications)
def test_what_is_proposed_for_any_application_has_no_problems(app: App) -> None:
    both(app, propose(app))
