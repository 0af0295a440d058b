from __future__ import annotations

from pathlib import Path

import pytest

from fairway.model.app import Location
from fairway.model.stage import HttpCheck, Stage
from fairway.settings import load
from fairway.settings.evidence_model import PromotedFromSettings
from fairway.settings.model import EnvironmentSettings
from tests.unit.settings.parts import hints, settings, wrong

WHOLE = """\
app: identidock
registry: registry.example.com/team
test:
  unit:  {service: identidock, command: python -m unittest, environment: {ENV: UNIT, DEBUG: 1.10}}
  smoke: {up: true, http: {service: identidock, port: 9090, path: /monster/gordon, status: 200}, timeout: 1m30s}
environments:
  staging: {hosts: {local: unix:///var/run/docker.sock}}
  production:
    engine: docker
    hosts:
      web-1: {address: tcp://10.0.0.12:2376, tls: {ca: ca.pem, cert: cert.pem, key: key.pem}}
    compose: compose.production.yaml
    promote_from: staging
    require: [unit]
    registry: other.example.com:5000
services:
  identidock:
    route: {host: identidock.example.com, port: 9090}
    ready: {http: /up}
    rollout: {surge: 50%, deadline: 10m}
"""


def test_a_whole_file_becomes_settings() -> None:
    found = load(WHOLE, file="fairway.yaml")
    assert (found.app, found.registry) == ("identidock", "registry.example.com/team")
    production = found.environments["production"]
    assert production.compose == ("compose.production.yaml",)
    assert production.hosts["web-1"].tls is not None
    assert found.environments["staging"].hosts["local"].address == "unix:///var/run/docker.sock"
    assert found.services["identidock"].rollout.deadline == 600


def test_stages_are_those_of_the_model_in_the_order_of_the_file() -> None:
    assert load(WHOLE, file="f").stages() == (
        Stage(
            name="unit",
            service="identidock",
            command=("python", "-m", "unittest"),
            environment={"ENV": "UNIT", "DEBUG": "1.10"},
        ),
        Stage(
            name="smoke",
            up=True,
            http=HttpCheck(service="identidock", port=9090, path="/monster/gordon", status=200),
            timeout=90,
        ),
    )


def test_an_environment_requires_every_stage_unless_it_names_some() -> None:
    found = load(WHOLE, file="f")
    assert found.required("staging") == ("unit", "smoke")
    assert found.required("production") == ("unit",)


def test_what_an_environment_requires_has_short_forms_and_a_long_one() -> None:
    def required(text: str) -> EnvironmentSettings:
        return load(f"test: {{u: {{service: w}}}}\nenvironments: {{a: {text}, b: {{}}}}", file="f").environments["a"]

    assert required("{require: u}").require == required("{require: {tests: [u]}}").require
    assert required("{}").require.tests is None
    assert required("{require: []}").require.tests == ()
    assert required("{promote_from: b}").promoted_from == PromotedFromSettings(environment="b")
    long = required("{require: {promoted_from: {environment: b, for: 1h}, override: true, branch: main}}")
    assert long.promoted_from == PromotedFromSettings(environment="b", at_least=3600)
    assert long.require.override == (
        "tests",
        "clean",
        "branch",
        "tag",
        "promoted_from",
        "signed_by",
        "max_age",
        "approvals",
    )
    assert long.require.branch == ("main",)
    assert required("{require: {override: false}}").require.override == ()


def test_an_environment_may_have_a_registry_of_its_own() -> None:
    found = load(WHOLE, file="f")
    assert found.registry_of("staging") == "registry.example.com/team"
    assert found.registry_of("production") == "other.example.com:5000"


def test_every_value_knows_its_line() -> None:
    found = load(WHOLE, file="fairway.yaml")
    assert found.where("environments", "production", "require") == Location("fairway.yaml", 14, 5)
    assert found.where("environments", "production", "values", "X").line == 8
    assert found.where("nothing") == Location("fairway.yaml")


