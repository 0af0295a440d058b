"""What an environment is worked on with, whatever its engine: the ports, already connected."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.ports import Console, Engine, Leases, Ledger, Marks, Signals, Traffic

if TYPE_CHECKING:
    import aiodocker


def nobody() -> Mapping[str, str]:
    return {}


class Parts(Struct, frozen=True, kw_only=True):
    """`builder` is the name of the host that makes images, `docker` its engine. `clock`, the environment's own, gives seconds
    since the epoch. `prepare` brings to the hosts what changing anything needs; `leases` are asked for by somebody: user@machine.
    """

    builder: str
    docker: aiodocker.Docker
    engine: Engine
    traffic: Traffic
    ledger: Ledger
    leases: Callable[[str], Leases]
    signals: Signals
    console: Console
    clock: Callable[[], float]
    prepare: Callable[[], Awaitable[None]]
    marks: Marks | None = None
    """Which hosts are to be empty; None where there is but one."""
    lost: Callable[[], Mapping[str, str]] = nobody
    """The hosts that do not answer, by name, and why."""


def credentials(registry: str) -> Mapping[str, str] | None:
    """What this machine's Docker configuration has for a registry."""
    from fairway.registry.credentials import DockerConfig

    return DockerConfig().for_engine(registry)
