"""What replicas use, side by side: those that run, those that do not, and those whose host is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import pytest
from msgspec.structs import replace

from fairway.flows.context import Target
from fairway.flows.stats import stats
from fairway.model.errors import UsageError
from fairway.model.fleet import Fleet, Replica, State
from fairway.model.release import Record, Revision
from fairway.model.usage import Sample, Usage
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import ENVIRONMENT, Spec
from tests.unit.rollout.test_plans import world

pytestmark = pytest.mark.anyio
WEB, DB = Revision("web", 1, "w"), Revision("db", 1, "d")


def replica(revision: Revision, index: int, host: str, state: State = State.RUNNING) -> Replica:
    name = f"{ENVIRONMENT.key}-{revision.name}-{index}"
    return Replica(id=name, name=name, revision=revision, index=index, host=host, state=state)


class Hosts:
    """An engine, a console and a ledger of a fleet; each look is a second later, and each replica has used half of it."""

    def __init__(self, *replicas: Replica) -> None:
        self.replicas = list(replicas)
        self.gone: dict[str, str] = {}
        self.looks = 0

    async def observe(self) -> Fleet:
        there = tuple(one for one in self.replicas if one.host not in self.gone)
        return Fleet(environment=ENVIRONMENT, replicas=there)

    async def sample(self, replicas: Sequence[Replica]) -> Mapping[str, Sample]:
        self.looks += 1
        assert all(one.state is State.RUNNING for one in replicas)
        return {one.id: Sample(at=self.looks, cpu=self.looks / 2, memory=5, pids=1) for one in replicas}

    async def read(self) -> tuple[Record, ...]:
        (record,) = world({"web": Spec(replicas=3), "db": Spec()}).records
        revisions = {"web": WEB, "db": DB}
        return (replace(record, release=replace(record.release, revisions=revisions)),)

    def watch(self, service: str | None = None) -> AsyncGenerator[tuple[Usage, ...], None]:
        target: Target = replace(
            Place().target(),
            engine=self,
            console=self,
            ledger=self,
            lost=lambda: self.gone,
        )
        return stats(target, service, every=0.0)


FOUR = (replica(WEB, 1, "h1"), replica(WEB, 2, "h2"), replica(WEB, 3, "h3"), replica(DB, 1, "h1", State.EXITED))


async def test_all_are_told_side_by_side() -> None:
    async with aclosing(Hosts(*FOUR).watch()) as found:
        usages = await anext(found)
    assert [(usage.replica, usage.host, usage.state, usage.cpu) for usage in usages] == [
        ("shop-production-db-r1-1", "h1", "exited", None),
        ("shop-production-web-r1-1", "h1", "running", 0.5),
        ("shop-production-web-r1-2", "h2", "running", 0.5),
        ("shop-production-web-r1-3", "h3", "running", 0.5),
    ]
    assert (usages[1].memory, usages[1].pids, usages[1].limit) == (5, 1, None)


async def test_one_service_alone() -> None:
    async with aclosing(Hosts(*FOUR).watch("web")) as found:
        assert {usage.service for usage in await anext(found)} == {"web"}
    with pytest.raises(UsageError) as caught:
        await anext(Hosts(*FOUR).watch("shop"))
    assert caught.value.hint == "services with replicas: db, web"


async def test_replicas_of_a_host_that_is_lost_meanwhile_are_told_to_be_there() -> None:
    hosts = Hosts(*FOUR)
    async with aclosing(hosts.watch()) as found:
        await anext(found)
        hosts.gone = {"h2": "no answer"}
        lost = [usage for usage in await anext(found) if usage.state == "lost"]
        assert [(usage.replica, usage.host, usage.cpu) for usage in lost] == [("shop-production-web-r1-2", "h2", None)]
        hosts.gone = {}
        assert [usage.state for usage in await anext(found)] == ["exited", "running", "running", "running"]


async def test_of_a_host_that_was_lost_before_the_release_tells_what_it_had() -> None:
    hosts = Hosts(*FOUR)
    hosts.gone = {"h3": "no answer"}
    async with aclosing(hosts.watch("web")) as found:
        usages = await anext(found)
    assert [(usage.host, usage.state) for usage in usages] == [("h1", "running"), ("h2", "running"), ("h3", "lost")]


async def test_of_several_lost_hosts_nobody_knows_which() -> None:
    hosts = Hosts(*FOUR)
    hosts.gone = {"h2": "no answer", "h3": "no answer"}
    async with aclosing(hosts.watch("web")) as found:
        assert [usage.host for usage in await anext(found)] == ["h1", "?", "?"]


async def test_a_replica_that_comes_is_told_without_its_share() -> None:
    hosts = Hosts(*FOUR[:1])
    async with aclosing(hosts.watch()) as found:
        await anext(found)
        hosts.replicas.append(FOUR[1])
        assert [usage.cpu for usage in await anext(found)] == [0.5, None]
        assert [usage.cpu for usage in await anext(found)] == [0.5, 0.5]
