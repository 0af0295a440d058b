from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from fairway.conduct.routing import draining, ports, seen, table, without
from fairway.model.fleet import Fleet, Health, State
from fairway.model.policy import Ready, Route, ServicePolicy
from fairway.model.release import Release
from fairway.model.routes import RoutingTable
from fairway.rollout.moves import target_weights
from tests.unit.conduct.ports import shown
from tests.unit.rollout.drive import Drive
from tests.unit.rollout.parts import Spec, Specs
from tests.unit.rollout.strategies import apps, thorough
from tests.unit.rollout.world import World

WEB = {"web": Spec(replicas=2, routed=True)}


@pytest.fixture
def world() -> World:
    return deployed(WEB)


def deployed(specs: Specs) -> World:
    made = World()
    Drive(made, made.propose(specs)).run()
    return made


def live(world: World) -> RoutingTable:
    assert world.live
    return world.live


def told(world: World, weights: dict[str, dict[str, int]], release: Release | None = None) -> str:
    ready = {replica.id for replica in world.replicas.values()}
    release = release or world.releases[-1]
    return shown(table(world.fleet, release, weights, ports=ports(*world.releases), ready=ready))


def stale(fleet: Fleet, release: Release) -> bool:
    return fleet.weights != target_weights(release)


@thorough
@given(apps())
def test_what_was_told_is_seen_again(specs: Specs) -> None:
    world = deployed(specs)
    release = world.releases[-1]
    fleet = seen(world.fleet, world.live, release)
    assert fleet.weights == target_weights(release)
    routed = {r.id for r in world.replicas.values() if release.policy(r.revision.service).route}
    assert fleet.serving == routed
    again = table(world.fleet, release, fleet.weights, ports=ports(release), ready=fleet.serving)
    assert world.live is None or again == world.live


def test_a_gateway_that_knows_nothing() -> None:
    world = deployed({})
    fleet = seen(world.fleet, None, None)
    assert fleet.weights == {}
    assert fleet.serving == frozenset()


def test_weights_are_those_of_the_revisions(world: World) -> None:
    world.propose({"web": replace(WEB["web"], version=2)})
    world.make(world.releases[-1].revisions["web"], 1)
    assert told(world, {"web": {"web-r1": 2, "web-r2": 1}}) == "web: web-r1 2 [+ +], web-r2 1 [+]"
    assert told(world, {"web": {"web-r2": 1}}) == "web: web-r1 0 [+ +], web-r2 1 [+]"


def test_who_is_not_ready_is_not_in_the_table(world: World) -> None:
    assert shown(table(world.fleet, world.releases[0], {}, ports={}, ready=())) == "web: nobody"


def test_who_is_ill_is_left_out_unless_there_is_no_other(world: World) -> None:
    first, second = world.fleet.replicas
    world.change(first, state=State.RUNNING, health=Health.UNHEALTHY)
    assert told(world, {"web": {"web-r1": 2}}) == "web: web-r1 2 [+]"
    world.change(second, state=State.EXITED, exit_code=1)
    assert told(world, {"web": {"web-r1": 2}}) == "web: web-r1 2 [+ +]"


def test_old_replicas_are_reached_on_their_own_port(world: World) -> None:
    old = world.releases[0]
    new = replace(
        world.propose({"web": replace(WEB["web"], version=2)}),
        policies={"web": ServicePolicy(route=Route(hosts=("web.test",), port=9999))},
    )
    made = table(world.fleet, new, {}, ports=ports(old, new), ready={r.id for r in world.fleet.replicas})
    assert {point.port for point in made.services[0].backends[0].endpoints} == {80}


@pytest.mark.parametrize(
    "policy",
    [
        ServicePolicy(route=Route(hosts=("web.test",), port=80, path="/other")),
        ServicePolicy(route=Route(hosts=("other.test",), port=80)),
        ServicePolicy(route=Route(hosts=("web.test",), port=80, timeout=5)),
        ServicePolicy(),
    ],
)
def test_another_route_is_sent_again_and_who_serves_goes_on_serving(world: World, policy: ServicePolicy) -> None:
    release = replace(world.releases[0], policies={"web": policy})
    fleet = seen(world.fleet, world.live, release)
    assert stale(fleet, release)
    assert len(fleet.serving) == (2 if policy.route else 0)


@pytest.mark.parametrize(
    "policy",
    [
        ServicePolicy(route=Route(hosts=("web.test",), port=81)),
        ServicePolicy(route=Route(hosts=("web.test",), port=80), ready=Ready(http="/up")),
    ],
)
def test_another_port_or_sign_of_readiness_has_to_be_seen_first(world: World, policy: ServicePolicy) -> None:
    release = replace(world.releases[0], policies={"web": policy})
    fleet = seen(world.fleet, world.live, release)
    assert stale(fleet, release)
    assert fleet.serving == frozenset()


def test_an_old_revision_serves_whatever_the_new_one_is_asked(world: World) -> None:
    release = world.propose({"web": replace(WEB["web"], version=2, ready=Ready(http="/up"))})
    assert len(seen(world.fleet, world.live, release).serving) == 2


def test_a_replica_that_came_or_went_makes_the_table_stale(world: World) -> None:
    release = world.releases[0]
    extra = world.make(release.revisions["web"], 3)
    fleet = seen(world.fleet, world.live, release)
    assert stale(fleet, release)
    assert extra.id not in fleet.serving
    del world.replicas[extra.id]
    assert not stale(seen(world.fleet, world.live, release), release)
    del world.replicas[world.fleet.replicas[0].id]
    assert stale(seen(world.fleet, world.live, release), release)


def test_an_address_that_now_belongs_to_another_revision_does_not_serve(world: World) -> None:
    release = world.propose({"web": replace(WEB["web"], version=2)})
    old = world.fleet.replicas[0]
    del world.replicas[old.id]
    thief = world.make(release.revisions["web"], 1)
    world.replicas[thief.id] = replace(thief, address=old.address)
    assert thief.id not in seen(world.fleet, world.live, release).serving


def test_a_drain_that_was_cut_off_makes_the_table_stale(world: World) -> None:
    release = world.releases[0]
    world.live = draining(live(world), world.fleet.replicas[1:])
    fleet = seen(world.fleet, world.live, release)
    assert stale(fleet, release)
    assert fleet.serving == {world.fleet.replicas[0].id}


def test_a_revision_that_the_gateway_still_knows_and_that_is_gone_makes_the_table_stale(world: World) -> None:
    release = world.propose({"web": replace(WEB["web"], version=2)})
    Drive(world, release).run(kill=3)
    assert not stale(seen(world.fleet, world.live, release), release)
    world.retire(world.releases[0].revisions["web"], 0)
    assert stale(seen(world.fleet, world.live, release), release)


def test_draining_marks_and_without_forgets_and_nothing_else_changes() -> None:
    world = deployed({"api": Spec(routed=True), "web": WEB["web"]})
    going = world.fleet.of(world.releases[0].revisions["web"])[1:]
    marked = draining(live(world), going)
    assert shown(marked) == "api: api-r1 1 [+]; web: web-r1 2 [+ -]"
    assert shown(without(marked, going)) == "api: api-r1 1 [+]; web: web-r1 2 [+]"
    assert draining(live(world), ()) == world.live
    everyone = tuple(world.replicas.values())
    assert shown(without(live(world), everyone)) == "api: nobody; web: nobody"
