from __future__ import annotations

import pytest

from .parts import app, problems

TEXT = """
services:
  web: {image: web}
  debug: {image: debug, profiles: [debug], depends_on: [web]}
  admin: {image: admin, profiles: [admin, ops]}
"""


@pytest.mark.parametrize(
    ("profiles", "names"),
    [
        ([], {"web"}),
        (["debug"], {"web", "debug"}),
        (["ops"], {"web", "admin"}),
        (["debug", "admin"], {"web", "debug", "admin"}),
        (["*"], {"web", "debug", "admin"}),
        (["other"], {"web"}),
    ],
)
def test_only_services_of_active_profiles(profiles: list[str], names: set[str]) -> None:
    assert set(app(TEXT, profiles=profiles).services) == names


def test_the_environment_may_name_them() -> None:
    assert set(app(TEXT, environment={"COMPOSE_PROFILES": "debug,ops"}).services) == {"web", "debug", "admin"}


def test_needing_a_service_that_is_not_active_is_an_error() -> None:
    text = "services:\n  web: {image: web, depends_on: [db]}\n  db: {image: db, profiles: [data]}\n"
    assert problems(text) == [
        "2: services.web.depends_on.db: needs `db`, whose profile is not active "
        "(activate the profile `data`, or write `required: false`)"
    ]
    assert set(app(text, profiles=["data"]).services) == {"web", "db"}


def test_unless_it_is_not_required() -> None:
    needs = "{db: {condition: service_started, required: false}}"
    text = f"services: {{web: {{image: web, depends_on: {needs}}}, db: {{image: db, profiles: [data]}}}}"
    assert app(text).services["web"].depends_on == {}
    assert list(app(text, profiles=["data"]).services["web"].depends_on) == ["db"]


def test_a_service_that_is_not_active_needs_nothing() -> None:
    text = "services: {web: {image: w}, a: {image: a, profiles: [aa], depends_on: [b]}, b: {image: b, profiles: [bb]}}"
    assert list(app(text).services) == ["web"]


def test_wrong_names() -> None:
    assert problems("services: {web: {image: w, profiles: ['!']}}") == [
        "1: services.web.profiles.0: `!` is no valid name of a profile"
    ]


def test_the_default_network_goes_with_the_last_service_in_it() -> None:
    text = "services: {web: {image: w, networks: [n]}, tool: {image: t, profiles: [tool]}}\nnetworks: {n: }\n"
    assert sorted(app(text).networks) == ["n"]
    assert sorted(app(text, profiles=["tool"]).networks) == ["default", "n"]
    assert sorted(app(f"{text.rstrip()[:-1]}, default: {{internal: true}}}}\n").networks) == ["default", "n"]
