"""What the hosts of an environment are, which of them answer, and what is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from fairway.model.errors import EngineUnreachable, FairwayError
from fairway.model.host_facts import HostFacts
from fairway.model.host_findings import Finding, Level, judge_host, same_engines, unreached
from fairway.ports import HostReader


class Known(Struct, frozen=True, kw_only=True):
    """A host as the settings have it, and who asks it."""

    name: str
    address: str
    reader: HostReader
    labels: Mapping[str, str] = field(default_factory=dict)
    edge: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """`facts` is None where the host could not be asked: `findings` say why."""

    name: str
    address: str
    labels: Mapping[str, str]
    edge: bool
    facts: HostFacts | None
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level is Level.PROBLEM)


async def hosts(known: Iterable[Known], patience: float) -> tuple[Report, ...]:
    """All are asked side by side; one that has not told within `patience` seconds is not waited for."""
    reports = await asyncio.gather(*(_report(host, patience) for host in known))
    twins = same_engines({report.name: report.facts for report in reports if report.facts})
    return tuple(
        replace(report, findings=(twins[report.name], *report.findings)) if report.name in twins else report
        for report in reports
    )


async def _report(host: Known, patience: float) -> Report:
    try:
        facts = await _facts(host, patience)
    except FairwayError as error:
        return _of(host, None, (unreached(error),))
    return _of(host, facts, judge_host(facts))


async def _facts(host: Known, patience: float) -> HostFacts:
    try:
        async with asyncio.timeout(patience):
            return await host.reader.facts()
    except TimeoutError:
        raise EngineUnreachable(
            f"The engine at {host.address} has not told within {patience:g} s what it is",
            where=host.address,
            why="it takes connections, but it is slow",
            hint=f"look at the load of the host, and at its disk; or give it longer: --timeout {2 * patience:g}s",
        ) from None


def _of(host: Known, facts: HostFacts | None, findings: tuple[Finding, ...]) -> Report:
    return Report(
        name=host.name, address=host.address, labels=host.labels, edge=host.edge, facts=facts, findings=findings
    )
