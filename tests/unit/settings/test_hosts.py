"""Several hosts of an environment."""

from __future__ import annotations

import pytest

from fairway.settings.model import EnvironmentSettings
from tests.unit.settings.parts import hints, settings, wrong

FLEET = """\
environments:
  production:
    hosts:
      web-1: {address: tcp://10.0.0.11:2376, tls: {ca: ca.pem, cert: cert.pem, key: key.pem}, edge: true, labels: {zone: a}}
      web-2: {address: ssh://deploy@10.0.0.12, labels: [zone=b, disk=ssd]}
      db: ssh://deploy@10.0.0.13
"""

TANGLED = """\
environments:
  production:
    hosts:
      web-1: ssh://deploy@h
      web-2: {address: "ssh://root@H:22", labels: {disk: ssd, "a b": x, zone: }, edge: always}
      Web_3: {labels: [a=b, a=c, d, "e= "], edges: true}
      web-4: {address: h.example.com, labels: ssd}
      web-1: unix:///s
"""


def production(text: str) -> EnvironmentSettings:
    return settings(text).environments["production"]


def test_hosts_are_an_address_or_a_mapping() -> None:
    hosts = production(FLEET).hosts
    assert list(hosts) == ["web-1", "web-2", "db"]
    assert hosts["web-1"].labels == {"zone": "a"}
    assert hosts["web-2"].labels == {"zone": "b", "disk": "ssd"}
    assert (hosts["web-1"].edge, hosts["web-2"].edge) == (True, None)
    assert hosts["db"].address == "ssh://deploy@10.0.0.13"


@pytest.mark.parametrize(
    ("first", "second", "edges"),
    [
        ("", "", ["a", "b"]),
        ("true", "", ["a"]),
        ("false", "", ["b"]),
        ("true", "false", ["a"]),
        ("true", "true", ["a", "b"]),
    ],
)
def test_public_traffic_goes_to_the_edges_and_to_all_where_nobody_says_so(
    first: str, second: str, edges: list[str]
) -> None:
    said = [f"{name}: {{address: unix:///{name}, edge: {edge}}}" if edge else f"{name}: unix:///{name}"
            for name, edge in (("a", first), ("b", second))]  # fmt: skip
    assert list(production(f"environments: {{production: {{hosts: {{{', '.join(said)}}}}}}}").edges) == edges


def test_all_that_is_wrong_with_hosts_is_told_at_once() -> None:
    assert wrong(lambda: settings(TANGLED)) == [
        "5 environments.production.hosts.web-2.address: `web-1` (line 4) has this address, too",
        "5 environments.production.hosts.web-2.edge: must be true or false, not `always`",
        "5 environments.production.hosts.web-2.labels.a b: `a b` is no name for a label",
        "5 environments.production.hosts.web-2.labels.zone: must be a value, not nothing",
        "6 environments.production.hosts.Web_3: `address` is missing",
        "6 environments.production.hosts.Web_3: must be a name of small letters, digits and hyphens, not `Web_3`",
        "6 environments.production.hosts.Web_3.edges: no such key",
        "6 environments.production.hosts.Web_3.labels.2: `d` has no value",
        "6 environments.production.hosts.Web_3.labels.a: `a` is said twice",
        "6 environments.production.hosts.Web_3.labels.e: ` ` is no value for a label",
        "7 environments.production.hosts.web-4.address: must be the address of a Docker engine, not `h.example.com`",
        "7 environments.production.hosts.web-4.labels: must be labels (NAME: value, or a list of NAME=value), not `ssd`",
        "8 : the key `web-1` is here twice: first on line 4",
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("unix:///run/docker.sock", "unix:///run/docker.sock"),
        ("tcp://h:2376", "tcp://H:2376"),
        ("ssh://h", "ssh://h:22"),
        ("ssh://ann@h", "ssh://bob@h"),
        ("ssh://[::1]", "ssh://[::1]:22"),
    ],
)
def test_one_engine_under_two_names_is_refused(one: str, other: str) -> None:
    text = f"environments: {{a: {{hosts: {{x: '{one}', y: '{other}'}}}}}}"
    assert wrong(lambda: settings(text)) == ["1 environments.a.hosts.y.address: `x` (line 1) has this address, too"]
    assert hints(lambda: settings(text)) == ["name each host once"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("ssh://h", "ssh://h:2222"), ("tcp://h:2376", "tcp://h:2377"), ("ssh://h", "tcp://h:22")],
)
def test_other_ports_are_other_engines(one: str, other: str) -> None:
    assert len(settings(f"environments: {{a: {{hosts: {{x: '{one}', y: '{other}'}}}}}}").environments["a"].hosts) == 2


def test_two_environments_may_share_a_host() -> None:
    assert settings("environments: {a: {hosts: {x: unix:///s}}, b: {hosts: {x: unix:///s}}}")


SWARM = """\
environments:
  production:
    engine: swarm
    on_host_loss: continue
    max_lost: 2
    hosts:
      m1: {address: ssh://deploy@10.0.0.11, labels: {disk: ssd}, edge: true, internal: 10.0.0.11}
      m2: ssh://deploy@10.0.0.12
"""


def test_what_a_scheduler_knows_by_itself_is_not_said_to_it() -> None:
    found = wrong(lambda: settings(SWARM))
    assert [line.split(":")[0] for line in found] == [
        "4 environments.production.on_host_loss",
        "5 environments.production.max_lost",
        "7 environments.production.hosts.m1.edge",
        "7 environments.production.hosts.m1.internal",
        "7 environments.production.hosts.m1.labels",
    ]
    assert any("docker node update --label-add fairway.edge=true" in hint for hint in hints(lambda: settings(SWARM)))
