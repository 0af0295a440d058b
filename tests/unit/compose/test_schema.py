from __future__ import annotations

import hashlib
import pkgutil

import pytest

from .parts import problems, web_problems


def test_the_schema_is_the_official_one() -> None:
    data = pkgutil.get_data("fairway.data", "compose-spec.json")
    assert data
    assert hashlib.sha256(data).hexdigest() == "d549057ebc2925f39f62799eab0db7b9e2c18b35b6c00595199116da3ed10e64"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("imgae: x", "imgae: unknown field `imgae` (did you mean `image`?)"),
        ("qqqq: x", "qqqq: unknown field `qqqq`"),
        ("ports: 80", "ports: expected a list, got the number 80"),
        ("ports:", "ports: expected a list, got nothing (leave the field out, or give it a value)"),
        ("ports: [true]", "ports.0: expected a number, a string or a mapping, got `true`"),
        ("ports: [80, 80]", "ports.1: the number 80 is listed twice"),
        ("command: 1", 'command: expected nothing, a string or a list, got the number 1 (write "1")'),
        ("user: 1000", 'user: expected a string, got the number 1000 (write "1000")'),
        ("user: 0755", 'user: expected a string, got the number 0755 (write "0755")'),
        ("environment: x", "environment: expected a mapping or a list, got `x`"),
        ("environment: {A: [1]}", "environment.A: expected a string, a number, true or false or nothing, got a list"),
        ("build: [x]", "build: expected a string or a mapping, got a list"),
        ("build: {contxt: x}", "build.contxt: unknown field `contxt` (did you mean `context`?)"),
        ("healthcheck: {test: [1]}", 'healthcheck.test.0: expected a string, got the number 1 (write "1")'),
        ("stop_grace_period: 10", "stop_grace_period: expected a string, got the number 10 (write `10s`)"),
        ("depends_on: {db: }", "depends_on.db: expected a mapping, got nothing (indent what belongs to it, or leave it out)"),
        (
            "depends_on: {db: {condition: healthy}}",
            "depends_on.db.condition: `healthy` is not `service_started`, `service_healthy` or "
            "`service_completed_successfully`",
        ),
        ("oom_score_adj: 2000", "oom_score_adj: 2000 is above 1000"),
        (
            "pull_policy: sometimes",
            "pull_policy: `sometimes` is not of the right form"
            " (one of always, never, missing, build, daily, weekly, or like every_12h)",
        ),
        ("cgroup: x", "cgroup: `x` is not `host` or `private`"),
        ("volumes: [{type: binnd, target: /x}]", "volumes.0.type: `binnd` is not `bind`, `volume`, `tmpfs`, `cluster`, "
         "`npipe` or `image`"),
        ("networks: {'a b': }", "networks.a b: `a b` is no valid name (use letters, digits, `.`, `_` and `-`)"),
        ("gpus: some", "gpus: `some` is not `all`"),
        ("deploy: {replica: 1}", "deploy.replica: unknown field `replica` (did you mean `replicas`?)"),
        ("logging: {options: {a: [b]}}", "logging.options.a: expected a string, a number or nothing, got a list"),
    ],
)  # fmt: skip
def test_messages(fields: str, fault: str) -> None:
    found = web_problems(fields)
    assert f"4: services.web.{fault}" in found
    assert len(found) <= 2


def test_top_level() -> None:
    text = "servces: {}\nservices:\n  web: {image: a}\n  'a b': {image: a}\nnetworks: [a]\n"
    assert problems(text) == [
        "1: servces: unknown field `servces` (did you mean `services`?)",
        "4: services.a b: `a b` is no valid name (use letters, digits, `.`, `_` and `-`)",
        "5: networks: expected a mapping, got a list",
    ]


def test_all_problems_are_told_at_once_and_nothing_follows_from_them() -> None:
    text = """
services:
  web:
    imgae: web
    ports: ["80:web", 99999]
    networks: [front, bakc]
    depends_on: [db, cache]
    environment: {A: "${A:?}"}
    healthcheck: {interval: fast}
  db: 12
networks:
  front: 5
  back:
volumes: []
"""
    assert problems(text) == [
        "4: services.web.imgae: unknown field `imgae` (did you mean `image`?)",
        "5: services.web.ports.0: `web` is no port and no range of ports",
        "5: services.web.ports.1: `99999` is no port: ports go from 1 to 65535, and ranges upwards",
        "6: services.web.networks.bakc: there is no network `bakc` (did you mean `back`?)",
        "7: services.web.depends_on.cache: there is no service `cache`",
        "8: services.web.environment.A: the required variable A is not set",
        "9: services.web.healthcheck.interval: `fast` is no duration: write it like 1m30s or 500ms",
        "10: services.db: expected a mapping, got the number 12",
        "12: networks.front: expected a mapping or nothing, got the number 5",
        "14: volumes: expected a mapping, got a list",
    ]
