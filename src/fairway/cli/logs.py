"""fairway logs: what all replicas print, merged in the order of time."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

from fairway.cli.arguments import Parameter
from fairway.cli.common import Common, Json, Options, seconds, show
from fairway.cli.session import session
from fairway.model.errors import UsageError
from fairway.ports import LogLine

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


async def logs(
    environment: str | None = None,
    service: str | None = None,
    *,
    follow: Annotated[bool, Parameter(("--follow", "-f"))] = False,
    since: str | None = None,
    tail: int | None = None,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Show the logs of all replicas, merged in the order of their times.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    service:
        Only this service.
    follow:
        Go on as lines come, new replicas included, until interrupted.
    since:
        Only what is younger: 10m, or a time such as 2026-11-21T08:00:00Z.
    tail:
        Only the last lines of each replica.
    json:
        Print one JSON object a line.
    """
    async with session(options, environment, "logs") as here:
        fleet = await here.target.engine.observe()
        replicas = [replica for replica in fleet.replicas if service in (None, replica.revision.service)]
        if service and not replicas:
            known = ", ".join(sorted({replica.revision.service for replica in fleet.replicas})) or "none"
            raise UsageError(f"no replica of {service!r} is here", hint=f"services with replicas: {known}")
        async for line in here.target.console.logs(
            replicas, follow=follow, since=_since(since, here.target.seconds), tail=tail
        ):
            show(_json(line) if json else _text(line))


def _text(line: LogLine) -> str:
    name = line.replica.name
    if sys.stdout.isatty():
        colour = COLOURS[sum(name.encode()) % len(COLOURS)]
        name = f"\033[{colour}m{name}\033[0m"
    return f"{name} │ {line.text}"


def _json(line: LogLine) -> str:
    import msgspec

    facts = {
        "at": datetime.fromtimestamp(line.at, UTC).isoformat(),
        "service": line.replica.revision.service,
        "replica": line.replica.name,
        "host": line.replica.host,
        "stream": line.stream,
        "text": line.text,
    }
    return msgspec.json.encode(facts).decode()


def _since(text: str | None, now: float) -> float | None:
    """`now`: by the clock of the host, which has written the lines' times."""
    if text is None:
        return None
    if "-" in text:
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            raise UsageError(f"{text!r} is no time", hint="write 10m, or 2026-11-21T08:00:00Z") from None
    return now - seconds(text)
