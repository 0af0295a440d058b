"""What an environment requires of the images that come there."""

from __future__ import annotations

from fnmatch import fnmatchcase

from msgspec import Struct

from fairway.model.evidence import PublicKey

NAMES = ("tests", "clean", "branch", "tag", "promoted_from", "signed_by", "max_age", "approvals")


class Promotion(Struct, frozen=True):
    """`seconds`: for how long the images have to have served there."""

    environment: str
    seconds: float = 0.0


class Approvals(Struct, frozen=True):
    count: int
    keys: tuple[PublicKey, ...]


class Rules(Struct, frozen=True, kw_only=True):
    """`tests` are names of stages; `branch` and `tag` are patterns, of which one has to fit; `max_age` is seconds.

    With `signed_by`, only what one of these keys has signed counts. `override` names the rules that somebody may go past who says why.
    """

    tests: tuple[str, ...] = ()
    clean: bool = False
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    promoted_from: Promotion | None = None
    signed_by: tuple[PublicKey, ...] = ()
    max_age: float | None = None
    approvals: Approvals | None = None
    override: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All that a signature may be by."""
        return (*self.signed_by, *(self.approvals.keys if self.approvals else ()))

    @property
    def asks(self) -> bool:
        """Whether statements are needed: what else is asked, the build's own record and a ledger know."""
        return bool(
            self.clean or self.branch or self.tag or self.signed_by or self.max_age is not None or self.approvals
        )


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """Patterns as a shell has them, several with | between them."""
    return any(fnmatchcase(name, one.strip()) for pattern in patterns for one in pattern.split("|"))
