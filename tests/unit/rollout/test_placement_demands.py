from __future__ import annotations

from typing import Any

import pytest

from fairway.model.app import App, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Placement, Preference, Resources
from fairway.model.files import Mount, Volume
from fairway.model.hosts import Constraint
from fairway.model.release import Release
from fairway.rollout.demands import Demand, demand
from fairway.rollout.propose import Ingredients, propose

from .parts import ENVIRONMENT, Fleet

VOLUMES = {
    "data": Volume(key="data"),
    "local": Volume(
        key="local", driver="local", name="named", driver_opts={"type": "none", "device": "/srv", "o": "bind"}
    ),
    "shared": Volume(key="shared", driver="local", driver_opts={"type": "nfs4", "o": "addr=10.0.0.9", "device": ":/x"}),
    "plugin": Volume(key="plugin", driver="rexray/ebs"),
    "theirs": Volume(key="theirs", name="theirs", external=True),
}


def asked(*mounts: Mount, others: tuple[str, ...] = (), **fields: Any) -> Demand:
    web = Service(name="web", volumes=mounts, **fields)
    services = {"web": web, **{name: Service(name=name) for name in others}}
    return demand(release(App(name="shop", services=services, volumes=VOLUMES)), "web", 3, named)


def release(app: App) -> Release:
    images = {name: ImageRef(reference=name, id=f"sha256:{name}") for name in app.services}
    made = Ingredients(environment=ENVIRONMENT, app=app, images=images, policies={})
    return propose(made, (), Fleet(environment=ENVIRONMENT))


def named(volume: Volume) -> str:
    return volume.name or f"shop_{volume.key}"


def test_what_deploy_says() -> None:
    found = asked(
        platform="linux/arm64",
        deploy=Deploy(
            reservations=Resources(cpus=0.5, memory=64, pids=5),
            placement=Placement(
                constraints=("node.role == worker",),
                preferences=(Preference(spread="node.labels.zone"),),
                max_replicas_per_node=2,
            ),
        ),
    )
    assert found == Demand(
        revision=found.revision,
        replicas=3,
        needs=Resources(cpus=0.5, memory=64, pids=5),
        constraints=(Constraint("node.role", True, "worker"),),
        spread=("node.labels.zone",),
        most=2,
        platform="linux/arm64",
    )
    assert found.revision.name == "web-r1"


def test_nothing_said() -> None:
    plain = asked(deploy=Deploy(placement=Placement(max_replicas_per_node=0)))
    assert plain == Demand(revision=plain.revision, replicas=3)
    assert not plain.stateful


@pytest.mark.parametrize(
    ("mount", "data", "given"),
    [
        (Mount(type="volume", source="data", target="/d"), {"shop_data"}, set()),
        (Mount(type="volume", source="local", target="/d"), {"named"}, set()),
        (Mount(type="bind", source="/srv", target="/d"), {"/srv"}, set()),
        (Mount(type="volume", source="theirs", target="/d"), set(), {"theirs"}),
        (Mount(type="volume", source="shared", target="/d"), set(), set()),
        (Mount(type="volume", source="plugin", target="/d"), set(), set()),
        (Mount(type="volume", target="/d"), set(), set()),
        (Mount(type="tmpfs", target="/d"), set(), set()),
    ],
)
def test_what_holds_data(mount: Mount, data: set[str], given: set[str]) -> None:
    found = asked(mount)
    assert (found.data, found.given, found.stateful) == (data, given, bool(data))


def test_everywhere_has_its_own_data() -> None:
    agent = asked(Mount(type="bind", source="/var/log", target="/log"), deploy=Deploy(mode="global"))
    assert agent.everywhere
    assert not agent.stateful


def test_beside() -> None:
    found = asked(
        others=("db", "vpn", "base"),
        network_mode="service:vpn",
        pid="service:db",
        volumes_from=("base:ro", "container:x"),
    )
    assert found.beside == {"vpn", "db", "base"}
    assert asked(network_mode="host", ipc="private").beside == frozenset()
