from __future__ import annotations

import textwrap
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose.merge import merge, settled
from fairway.compose.node import Node, plain
from fairway.compose.problems import Problems
from fairway.compose.yaml import parse
from fairway.model.app import App, Location, Logging, Service

from .parts import app, problems


def merged(base: str, over: str) -> Service:
    """The service `web` of two files with these fields."""
    texts = [
        f"services:\n  web:\n    image: web\n{textwrap.indent(textwrap.dedent(one), '    ')}" for one in (base, over)
    ]
    top = "\nvolumes: {a: , b: }\nsecrets: {s: {file: s}, t: {file: t}}\nnetworks: {n: , m: }\n"
    return app(texts[0] + top + "configs: {c: {file: c}, d: {file: d}}", texts[1]).services["web"]


@pytest.mark.parametrize(
    ("base", "over", "field", "result"),
    [
        ("command: [a]", "command: [b]", "command", ("b",)),
        ("command: a b", "command: []", "command", ()),
        ("command: [a]", "command:", "command", None),
        ("entrypoint: [a]", "entrypoint: b c", "entrypoint", ("b", "c")),
        ("user: a", "user: b", "user", "b"),
        ("dns: 1.1.1.1", "dns: [8.8.8.8]", "dns", ("1.1.1.1", "8.8.8.8")),
        ("cap_add: [A, B]", "cap_add: [B, C]", "cap_add", ("A", "B", "C")),
        ("security_opt: [a]", "security_opt: [b]", "security_opt", ("a", "b")),
        ("expose: [80]", "expose: ['80', 81]", "expose", ("80", "81")),
        ("environment: {A: 1, B: 1}", "environment: [B=2, C=3]", "environment", {"A": "1", "B": "2", "C": "3"}),
        ("labels: [a=1, b=1]", "labels: {b: 2}", "labels", {"a": "1", "b": "2"}),
        ("sysctls: {a: 1}", "sysctls: [b=2]", "sysctls", {"a": "1", "b": "2"}),
        ("extra_hosts: ['a=1.1.1.1']", "extra_hosts: {b: 2.2.2.2}", "extra_hosts", ("a:1.1.1.1", "b:2.2.2.2")),
        ("profiles: [aa]", "profiles: [bb]", "profiles", None),
    ],
)
def test_fields(base: str, over: str, field: str, result: object) -> None:
    if field == "profiles":
        text = "services: {web: {image: a, profiles: [%s]}}"
        assert app(text % "aa", text % "bb", profiles=["aa"]).services["web"].profiles == ("aa", "bb")
    else:
        assert getattr(merged(base, over), field) == result


@pytest.mark.parametrize(
    ("base", "over", "ports"),
    [
        ("['80:80']", "['81:81']", [(80, 80), (81, 81)]),
        ("['80:80']", "['80:80']", [(80, 80)]),
        ("['80:80']", "[{target: 80, published: 80}]", [(80, 80)]),
        ("['80:80']", "['90:80']", [(80, 80), (90, 80)]),
        ("['80:80']", "['80:80/udp']", [(80, 80), (80, 80)]),
        ("['1-2:1-2']", "['2:2']", [(1, 1), (2, 2)]),
    ],
)
def test_ports_are_unique_by_address_target_published_and_protocol(
    base: str, over: str, ports: list[tuple[int, int]]
) -> None:
    found = merged(f"ports: {base}", f"ports: {over}").ports
    assert [(port.published, port.target) for port in found] == ports


def test_mounts_are_unique_by_target_and_keep_their_place() -> None:
    found = merged("volumes: ['a:/x', 'a:/y']", "volumes: ['b:/x:ro', 'b:/z']").volumes
    assert [(one.source, one.target, one.read_only) for one in found] == [
        ("b", "/x", True),
        ("a", "/y", False),
        ("b", "/z", False),
    ]


def test_secrets_and_configs_are_unique_by_target() -> None:
    found = merged(
        "secrets: [s]\nconfigs: [c, {source: c, target: /x}]",
        "secrets: [{source: s, mode: 0400}, t]\nconfigs: [{source: d, target: x}]",
    )
    assert [(one.source, one.target, one.mode) for one in found.secrets] == [
        ("s", "/run/secrets/s", 0o400),
        ("t", "/run/secrets/t", None),
    ]
    assert [(one.source, one.target) for one in found.configs] == [("c", "/c"), ("d", "/x")]


def test_devices_are_unique_by_target() -> None:
    found = merged("devices: ['/dev/a:/dev/x']", "devices: ['/dev/b:/dev/x', /dev/c]").devices
    assert [(one.source, one.target) for one in found] == [("/dev/b", "/dev/x"), ("/dev/c", "/dev/c")]


def test_build_merges_its_short_form_too() -> None:
    build = merged("build: ./a", "build: {args: {X: 1}}").build
    assert build
    assert (build.context, build.args) == ("/project/a", {"X": "1"})
    build = merged("build: {args: [X=1, Y=1], target: a}", "build: {context: b, args: {Y: 2}}").build
    assert build
    assert (build.context, build.target, build.args) == ("/project/b", "a", {"X": "1", "Y": "2"})


def test_a_healthcheck_keeps_what_is_not_said_again_but_its_test_is_replaced() -> None:
    check = merged("healthcheck: {test: [CMD, a, b], interval: 1s}", "healthcheck: {test: c}").healthcheck
    assert check
    assert (check.test, check.interval) == (("CMD-SHELL", "c"), 1.0)


