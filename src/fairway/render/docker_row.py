"""The shape of a row of docker_table.py."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    HONOURED = "honoured"
    PARTLY = "partly"
    """Honoured but for what `refused` says."""
    UNUSED = "not used"
    """Has no meaning for a deployment."""
    REFUSED = "refused"


class Row(Struct, frozen=True):
    path: str
    how: str = ""
    refused: str = ""
    hint: str = ""
    api: tuple[int, int] | None = None
    """The oldest version of Docker's API that knows it."""

    @property
    def kind(self) -> Kind:
        if self.how.startswith("not used"):
            return Kind.UNUSED
        if self.refused or self.api:
            return Kind.PARTLY if self.how else Kind.REFUSED
        return Kind.HONOURED
