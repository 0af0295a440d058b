"""The story of an audit: what cannot be asked is told, and hides nothing of the rest."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from fairway.flows.audit import Papers, hardened, inspect
from fairway.model.app import App, Service
from fairway.model.errors import EngineError, EngineUnreachable
from fairway.model.hardening import Hardening
from fairway.model.policy import ServicePolicy
from fairway.model.security import Unseen
from fairway.model.security_facts import HostSecurity, ImageFacts, Recipe
from fairway.wiring.audit import maintained

pytestmark = pytest.mark.anyio


class Place:
    """A host with images, by reference; `broken` says what it cannot do."""

    def __init__(self, *images: ImageFacts, broken: str = "", **host: object) -> None:
        self.images = {image.reference: image for image in images}
        self.broken = broken
        self.facts = HostSecurity(**host)  # type: ignore[arg-type]
        self.asked: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Place]:
        if self.broken == "open":
            raise EngineUnreachable("No Docker engine answers", why="nothing listens there")
        yield self

    async def host(self) -> HostSecurity:
        if self.broken == "host":
            raise EngineError("It does not tell")
        return self.facts

    async def image(self, reference: str, *, files: bool = True) -> ImageFacts | None:
        self.asked.append(reference)
        if self.broken == "image":
            raise EngineError("It cannot be read")
        return self.images.get(reference)


ROOT = ImageFacts(reference="redis:7", user="", setuid=(), keys=())


def papers(**references: str) -> Papers:
    services = {name: Service(name=name, image="redis:7") for name in ("a", "b")}
    return Papers(
        app=App(name="shop", services=services),
        known=maintained(),
        today=date(2026, 11, 1),
        references=references or {"a": "redis:7", "b": "redis:7"},
    )


async def test_an_image_is_read_once_on_the_first_host_that_has_it() -> None:
    first, second, third = Place(), Place(ROOT), Place(ROOT)
    found = await inspect(papers(), {"1": first, "2": second, "3": third}, lambda event: None)
    assert (first.asked, second.asked, third.asked) == (["redis:7"], ["redis:7"], [])
    assert found.unseen == ()
    assert [f.service for f in found.findings if f.rule == "FW-C001"] == ["a", "b"]


async def test_what_cannot_be_asked_is_told_and_hides_nothing() -> None:
    hosts = {
        "down": Place(broken="open"),
        "mute": Place(broken="host"),
        "torn": Place(ROOT, broken="image", icc=True),
        "well": Place(ROOT, live_restore=False),
    }
    found = await inspect(papers(a="redis:7"), hosts, lambda event: None)
    assert found.unseen == (
        Unseen("host down", "No Docker engine answers: nothing listens there"),
        Unseen("host mute", "It does not tell"),
        Unseen("the image of a on torn", "It cannot be read"),
        Unseen("the image of b", "nothing has been built of this commit here"),
    )
    assert {f.host for f in found.findings if f.host} == {"torn", "well"}
    assert [f.service for f in found.findings if f.rule == "FW-C001"] == ["a"]


async def test_without_hosts_only_files_are_looked_at() -> None:
    found = await inspect(papers(), None, lambda event: None)
    assert found.unseen == (Unseen("hosts and images", "only files were looked at"),)
    assert "FW-C015" in {finding.rule for finding in found.findings}


async def test_what_is_deployed_is_what_is_audited() -> None:
    strict = {name: ServicePolicy(hardening=Hardening(strict=True)) for name in ("a", "b")}
    plain = papers(a="redis:7")
    plain = Papers(
        app=plain.app,
        known=plain.known,
        today=plain.today,
        references=plain.references,
        policies=strict,
        recipes={"b": Recipe(file="Dockerfile", user="app")},
    )
    found = await inspect(plain, {"1": Place(ROOT)}, lambda event: None)
    assert not {"FW-C001", "FW-C015", "FW-C016", "FW-C017", "FW-C019"} & {f.rule for f in found.findings}
    whole, unseen = await hardened(plain, {"1": Place(ROOT)})
    assert [whole.app.services[name].user for name in ("a", "b")] == ["65532:65532", None]
    assert [one.what for one in unseen] == ["the image of b"]
