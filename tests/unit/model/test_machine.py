from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.model.errors import FairwayError
from fairway.model.machine import NEEDED, State, System, pair

said = st.dictionaries(
    st.sampled_from(
        ["os", "version", "uid", "root", "info", "free", "engine", "dockerd", "words", "config", "configured"]
    ),
    st.text(max_size=40),
)


@given(said)
def test_whatever_it_says_is_understood_or_left(answers: dict[str, str]) -> None:
    System.read(answers)
    assert State.read(answers).free >= 0


@pytest.mark.parametrize(
    ("os", "version", "good"),
    [
        ("debian", "11", True),
        ("debian", "13", True),
        ("debian", "10", False),
        ("debian", "", False),
        ("ubuntu", "22.04", True),
        ("ubuntu", "24.04", True),
        ("ubuntu", "20.04", False),
        ("alpine", "3.20", False),
        ("", "", False),
    ],
)
def test_which_systems_can_be_set_up(os: str, version: str, good: bool) -> None:
    system = System(os=os, version=version, root=True)
    if good:
        system.refuse("web")
        return
    with pytest.raises(FairwayError, match="only Debian 11"):
        system.refuse("web")


GOOD = State(engine=(20, 10), answers=True, free=NEEDED)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State(free=NEEDED), ""),
        (GOOD, ""),
        (State(free=NEEDED - 1), "too full"),
        (State(engine=(27, 0), answers=True), ""),
        (State(engine=(19, 3), answers=True), "Docker 19.3 on web is too old"),
        (State(engine=(27, 0), snap=True), "is a snap"),
    ],
)
def test_what_must_be_dealt_with_by_hand(state: State, words: str) -> None:
    if not words:
        state.refuse("web")
        return
    with pytest.raises(FairwayError, match=words):
        state.refuse("web")


@pytest.mark.parametrize(
    ("text", "found"),
    [("Docker version 20.10.24+dfsg1, build 297e128", (20, 10)), ("12", (12, 0)), ("", (0, 0)), ("trixie/sid", (0, 0))],
)
def test_versions(text: str, found: tuple[int, int]) -> None:
    assert pair(text) == found


def test_what_is_told_of_the_engine() -> None:
    state = State.read({"info": "true 3 inactive", "free": "1024", "dockerd": "/usr/sbin/dockerd", "engine": "27.5"})
    assert (state.live_restore, state.running, state.clustered) == (True, 3, False)
    assert (state.free, state.engine, state.config) == (1 << 20, (27, 5), None)
    assert State.read({"info": "", "dockerd": "x", "engine": "27.5"}).running is None
    assert State.read({"info": ""}).running == 0
    assert State.read({"info": "false 0 active"}).clustered
    assert State.read({"configured": "yes"}).config == ""
