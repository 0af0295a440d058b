"""Whatever happened before, and wherever a deployer was cut off: the next one arrives, and nobody notices."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.fleet import State
from fairway.model.release import Revision
from fairway.model.steps import Drain, Retire, Shift, Verdict
from fairway.rollout.course import BACK
from fairway.rollout.moves import is_job
from tests.unit.rollout.drive import Drive, assert_is
from tests.unit.rollout.parts import Specs
from tests.unit.rollout.strategies import Episode, apps, changed, histories, thorough
from tests.unit.rollout.world import World


def befall(world: World, damage: tuple[tuple[int, str], ...]) -> None:
    for place, what in damage:
        replicas = sorted(world.replicas.values(), key=lambda replica: replica.id)
        if what == "stray":
            world.make(Revision("stray", 99, "none"), place + 1)
        elif replicas and what == "remove":
            del world.replicas[replicas[place % len(replicas)].id]
        elif replicas:
            world.change(replicas[place % len(replicas)], state=State.EXITED, exit_code=1)


def lived(history: tuple[Episode, ...]) -> World:
    world = World()
    for episode in history:
        befall(world, episode.damage)
        Drive(world, world.propose(episode.specs)).run(kill=episode.kill, half=episode.half)
    return world


@thorough
@given(histories(), st.data())
def test_any_history_converges_to_any_release_and_then_nothing_is_left_to_do(
    history: tuple[Episode, ...], data: st.DataObject
) -> None:
    world = lived(history)
    last = history[-1].specs
    release = world.propose(data.draw(st.one_of(st.just(last), changed(last))))
    assert Drive(world, release).run().verdict is Verdict.PROMOTED
    assert_is(world, release)


@thorough
@given(apps(), st.data())
def test_a_failing_step_leads_back_to_the_base_and_before_the_first_shift_it_was_never_touched(
    specs: Specs, data: st.DataObject
) -> None:
    world = World()
    base = world.propose(specs)
    assert Drive(world, base).run().verdict is Verdict.PROMOTED
    release = world.propose(data.draw(changed(specs)))
    live = world.live
    served = {k: r for k, r in world.replicas.items() if r.up and not is_job(release, r.revision.service)}
    drive = Drive(world, release).run(fail=data.draw(st.integers(0, 10)), half=data.draw(st.booleans()))
    untouched = not any(isinstance(step, Shift | Drain | Retire) for step in drive.steps)
    if drive.verdict is Verdict.FAILED and untouched:
        assert {key: world.replicas.get(key) for key in served} == served
        assert world.live == live
    undo = Drive(world, base, course=data.draw(st.sampled_from((BACK, None)))).run()
    assert undo.verdict is Verdict.PROMOTED
    if drive.verdict is Verdict.FAILED and untouched:
        assert {key: world.replicas[key].address for key in served} == {k: r.address for k, r in served.items()}
    assert_is(world, base)


@thorough
@given(apps())
def test_a_revision_that_is_broken_fails_the_release_and_never_gets_traffic(specs: Specs) -> None:
    world = World()
    base = world.propose(specs)
    Drive(world, base).run()
    newer = {name: replace(one, version=9) for name, one in specs.items()}
    release = world.propose(newer)
    world.broken = {revision.name for revision in release.revisions.values()} - {
        r.name for r in base.revisions.values()
    }
    drive = Drive(world, release).run()
    grows = any(release.replicas(service) for service in release.revisions)
    assert drive.verdict is (Verdict.FAILED if grows else Verdict.PROMOTED)
    if grows:
        assert not any(isinstance(step, Shift) for step in drive.steps)
        assert Drive(world, base).run().verdict is Verdict.PROMOTED
        assert_is(world, base)
