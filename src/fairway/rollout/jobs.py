"""The jobs that are run once a release: `before` its replicas start, and `after_keep`, when its predecessor is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from fairway.model.release import Release, Revision
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


def after_keep(release: Release, staying: Collection[Revision], course: Course) -> Walk:
    """`staying`: what is kept. A service's own job is due where that is nothing; one that an earlier version owes, where
    nothing is kept that is older than that version.
    """
    for revision, owed in course.inherited:
        name = f"after_keep-{revision}"
        early = any(old.service == revision.service and old.release < revision.release for old in staying)
        if early or not course.jobs or name in course.done:
            continue
        if not (yield from do(RunOnce(name=name, revision=revision, job=owed, key=name))):
            return False
    for service in sorted(release.revisions.keys() - {old.service for old in staying}):
        revision, job = release.revisions[service], release.policy(service).rollout.after_keep
        name = f"after_keep-{revision}"
        if job is None or not course.jobs or name in course.done:
            continue
        if revision in course.proven and revision not in course.owed:
            continue
        if not (yield from do(RunOnce(name=name, revision=revision, job=job, key=name))):
            return False
    return True
