"""Orders to a rollout, as labels tell them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from fairway.model.orders import Order, Signal
from fairway.render import names


def token() -> str:
    """Tells an order from every other one."""
    return f"{time.time_ns()}-{os.urandom(4).hex()}"


def order_of(labels: Mapping[str, str], at: float, key: str) -> Signal | None:
    """None where the labels are no order that this Fairway knows."""
    try:
        order, release, phase = Order(labels[names.ORDER]), int(labels[names.RELEASE]), int(labels.get(names.PHASE, 0))
    except (KeyError, ValueError):
        return None
    return Signal(order=order, release=release, by=labels.get(names.BY, "somebody"), at=at, phase=phase, key=key)
