"""The jobs that are run once a release: `before` its replicas start, and `after_keep`, when its predecessor is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fairway.model.release import Release
from fairway.model.steps import RunOnce
from fairway.rollout.course import Course
from fairway.rollout.walk import Walk, do


def before(release: Release, services: Iterable[str], course: Course) -> Walk:
    """Of the services that users have not had as they are now. One that was changed since it was run is another one."""
    for service in services:
        revision, job = release.revisions[service], release.policy(service).rollout.before
        if job is None or not course.jobs or revision in course.proven:
            continue
        name = f"before-{revision}"
        key = f"{name} {hashlib.sha256(repr(job.command).encode()).hexdigest()[:12]}"
        if key not in course.done and not (yield from do(RunOnce(name=name, revision=revision, job=job, key=key))):
            return False
    return True


def after_keep(release: Release, gone: Iterable[str], course: Course) -> Walk:
    """`gone`: the services of which nothing old is left. One that an earlier release owes is run, too."""
    for service in gone:
        revision, job = release.revisions[service], release.policy(service).rollout.after_keep
        name = f"after_keep-{revision}"
        if job is None or not course.jobs or name in course.done:
            continue
        if revision in course.proven and revision not in course.owed:
            continue
        if not (yield from do(RunOnce(name=name, revision=revision, job=job, key=name))):
            return False
    return True
