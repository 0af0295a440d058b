from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose import scalars
from fairway.compose.dump import values
from fairway.compose.node import Node
from fairway.compose.yaml import resolve
from fairway.model.app import Location


def node(written: str) -> Node:
    value = resolve(written)
    return Node(value, Location("f"), "", "" if isinstance(value, str) else written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10ms", 0.01),
        ("40s", 40.0),
        ("1m30s", 90.0),
        ("1h5m30s20ms", 3930.02),
        ("1h5m30s20ms500us", 3930.0205),
        ("1.5h", 5400.0),
        ("100ns", 1e-7),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("0", 0.0),
        ("0s", 0.0),
    ],
)
def test_durations(written: str, seconds: float) -> None:
    assert scalars.duration(node(written)) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("written", ["", "10", "s", "1 s", "-1s", "1x", "1s!", "1m 30s", "1e3s", "∞"])
def test_wrong_durations(written: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        scalars.duration(node(written))


@pytest.mark.parametrize(
    ("written", "count"),
    [
        ("2b", 2),
        ("2048", 2048),
        ("64k", 64 * 1024),
        ("1024kb", 1024**2),
        ("300M", 300 * 1024**2),
        ("1gb", 1024**3),
        ("1GiB", 1024**3),
        ("0.5g", 512 * 1024**2),
        ("1t", 1024**4),
        ("-1", -1),
    ],
)
def test_sizes(written: str, count: int) -> None:
    assert scalars.size(node(written)) == count


@pytest.mark.parametrize("written", ["''", "g", "1x", "1 000", "1gg", "-2", "1.2.3", ".inf"])
def test_wrong_sizes(written: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        scalars.size(node(written))


@pytest.mark.parametrize(
    ("written", "bits"),
    [("0440", 0o440), ("0o440", 0o440), ("288", 288), ("'0440'", 0o440), ("'440'", 0o440), ("'0o440'", 0o440)],
)
def test_modes(written: str, bits: int) -> None:
    found = node(written) if written[0] != "'" else Node(written.strip("'"), Location("f"))
    assert scalars.mode(found) == bits


@pytest.mark.parametrize(
    ("written", "truth"), [("true", True), ("yes", True), ("ON", True), ("1", True), ("false", False), ("n", False)]
)
def test_flags(written: str, truth: bool) -> None:
    assert scalars.flag(node(written)) is truth


@pytest.mark.parametrize(
    ("written", "text"),
    [("1.50", "1.5"), ("012", "12"), ("true", "true"), ("~", ""), ("1e3", "1000"), ("2.0", "2"), (".inf", "+Inf")],
)
def test_scalars_as_text(written: str, text: str) -> None:
    assert scalars.text(node(written)) == text


@given(st.one_of(st.just(0.0), st.floats(min_value=1e-9, max_value=1e9)))
def test_any_duration_can_be_written_and_read(seconds: float) -> None:
    written = values.duration(seconds)
    assert written is not None
    assert scalars.duration(node(written)) == seconds


@given(st.text())
def test_no_text_raises_anything_but_a_value_error(text: str) -> None:
    one = Node(text, Location("f"))
    for read in (scalars.duration, scalars.size, scalars.flag, scalars.whole, scalars.number, scalars.mode):
        try:
            read(one)
        except ValueError as error:
            assert "Traceback" not in str(error)
