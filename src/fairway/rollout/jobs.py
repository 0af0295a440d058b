"""The jobs that are run once a release: `before` its replicas start, and `after_keep`, when its predecessor is gone."""

from __future__ import annotations

from collections.abc import Iterable

from fairway.model.policy import Job
from fairway.model.release import Release
from fairway.model.steps import RunOnce
from fairway.rollout.course import Course
from fairway.rollout.walk import Walk, do


def before(release: Release, services: Iterable[str], course: Course) -> Walk:
    for service in services:
        if not (yield from _once(release, service, "before", release.policy(service).rollout.before, course)):
            return False
    return True


def after_keep(release: Release, gone: Iterable[str], course: Course) -> Walk:
    """`gone`: the services of which nothing old is left."""
    for service in gone:
        if not (yield from _once(release, service, "after_keep", release.policy(service).rollout.after_keep, course)):
            return False
    return True


def _once(release: Release, service: str, when: str, job: Job | None, course: Course) -> Walk:
    """Of the services that this release has made new: a migration belongs to the version that it came with."""
    revision = release.revisions[service]
    name = f"{when}-{revision}"
    if job is None or not course.jobs or name in course.done or revision in course.proven:
        return True
    return (yield from do(RunOnce(name=name, revision=revision, job=job)))
