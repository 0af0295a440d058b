from __future__ import annotations

import pytest

from fairway.model.deploy import Placement, Preference
from fairway.model.hosts import Constraint, Host, parse_constraint, runs

from .parts import web, web_problems

PLACE = "services.web.deploy.placement"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("node.labels.disk==ssd", Constraint("node.labels.disk", True, "ssd")),
        (" Node.Labels.Disk  !=  old one ", Constraint("node.labels.Disk", False, "old one")),
        ("engine.labels.com.example/os == debian-12", Constraint("engine.labels.com.example/os", True, "debian-12")),
        ("NODE.HOSTNAME==web-1", Constraint("node.hostname", True, "web-1")),
        ("node.platform.arch!=x86_64", Constraint("node.platform.arch", False, "x86_64")),
    ],
)
def test_constraints(text: str, parsed: Constraint) -> None:
    assert parse_constraint(text) == parsed
    assert parse_constraint(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "host", "met"),
    [
        ("node.labels.disk==SSD", Host(name="a", labels={"disk": "ssd"}), True),
        ("node.labels.disk==ssd", Host(name="a"), False),
        ("node.labels.disk!=ssd", Host(name="a"), True),
        ("node.labels.Disk==ssd", Host(name="a", labels={"disk": "ssd"}), False),
        ("engine.labels.disk==ssd", Host(name="a", engine_labels={"disk": "ssd"}), True),
        ("node.hostname==a", Host(name="a", hostname="vm-17"), True),
        ("node.hostname==vm-17", Host(name="a", hostname="vm-17"), True),
        ("node.hostname!=vm-17", Host(name="a", hostname="vm-17"), False),
        ("node.role==manager", Host(name="a"), False),
        ("node.role==worker", Host(name="a"), True),
        ("node.id==QX1", Host(name="a", id="QX1"), True),
        ("node.platform.os==linux", Host(name="a"), True),
        ("node.platform.arch==amd64", Host(name="a", arch="x86_64"), True),
        ("node.platform.arch!=aarch64", Host(name="a", arch="arm64"), False),
    ],
)
def test_who_meets_them(text: str, host: Host, met: bool) -> None:
    assert parse_constraint(text).met(host) is met


@pytest.mark.parametrize(
    ("platform", "arch", "can"),
    [
        ("linux/amd64", "x86_64", True),
        ("linux/386", "x86_64", True),
        ("linux/arm64/v8", "aarch64", True),
        ("linux/arm64", "x86_64", False),
        ("linux", "riscv64", True),
        ("linux/arm64", "", True),
        ("windows/amd64", "x86_64", False),
    ],
)
def test_platforms(platform: str, arch: str, can: bool) -> None:
    assert runs(Host(name="a", arch=arch), platform) is can


def test_what_is_written_is_kept() -> None:
    placement = web(
        "deploy: {placement: {constraints: [node.role == worker], preferences: [{spread: node.labels.zone}]}}"
    ).deploy.placement
    assert placement == Placement(
        constraints=("node.role == worker",), preferences=(Preference(spread="node.labels.zone"),)
    )


@pytest.mark.parametrize(
    ("written", "faults"),
    [
        (
            "constraints: [node.labels.disk=ssd]",
            [
                f"6: {PLACE}.constraints.0: `node.labels.disk=ssd` is no constraint: it has neither `==` nor `!=` "
                "(write `node.labels.disk==ssd`)"
            ],
        ),
        (
            "constraints: [node.labels.disk]",
            [
                f"6: {PLACE}.constraints.0: `node.labels.disk` is no constraint: it has neither `==` nor `!=` "
                "(write it like `node.labels.disk==ssd`)"
            ],
        ),
        (
            "constraints: [node.rôle==worker, node.hostnme==a]",
            [
                f"6: {PLACE}.constraints.0: `node.rôle` is no attribute of a host (did you mean `node.role`?)",
                f"6: {PLACE}.constraints.1: `node.hostnme` is no attribute of a host (did you mean `node.hostname`?)",
            ],
        ),
        (
            "constraints: [labels.disk==ssd]",
            [f"6: {PLACE}.constraints.0: `labels.disk` is no attribute of a host (did you mean `node.labels.disk`?)"],
        ),
        (
            "constraints: ['node.role==', 'node.role===x', 'node.labels.==x', 'node.labels.a b==x']",
            [
                f"6: {PLACE}.constraints.0: `node.role==` is no constraint: the value is missing "
                "(write it like `node.labels.disk==ssd`)",
                f"6: {PLACE}.constraints.1: `node.role===x` is no constraint: `=x` is no value "
                "(write it like `node.labels.disk==ssd`)",
                f"6: {PLACE}.constraints.2: `node.labels.` lacks the name of a label "
                "(did you mean `node.labels.NAME`?)",
                f"6: {PLACE}.constraints.3: `node.labels.a b` names no label (did you mean `node.labels.NAME`?)",
            ],
        ),
        (
            "constraints: [node.role==worker, node.role==manager]",
            [f"6: {PLACE}.constraints.1: no host meets both `node.role==worker` and `node.role==manager`"],
        ),
        (
            "constraints: [node.labels.a==X, node.labels.a!=x]",
            [f"6: {PLACE}.constraints.1: no host meets both `node.labels.a==X` and `node.labels.a!=x`"],
        ),
        (
            "preferences: [{spread: zone}]",
            [f"6: {PLACE}.preferences.0.spread: `zone` is no attribute of a host (did you mean `node.labels.zone`?)"],
        ),
        (
            "max_replicas_per_node: -1",
            [f"6: {PLACE}.max_replicas_per_node: the number of replicas is negative"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be(written: str, faults: list[str]) -> None:
    assert web_problems(f"deploy:\n  placement:\n    {written}") == faults


@pytest.mark.parametrize(
    "written",
    ["[node.hostname==a, node.hostname==b]", "[node.role!=a, node.role!=b]", "[node.role!=a, node.role==b]", "[]"],
)
def test_what_can_be(written: str) -> None:
    web(f"deploy: {{placement: {{constraints: {written}}}}}")
