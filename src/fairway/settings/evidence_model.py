"""What fairway.yaml says about evidence: who signs, and what an environment requires. Paths are as written; times are seconds."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from fairway.settings.types import Command, Count, Longer, Name, Overrides, Seconds, VariableName


class SignSettings(Struct, frozen=True, kw_only=True):
    """Of `environment`, `key` and `command`, the first that a machine has signs. `public` goes with `command`, `identity` with `key`."""

    short: ClassVar[str] = "key"

    key: str | None = None
    identity: str | None = None
    environment: VariableName | None = None
    command: Command | None = None
    public: str | None = None


class PromotedFromSettings(Struct, frozen=True, kw_only=True):
    """In the file, the environment alone will do."""

    short: ClassVar[str] = "environment"

    environment: Name
    at_least: Seconds = field(default=0.0, name="for")


class ApprovalSettings(Struct, frozen=True, kw_only=True):
    count: Count = 1
    keys: tuple[str, ...]


class RequireSettings(Struct, frozen=True, kw_only=True):
    """`tests` None means every stage. In the file, the stages alone will do."""

    short: ClassVar[str] = "tests"

    tests: tuple[Name, ...] | None = None
    clean: bool = False
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    promoted_from: PromotedFromSettings | None = None
    signed_by: tuple[str, ...] = ()
    max_age: Longer | None = None
    approvals: ApprovalSettings | None = None
    override: Overrides = ()
