"""What an operator tells a rollout that is under way, from any machine."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Order(StrEnum):
    APPROVE = "approve"
    """Leave the phase that waits for it."""
    PAUSE = "pause"
    """Do not leave the phase that the rollout is in."""
    RESUME = "resume"
    """Take a pause back."""
    PROMOTE = "promote"
    """Leave every phase at once: all traffic to the new revision, as soon as it is ready."""
    ABORT = "abort"
    """Lead back to what served before. Beats every other order."""


class Signal(Struct, frozen=True, kw_only=True):
    """An order as given: for which release, by whom (user@machine), and when (seconds since the epoch, the engine's clock).

    `phase` is the phase that was approved; 0 for other orders. `key` is the same wherever the order is kept.
    """

    order: Order
    release: int
    by: str
    at: float
    phase: int = 0
    key: str = ""
