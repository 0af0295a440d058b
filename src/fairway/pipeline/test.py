"""The very images just built, tested before anything else sees them."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from fairway.model.app import App
from fairway.model.build import Build, Evidence
from fairway.model.errors import FairwayError, InvalidFiles, Problem, TestFailed
from fairway.model.events import Emit, Event, Output
from fairway.model.secret import redact
from fairway.model.stage import HttpCheck, Stage
from fairway.pipeline.notary import Notary
from fairway.pipeline.telling import discreet, now, task
from fairway.ports.making import Builds, TestBed, TestBeds

PATIENCE = 30.0
"""Seconds that a service may take to answer its first request, once everything is up."""
SHOWN = 20


async def run_tests(
    app: App,
    build: Build,
    stages: Sequence[Stage],
    beds: TestBeds,
    builds: Builds,
    *,
    secrets: Mapping[str, bytes],
    emit: Emit,
    notary: Notary | None = None,
) -> Build:
    """The build with the evidence of each stage, in the order of the file, saved as it comes.

    Raises InvalidFiles for a stage that names a service which is not there, TestFailed after the last stage.
    """
    refuse_unknown(app, stages)
    failures: list[tuple[Evidence, str]] = []
    for stage in stages:
        run = _Run(app, build, stage, beds, secrets)
        evidence = await run.evidence(builds, emit)
        build = replace(build, evidence=(*(e for e in build.evidence if e.stage != stage.name), evidence))
        if notary:
            await notary.witness(build)
        builds.save(build)
        if not evidence.passed:
            failures.append((evidence, "\n".join(run.lines[-SHOWN:])))
    if failures:
        first, said = failures[0]
        raise TestFailed(
            "; ".join(f"{evidence.stage} did not pass: {evidence.reason}" for evidence, _ in failures),
            where=build.commit.tag,
            why=said,
            hint=f"The whole output: {first.output}",
        )
    return build


def refuse_unknown(app: App, stages: Sequence[Stage]) -> None:
    problems = [
        Problem(
            f"there is no service {name}", "fairway.yaml", ("test", stage.name), f"It has {', '.join(app.services)}."
        )
        for stage in stages
        for name in dict.fromkeys((stage.service, stage.http.service if stage.http else None))
        if name and name not in app.services
    ]
    if problems:
        raise InvalidFiles(problems)


class _Verdict(Struct):
    exit_code: int | None = None
    reason: str = ""


class _Run:
    """One stage, with the lines it printed."""

    def __init__(self, app: App, build: Build, stage: Stage, beds: TestBeds, secrets: Mapping[str, bytes]) -> None:
        self.app, self.build, self.stage, self.beds, self.secrets = app, build, stage, beds, secrets
        self.key = f"test:{stage.name}"
        self.lines: list[str] = []

    async def evidence(self, builds: Builds, emit: Emit) -> Evidence:
        path = builds.log(self.build.commit.tag, self.stage.name)
        started, start = now(), time.monotonic()
        with path.open("w", encoding="utf-8", buffering=1) as log:

            def keep(event: Event) -> None:
                if isinstance(event, Output):
                    log.write(f"{event.line}\n")
                    self.lines.append(event.line)
                emit(event)

            try:
                with task(keep, self.key, f"Testing: {self.stage.name}"):
                    verdict = await self._verdict(discreet(keep, self.secrets))
                    verdict.reason = redact(verdict.reason, self.secrets.values())
                    if verdict.reason:
                        raise TestFailed(verdict.reason)
            except TestFailed as error:
                verdict.reason = error.what
        return Evidence(
            stage=self.stage.name,
            passed=not verdict.reason,
            exit_code=verdict.exit_code,
            started=started,
            seconds=round(time.monotonic() - start, 3),
            output=str(path),
            output_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            reason=verdict.reason,
        )

    async def _verdict(self, emit: Emit) -> _Verdict:
        """Whatever happens, the test bed is gone when this returns: its deadline ends inside of it."""
        try:
            async with self.beds.open(self.app, self.build.images, self.secrets) as bed:
                async with asyncio.timeout(self.stage.timeout):
                    return await self._ask(bed, emit)
        except TimeoutError:
            return _Verdict(reason=f"it took longer than {self.stage.timeout:g} s")
        except FairwayError as error:
            return _Verdict(reason=f"{error.what}{f' ({error.why})' if error.why else ''}")

    async def _ask(self, bed: TestBed, emit: Emit) -> _Verdict:
        verdict = _Verdict()
        if self.stage.up:
            await bed.up(emit)
        if self.stage.service:
            verdict = await self._command(bed, self.stage.service, emit)
        if self.stage.http and not verdict.reason:
            verdict.reason = await self._http(bed, self.stage.http, emit)
        return verdict

    async def _command(self, bed: TestBed, service: str, emit: Emit) -> _Verdict:
        stage = self.stage
        ended = await bed.run(service, stage.command, stage.environment, emit, self.key)
        if stage.passes_on == "last-line":
            last = next(reversed(ended.output.rstrip().splitlines()), "").rstrip()
            wrong = "" if last == stage.line else f"its last line is {last[:100]!r}, not {stage.line!r}"
            return _Verdict(ended.exit_code, wrong)
        return _Verdict(ended.exit_code, f"exit status {ended.exit_code}" if ended.exit_code else "")

    async def _http(self, bed: TestBed, check: HttpCheck, emit: Emit) -> str:
        """Why it fails, or nothing. Only silence is asked again: any answer decides."""
        deadline = time.monotonic() + PATIENCE
        at = f"{check.service}:{check.port}{check.path}"
        status, body = await bed.http(check.service, check.port, check.path, PATIENCE, check.headers)
        while status is None and time.monotonic() < deadline:
            await asyncio.sleep(0.25)
            status, body = await bed.http(check.service, check.port, check.path, PATIENCE, check.headers)
        emit(Output(self.key, f"GET {at}: {status or 'no answer'}"))
        for line in body.splitlines()[:SHOWN]:
            emit(Output(self.key, line))
        if status is None:
            return f"{at} did not answer within {PATIENCE:g} s"
        if status != check.status:
            return f"{at} answered {status}, not {check.status}"
        return "" if check.contains in body else f"the answer of {at} does not contain {check.contains!r}"
