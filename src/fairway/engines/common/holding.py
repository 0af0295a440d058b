"""Who holds a lease, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from fairway.ports import Holder


def describe(holder: Holder) -> str:
    since = datetime.fromtimestamp(holder.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{holder.by} holds it since {since}: {holder.doing}"
