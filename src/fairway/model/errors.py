"""One tree of errors. Each says what happened, where, why, and what to do next; the CLI prints them in one place."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from msgspec import Struct

from fairway.model.app import Location


class Exit(IntEnum):
    """What the exit status of a command means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    ROLLED_BACK = 3
    PARTIAL = 4
    LOCKED = 5
    REFUSED = 6
    HELD = 7
    INTERRUPTED = 130


class Problem(Struct, frozen=True):
    """One thing that is wrong: `what`, where, and `hint`: what to do about it."""

    what: str
    where: Location | str | None = None
    path: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        path = f"{'.'.join(self.path)}: " if self.path else ""
        return f"{place}{path}{self.what}"


class FairwayError(Exception):
    """`what` happened, `where` (file, host, service), `why` (often the words of what failed), `hint`: what to do next."""

    exit = Exit.FAILED

    def __init__(self, what: str, *, where: Location | str | None = None, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = shorten(why)
        self.hint = hint

    @property
    def problems(self) -> tuple[Problem, ...]:
        return ()


class InvalidFiles(FairwayError):
    """The user's files are wrong: every problem at once."""

    exit = Exit.USAGE

    def __init__(self, problems: Iterable[Problem], what: str = "") -> None:
        self._problems = tuple(sorted(problems, key=_order))
        count = len(self._problems)
        super().__init__(what or f"{count} problem{'s' if count != 1 else ''} in the files of this project")

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def __str__(self) -> str:
        return "\n".join([self.what, *(str(problem) for problem in self._problems)])


class UsageError(FairwayError):
    """The command was called in a way that cannot work."""

    exit = Exit.USAGE


class Unsupported(InvalidFiles):
    """The engine cannot honour what the files ask for."""


class NoHost(FairwayError):
    """There are replicas that no host takes: all of them, each with what stands in the way on the hosts."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._problems = tuple(sorted(problems, key=_order))
        super().__init__("Not every replica has a host")

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def __str__(self) -> str:
        return "\n".join([self.what, *(problem.what for problem in self._problems)])


class EngineError(FairwayError):
    """The engine refused or failed."""


class EngineUnreachable(EngineError):
    """No engine answers at the address."""


class HostLost(EngineError):
    """More hosts of a fleet are lost than may be."""

    def __init__(
        self,
        what: str,
        *,
        where: Location | str | None = None,
        why: str = "",
        hint: str = "",
        hosts: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, where=where, why=why, hint=hint)
        self.hosts = hosts


class ImageNotFound(EngineError):
    """Neither the host nor a registry has the image."""


class BuildFailed(FairwayError):
    """An image could not be built."""


class SourceError(FairwayError):
    """Git is missing, this is no checkout, or the commit is not there."""


class TestFailed(FairwayError):
    """A test stage did not pass."""

    __test__ = False


class RegistryError(FairwayError):
    """The registry is down, refuses the password, or lacks what was asked for."""


class KeyFailed(FairwayError):
    """A key that signs, or that is trusted, cannot be read, is none of ed25519, or does not sign."""


class GatewayError(FairwayError):
    """The gateway does not run, or did not confirm a configuration."""


class GatewayRejected(GatewayError):
    """Envoy refused a configuration; the old one keeps serving. `why` holds Envoy's words."""


class CertificateError(FairwayError):
    """A certificate authority refuses, does not answer, or could not see that a host name is ours."""

    def __init__(
        self,
        what: str,
        *,
        where: Location | str | None = None,
        why: str = "",
        hint: str = "",
        kind: str = "",
        wait: float = 0.0,
    ) -> None:
        """`kind` is the authority's own word for it; `wait`: so many seconds it does not want to be asked."""
        super().__init__(what, where=where, why=why, hint=hint)
        self.kind = kind
        self.wait = wait


class Uncertified(FairwayError):
    """There are host names for which no certificate could be had: all of them, each with the reason."""

    def __init__(self, problems: Iterable[Problem], what: str) -> None:
        self._problems = tuple(sorted(problems, key=_order))
        super().__init__(what)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems


class MetricsError(FairwayError):
    """The application's monitoring does not answer, or not with a number."""


class SecretError(FairwayError):
    """A secret cannot be had from where it is kept, or not be written there."""


class SecretMissing(SecretError):
    """There is no such secret where it should be, or no longer that version of it."""


class NotReady(FairwayError):
    """A new revision never became ready. `replica` names the container whose logs tell why; `logs` are its last lines, if known."""

    def __init__(
        self,
        what: str,
        *,
        where: Location | str | None = None,
        why: str = "",
        hint: str = "",
        replica: str = "",
        logs: str = "",
    ) -> None:
        super().__init__(what, where=where, why=why, hint=hint)
        self.replica = replica
        self.logs = logs


class JobFailed(FairwayError):
    """A job of a release (`before`, `check`, `after_keep`) ended badly, or not in time."""


class Worse(FairwayError):
    """The judge is sure that the new revision is worse than the old one, or than its limit."""


class Aborted(FairwayError):
    """An operator asked for it."""


class ReleaseFailed(FairwayError):
    """The release failed before it touched anything that serves; what was made of it is removed."""


class RolledBack(FairwayError):
    """The release failed, and the one before it serves again (or still)."""

    exit = Exit.ROLLED_BACK


class Held(FairwayError):
    """The release failed and was not led back, as `on_fail: hold` asks: users are served by the old one, the new one stays."""

    exit = Exit.HELD


class Partial(FairwayError):
    """Some of the work is done and some is not."""

    exit = Exit.PARTIAL


class Locked(FairwayError):
    """Somebody else holds the lease of this environment."""

    exit = Exit.LOCKED


class Refused(FairwayError):
    """A policy says no: a dirty tree, a stage that has not passed, an unknown commit."""

    exit = Exit.REFUSED


class PolicyRefused(Refused):
    """What an environment requires is not there: all of it, each with the rule, the image, and how to satisfy it."""

    def __init__(self, what: str, problems: Iterable[Problem], *, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems

    def __str__(self) -> str:
        return "\n".join([self.what, *(str(problem) for problem in self._problems)])


def _order(problem: Problem) -> tuple[str, int, tuple[str, ...], str]:
    where = problem.where
    file, line = (where.file, where.line) if isinstance(where, Location) else (str(where or ""), 0)
    return file, line, problem.path, problem.what


def shorten(text: str, limit: int = 2000) -> str:
    """The first `limit` characters of what somebody else said: a server's answer can be long."""
    text = text.strip()
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit} more characters)"
