"""When a certificate is due, and what is remembered of failures."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.flows.renewal import LONGEST_PAUSE, due, failed, had, turn
from fairway.model.errors import CertificateError
from fairway.model.issuance import Issuances, Issued, Window
from fairway.model.secret import Secret

DAY = 86400.0
D = "https://acme.test/dir"


def issued(*names: str, begins: float = 0, days: float = 90, chain: str = "x", window: Window | None = None) -> Issued:
    return Issued(
        directory=D,
        names=names,
        chain=chain,
        key=Secret(b"k"),
        issuer="T",
        begins=begins,
        ends=begins + days * DAY,
        window=window,
    )


def test_it_is_renewed_with_a_third_of_its_time_left_or_as_the_settings_say() -> None:
    assert turn(issued("a"), None) == 60 * DAY
    assert turn(issued("a"), 10 * DAY) == 80 * DAY
    assert turn(issued("a", days=6), 30 * DAY) == 3 * DAY, "never in the first half of its life"


@given(st.text(max_size=5), st.floats(0, 80 * DAY), st.floats(0, 10 * DAY))
def test_an_authority_says_when_and_it_is_the_same_moment_each_time(chain: str, start: float, length: float) -> None:
    one = issued("a", chain=chain, window=Window(start=start, end=start + length, again=0))
    assert start <= turn(one, None) <= start + length or not one.window or one.window.end <= 0
    assert turn(one, None) == turn(one, None)
    assert turn(one, 5 * DAY) <= 85 * DAY, "who is told to renew early, does"


@given(st.lists(st.floats(0, 200 * DAY), min_size=1, max_size=8), st.booleans())
def test_failures_never_make_it_be_asked_more_often_than_the_pause(moments: list[float], told: bool) -> None:
    """Whatever calls come, and whenever."""
    kept, asked = Issuances(wanted=(("a",),)), []
    for now in sorted(moments):
        if due(kept, D, now):
            asked.append(now)
            error = CertificateError("no", kind="rateLimited" if told else "connection", wait=3 * DAY if told else 0)
            kept = failed(kept, D, ("a",), error, now)
    least = 3 * DAY if told else 600
    assert all(later - sooner >= least for sooner, later in pairwise(asked))
    [failure] = kept.failures
    assert failure.count == len(asked)
    assert told or failure.until - failure.at <= LONGEST_PAUSE
    assert bool(due(kept, D, failure.at, eager=True)) is not told, "only what the authority has said binds everybody"
    assert bool(due(kept, D, failure.at, forced=[("a",)])) is not told


def test_what_is_asked_for() -> None:
    kept = Issuances(wanted=(("a",), ("b",), ("c", "d")), issued=(issued("a"), issued("c"), issued("d")))
    assert due(kept, D, DAY) == (("b",), ("c", "d"))
    assert due(kept, D, 61 * DAY) == kept.wanted
    assert due(kept, D, 61 * DAY, missing=True) == (("b",), ("c", "d"))
    assert due(kept, D, 91 * DAY, missing=True) == kept.wanted, "what has ended is as good as none"
    assert due(kept, D, DAY, forced=[("a",)]) == kept.wanted
    assert due(kept, "https://other.test/dir", DAY) == kept.wanted
    assert [one.names for one in kept.shown(D, DAY)] == [("a",), ("c",), ("d",)], "until there is one for both"
    assert kept.lacking(D, DAY) == ("b",)
    whole = had(kept, issued("c", "d", begins=DAY), DAY)
    assert [one.names for one in whole.shown(D, DAY)] == [("a",), ("c", "d")]
    assert len(whole.issued) == 2, "what it stands for is forgotten"
    again = had(replace(whole, wanted=(("a",),)), issued("a", begins=2 * DAY, chain="y"), 2 * DAY)
    assert sorted(one.names for one in again.issued) == [("a",), ("c", "d")], "what counts may be needed again"
