"""What tasks print: a manager asks the node that they are on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any

from fairway.engines.common.lines import Stamped, after, stamped
from fairway.model.fleet import Replica
from fairway.net.client import DockerError, Parameter
from fairway.net.containers import messages
from fairway.net.managers import Managers, leaderless

Json = Mapping[str, Any]
SILENCE = 5.0
"""Seconds that a node has to say something of what it has: one that is lost never does."""
QUIET = 0.5
"""Seconds without a line after which a task that has ended has said all: Swarm does not end the stream."""
AGAIN = 1.0
"""Seconds after which one is followed again whose manager was lost."""


async def last_lines(managers: Managers, task: Json, count: int) -> str:
    """What it printed last; nothing where its node does not tell."""
    said: list[bytes] = []
    params: dict[str, Parameter] = {"stdout": True, "stderr": True, "tail": count}
    try:
        async with asyncio.timeout(SILENCE), managers.docker.open("GET", f"tasks/{task['ID']}/logs", params) as answer:
            said = [message.data async for message in messages(answer, tty=_tty(task))]
    except (DockerError, TimeoutError, ConnectionError):
        pass  # what it ended with is told all the same
    return "\n".join(b"".join(said).decode(errors="replace").splitlines()[-count:])


async def lines(
    managers: Managers,
    task: Json,
    replica: Replica,
    *,
    follow: bool = False,
    since: str | None = None,
    tail: int | None = None,
) -> AsyncGenerator[Stamped, None]:
    """`since` is seconds since the epoch, as decimal text. One that does not follow ends where its node is silent."""
    params: dict[str, Parameter] = {"stdout": True, "stderr": True, "timestamps": True, "follow": follow}
    params |= {"since": since.partition(".")[0] if since else None, "tail": tail}  # Swarm counts whole seconds
    try:
        async with managers.docker.open("GET", f"tasks/{task['ID']}/logs", params) as answer:
            said = messages(answer, tty=_tty(task), silence=None if follow else SILENCE)
            async with aclosing(stamped(replica, said, tty=_tty(task))) as found:
                async for item in found:
                    if not since or after(item.stamp, 0) >= since:
                        yield item
    except TimeoutError:
        return
    except DockerError as error:
        if error.status not in (404, 409, 501):
            raise


async def followed(
    managers: Managers, task: Json, replica: Replica, ended: asyncio.Event, since: str | None = None
) -> AsyncGenerator[Stamped, None]:
    """As they come, whichever manager tells of them, until the task has `ended` and said all.

    Docker's engine drops a last line without an end for whoever follows: it is there for who asks later.
    """
    while not ended.is_set():
        name = managers.name
        live = _until_silent(lines(managers, task, replica, follow=True, since=since), ended)
        async with aclosing(live) as said:
            async for item in said:
                since = after(item.stamp)
                yield item
        if not ended.is_set():
            managers.pass_over(name)
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    await ended.wait()
    async with aclosing(lines(managers, task, replica, since=since)) as said:
        async for item in said:
            yield item


async def _until_silent(stream: AsyncGenerator[Stamped, None], ended: asyncio.Event) -> AsyncGenerator[Stamped, None]:
    """A manager that is lost says nothing more."""
    over = asyncio.ensure_future(ended.wait())
    coming = asyncio.ensure_future(anext(stream, None))
    try:
        while True:
            quiet = QUIET if over.done() else None
            await asyncio.wait(
                [coming] if quiet else [coming, over], timeout=quiet, return_when=asyncio.FIRST_COMPLETED
            )
            if coming.done():
                if (item := coming.result()) is None:
                    return
                yield item
                coming = asyncio.ensure_future(anext(stream, None))
            elif quiet:
                return
    except DockerError as error:
        if not leaderless(error):
            raise
    except OSError:
        return
    finally:
        over.cancel()
        coming.cancel()
        await asyncio.gather(over, coming, return_exceptions=True)
        await stream.aclose()


def _tty(task: Json) -> bool:
    return bool(task["Spec"]["ContainerSpec"].get("TTY"))
