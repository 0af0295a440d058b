"""What the engine of a host says of itself, of the room on its host, and of what runs there. None, or empty: it does not tell."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Clock(Struct, frozen=True, kw_only=True):
    """By how many seconds the host's clock is ahead of ours (negative: behind); that is known to `within` seconds."""

    ahead: float
    within: float

    @property
    def surely(self) -> float:
        """It is off by at least so much."""
        return max(0.0, abs(self.ahead) - self.within)


class Running(Struct, frozen=True, kw_only=True):
    """What runs on a host. `cpus` and `memory` are what its running containers reserve, `memory_used` what they use, in bytes.

    `ours` and `others` count running containers, of the environment that is asked about and of anything else; `endless_logs`
    names those whose logs are files that are never rotated.
    """

    ours: int = 0
    others: int = 0
    stopped: int = 0
    cpus: float = 0.0
    memory: int = 0
    memory_used: int | None = None
    endless_logs: tuple[str, ...] = ()


class Room(Struct, frozen=True, kw_only=True):
    """The disk under Docker's data: bytes that are free, of so many."""

    free: int
    size: int


class HostFacts(Struct, frozen=True, kw_only=True):
    """`api` is the version that is spoken; `warnings` are Docker's own. `unknown` says why something is not known, by its field."""

    id: str = ""
    hostname: str = ""
    engine: str = ""
    api: str = ""
    os: str = ""
    kernel: str = ""
    arch: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The engine's own (`dockerd --label`)."""
    storage_driver: str = ""
    cgroup: str = ""
    cpus: float | None = None
    memory: int | None = None
    running: Running | None = None
    disk_used: int | None = None
    """Bytes that images, containers, volumes and the build cache take."""
    disk: Room | None = None
    clock: Clock | None = None
    live_restore: bool = True
    swap_limit: bool = True
    clustered: bool = False
    warnings: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
