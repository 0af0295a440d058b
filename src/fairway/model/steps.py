"""One thing to do, as data: a step neither executes nor formats itself. A strategy yields steps and is sent outcomes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fairway.model.errors import FairwayError
from fairway.model.fleet import Weights
from fairway.model.policy import Job, Judging
from fairway.model.release import Revision
from fairway.model.routes import Steering


@dataclass(frozen=True, slots=True)
class Want:
    """A revision, and how many of its replicas. `spare`: where they are waited for, or watched, so many of them may fail."""

    revision: Revision
    replicas: int
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Ensure:
    """Bring each revision to at least so many replicas."""

    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class AwaitReady:
    """Wait until so many replicas of each revision are ready; fail as soon as one too many cannot become so."""

    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class AwaitExit:
    """Wait until the replicas have ended with exit status 0: `service_completed_successfully`."""

    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """Make this the whole routing table, and wait until the gateway confirms it. `steering` is by service.

    `others`: services that are not named stay as they are.
    """

    weights: Weights
    steering: Mapping[str, Steering] = field(default_factory=dict)
    others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the judge compares: both revisions get requests of the same service, or are probed."""

    new: Revision
    old: Revision
    judging: Judging


@dataclass(frozen=True, slots=True)
class Hold:
    """Go on watching for so many seconds; a watched replica that dies meanwhile is a failure.

    `approve`: until somebody has approved, too. `trials`: until the judge has passed all of them; an abort is a failure.
    `phase` is which of the release's phases this is, from 1; 0 is none of them.
    """

    seconds: float
    watch: tuple[Want, ...]
    why: str = ""
    approve: bool = False
    trials: tuple[Trial, ...] = ()
    phase: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOnce:
    """Run a job in a container of `revision`, and fail where it does. `name` tells it from the release's other jobs."""

    name: str
    revision: Revision
    job: Job
    key: str = ""
    """What is noted when it has succeeded, so that it is not run again. Empty: a check, which is run each time."""

    @property
    def once(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True, slots=True)
class Drain:
    """Give the replicas beyond `replicas` no new requests, and let those in flight end."""

    wants: tuple[Want, ...]


@dataclass(frozen=True, slots=True)
class Retire:
    """Stop and remove the replicas beyond `replicas`."""

    wants: tuple[Want, ...]


Step = Ensure | AwaitReady | AwaitExit | Shift | Hold | RunOnce | Drain | Retire


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: `error` is None where it succeeded."""

    error: FairwayError | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


class Verdict(StrEnum):
    PROMOTED = "promoted"
    FAILED = "failed"
    """The fleet has to be led back."""


Strategy = Generator[Step, Outcome, Verdict]
