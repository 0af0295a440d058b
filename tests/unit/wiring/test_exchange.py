"""The authority of the gateways is exchanged: wherever that is interrupted, every two of them can speak, and it can go on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from fairway.model.errors import Partial
from fairway.model.peers import Identity
from fairway.wiring import identities as room
from fairway.wiring.identities import FILES, Exchange, identities
from tests.unit.wiring.test_edge import Kept

pytestmark = pytest.mark.anyio

HOSTS = ("a", "b", "c")


class Killed(Exception):
    pass


@dataclass
class Gateways:
    """`budget`: how many certificates are brought until the deployer is killed."""

    shelf: Kept = field(default_factory=Kept)
    shows: dict[str, Identity] = field(default_factory=dict)
    budget: int = 1000
    lost: tuple[str, ...] = ()

    async def start(self) -> None:
        shown = {host: self.shows[host].certificate if host in self.shows else "" for host in HOSTS}
        self.shows |= await identities(self.shelf, shown)

    async def show(self, wanted: Mapping[str, Identity]) -> Collection[str]:
        for host, identity in wanted.items():
            if host in self.lost:
                continue
            if not self.budget:
                raise Killed
            self.budget -= 1
            self.shows[host] = identity
            self.speak()
        return [host for host in wanted if host not in self.lost]

    async def strangers(self) -> Collection[str]:
        return ()

    def exchange(self) -> Exchange:
        return Exchange(self.shelf, lambda: HOSTS, self.show, self.strangers)

    async def rotate(self) -> list[str]:
        exchange = self.exchange()
        await exchange.begin()
        said = []
        while done := await exchange.advance():
            said.append(done)
        return said

    def speak(self) -> None:
        """Each trusts the authority of every other one."""
        for one in self.shows.values():
            certificate = x509.load_pem_x509_certificate(one.certificate.encode())
            for other in self.shows.values():
                trusted = x509.load_pem_x509_certificates(other.trusted.encode())
                assert certificate.issuer in {authority.subject for authority in trusted}

    @property
    def authorities(self) -> set[str]:
        return {one.trusted for one in self.shows.values()}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SETTLED", 0)


async def test_in_three_steps_all_have_another_one() -> None:
    gateways = Gateways()
    await gateways.start()
    [before] = gateways.authorities
    assert len(await gateways.rotate()) == 3
    [after] = gateways.authorities
    assert before != after
    assert before not in after
    shown = dict(gateways.shows)
    await gateways.start()
    assert gateways.shows == shown, "who comes next has nothing to do"
    assert len(await gateways.rotate()) == 3
    assert gateways.authorities.isdisjoint({before, after})


@given(st.lists(st.integers(0, 8), max_size=4))
@settings(max_examples=25)
def test_who_is_killed_is_followed_by_whoever_comes(kills: list[int]) -> None:
    """Other deployers bring certificates meanwhile, too."""
    import anyio

    async def play() -> None:
        gateways = Gateways()
        await gateways.start()
        before = gateways.authorities
        for budget in kills:
            gateways.budget = budget
            with pytest.raises(Killed):
                await gateways.rotate()
                raise Killed
            gateways.budget = 1000
            await gateways.start()
            gateways.speak()
        await gateways.rotate()
        assert len(gateways.authorities) == 1
        assert gateways.authorities != before

    anyio.run(play)


async def test_a_host_that_is_away_stops_it_and_a_torn_file_is_none() -> None:
    gateways = Gateways(lost=("b",))
    await gateways.start()
    with pytest.raises(Partial, match="b does not answer"):
        await gateways.rotate()
    gateways.speak()
    gateways.lost = ()
    await gateways.rotate()
    newest = max(FILES, key=lambda name: gateways.shelf.kept[name].count(b"sequence") and gateways.shelf.kept[name])
    gateways.shelf.kept[newest] = gateways.shelf.kept[newest][:40]
    await gateways.start()
    gateways.speak()
