"""The managers of a Swarm as one: a call goes to one that answers, and to the next where it does not, or has lost the others."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any

from fairway.model.errors import EngineError, EngineUnreachable
from fairway.net.blindness import Blindness
from fairway.net.client import Caller, Docker, DockerError, Parameter
from fairway.net.errors import unreachable

ANSWER = 5.0
"""Seconds that a manager has to answer before the next one is asked. One that is cut off from the others needs longer."""
PATIENCE = 30.0
"""Seconds in which the managers have elected a leader again, where one was lost."""
GONE = 404
OVERTAKEN = "out of sequence"
"""In what they say to who wants to change what somebody else has changed meanwhile."""
PING = 2.0
AGAIN = 0.25
_LEADERLESS = re.compile(
    r"DeadlineExceeded|deadline exceeded|not have a leader|no elected|lost leadership|Unavailable|raft|transport|"
    r"not a swarm manager|connection (refused|error)|being removed|context canceled|connection is closing|code = Canceled"
)


class Managers(Caller):
    """`engines` by their hosts' names; whoever made them may take some away meanwhile. Calls raise DockerError where the Swarm
    refuses, EngineUnreachable where no manager answers, EngineError where none can lead within `patience`."""

    def __init__(self, engines: Mapping[str, Docker], *, patience: float = PATIENCE) -> None:
        self.engines = engines
        self.patience = patience
        self._name = next(iter(engines), "")
        self._blindness = Blindness()

    @property
    def name(self) -> str:
        """The host of the manager that is spoken to now."""
        return self._name

    @property
    def blind(self) -> float:
        """Seconds, in all, in which no manager could tell anything: they were electing a leader."""
        return self._blindness.seconds

    @contextmanager
    def asking_for(self, seconds: float) -> Iterator[None]:
        """Be so patient, at least."""
        before, self.patience = self.patience, max(self.patience, seconds)
        try:
            yield
        finally:
            self.patience = before

    @property
    def docker(self) -> Docker:
        """The manager that is spoken to now. Raises EngineUnreachable where none is left."""
        if self._name not in self.engines:
            self._name = next(iter(self.engines), "")
        if not self._name:
            raise EngineUnreachable("no manager of the Swarm answers", hint="check the hosts, and the network to them")
        return self.engines[self._name]

    def pass_over(self, name: str) -> None:
        """Speak to the manager after that one, unless another one is spoken to already."""
        names = list(self.engines)
        if self._name == name and names:
            self._name = names[(names.index(name) + 1) % len(names)] if name in names else names[0]

    async def found(self, path: str) -> dict[str, Any] | None:
        """None where there is no such thing."""
        try:
            return dict(await self.get(path))
        except DockerError as error:
            if error.status != GONE:
                raise
            return None

    async def remove(self, path: str) -> None:
        """Whoever did it."""
        try:
            await self.delete(path)
        except DockerError as error:
            if error.status != GONE:
                raise

    async def call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Parameter],
        body: Any = None,
        *,
        answer: float = ANSWER,
        patience: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What a manager answers. A call whose answer was lost is made again: let those that change something be safe to repeat."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            failed: Exception | None = None
            began = time.monotonic()
            for _ in range(max(1, len(self.engines))):
                docker, name = self.docker, self._name
                try:
                    async with asyncio.timeout(answer):
                        said = await docker.call(method, path, params, body, headers=headers)
                    self._blindness.end()
                    return said
                except DockerError as error:
                    if not leaderless(error):
                        self._blindness.end()
                        raise
                    failed = error
                except (OSError, TimeoutError) as error:
                    failed = error
                self.pass_over(name)
            self._blindness.begin(began)
            if time.monotonic() + AGAIN > deadline:
                raise await self._failure(failed) from failed
            await asyncio.sleep(AGAIN)

    async def events(self, filters: Mapping[str, list[str]]) -> AsyncGenerator[dict[str, Any] | None, None]:
        """The events of a manager, of whichever answers; None at once, and each time it may have missed some."""
        waited = 0.0
        while True:
            docker, name = self.docker, self._name
            with suppress(OSError, TimeoutError):
                async with docker.open("GET", "events", {"filters": filters}) as stream:
                    yield None
                    waited = 0.0
                    async with aclosing(stream.lines()) as lines:
                        async for event in lines:
                            yield event
            self.pass_over(name)
            if waited > self.patience:
                raise EngineUnreachable("no manager of the Swarm answers", where=name)
            await asyncio.sleep(AGAIN)
            waited += AGAIN

    async def _failure(self, error: Exception | None) -> Exception:
        """A manager without a leader refuses, or says nothing: its engine answers all the same."""
        where = ", ".join(self.engines) or self._name
        if isinstance(error, DockerError) or (isinstance(error, TimeoutError) and await self._any_answers()):
            return EngineError(
                "The Swarm has no leader",
                where=where,
                why=error.message if isinstance(error, DockerError) else "no manager answers for it",
                hint="more than half of its managers have to be there: docker node ls",
            )
        return unreachable(where, error or TimeoutError())

    async def _any_answers(self) -> bool:
        async def answers(docker: Docker) -> bool:
            try:
                async with asyncio.timeout(PING), docker.open("GET", "_ping") as said:
                    return said.status == 200
            except (DockerError, OSError, TimeoutError):
                return False

        return any(await asyncio.gather(*(answers(docker) for docker in list(self.engines.values()))))


def leaderless(error: DockerError) -> bool:
    """Whether this manager cannot speak for the Swarm now, while another one may."""
    return error.status == 503 or (error.status == 500 and bool(_LEADERLESS.search(error.message)))
