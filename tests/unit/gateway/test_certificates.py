"""Which slot shows whose certificate, and the files and the script that bring it there."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.gateway.certificates import NOBODY, Delivery, arranged, owner, shown, stem
from fairway.model.errors import GatewayError
from fairway.net.certificates import placeholder
from fairway.render.envoy import read_version
from fairway.render.envoy_edge import ROOM
from tests.real.edge.authority import issue

NONE = stem(NOBODY, placeholder())
ONE, TWO, BARE = issue("one.test"), issue("two.test"), placeholder()
KEYS = ("shop-production", "shop-pro", "shop")


def named(environment: str, numbers: list[int]) -> list[str]:
    return [f"edge-{environment}-{number:016x}" for number in numbers]


SHOWN = st.tuples(st.sampled_from(KEYS), st.lists(st.integers(0, 5), max_size=3, unique=True))


@given(st.lists(SHOWN, max_size=8))
def test_each_environment_shows_what_it_said_last_and_changes_no_other(said: list[tuple[str, list[int]]]) -> None:
    now: tuple[str, ...] = ()
    wanted: dict[str, list[str]] = {}
    for environment, numbers in said:
        others = [
            (at, name)
            for at, name in enumerate(now)
            if name not in now[:at] and owner(name) not in (NOBODY, environment)
        ]
        if sum(len(names) for key, names in wanted.items() if key != environment) + len(numbers) > ROOM:
            with pytest.raises(GatewayError, match="room for 8"):
                arranged(now, environment, named(environment, numbers), NONE)
            continue
        wanted[environment] = named(environment, numbers)
        now = arranged(now, environment, wanted[environment], NONE)
        assert len(now) == ROOM
        assert all(now[at] == name for at, name in others), "what others show stays where it is"
        assert set(now) == {name for names in wanted.values() for name in names} or set(now) == {NONE}
        own = [name for name in dict.fromkeys(now) if owner(name) == environment]
        assert sorted(own) == sorted(wanted[environment])
        assert arranged(now, environment, wanted[environment], NONE) == now, "twice is once"


def test_the_first_is_the_first() -> None:
    now = arranged((), "shop", named("shop", [3, 1]), NONE)
    assert now[:3] == tuple(named("shop", [3, 1, 3]))


def test_an_exchange_touches_one_slot_and_no_key_is_in_what_envoy_or_the_shell_reads() -> None:
    there = Delivery.of((), "shop", (ONE, TWO), BARE)
    assert sorted(there.contents) == sorted(
        f"{stem('shop', one)}{end}" for one in (ONE, TWO) for end in (".pem", "-key.pem")
    )
    now = [shown(file.body.encode()) for file in there.slots.values()]
    versions = {slot: file.version for slot, file in there.slots.items()}
    assert Delivery.of(now, "shop", (ONE, TWO), BARE).changed(versions) == {}
    then = Delivery.of(now, "shop", (ONE, issue("two.test")), BARE)
    assert list(then.changed(versions)) == ["edge-1"]
    secret = bytes(TWO.key).decode().splitlines()[1]
    assert secret not in "".join(file.body for file in there.slots.values()) + there.exchange({}) + repr(TWO)
    assert [name for name, text in there.for_start().items() if secret in text.decode()] == [
        f"{stem('shop', TWO)}-key.pem"
    ]


def test_what_this_machine_does_not_have_may_stay() -> None:
    first = Delivery.of((), "shop", (ONE, TWO), BARE)
    now = [shown(file.body.encode()) for file in first.slots.values()]
    then = Delivery.of(now, "shop", (issue("two.test"),), BARE, (stem("shop", ONE),))
    assert stem("shop", ONE) in {shown(file.body.encode()) for file in then.slots.values()}
    assert f"{stem('shop', ONE)}.pem" not in then.contents
    versions = {slot: file.version for slot, file in first.slots.items()}
    assert list(then.changed(versions)) == ["edge-1"]


def test_a_gateway_without_certificates_keeps_the_placeholder_that_it_has() -> None:
    first = Delivery.of((), NOBODY, (), BARE)
    now = [shown(file.body.encode()) for file in first.slots.values()]
    again = Delivery.of(now, "shop", (), placeholder())
    assert again.changed({slot: read_version(file.body.encode()) for slot, file in first.slots.items()}) == {}


def test_the_script_is_a_shells() -> None:
    script = Delivery.of((), "shop", (ONE,), BARE).exchange({"edge-0": "abc"})
    assert subprocess.run(["sh", "-n"], input=script.encode(), check=False).returncode == 0
