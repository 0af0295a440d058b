"""What there is to say of a job of a release, whatever runs it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from fairway.model.errors import EngineError, JobFailed
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.render import docker_once

LAST = 20
"""Lines of its output that are told."""


class Task(Struct, frozen=True, kw_only=True):
    """A job to run: what `ports.Engine.run_once` is told."""

    release: Release
    revision: Revision
    name: str
    job: Job
    environment: Mapping[str, str]
    secrets: Mapping[str, bytes]

    @property
    def definition(self) -> str:
        """What has another one is the rest of an earlier attempt."""
        return docker_once.definition(self.revision, self.job, self.environment)

    def too_late(self, where: str, said: str) -> JobFailed:
        """`said` is what it printed last."""
        return JobFailed(
            f"the job {self.name} of release {self.release.number} did not end within {self.job.timeout:g} s",
            where=where,
            why=said,
            hint="it was stopped; see why it takes so long, or raise its `timeout`",
        )


def taken(name: str, where: str, by: str, remove: str) -> EngineError:
    """`by`: what kind of thing has the name, and is none of ours; `remove` is the command that would remove it."""
    return EngineError(
        f"The name {name} is taken",
        where=where,
        why=f"another {by} has it",
        hint=f"{remove} {name}, if nobody needs it",
    )