def test_an_environment_without_hosts_is_the_local_one() -> None:
    assert settings("").environments["production"].hosts["local"].address == "unix:///var/run/docker.sock"


def test_all_problems_are_told_at_once() -> None:
    text = "app: Foo\nregsitry: x\ngateway: {http: 0}\nenvironments:\n  a: {engine: docker, hosts: {h: nowhere}}\n"
    assert wrong(lambda: settings(text)) == [
        "1 app: must be a name of small letters, digits, hyphens and underscores, not `Foo`",
        "2 regsitry: no such key",
        "3 gateway.http: must be a port from 1 to 65535, not the number 0",
        "5 environments.a.hosts.h.address: must be the address of a Docker engine, not `nowhere`",
    ]


def test_a_misspelt_key_is_recognised() -> None:
    assert hints(lambda: settings("regsitry: example.com/x")) == ["did you mean `registry`?"]


def test_a_key_in_the_wrong_place_is_shown_its_home() -> None:
    assert hints(lambda: settings("services: {web: {rollout: {min_ready: 3s}}}")) == [
        "`min_ready` belongs to `services.NAME.ready`"
    ]
    assert hints(lambda: settings("gateway: {registry: r.example.com}")) == ["`registry` belongs to the top level"]
    assert hints(lambda: settings("gateway: {tls: {cert: c, key: k, acme: {}}}")) == ["`acme` belongs to `gateway`"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("environments: {a: {engine: kubernetes}}", "1 environments.a.engine: `kubernetes`"),
        ("environments: {a: {engine: kubernetes}}", "1 environments.a.engine: `kubernetes`"),
    ],
)
def test_what_comes_later_is_refused_now(text: str, problem: str) -> None:
    (line,) = wrong(lambda: settings(text))
    assert line.startswith(problem)
    assert "not in this version" in line


def cases() -> list[list[str]]:
    text = (Path(__file__).parent / "wrong.txt").read_text()
    return [case.splitlines() for case in text.split("\n\n")[1:]]


@pytest.mark.parametrize(("text", "problem"), cases())
def test_a_wrong_value_is_told_with_its_line_and_path(text: str, problem: str) -> None:
    assert wrong(lambda: settings(text)) == [problem]


def test_a_longer_circle_of_promotions_is_found() -> None:
    text = "environments:\n  a: {promote_from: c}\n  b: {promote_from: a}\n  c: {promote_from: b}\n"
    assert len(wrong(lambda: settings(text))) == 3


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("0", 0), ("2d", 172800), ("0s", 0)],
)
def test_durations(written: str, seconds: float) -> None:
    found = settings(f"services: {{w: {{ready: {{deadline: {written}}}}}}}")
    assert found.services["w"].ready.deadline == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("written", "replicas", "surge"),
    [("1", 4, 1), ("25%", 4, 1), ("50%", 3, 2), ("1%", 3, 1), ("all", 3, None), ("100%", 3, None), ("7", 3, 7)],
)
def test_surge_is_a_number_or_a_share(written: str, replicas: int, surge: int | None) -> None:
    amount = settings(f"services: {{w: {{rollout: {{surge: {written}}}}}}}").services["w"].rollout.surge
    assert amount is not None
    assert amount.of(replicas) == surge


@pytest.mark.parametrize(
    "address",
    ["unix:///run/docker.sock", "tcp://host:2376", "tcp://[::1]:2376", "ssh://root@h", "ssh://u@10.0.0.1:2222"],
)
def test_addresses_of_engines(address: str) -> None:
    found = settings(f"environments: {{a: {{hosts: {{h: '{address}'}}}}}}")
    assert found.environments["a"].hosts["h"].address == address


def test_variables_are_a_mapping_or_a_list() -> None:
    first, second = settings(
        "environments: {a: {values: {A: yes, B: ''}}, b: {values: [A=yes, B=]}}"
    ).environments.values()
    assert first.values == second.values == {"A": "yes", "B": ""}
