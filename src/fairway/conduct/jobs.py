"""Runs a job of a release, and tells it what it needs to know."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.errors import JobFailed
from fairway.model.release import Release, Revision
from fairway.model.secret import redact
from fairway.model.steps import RunOnce
from fairway.ports import Engine


def described(
    revision: Revision, release: Release, before: Sequence[Release], secrets: Mapping[str, bytes]
) -> tuple[Release, Mapping[str, bytes]]:
    """The release that says what a container of the revision is like, under the number of this one, whose job it is.

    With the values of those secrets that are the same in both; the host keeps the others for as long as a replica has them.
    """
    known = (one for one in (release, *reversed(before)) if one.revisions.get(revision.service) == revision)
    made = next(known, release)
    same = {key: value for key, value in secrets.items() if made.secrets.get(key) == release.secrets.get(key)}
    return replace(made, number=release.number), same


class Jobs(Struct, frozen=True):
    """`ready` are the ids of the replicas that may get requests, `before` earlier releases, whose jobs may be owed still."""

    engine: Engine
    release: Release
    before: Sequence[Release]
    secrets: Mapping[str, bytes]
    ready: Collection[str]

    async def run(self, step: RunOnce, name: str) -> None:
        """Raises JobFailed, with its last words."""
        made, secrets = described(step.revision, self.release, self.before, self.secrets)
        told = {"FAIRWAY_RELEASE": str(self.release.number), "FAIRWAY_REVISION": step.revision.name}
        preview, host = await self._preview(step)
        ended = await self.engine.run_once(
            made, step.revision, name, step.job, environment={**told, **preview}, secrets=secrets, host=host
        )
        if ended.exit_code:
            command = " ".join(step.job.command)
            said = redact(ended.output, self.secrets.values())
            raise JobFailed(f"{step.name} ended with exit status {ended.exit_code}: {command}", why=said)

    async def _preview(self, step: RunOnce) -> tuple[Mapping[str, str], str]:
        """What a check finds in its environment: where the new revision answers; and on which host that is so."""
        route = self.release.policy(step.revision.service).route
        fleet = await self.engine.observe()
        ready = [replica for replica in fleet.of(step.revision) if replica.id in self.ready and replica.alive]
        if route and ready and not step.once:
            return {"FAIRWAY_PREVIEW_URL": f"http://{ready[0].address}:{route.port}"}, ready[0].host
        return {}, ""
