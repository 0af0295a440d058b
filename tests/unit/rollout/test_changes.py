from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from fairway.model.app import Healthcheck, Network, Port
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources, RestartPolicy
from fairway.model.files import FileMount, Mount, Volume
from fairway.model.policy import Ready, Rollout, Route, ServicePolicy
from fairway.model.release import Release
from fairway.rollout.changes import Change, changes
from fairway.rollout.propose import Ingredients, propose
from tests.unit.rollout.parts import release as proposed
from tests.unit.rollout.strategies import Spec, apps, thorough
from tests.unit.rollout.test_propose import EMPTY, SHOP, promoted, with_web


def made(found: Ingredients) -> Release:
    return propose(found, promoted(propose(SHOP, (), EMPTY)), EMPTY)


def told(found: Ingredients) -> list[tuple[str, str, str]]:
    listed = changes(propose(SHOP, (), EMPTY), made(found))
    assert {change.service for change in listed} <= {"web"}
    return [(change.what, change.before, change.after) for change in listed]


def test_the_first_release_is_all_new() -> None:
    assert changes(None, propose(SHOP, (), EMPTY)) == (
        Change("db", "service", "", "db:1 (db)"),
        Change("web", "service", "", "web:1 (web)"),
    )


def test_a_service_goes() -> None:
    without = replace(SHOP, app=replace(SHOP.app, services={"db": SHOP.app.services["db"]}))
    assert told(without) == [("service", "web:1 (web)", "")]


def test_nothing_is_different() -> None:
    assert told(SHOP) == []


def test_another_image() -> None:
    image = ImageRef(reference="web:2", id="sha256:0", digest="sha256:0123456789abcdef")
    assert told(replace(SHOP, images={**SHOP.images, "web": image})) == [
        ("image", "web:1 (web)", "web:2 (0123456789ab)")
    ]


def test_another_tag_of_the_same_image_is_no_change() -> None:
    image = ImageRef(reference="web:2", id="sha256:web", digest="sha256:pushed")
    assert told(replace(SHOP, images={**SHOP.images, "web": image})) == []


def test_environment_is_told_by_name() -> None:
    assert told(with_web(SHOP, environment={"A": "other", "PASSWORD": "hunter2"})) == [
        ("environment A", "set", "changed"),
        ("environment B", "set", ""),
        ("environment PASSWORD", "", "set"),
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (replace(SHOP, secrets={"key": "abcdefghijkl"}), [("secret key", "/run/secrets/key v1", "/run/secrets/key abcdefgh")]),
        (replace(SHOP, configs={"conf": "b3RoZXI="}), [("config conf", "/etc/conf 44ce8008", "/etc/conf b6bd5b94")]),
        (
            with_web(SHOP, configs=(FileMount(source="conf", target="/x", mode=0o440),)),
            [("config conf", "/etc/conf 44ce8008", "/x mode 440 44ce8008")],
        ),
        (
            with_web(SHOP, volumes=(Mount(type="bind", source="/srv", target="/data", read_only=True),)),
            [("mount /data", "volume data", "bind /srv read-only"), ("volume data", "set", "")],
        ),
        (
            with_web(SHOP, ports=(Port(target=80, published=8080), Port(target=53, protocol="udp", host_ip="::1"))),
            [("port 53/udp", "", "::1:any ingress"), ("port 80/tcp", "", "8080 ingress")],
        ),
        (with_web(SHOP, deploy=Deploy(replicas=3)), [("replicas", "1", "3")]),
        (
            with_web(SHOP, deploy=Deploy(limits=Resources(cpus=0.5, memory=1024), restart_policy=RestartPolicy())),
            [("limits cpus", "", "0.5"), ("limits memory", "", "1024"), ("deploy restart_policy", "", "set")],
        ),
        (with_web(SHOP, healthcheck=Healthcheck(test=("CMD", "x"))), [("healthcheck", "", "set")]),
        (with_web(SHOP, command=("run", "--password=hunter2")), [("command", "", "set")]),
        (
            replace(SHOP, policies={"web": ServicePolicy(route=Route(hosts=("a", "b"), port=9, path="/x", timeout=3))}),
            [("route", "", "a,b/x port 9 timeout 3 s")],
        ),
        (
            replace(SHOP, policies={"web": ServicePolicy(route=Route(hosts=(), port=80, names=(80, 6379)))}),
            [("route", "", "by its name, ports 80, 6379")],
        ),
        (
            replace(SHOP, policies={"web": ServicePolicy(route=Route(hosts=("a",), port=80, names=(80,)))}),
            [("route", "", "a/ port 80 and by its name, port 80")],
        ),
        (replace(SHOP, policies={"web": ServicePolicy(ready=Ready(http="/up"))}), [("ready", "set", "changed")]),
        (replace(SHOP, app=replace(SHOP.app, volumes={"data": Volume(key="data", driver="x")})), [("volume data", "set", "changed")]),
        (replace(SHOP, app=replace(SHOP.app, networks={"default": Network(key="default", internal=True)})), []),
    ],
)  # fmt: skip
def test_one_thing_is_different(changed: Ingredients, expected: list[tuple[str, str, str]]) -> None:
    assert told(changed) == expected


def test_another_way_of_rolling_out_but_not_why() -> None:
    first = propose(SHOP, (), EMPTY)
    other = replace(first, policies={"web": ServicePolicy(rollout=Rollout(strategy="recreate", why="a host port"))})
    assert changes(first, other) == (Change("web", "rollout", "rolling", "recreate"),)
    assert changes(first, replace(first, policies={"web": ServicePolicy(rollout=Rollout(why="x"))})) == ()


def test_no_value_of_an_environment_or_a_command_is_ever_told() -> None:
    planted = with_web(SHOP, environment={"A": "hunter2"}, command=("hunter2",), labels={"x": "hunter2"})
    assert "hunter2" not in repr(changes(propose(SHOP, (), EMPTY), made(planted)))
    assert "hunter2" not in repr(changes(None, made(planted)))


@thorough
@given(apps(), apps())
def test_what_makes_a_new_revision_is_told_and_the_same_is_not(old: dict[str, Spec], new: dict[str, Spec]) -> None:
    first = proposed(old)
    second = proposed(new, promoted(first))
    listed = changes(first, second)
    for service, revision in second.revisions.items():
        if revision != first.revisions.get(service):
            assert any(change.service == service for change in listed)
    assert not changes(second, second)
    assert bool(listed) or first is second or old == new or first.digest == second.digest
