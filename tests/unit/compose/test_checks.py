from __future__ import annotations

import pytest

from .parts import app, load_all, problems, shown, web, web_problems


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ("networks: [n]", "networks.n: there is no network `n` (define it under the top-level `networks:`)"),
        ("volumes: ['v:/x']", "volumes.0: there is no volume `v` (define it under the top-level `volumes:`)"),
        ("volumes: ['src/x:/x']", "volumes.0: there is no volume `src/x` (for a directory of the host write ./src/x)"),
        ("secrets: [s]", "secrets.0: there is no secret `s` (define it under the top-level `secrets:`)"),
        ("configs: [c]", "configs.0: there is no config `c` (define it under the top-level `configs:`)"),
        (
            "build: {context: ., secrets: [s]}",
            "build.secrets.0: there is no secret `s` (define it under the top-level `secrets:`)",
        ),
        ("models: [m]", "models.m: there is no model `m` (define it under the top-level `models:`)"),
        ("depends_on: [wbe]", "depends_on.wbe: there is no service `wbe` (did you mean `web`?)"),
        ("links: ['x:y']", "links.0: there is no service `x`"),
        ("volumes_from: [x]", "volumes_from.0: there is no service `x`"),
        ("network_mode: service:x", "network_mode: there is no service `x`"),
        (
            "build: {context: ., additional_contexts: [a=service:x]}",
            "build.additional_contexts.a: there is no service `x`",
        ),
        ("network_mode: host\nnetworks: [default]", "network_mode: `network_mode` and `networks` exclude each other"),
        ("depends_on: [web]", "depends_on.web: a circle: web → web"),
        (
            "container_name: xx y",
            "container_name: `xx y` is no valid name of a container",
        ),
        (
            "container_name: one\nscale: 2",
            "container_name: only one container can have this name, and 2 replicas are asked for "
            "(leave `container_name` out)",
        ),
        ("volumes: [/a, /a]", "volumes.1: `/a` is listed twice"),
        ("labels: [com.docker.compose.x=1]", "labels.com.docker.compose.x: labels that begin with "
         "com.docker.compose. are reserved"),
        ("build: {dockerfile: a, dockerfile_inline: b}", "build.dockerfile_inline: `dockerfile` and "
         "`dockerfile_inline` exclude each other"),
        ("provider: {options: {a: b}}", "provider: `type` is missing"),
        ("ulimits: {nofile: {soft: 1}}", "ulimits.nofile: `hard` is missing"),
        ("networks: {default: {ipv4_address: x}}", "networks.default.ipv4_address: `x` is no IPv4 address"),
        ("cpus: many", "cpus: `many` is no number"),
        ("tty: perhaps", "tty: `perhaps` is neither true nor false"),
    ],
)  # fmt: skip
def test_contradictions_within_a_service(fields: str, fault: str) -> None:
    assert web_problems(fields) == [f"4: services.web.{fault}"]


def test_ports_need_a_network_of_their_own() -> None:
    assert web_problems("network_mode: host\nports: [80]") == [
        "5: services.web.ports: `ports` cannot be published with `network_mode: host`"
    ]


def test_two_mounts_on_one_target() -> None:
    top = "volumes: {a: , b: }\nconfigs: {c: {content: x}}"
    assert web_problems("volumes: ['a:/x', 'b:/x/']\ntmpfs: /x\nconfigs: [{source: c, target: /x}]", top) == [
        "4: services.web.volumes.1: two mounts have the target /x",
        "5: services.web.tmpfs: two mounts have the target /x",
        "6: services.web.configs.0: two mounts have the target /x",
    ]


def test_a_service_without_image_and_build() -> None:
    assert problems("services:\n  web:\n    user: me\n") == ["2: services.web: has neither `image` nor `build`"]
    assert app("services: {db: {provider: {type: cloud}}}").services["db"].extra == {"provider": {"type": "cloud"}}


def test_no_services() -> None:
    assert problems("networks: {a: }")[0].endswith("services: there are no services (write them under `services:`)")
    assert problems("")[0].endswith("there are no services (write them under `services:`)")


def test_circles_are_spelled_out_once_each() -> None:
    text = """
services:
  a: {image: a, depends_on: [b]}
  b: {image: b, links: [c]}
  c: {image: c, network_mode: "service:a"}
  d: {image: d, volumes_from: [e]}
  e: {image: e, depends_on: [d, a]}
"""
    assert problems(text) == [
        "3: services.a.depends_on.b: a circle: a → b → c → a",
        "6: services.d.volumes_from.0: a circle: d → e → d",
    ]


