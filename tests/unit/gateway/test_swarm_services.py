"""What a Swarm is asked to run for its gateways."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from datetime import timedelta

from fairway.gateway.container import PARAMETERS
from fairway.gateway.swarm import services

FIRST, SECOND = (
    services.Member(number=number, id=f"s{number}", name=f"member-{number}", begins=0, ends=900, mark="")
    for number in (1, 2)
)
GATEWAY = {"https": 0, "network_id": "n1", "secret": FIRST, "on": ()}


def test_a_gateway_may_bind_its_port_and_little_else() -> None:
    wanted = services.gateway("image", 80, **{**GATEWAY, "https": 443})
    spec = wanted["TaskTemplate"]["ContainerSpec"]
    assert (spec["CapabilityDrop"], spec["CapabilityAdd"], spec["ReadOnly"]) == (["ALL"], ["NET_BIND_SERVICE"], True)
    ports = [(port["PublishedPort"], port["PublishMode"]) for port in wanted["EndpointSpec"]["Ports"]]
    assert ports == [(80, "host"), (443, "host")]
    assert wanted["EndpointSpec"]["Mode"] == "dnsrr"
    assert wanted["Mode"] == {"Global": {}}


def test_what_makes_a_gateway_another_one_changes_its_parameters_and_nothing_else_does() -> None:
    first = services.gateway("image", 80, **GATEWAY)
    same = services.gateway("image", 80, **GATEWAY)
    others = [
        services.gateway("image:2", 80, **GATEWAY),
        services.gateway("image", 81, **GATEWAY),
        services.gateway("image", 80, **{**GATEWAY, "https": 443}),
        services.gateway("image", 80, **{**GATEWAY, "on": ["node.labels.fairway.edge==true"]}),
        services.gateway("image", 80, **{**GATEWAY, "secret": SECOND}),
    ]
    assert same == first
    assert len({one["Labels"][PARAMETERS] for one in (first, *others)}) == 1 + len(others)


def test_couriers_are_on_managers_and_open_no_port() -> None:
    wanted = services.courier("image", network_id="n1", secret=FIRST)
    assert wanted["TaskTemplate"]["Placement"] == {"Constraints": ["node.role==manager"]}
    assert wanted["EndpointSpec"]["Ports"] == []


def test_the_secret_is_nowhere_but_in_the_secret() -> None:
    made = services.secret()
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(made["Data"]))) as tar:
        packed = {member.name: file.read() for member in tar if (file := tar.extractfile(member))}
        assert all(member.mode == 0o600 for member in tar)
    assert packed["member.pem"].count(b"-----BEGIN") == 2
    assert len(bytes.fromhex(packed[services.SEAL].decode())) == 32
    assert {"first/cds.json", "first/rds.json", "first/edge-0.json"} <= packed.keys()
    assert "first/lds.json" not in packed
    shown = json.dumps([services.gateway("image", 80, **GATEWAY), services.courier("i", network_id="n", secret=FIRST)])
    assert "PRIVATE" not in shown + json.dumps(made["Labels"])
    assert services.secret()["Data"] != made["Data"]


def test_a_secret_says_when_its_certificate_ends_and_the_next_one_has_a_name_of_its_own() -> None:
    made = [
        services.member({"ID": f"s{number}", "CreatedAt": "2026-01-01T00:00:00.123456789Z", "Spec": spec})
        for number in (1, 2)
        if (spec := services.secret(number, b"k" * 32, timedelta(days=30)))
    ]
    assert [one.name for one in made] == [services.SECRET, f"{services.SECRET}-2"]
    assert made[0].mark != made[1].mark
    assert not made[0].ending(time.time(), 1 / 3)
    assert made[0].ending(time.time() + 21 * 86400, 1 / 3)
    early = services.member({"ID": "s", "CreatedAt": "2026-01-01T00:00:00Z", "Spec": {"Name": services.SECRET}})
    assert (early.number, early.ends - early.begins) == (1, 3650 * 86400)


def test_couriers_let_in_who_has_the_certificate_before() -> None:
    mounted = services.courier("image", network_id="n1", secret=SECOND, before=FIRST)["TaskTemplate"]["ContainerSpec"]
    assert [(one["SecretID"], one["File"]["Name"]) for one in mounted["Secrets"]] == [
        ("s2", services.MEMBER),
        ("s1", services.BEFORE),
    ]
