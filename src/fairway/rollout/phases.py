"""The phases of a release: what its new revisions are given step by step, while every old replica goes on serving.

Each is a whole desired state. A service with fewer phases than the release stays in its last one until the others are
through; a service without phases waits, ready, and takes over when they are: what fails in between has not reached it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairway.model.policy import Phase
from fairway.model.release import Release
from fairway.model.routes import Steering
from fairway.model.steps import AwaitReady, Ensure, Hold, RunOnce, Shift, Want
from fairway.rollout.course import Course
from fairway.rollout.moves import Move
from fairway.rollout.trials import trial
from fairway.rollout.walk import Walk, do, remove

WHOLE = 10_000
"""The parts of a service's traffic: hundredths of a percent."""
ALL = 100.0
"""Percent: nothing is left for the old revision."""
FRESH = 5.0
"""Seconds for which a phase is held again where somebody else had begun it: what was seen then may be true no longer."""


def through(release: Release, way: Sequence[Move], course: Course) -> Walk:
    """All phases, from that of the course on; the replicas of the first are ready. In the end all replicas are."""
    phased = [move for move in way if move.phases]
    last = max((len(move.phases) for move in phased), default=0)
    begin = min(course.phase, last)
    unfinished = tuple(Want(old.revision, 0) for move in phased for old in move.unfinished)
    for number in range(begin, last + 1) if phased else ():
        if number > begin and not (yield from _grow(phased, number)):
            return False
        if not (yield from _give(release, phased, number)):
            return False
        if number == begin and not (yield from remove(unfinished)):
            return False
        if not (yield from remove(_shared(phased, begin, number))):
            return False
        if not (yield from _check(phased, number)):
            return False
        if not (yield from do(_hold(release, phased, number, course.held if number == begin else 0.0))):
            return False
    whole = tuple(Want(move.new, move.replicas) for move in phased if move.scale(last) < move.replicas)
    return not whole or ((yield from do(Ensure(whole))) and (yield from do(AwaitReady(whole))))


def _grow(phased: Sequence[Move], number: int) -> Walk:
    growing = [move for move in phased if move.scale(number) > move.scale(number - 1)]
    wants = tuple(Want(move.new, move.scale(number)) for move in growing)
    return not wants or ((yield from do(Ensure(wants))) and (yield from do(AwaitReady(wants))))


def _give(release: Release, phased: Sequence[Move], number: int) -> Walk:
    routed = [move for move in phased if release.policy(move.service).route]
    if not routed:
        return True
    weights = {move.service: _weights(move, move.phase(number)) for move in routed}
    return (yield from do(Shift(weights, _steering(release, routed, number), others=True)))


def _weights(move: Move, phase: Phase) -> Mapping[str, int]:
    new = round(phase.traffic * WHOLE / 100)
    control = move.control
    shares = {move.new.name: new, **({control.revision.name: WHOLE - new} if control else {})}
    return {name: share for name, share in shares.items() if share}


def _steering(release: Release, routed: Sequence[Move], number: int) -> Mapping[str, Steering]:
    found = {}
    for move in routed:
        phase = move.phase(number)
        steering = Steering(
            revision=move.new.name,
            match=phase.match,
            mirror=phase.mirror,
            preview=release.policy(move.service).rollout.preview or "",
            sticky=move.new.name if phase.sticky else "",
        )
        if steering != Steering(revision=move.new.name):
            found[move.service] = steering
    return found


def _shared(phased: Sequence[Move], begin: int, number: int) -> tuple[Want, ...]:
    """Workers without a route share their work by their number: as many old ones go as new ones have come."""
    wants = []
    for move in phased:
        if not move.shares_work:
            continue
        stood = dict(move.keep(move.scale(number - 1))) if number > begin else {}
        for old, serving in move.keep(move.scale(number)):
            if old.kept(serving) < (old.kept(stood[old]) if old in stood else old.replicas):
                wants.append(Want(old.revision, old.kept(serving)))
    return tuple(wants)


def _check(phased: Sequence[Move], number: int) -> Walk:
    for move in phased:
        check = move.phases[number - 1].check if number <= len(move.phases) else None
        if check:
            job = RunOnce(name=f"check-{number}-{move.new}", revision=move.new, job=check)
            if not (yield from do(job)):
                return False
    return True


def _hold(release: Release, phased: Sequence[Move], number: int, held: float) -> Hold:
    """Those that are in a phase of their own decide how long; those that wait in their last one are watched."""
    here = [(move, move.phases[number - 1]) for move in phased if number <= len(move.phases)]
    seconds = max(phase.hold for _, phase in here)
    return Hold(
        max(seconds - held, min(seconds, FRESH)) if held else seconds,
        tuple(Want(move.new, move.scale(number)) for move in phased),
        "phase",
        approve=any(phase.approve for _, phase in here),
        trials=tuple(
            found
            for move, phase in here
            if (found := trial(release, move, compared=phase.traffic < ALL, served=phase.served))
        ),
        phase=number,
    )