def test_the_options_of_another_logging_driver_are_dropped() -> None:
    same = merged("logging: {driver: a, options: {x: 1}}", "logging: {options: {y: 2}}").logging
    assert same == Logging(driver="a", options={"x": "1", "y": "2"})
    other = merged("logging: {driver: a, options: {x: 1}}", "logging: {driver: b, options: {y: 2}}").logging
    assert other == Logging(driver="b", options={"y": "2"})


def test_depends_on_and_networks_merge_over_their_forms() -> None:
    text = "services: {web: {image: a, %s}, db: {image: a}, cache: {image: a}}\nnetworks: {n: , m: }"
    base = text % "depends_on: [db], networks: [n]"
    over = text % "depends_on: {db: {condition: service_healthy}, cache: {condition: service_started}}, networks: {m: }"
    service = app(base, over).services["web"]
    assert {name: one.condition for name, one in service.depends_on.items()} == {
        "db": "service_healthy",
        "cache": "service_started",
    }
    assert list(service.networks) == ["n", "m"]


def test_an_override_may_leave_out_what_the_base_has() -> None:
    base = "services: {web: {image: a, depends_on: {db: {condition: service_healthy}}}, db: {image: a}}"
    over = "services: {web: {depends_on: {db: {restart: true}}}}"
    dependency = app(base, over).services["web"].depends_on["db"]
    assert (dependency.condition, dependency.restart) == ("service_healthy", True)


def test_reset_takes_a_value_away() -> None:
    service = merged(
        "ports: ['80:80']\nenvironment: {A: 1, B: 2}\nuser: me\nvolumes: ['a:/x']",
        "ports: !reset []\nenvironment: {A: !reset null}\nuser: !reset ''\nvolumes: !reset ['b:/y']",
    )
    assert (service.ports, service.environment, service.user, service.volumes) == ((), {"B": "2"}, None, ())


def test_reset_takes_a_service_away() -> None:
    assert list(app("services: {a: {image: a}, b: {image: b}}", "services: {b: !reset null}").services) == ["a"]


def test_override_replaces_instead_of_merging() -> None:
    service = merged(
        "ports: ['80:80']\nenvironment: {A: 1}\ndeploy: {replicas: 2, labels: {a: b}}",
        "ports: !override ['443:443']\nenvironment: !override {B: 2}\ndeploy: !override {replicas: 3}",
    )
    assert [port.target for port in service.ports] == [443]
    assert service.environment == {"B": "2"}
    assert (service.deploy.replicas, service.deploy.labels) == (3, {})


def test_the_documents_of_one_file_merge() -> None:
    text = "services: {web: {image: a}}\n---\nservices: {web: {user: me}}"
    assert (app(text).services["web"].image, app(text).services["web"].user) == ("a", "me")


def test_places_survive_merging() -> None:
    found = app(
        "services:\n  web:\n    image: a\n    environment:\n      - A=1\n",
        "services:\n  web:\n    environment:\n      B: 2\n    ports:\n      - 80-81\n",
    )
    assert str(found.where("services", "web", "image")) == "/project/compose.yaml:3"
    assert str(found.where("services", "web", "environment", "A")) == "/project/compose.yaml:5"
    assert str(found.where("services", "web", "environment", "B")) == "/project/compose.1.yaml:4"
    assert str(found.where("services", "web", "ports", "1", "target")) == "/project/compose.1.yaml:6"
    assert str(found.where("services", "web", "nothing")) == "/project/compose.1.yaml:2"


def test_a_fault_in_the_second_file_is_told_there() -> None:
    assert problems("services: {web: {image: a}}", "services:\n  web:\n    imgae: b") == [
        "compose.1.yaml:3: services.web.imgae: unknown field `imgae` (did you mean `image`?)"
    ]


BASE = """
    services:
      web: {image: web, ports: ["80:80"], environment: {A: 1}, command: [a], depends_on: [db]}
      db: {image: db, volumes: ["data:/data"], deploy: {replicas: 2}}
    volumes: {data: }
"""


@pytest.mark.parametrize("empty", ["", "{}", "services: {}", "# nothing", "services: {web: {}}"])
def test_an_empty_file_changes_nothing(empty: str) -> None:
    alone: App = app(BASE)
    assert app(BASE, empty) == alone
    assert app(BASE, empty, empty) == alone


scalars = st.one_of(st.text(max_size=3), st.integers(), st.booleans())
trees = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(scalars, lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, max_size=3), max_leaves=6),
    max_size=4,
)


def node(tree: dict[str, Any]) -> Node:
    documents = parse(yaml.safe_dump(tree, default_style='"'), "f", Problems())
    return documents[0] if documents else Node({}, Location("f"))


def reference(base: object, over: object) -> object:
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            key: reference(base[key], over[key]) if key in base and key in over else over.get(key, base.get(key))
            for key in {**base, **over}
        }
    return base if isinstance(base, dict) and over is None else over


@given(trees, trees)
def test_mappings_merge_by_key(base: dict[str, Any], over: dict[str, Any]) -> None:
    left, right = node(base), node(over)
    assert plain(settled(merge(left, right))) == reference(plain(left), plain(right))


@given(trees)
def test_merging_nothing_is_the_same(tree: dict[str, Any]) -> None:
    one, nothing = node(tree), Node({}, Location("f"))
    assert plain(merge(one, nothing)) == plain(one) == plain(merge(nothing, one))


kinds = st.recursive(
    st.just({}),
    lambda inner: st.fixed_dictionaries({}, optional={"a": inner, "b": inner, "c": scalars, "d": scalars}),
    max_leaves=8,
)


@given(kinds, kinds, kinds)
def test_merging_mappings_is_associative(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]) -> None:
    x, y, z = node(a), node(b), node(c)
    assert plain(merge(merge(x, y), z)) == plain(merge(x, merge(y, z)))
