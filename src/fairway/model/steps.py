"""One thing to do, as data: a step neither executes nor formats itself. A strategy yields steps and is sent outcomes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from enum import StrEnum

from msgspec import Struct, field

from fairway.model.errors import FairwayError
from fairway.model.fleet import Weights
from fairway.model.policy import Job, Judging
from fairway.model.release import Revision
from fairway.model.routes import Steering


class Want(Struct, frozen=True):
    """A revision, and how many of its replicas. `spare`: where they are waited for, or watched, so many of them may fail."""

    revision: Revision
    replicas: int
    spare: int = 0


class Ensure(Struct, frozen=True):
    """Bring each revision to at least so many replicas."""

    wants: tuple[Want, ...]


class AwaitReady(Struct, frozen=True):
    """Wait until so many replicas of each revision are ready; fail as soon as one too many cannot become so."""

    wants: tuple[Want, ...]


class AwaitExit(Struct, frozen=True):
    """Wait until the replicas have ended with exit status 0: `service_completed_successfully`."""

    wants: tuple[Want, ...]


class Shift(Struct, frozen=True):
    """Make this the whole routing table, and wait until the gateway confirms it. `steering` is by service.

    `others`: services that are not named stay as they are.
    """

    weights: Weights
    steering: Mapping[str, Steering] = field(default_factory=dict)
    others: bool = False


class Trial(Struct, frozen=True, kw_only=True):
    """What the judge compares: both revisions get requests of the same service, or are probed."""

    new: Revision
    old: Revision
    judging: Judging


class Hold(Struct, frozen=True):
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


class RunOnce(Struct, frozen=True, kw_only=True):
    """Run a job in a container of `revision`, and fail where it does. `name` tells it from the release's other jobs."""

    name: str
    revision: Revision
    job: Job
    key: str = ""
    """What is noted when it has succeeded, so that it is not run again. Empty: a check, which is run each time."""

    @property
    def once(self) -> bool:
        return bool(self.key)


class Drain(Struct, frozen=True):
    """Give the replicas beyond `replicas` no new requests, and let those in flight end."""

    wants: tuple[Want, ...]


class Retire(Struct, frozen=True):
    """Stop and remove the replicas beyond `replicas`."""

    wants: tuple[Want, ...]


Step = Ensure | AwaitReady | AwaitExit | Shift | Hold | RunOnce | Drain | Retire


class Outcome(Struct, frozen=True):
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
