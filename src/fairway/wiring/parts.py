"""What an environment is worked on with, whatever its engine: the ports, already connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.flows.context import none_lost, nothing
from fairway.model.environment import Environment
from fairway.model.release import Release
from fairway.ports import (
    Collector,
    Console,
    Engine,
    Exchange,
    KeptFiles,
    Leases,
    Ledger,
    Marks,
    Signals,
    Traffic,
    Trail,
)
from fairway.ports.certificates import Certifying
from fairway.ports.evidence import EvidenceStore

if TYPE_CHECKING:
    from fairway.engines.common.shelf import Shelf
    from fairway.net.client import Docker


def nobody() -> Mapping[str, str]:
    return {}


class Records(Struct, frozen=True, kw_only=True):
    """`evidence` and `contents` are statements about images, `collector` finds those that nobody needs; `trail` is asked for by
    somebody: user@machine."""

    evidence: EvidenceStore
    contents: EvidenceStore
    collector: Collector
    trail: Callable[[str], Trail]


def records(
    environment: Environment,
    shelf: Callable[[str], Shelf],
    leases: Callable[[Environment, str], Leases],
    clock: Callable[[], float],
) -> Records:
    """`shelf` makes a folder's; `leases` those of an environment, or of what is kept like one, for somebody."""
    from fairway.engines.common.evidence import EvidenceCollector, LedgerEvidence
    from fairway.engines.common.trail import ShelfTrail

    trail = Environment(environment.app, f"{environment.name}.audit")  # no environment may have such a name
    evidence, contents = shelf(f"{environment.key}.evidence"), shelf(f"{environment.key}.contents")
    return Records(
        evidence=LedgerEvidence(evidence),
        contents=LedgerEvidence(contents, contents=True),
        collector=EvidenceCollector((evidence, contents)),
        trail=lambda by: ShelfTrail(shelf(trail.key), shelf(environment.key), leases(trail, by), clock=clock),
    )


class Parts(Struct, frozen=True, kw_only=True):
    """`builder` is the name of the host that makes images, `docker` its engine. `clock`, the environment's own, gives seconds
    since the epoch. `prepare` brings to the hosts what changing anything needs; `leases` are asked for by somebody: user@machine.
    """

    builder: str
    docker: Docker
    engine: Engine
    files: KeptFiles
    traffic: Traffic
    ledger: Ledger
    leases: Callable[[str], Leases]
    signals: Signals
    console: Console
    clock: Callable[[], float]
    prepare: Callable[[], Awaitable[None]]
    collector: Collector
    """Of what releases have left on the hosts."""
    records: Records
    """What is kept beside the ledger."""
    certifying: Certifying | None = None
    """None where users are not spoken to in TLS."""
    waiting: Callable[[Release], Awaitable[Mapping[str, str]]] = nothing
    """Services whose data is on a host that does not answer."""
    exchange: Exchange | None = None
    """Of the authority of the gateways; None where there is but one host."""
    by_gateway: bool = False
    """Whether services find each other through the gateways: their replicas are on several hosts without a network between them."""
    marks: Marks | None = None
    """Which hosts are to be empty; None where there is but one."""
    lost: Callable[[], Mapping[str, str]] = nobody
    """The hosts that do not answer, by name, and why."""
    accept: Callable[[], None] = none_lost
    """From now on, any number of them may be lost."""
    passed_over: Callable[[], Mapping[str, str]] = nobody
    """The same of hosts that nothing depends on, for others tell the same."""


def credentials(registry: str) -> Mapping[str, str] | None:
    """What this machine's Docker configuration has for a registry."""
    from fairway.registry.credentials import DockerConfig

    return DockerConfig().for_engine(registry)
