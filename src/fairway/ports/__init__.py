"""What the adapters fulfil. Stories and strategies know these, and no engine by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from msgspec import Struct

from fairway.model.app import App
from fairway.model.audit import Entry, Line, Sealed
from fairway.model.build import ImageRef
from fairway.model.fleet import Fleet, Replica
from fairway.model.garbage import Garbage, Kept
from fairway.model.host_facts import HostFacts
from fairway.model.hosts import Host
from fairway.model.judgement import Scrape
from fairway.model.orders import Order, Signal
from fairway.model.policy import Job
from fairway.model.release import Progress, Record, Release, Revision
from fairway.model.routes import Endpoint, RoutingTable
from fairway.model.usage import Sample

Secrets = Mapping[str, bytes]
"""The values of an application's secrets, by name."""


class Engine(Protocol):
    """Runs revisions of one environment. Every call may raise EngineError; each is safe to repeat."""

    @property
    def blind(self) -> float:
        """Seconds, in all, in which nobody could tell what is there, though it may have gone on: they count against no deadline."""

    async def observe(self) -> Fleet:
        """What is there now (without weights: those are the gateway's)."""

    def watch(self) -> AsyncIterator[Fleet]:
        """The fleet now, and again each time one of its replicas starts, ends, or changes its health."""

    async def pin(self, references: Mapping[str, str], pull: Collection[str] = ()) -> Mapping[str, ImageRef]:
        """The image behind each reference, by key; those that no host has, or that `pull` names, are pulled. Raises ImageNotFound."""

    async def ensure(self, release: Release, revision: Revision, replicas: int, secrets: Mapping[str, bytes]) -> None:
        """At least so many started replicas of `revision`, whose definition is `release`'s; networks, volumes and files first."""

    async def retire(self, revision: Revision, replicas: int) -> None:
        """Stop (within the grace period) and remove all but the lowest-numbered `replicas`."""

    async def run_once(
        self,
        release: Release,
        revision: Revision,
        name: str,
        job: Job,
        *,
        environment: Mapping[str, str],
        secrets: Secrets,
        host: str = "",
    ) -> Ended:
        """Run a job in a container of the revision; `name` tells it from other jobs of the release, `host` is where it has to be.

        One of that name that has succeeded is not run again; one that runs is waited for; one that failed is run anew. One
        that was told something else is another one: it makes way.
        Raises JobFailed after the job's timeout, and then nothing of it runs.
        """

    async def forget(self, release: Release) -> None:
        """Remove what the jobs of a release have left behind."""

    async def hosts(self) -> tuple[Host, ...]:
        """Those that replicas are placed on; none where there is nothing to be placed."""

    def refuse(self, app: App) -> None:
        """Raises Unsupported, with every file and line that this engine cannot honour."""


class KeptFiles(Protocol):
    """What the hosts have of the files that replicas were given."""

    async def keep(self, releases: Collection[Release]) -> None:
        """What these releases gave their replicas stays, to be given again; of others, only what is in use. Raises EngineError."""


class Ended(Struct, frozen=True):
    """A process that has ended: its exit status, and the last lines it printed."""

    exit_code: int
    output: str = ""


class LogLine(Struct, frozen=True):
    """`at` is seconds since the epoch; `stream` is stdout or stderr."""

    replica: Replica
    at: float
    text: str
    stream: str = "stdout"


class Console(Protocol):
    """What an operator does with running replicas."""

    def logs(
        self, replicas: Sequence[Replica], *, follow: bool = False, since: float | None = None, tail: int | None = None
    ) -> AsyncIterator[LogLine]:
        """Lines of all of them, merged in the order of their times."""

    async def sample(self, replicas: Sequence[Replica]) -> Mapping[str, Sample]:
        """What each uses now, by its id; one that does not run, or whose host is lost, is left out."""

    async def exec(self, replica: Replica, command: Sequence[str], *, tty: bool = False, stdin: bool = False) -> int:
        """Run a command in a replica, connected to this terminal; its exit status."""

    async def run(
        self,
        release: Release,
        service: str,
        command: Sequence[str],
        secrets: Mapping[str, bytes],
        *,
        environment: Mapping[str, str] | None = None,
        tty: bool = False,
    ) -> int:
        """A one-off container of a release's service, removed when it has ended, connected to this terminal."""

    async def down(self, *, volumes: bool = False) -> tuple[str, ...]:
        """Remove everything of the environment but its ledger (and its volumes, unless told so); the names of what went."""


class Traffic(Protocol):
    """The gateway of an environment. Raises GatewayError, GatewayRejected."""

    async def start(self) -> None:
        """Make sure that the gateway runs."""

    async def observe(self) -> RoutingTable | None:
        """The table that is live, or None where the gateway knows nothing of this environment."""

    async def apply(self, table: RoutingTable) -> None:
        """Make this the whole table of the environment, losing no request; returns when it is confirmed live."""

    async def probe(self, endpoint: Endpoint, path: str, *, host: str = "", timeout: float = 1.0) -> int | None:
        """The status that a GET through the gateway's network got, or None where nothing answered."""

    async def in_flight(self, endpoints: Collection[Endpoint]) -> int:
        """Requests and streams that these replicas still serve."""

    async def counts(self, revisions: Collection[Revision]) -> Mapping[str, Scrape]:
        """What was counted for each revision (by name) so far; one that the gateway does not know is left out."""


