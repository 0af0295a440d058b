"""Runs a job of a release, and tells it what it needs to know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fairway.model.errors import JobFailed
from fairway.model.release import Release
from fairway.model.steps import RunOnce
from fairway.ports import Engine


@dataclass(frozen=True, slots=True)
class Jobs:
    """`ready` are the ids of the replicas that may get requests."""

    engine: Engine
    release: Release
    secrets: Mapping[str, bytes]
    ready: Collection[str]

    async def run(self, step: RunOnce, name: str) -> None:
        """Raises JobFailed, with its last words."""
        ended = await self.engine.run_once(
            self.release, step.revision, name, step.job, environment=await self._told(step), secrets=self.secrets
        )
        if ended.exit_code:
            command = " ".join(step.job.command)
            raise JobFailed(f"{step.name} ended with exit status {ended.exit_code}: {command}", why=ended.output)

    async def _told(self, step: RunOnce) -> Mapping[str, str]:
        """What a job finds in its environment: which release it is for, and, if it is a check, where the new revision answers."""
        told = {"FAIRWAY_RELEASE": str(self.release.number), "FAIRWAY_REVISION": step.revision.name}
        route = self.release.policy(step.revision.service).route
        fleet = await self.engine.observe()
        ready = [replica for replica in fleet.of(step.revision) if replica.id in self.ready and replica.alive]
        if route and ready and not step.once:
            told["FAIRWAY_PREVIEW_URL"] = f"http://{ready[0].address}:{route.port}"
        return told
