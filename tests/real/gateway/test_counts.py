"""What the gateway has counted for each revision, exactly, for the judge looks at nothing else."""

from __future__ import annotations

import asyncio

import pytest

from fairway.model.judgement import Counts
from fairway.model.policy import Match
from fairway.model.release import Revision
from fairway.model.routes import Endpoint, Steering
from tests.real.gateway.place import Place
from tests.real.gateway.replicas import PORT, backend
from tests.real.gateway.users import Users

pytestmark = pytest.mark.anyio
OLD, NEW = (Revision("web", number, backend(f"web-r{number}").digest) for number in (1, 2))
TO_NEW = "x-new: 1\r\n"


async def test_good_bad_and_slow_requests_are_counted_exactly(place: Place) -> None:
    old, new = await place.start("v1", "v2")
    await place.steer(old, new, 0, Steering(revision="web-r2", match=(Match(header="x-new"),)))
    users = Users(place)
    before = await place.traffic.counts([OLD, NEW])
    assert before["web-r1"].counters["upstream_rq_total"] == before["web-r2"].counters["upstream_rq_total"] == 0
    for round_ in range(1, 11):
        await asyncio.gather(
            users.many(300, lambda i: ("/error" if i % 10 == 0 else "/", "GET", TO_NEW)),
            users.many(120, lambda i: ("/error" if i % 40 == 0 else "/", "GET", "")),
            users.many(7, lambda i: ("/slow?s=0.3", "GET", TO_NEW)),
        )
        found = await place.traffic.counts([OLD, NEW])
        told = {name: Counts.between(before[name], scrape) for name, scrape in found.items()}
        one, other = told["web-r1"], told["web-r2"]
        assert one
        assert other
        assert (one.requests, one.errors, one.timed) == (120 * round_, 3 * round_, 120 * round_)
        assert (other.requests, other.errors, other.timed) == (307 * round_, 30 * round_, 307 * round_)
        assert other.slower(200) == 7 * round_
        assert max(found["web-r2"].times) == 3_600_000
    users.close()


async def test_requests_without_a_connection_are_errors(place: Place) -> None:
    [old] = await place.start("v1")
    nobody = Endpoint(f"{place.replicas.subnet}.99", 1)
    await place.steer(old, nobody, 0, Steering(revision="web-r2", match=(Match(header="x-new"),)))
    users = Users(place)
    before = (await place.traffic.counts([NEW]))["web-r2"]
    assert await users.many(3, lambda _: ("/", "GET", TO_NEW)) == {" 503": 3}
    after = (await place.traffic.counts([NEW]))["web-r2"]
    assert (after.counters["upstream_rq_total"], after.counters["upstream_rq_5xx"]) == (0, 3)
    assert Counts.between(before, after) == Counts(3, 3, dict.fromkeys(after.times, 0))
    users.close()


async def test_what_the_gateway_does_not_know_is_left_out(place: Place) -> None:
    [old] = await place.start("v1")
    counts = place.traffic.counts
    assert await counts([]) == {}
    assert await counts([OLD]) == {}
    await place.traffic.apply(place.table(place.service(backend("web-r1", old))))
    assert set(await counts([OLD, NEW])) == {"web-r1"}
    assert await counts([Revision("web", 1, "sha256:another")]) == {}
    assert await counts([Revision("we.", 1, OLD.digest)]) == {}


async def test_many_revisions_are_told_whole(place: Place) -> None:
    [old] = await place.start("v1")
    backends = [backend(f"web-r{number}", Endpoint(old.address, PORT), weight=1) for number in range(1, 201)]
    await place.traffic.apply(place.table(place.service(*backends)))
    wanted = [Revision("web", number, one.digest) for number, one in enumerate(backends, 1)]
    users = Users(place)
    await users.many(1000)
    found = await place.traffic.counts(wanted)
    assert len(found) == 200
    assert sum(scrape.counters["upstream_rq_total"] for scrape in found.values()) == 1000
    assert sum(max(scrape.times.values(), default=0) for scrape in found.values()) == 1000
    users.close()