@pytest.mark.parametrize(
    ("one", "other", "conflict"),
    [
        ("80:80", "80:90", True),
        ("80:80", "81:80", False),
        ("80:80", "80:80/udp", False),
        ("127.0.0.1:80:80", "127.0.0.1:80:80", True),
        ("127.0.0.1:80:80", "127.0.0.2:80:80", False),
        ("127.0.0.1:80:80", "80:80", True),
        ("80-82:80-82", "82:1", True),
        ("80-82:80", "80-82:80", False),
        ("80", "80", False),
    ],
)
def test_published_ports(one: str, other: str, conflict: bool) -> None:
    text = f"services:\n  a: {{image: a, ports: ['{one}']}}\n  b: {{image: b, ports: ['{other}']}}\n"
    if conflict:
        (fault,) = problems(text)
        assert fault.endswith("/tcp is already published by the service `a`")
        assert fault.startswith("3: services.b.ports.0: port 8")
    else:
        assert app(text)


def test_services_of_other_profiles_may_publish_the_same() -> None:
    text = (
        "services: {a: {image: a, ports: ['80:80'], profiles: [pa]}, b: {image: b, ports: ['80:80'], profiles: [pb]}}"
    )
    assert app(text, profiles=["pa"])
    assert len(problems(text, profiles=["pa", "pb"])) == 1


def test_names_that_only_one_can_have() -> None:
    text = """
services:
  a: {image: a, container_name: one}
  b: {image: b, container_name: one}
networks:
  x: {name: n}
  y: {name: n}
"""
    assert problems(text) == [
        "4: services.b.container_name: the service `a` has the container name `one` as well",
        "7: networks.y.name: `x` has the name `n` as well",
    ]


@pytest.mark.parametrize(
    ("top", "fault"),
    [
        (
            "volumes: {v: {external: true, driver: local}}",
            "volumes.v.driver: `driver` does not go with `external: true`: the volume is made elsewhere",
        ),
        (
            "networks: {n: {external: true, labels: [a=b]}}",
            "networks.n.labels: `labels` does not go with `external: true`: the network is made elsewhere",
        ),
        (
            "secrets: {s: {external: true, file: x}}",
            "secrets.s.file: `file` does not go with `external: true`: the secret is made elsewhere",
        ),
        ("secrets: {s: {}}", "secrets.s: a secret needs a source (give it `file`, `environment` or `external: true`)"),
        (
            "configs: {c: {labels: {a: b}}}",
            "configs.c: a config needs a source (give it `file`, `environment`, `content` or `external: true`)",
        ),
        (
            "configs: {c: {file: a, content: b}}",
            "configs.c: a config has one source, and this one has `file`, `content`",
        ),
        (
            "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/33}]}}}",
            "networks.n.ipam.config.0.subnet: `10.0.0.0/33` is no range of addresses: write it like 10.5.0.0/16",
        ),
    ],
)
def test_resources(top: str, fault: str) -> None:
    assert web_problems("", top) == [f"5: {fault}"]


def test_external_resources() -> None:
    found = app(
        "services: {web: {image: w}}\nvolumes: {v: {external: true}, w: {external: {name: old}}}\n"
        "networks: {n: {external: true, name: real}}\nsecrets: {s: {external: true}}"
    )
    assert (found.volumes["v"].name, found.volumes["w"].name, found.networks["n"].name) == ("v", "old", "real")
    assert (found.secrets["s"].name, found.secrets["s"].external) == ("s", True)


def test_what_is_kept_as_written_has_its_required_fields() -> None:
    text = """
services:
  web: {image: w, post_start: [{user: me}], develop: {watch: [{path: x}]}}
models: {m: {}}
jobs: {j: {image: j, triggers: {schedule: ["* * * * *", {timezone: UTC}]}}, k: {image: k}, l: {triggers: {}}}
"""
    assert problems(text) == [
        "3: services.web.develop.watch.0: `action` is missing",
        "3: services.web.post_start.0: `command` is missing",
        "4: models.m: `model` is missing",
        "5: jobs.j.triggers.schedule.1: `cron` is missing",
        "5: jobs.k: `triggers` is missing",
        "5: jobs.l.triggers: needs `manual` or `schedule`",
    ]


def test_version_is_odd_but_no_error() -> None:
    _, warnings = load_all("version: '3.8'\nservices: {web: {image: w}}")
    assert [shown(one) for one in warnings] == ["1: version: `version` means nothing any more (leave it out)"]


def test_yaml_1_2_in_a_service() -> None:
    service = web("environment: {A: yes, B: 012, C: 0o17, D: 22:22}\nlabels: {on: off}\nrestart: no")
    assert service.environment == {"A": "yes", "B": "12", "C": "15", "D": "22:22"}
    assert service.labels == {"on": "off"}


def test_a_directory_that_was_written_as_a_volume() -> None:
    assert web_problems("volumes: ['a/b:/x', {type: volume, source: ./p, target: /y}]") == [
        "4: services.web.volumes.0: there is no volume `a/b` (for a directory of the host write ./a/b)",
        "4: services.web.volumes.1: there is no volume `./p` (for a directory of the host write `type: bind`)",
    ]
