"""Applications of every kind, as the Compose loader would make them."""

from __future__ import annotations

from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.model.app import App, Attachment, BuildSpec, Healthcheck, Port, Service
from fairway.model.deploy import Deploy, UpdateConfig
from fairway.model.files import Mount

numbers = some.sampled_from([22, 80, 81, 443, 3000, 5432, 8000, 8080, 8081, 65535])
names = some.from_regex(r"[a-zA-Z0-9._-]{1,8}", fullmatch=True) | some.sampled_from(
    ["web", "null", "true", "on", "1.0", "-"]
)
ports = some.builds(Port, target=numbers, published=some.none() | numbers, protocol=some.sampled_from(["tcp", "udp"]))
mounts = some.builds(
    Mount,
    type=some.sampled_from(["volume", "bind", "tmpfs"]),
    source=some.none() | some.text(),
    target=some.text(),
    read_only=some.booleans(),
)
updates = some.builds(
    UpdateConfig, parallelism=some.integers(0, 3), order=some.sampled_from(["stop-first", "start-first"])
)
services = some.builds(
    Service,
    name=some.just(""),
    image=some.none() | some.sampled_from(["redis", "example/app", "postgres:16", "a@sha256:b"]),
    build=some.none() | some.just(BuildSpec(context="/shop")),
    ports=some.lists(ports, max_size=3).map(tuple),
    expose=some.lists(some.sampled_from(["80", "8000/tcp", "53/udp", "3000-3005"]), max_size=2).map(tuple),
    volumes=some.lists(mounts, max_size=2).map(tuple),
    networks=some.just({}) | some.just({"n": Attachment(ipv4_address="10.0.0.2")}),
    network_mode=some.sampled_from([None, None, "host", "none", "bridge", "service:x"]),
    container_name=some.none() | some.just("x"),
    healthcheck=some.none() | some.just(Healthcheck(disable=True)) | some.just(Healthcheck(interval=1)),
    deploy=some.builds(Deploy, replicas=some.integers(0, 3), update_config=some.none() | updates),
)


def _app(found: dict[str, Service], name: str) -> App:
    return App(name=name, services={key: replace(service, name=key) for key, service in found.items()})


applications = some.builds(
    _app, some.dictionaries(names, services, max_size=4), some.text(max_size=5) | some.just("shop")
)
