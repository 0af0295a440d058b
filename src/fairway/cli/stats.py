"""fairway stats: what the replicas use, on all hosts side by side."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import aclosing

from fairway.cli.common import Common, Flag, Json, Options, show, show_json, table
from fairway.cli.session import session
from fairway.flows.stats import stats as measure
from fairway.model.usage import Usage

HEADS = ("REPLICA", "HOST", "CPU", "MEMORY", "LIMIT", "MEMORY %", "NET IN", "NET OUT", "READ", "WRITTEN", "PIDS")
AGAIN = "\033[H\033[J"
"""Home, and clear what is below."""


async def stats(
    environment: str | None = None,
    service: str | None = None,
    *,
    watch: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Show what each replica uses: CPU (100 % is one CPU), memory, network, disk and processes.

    Memory is without what the kernel can drop at once. Network and disk are counted since the replica started.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    service:
        Only this service.
    watch:
        Go on, once a second, until interrupted.
    json:
        Print JSON; with --watch, one list a line.
    """
    async with session(options, environment, "stats") as here, aclosing(measure(here.target, service)) as found:
        async for usages in found:
            _print(usages, watch=watch, json=json)
            if not watch:
                break


def _print(usages: Sequence[Usage], *, watch: bool, json: bool) -> None:
    if json and watch:
        import msgspec

        show(msgspec.json.encode(usages).decode())
    elif json:
        show_json(usages)
    else:
        again = AGAIN if watch and sys.stdout.isatty() else ""
        show(again + text(usages) + ("\n" if watch and not again else ""))
    sys.stdout.flush()


def text(usages: Sequence[Usage]) -> str:
    if not usages:
        return "nothing runs here"
    reasons = dict.fromkeys(usage.why for usage in usages if usage.why)
    return "\n".join([table(HEADS, [_row(usage) for usage in usages]), *(f"unseen: {why}" for why in reasons)])


def _row(usage: Usage) -> tuple[str, ...]:
    if usage.state != "running":
        return (usage.replica, usage.host, usage.state, *[""] * (len(HEADS) - 3))
    share = f"{100 * usage.memory / usage.limit:.1f} %" if usage.memory is not None and usage.limit else "?"
    return (
        usage.replica,
        usage.host,
        "?" if usage.cpu is None else f"{100 * usage.cpu:.1f} %",
        size(usage.memory),
        size(usage.limit),
        share,
        *(size(count) for count in (usage.received, usage.sent, usage.read, usage.written)),
        "?" if usage.pids is None else str(usage.pids),
    )


def size(count: int | None) -> str:
    """In the unit in which it has one to four digits."""
    if count is None:
        return "?"
    for unit, factor in (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"
