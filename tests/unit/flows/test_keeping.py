"""What hosts keep of earlier releases, and where the way back gets its secrets from."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.errors import EngineError, ReleaseFailed
from fairway.model.events import Note
from fairway.model.garbage import Retention
from tests.unit.flows.place import Place
from tests.unit.rollout.parts import Spec, Specs

pytestmark = pytest.mark.anyio

SPEC = Spec(replicas=1, routed=True)


def version(number: int) -> Specs:
    return {"web": replace(SPEC, version=number)}


async def test_the_files_of_the_last_releases_stay(place: Place) -> None:
    place.retention = Retention(releases=2, younger_than=0)
    for number in (1, 2, 3):
        place.secrets = {"token": b"%d" % number}
        await place.deploy(version(number))
    assert place.kept == [(1,), (1, 2), (1, 2, 3)], "what served until just now is kept until the next release"
    place.house.engine.refuses["ensure web-r4 1"] = EngineError("bad image")
    place.secrets = {"token": b"4"}
    assert isinstance(await place.deploying(version(4)).fails(), ReleaseFailed)
    assert place.kept[-1] == (2, 3), "nothing of what failed"


async def test_an_application_without_secrets_has_nothing_to_keep(place: Place) -> None:
    await place.deploy(version(1))
    await place.deploy(version(2))
    assert place.kept == []


async def test_what_cannot_be_tidied_up_is_told_and_no_failure(place: Place) -> None:
    async def keep(releases: object) -> None:
        raise EngineError("The files of earlier releases could not be removed")

    place.keep = keep  # type: ignore[method-assign]
    place.secrets = {"token": b"1"}
    await place.deploy(version(1))
    told = [event.text for event in place.house.events if isinstance(event, Note)]
    assert told == ["The files of earlier releases could not be removed: the next deployment tries again"]


async def test_the_way_back_asks_for_what_the_new_release_has_otherwise(place: Place) -> None:
    place.secrets = {"token": b"old", "same": b"s"}
    await place.deploy({"web": replace(SPEC, version=1, replicas=2, surge=1)})
    place.secrets, place.kept_values = {"token": b"new", "same": b"s"}, {"token": b"old", "same": b"s"}
    place.house.engine.refuses["ensure web-r2 2"] = EngineError("bad image")
    spec = replace(SPEC, version=2, replicas=2, surge=1)
    story = place.deploying({"web": spec}, web={"max_unavailable": 1})
    await story.fails()
    assert place.house.engine.entrusted[-1] == {"token": b"old", "same": b"s"}
