"""What containers print, and have printed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from fairway.engines.common.lines import Stamped, after, stamped
from fairway.engines.docker.observed import GONE, Json, inspect
from fairway.model.fleet import Replica
from fairway.net.client import Docker, DockerError, Parameter
from fairway.net.containers import messages, printed
from fairway.ports import LogLine

UNREADABLE = 501


async def lines(
    docker: Docker,
    replica: Replica,
    *,
    follow: bool = False,
    since: str | None = None,
    tail: int | None = None,
) -> AsyncGenerator[Stamped, None]:
    """`since` is seconds since the epoch, as decimal text. Nothing where the container is gone."""
    shown = await inspect(docker, replica.id)
    if shown is None:
        return
    asked: dict[str, Parameter] = {"since": since or None, "tail": tail}
    seen: str | None = None
    async with aclosing(_read(docker, replica, shown, {**asked, "follow": follow})) as found:
        async for item in found:
            seen = item.stamp
            yield item
    if follow and seen != "":
        # Docker's engine drops a last line without an end for whoever follows; it is there for who asks later
        asked = {"since": after(seen)} if seen else asked
        async with aclosing(_read(docker, replica, shown, asked)) as rest:
            async for item in rest:
                yield item


async def _read(
    docker: Docker, replica: Replica, shown: Json, asked: Mapping[str, Parameter]
) -> AsyncGenerator[Stamped, None]:
    tty = shown["Config"]["Tty"]
    asked = {"stdout": True, "stderr": True, "timestamps": True, **asked}
    try:
        async with docker.open("GET", f"containers/{replica.id}/logs", asked) as answer:
            said = messages(answer, tty=tty)
            async for item in stamped(replica, said, tty=tty):
                yield item
    except DockerError as error:
        if _unreadable(error):
            yield Stamped("", LogLine(replica, 0.0, _nothing(shown), "stderr"))
        elif error.status not in GONE:
            raise


async def last_lines(docker: Docker, container: str, count: int) -> str:
    """What it printed last, whether it runs or not; nothing where it is gone."""
    shown = await inspect(docker, container)
    if shown is None:
        return ""
    try:
        said = await printed(docker, container, tty=shown["Config"]["Tty"], stdout=True, stderr=True, tail=count)
    except DockerError as error:
        if _unreadable(error):
            return _nothing(shown)
        if error.status in GONE:
            return ""
        raise
    return "\n".join(said.splitlines()[-count:])


def _unreadable(error: DockerError) -> bool:
    return error.status == UNREADABLE or "does not support reading" in error.message


def _nothing(container: Json) -> str:
    return f"(the logging driver {container['HostConfig']['LogConfig']['Type']} keeps nothing to read)"
