"""What is wrong with a host, from facts alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.model.errors import EngineError, EngineUnreachable, UsageError
from fairway.model.host_facts import Clock, HostFacts, Room, Running
from fairway.model.host_findings import Finding, Level, judge_host, same_engines, unreached

GIB = 1 << 30
GOOD = HostFacts(
    id="A",
    engine="20.10.24",
    api="1.41",
    storage_driver="overlay2",
    running=Running(ours=3),
    disk=Room(free=40 * GIB, size=100 * GIB),
    clock=Clock(ahead=0.2, within=0.1),
)
OPEN = (
    "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n"
    "         Access to the remote API is equivalent to root access on the host."
)
WORST = HostFacts(
    storage_driver="vfs",
    running=Running(endless_logs=("e", "d", "c", "b", "a")),
    disk=Room(free=GIB, size=100 * GIB),
    clock=Clock(ahead=-3600.0, within=0.1),
    live_restore=False,
    swap_limit=False,
    warnings=("WARNING: No swap limit support", "WARNING: bridge-nf-call-iptables is disabled", OPEN),
)
MANUAL = Path(__file__).parents[3] / "docs" / "hosts.md"


def keys(**facts: object) -> list[str]:
    """The keys of what is said of the good host with these facts instead."""
    return [finding.key for finding in judge_host(replace(GOOD, **facts))]  # type: ignore[arg-type]


def one(**facts: object) -> Finding:
    (finding,) = judge_host(replace(GOOD, **facts))  # type: ignore[arg-type]
    return finding


def test_of_a_good_host_nothing_is_said() -> None:
    assert judge_host(GOOD) == ()


def test_of_what_is_not_known_nothing_is_said() -> None:
    assert judge_host(HostFacts()) == ()


def test_everything_is_said_at_once_problems_first() -> None:
    found = judge_host(WORST)
    assert [(finding.key, finding.level.value) for finding in found] == [
        ("clock", "problem"),
        ("disk", "problem"),
        ("storage-driver", "problem"),
        ("open-api", "problem"),
        ("warning", "advice"),
        ("swap-limit", "advice"),
        ("live-restore", "advice"),
        ("log-rotation", "advice"),
    ]
    assert all(finding.hint for finding in found if finding.key != "warning")


@pytest.mark.parametrize(
    ("ahead", "within", "off"),
    [(2.0, 0.0, False), (2.1, 0.05, True), (-2.1, 0.05, True), (5.0, 4.0, False), (7.0, 4.0, True), (0.0, 9.0, False)],
)
def test_a_clock_is_off_when_the_round_trip_does_not_explain_it(ahead: float, within: float, off: bool) -> None:
    assert keys(clock=Clock(ahead=ahead, within=within)) == (["clock"] if off else [])


@given(some.floats(-1e6, 1e6), some.floats(0, 1e3))
def test_what_a_clock_surely_is_never_exceeds_what_it_seems(ahead: float, within: float) -> None:
    assert 0 <= Clock(ahead=ahead, within=within).surely <= abs(ahead)


def test_which_way_a_clock_is_off_is_said() -> None:
    assert one(clock=Clock(ahead=3.21, within=0.0)).what == "its clock is 3.2 s ahead of ours"
    assert one(clock=Clock(ahead=-90.0, within=0.0)).what == "its clock is 90.0 s behind ours"


@pytest.mark.parametrize(
    ("free", "size", "full"),
    [
        (10, 100, False),
        (9, 100, True),
        (19, 1000, True),
        (21, 1000, False),
        (0, 10, True),
        (1, 10, False),
        (0, 0, False),
    ],
)
def test_a_disk_is_nearly_full_below_a_tenth_and_below_20_gib(free: int, size: int, full: bool) -> None:
    assert keys(disk=Room(free=free * GIB, size=size * GIB)) == (["disk"] if full else [])


@pytest.mark.parametrize("driver", ["vfs", "devicemapper", "aufs", "overlay"])
def test_storage_drivers_that_slow_down_or_end(driver: str) -> None:
    assert one(storage_driver=driver).what == f"its storage driver is {driver}"


@pytest.mark.parametrize("driver", ["overlay2", "overlayfs", "btrfs", "zfs", "fuse-overlayfs"])
def test_storage_drivers_that_will_do(driver: str) -> None:
    assert keys(storage_driver=driver) == []


@pytest.mark.parametrize(
    ("said", "address"),
    [
        (OPEN, "http://0.0.0.0:2375"),
        (OPEN.replace("WARNING", "[DEPRECATION NOTICE]"), "http://0.0.0.0:2375"),
        ("WARNING: API is accessible on https://0.0.0.0:2376 without TLS client verification.", "https://0.0.0.0:2376"),
    ],
)
def test_an_open_api_is_no_mere_warning(said: str, address: str) -> None:
    found = one(warnings=(said,))
    assert (found.key, found.level) == ("open-api", Level.PROBLEM)
    assert found.what == f"its API is open at {address} to everybody who gets there"


def test_other_warnings_are_docker_s_own_words() -> None:
    assert one(warnings=("WARNING: No cpu shares support.",)).what == "Docker warns: No cpu shares support"


def test_a_missing_swap_limit_is_said_once() -> None:
    assert keys(swap_limit=False, warnings=("WARNING: No swap limit support",)) == ["swap-limit"]


def test_a_swarm_cannot_have_live_restore() -> None:
    assert keys(live_restore=False) == ["live-restore"]
    assert keys(live_restore=False, clustered=True) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [(("b", "a"), "a, b"), (("d", "c", "b", "a"), "a, b, c, d"), (("e", "d", "c", "b", "a"), "a, b, c and 2 more")],
)
def test_endless_logs_are_named(names: tuple[str, ...], said: str) -> None:
    assert one(running=Running(endless_logs=names)).what == f"nothing rotates the logs of {said}"


def test_a_host_that_was_not_reached_says_why() -> None:
    found = unreached(EngineUnreachable("No Docker engine answers at x", why="no answer", hint="look"))
    assert found == Finding(
        key="unreachable", level=Level.PROBLEM, what="No Docker engine answers at x", why="no answer", hint="look"
    )
    assert {unreached(EngineError("too old")).key, unreached(UsageError("needs TLS")).key} == {"refused"}


def test_two_names_for_one_engine_are_seen() -> None:
    hosts = {name: HostFacts(id=engine) for name, engine in (("a", "1"), ("b", "2"), ("c", "1"), ("d", ""), ("e", ""))}
    found = same_engines(hosts)
    assert {name: finding.what for name, finding in found.items()} == {
        "a": "its engine has the same ID as that of c",
        "c": "its engine has the same ID as that of a",
    }


def test_the_manual_has_every_kind_of_finding() -> None:
    known = {finding.key for finding in judge_host(WORST)} | {"unreachable", "refused", "same-engine"}
    text = MANUAL.read_text()
    assert [key for key in sorted(known) if f"| `{key}` |" not in text] == []