class HostReader(Protocol):
    """Asks the engine of one host."""

    async def facts(self) -> HostFacts:
        """What it tells, in the time there is: what takes too long is left unknown. Raises EngineUnreachable, EngineError, UsageError."""


class Metrics(Protocol):
    """What an application's own monitoring has counted."""

    async def values(self, url: str, queries: Sequence[str]) -> list[float]:
        """One number for each query, asked at the same moment. Raises MetricsError where there is none, or nobody answers."""


class Ledger(Protocol):
    """The releases of one environment."""

    async def read(self) -> tuple[Record, ...]:
        """By number, ascending."""

    async def intend(self, release: Release) -> None:
        """Write down what is about to be done."""

    async def note(self, release: Release, progress: Progress) -> None:
        """Write down how far it has come; what was noted before is forgotten."""

    async def conclude(self, release: Release, outcome: str, detail: str = "") -> None:
        """Write down what became of it."""

    async def forget(self, releases: Collection[Release]) -> None:
        """Remove all that is written of them: nobody can go back to them any more."""


class Collector(Protocol):
    """Finds and removes what is left of releases that nobody goes back to. Raises what its adapter's errors are."""

    async def find(self, kept: Kept) -> tuple[Garbage, ...]:
        """Nothing of it is needed by a kept release, of whichever environment, or by anything that runs."""

    async def remove(self, garbage: Garbage) -> bool:
        """False where it turned out to be in use, or is gone already."""


class Trail(Protocol):
    """The audit trail of one environment."""

    async def append(self, entry: Entry) -> Line:
        """Write down what was done. Raises Locked, EngineError where it cannot be."""

    async def head(self) -> str:
        """NUMBER:SHA256 of the last line; nothing where there is none."""

    async def read(self) -> tuple[Mapping[str, bytes], tuple[Sealed, ...]]:
        """The lines as they are kept, by the names of their files; and the releases, as the ledger keeps them."""


class Signals(Protocol):
    """Orders to the rollout of one environment, kept where both who gives and who follows them can see them."""

    async def send(self, order: Order, release: int, by: str, *, phase: int = 0) -> None: ...

    def watch(self) -> AsyncIterator[tuple[Signal, ...]]:
        """All that were given and not cleared, oldest first: now, and again each time one comes."""

    async def clear(self) -> None:
        """Forget all of them."""


class Holder(Struct, frozen=True):
    """Who holds a lease: `by` is user@machine, `doing` the command, `since` seconds since the epoch."""

    by: str
    doing: str
    since: float

    @property
    def key(self) -> str:
        """Tells this lease from every other one."""
        return f"{self.by} {self.since}"


class Leases(Protocol):
    """The right to change one environment; it dies with its holder."""

    def hold(self, doing: str, wait: float = 0.0) -> AbstractAsyncContextManager[asyncio.Event]:
        """Raises Locked, with the holder, where it is not free within `wait` seconds.

        The event is set when the lease was lost: then the body is cancelled, and must not change anything any more.
        """

    async def holder(self) -> Holder | None:
        """Who holds it now."""


class Marks(Protocol):
    """Which hosts of a fleet an operator wants empty."""

    async def drained(self) -> frozenset[str]: ...

    async def drain(self, name: str) -> None: ...

    async def undrain(self, name: str) -> None: ...

    async def leave(self, name: str) -> tuple[str, ...]:
        """Nothing of the environment is on that host any more but its ledger and its volumes; the names of what went."""

    async def data(self, name: str) -> tuple[str, ...]:
        """The volumes and directories that are known to be on that host, and nowhere else."""

    async def give_up(self, name: str) -> None:
        """Nobody waits for the data of that host any more: what needs it starts elsewhere, and empty."""


class Exchange(Protocol):
    """The authority of the gateways of a fleet is followed by another one."""

    strangers: Callable[[], Awaitable[Collection[str]]]
    """Hosts of other environments that speak with these gateways, and are out of reach."""

    async def begin(self) -> bool:
        """Another authority is made, unless an exchange is under way; whether one was."""

    async def advance(self) -> str:
        """The next step, taken by all gateways, in words; nothing where none is left. Raises Partial, GatewayError."""


class Machine(Protocol):
    """A machine that is to become a host, reached by ssh. Each call may raise EngineUnreachable; each is safe to repeat."""

    async def ask(self, step: str, values: Mapping[str, str] | None = None, *, sudo: bool = False) -> Mapping[str, str]:
        """Run a step's script there, which knows the values by their names: what it answers, which is not to be trusted.

        Raises FairwayError where it fails, with its words.
        """

    async def gateway(self) -> bool:
        """Bring Fairway's image there, and the gateway to run; True where something had to be done. Raises FairwayError."""
