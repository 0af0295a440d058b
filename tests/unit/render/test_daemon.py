"""daemon.json: what is there stays, what is missing comes, and then nothing more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.model.errors import InvalidFiles
from fairway.model.machine import State
from fairway.render.daemon import ROTATION, WANTED, Merged, how_to_apply, merge, open_addresses, options

OURS = [*WANTED, "log-driver", "log-opts"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from([*OURS, "hosts", "labels"]) | st.text(), values, max_size=8)
command_lines = st.lists(st.sampled_from([f"--{key}=x" for key in OURS] + ["--log-opt", "-H", "fd://", "dockerd", "-"]))


def merged(document: Any, **more: Any) -> Merged:
    text = None if document is None else json.dumps(document)
    return merge(text, where="web:/etc/docker/daemon.json", **more)


@given(documents, st.sampled_from([None, 0, 1, 3, "\t"]), command_lines, st.booleans())
def test_what_is_there_stays_and_a_second_time_nothing_is_added(
    document: dict[str, Any], indent: int | str | None, words: list[str], clustered: bool
) -> None:
    text = json.dumps(document, indent=indent)
    once = merge(text, where="", words=words, clustered=clustered)
    became = json.loads(once.text)
    for key, value in document.items():
        if key == "log-opts" and isinstance(value, dict):
            assert value.items() <= became[key].items()
        else:
            assert became[key] == value
    assert set(became) - set(document) <= set(once.added) <= set(OURS)
    assert not options(words) & set(once.added)
    if not once.added:
        assert once.text == text
    twice = merge(once.text, where="", words=words, clustered=clustered)
    assert (twice.text, twice.added, twice.told) == (once.text, (), once.told)


@given(st.text())
def test_any_text_is_merged_or_refused_with_its_place(text: str) -> None:
    try:
        json.loads(merge(text, where="web:file").text)
    except InvalidFiles as error:
        assert str(error.problems[0].where).startswith("web:file")


def test_where_there_is_none() -> None:
    made = merged(None)
    assert json.loads(made.text) == {
        **{key: value for key, (value, _) in WANTED.items()},
        "log-driver": "json-file",
        "log-opts": ROTATION,
    }
    assert made.text.endswith("}\n")
    assert made.restarts


@pytest.mark.parametrize("text", ["", " \n", "{}"])
def test_an_empty_one_is_like_none(text: str) -> None:
    assert merge(text, where="").text == merged(None).text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{\n "a": 1,\n}', "h:3: is no JSON"),
        ("[]", "h:1: is no JSON object"),
        ('{"a": NaN}', "h: is no JSON: NaN is no number"),
        ("[" * 100_000, "h: is no JSON"),
        ("{,}", "h:1: is no JSON"),
    ],
)
def test_what_is_broken_is_refused_with_its_line(text: str, place: str) -> None:
    with pytest.raises(InvalidFiles) as caught:
        merge(text, where="h")
    assert place in str(caught.value)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"live-restore": False}, ['"live-restore" is false']),
        ({"live-restore": 1, "userland-proxy": None}, ['"live-restore" is 1', '"userland-proxy" is null']),
        ({"log-driver": "fluentd"}, ['"log-driver" is "fluentd"']),
        ({"log-driver": "local"}, []),
        ({"log-opts": {"max-size": "-1"}}, ['"max-size" is "-1"']),
        ({"log-opts": ["max-size=1m"]}, ['"log-opts" is ["max-size=1m"]']),
        ({"log-opts": {"max-size": "1g"}}, []),
    ],
)
def test_what_was_set_on_purpose_is_told(document: dict[str, Any], told: list[str]) -> None:
    assert [each.what for each in merged(document).told] == told


def test_another_log_driver_gets_no_options_of_json_files() -> None:
    for driver in ("local", "fluentd"):
        assert "log-opts" not in merged({"log-driver": driver}).added


def test_what_the_command_line_has_taken_stays_out_of_the_file() -> None:
    added = merged({}, words=["dockerd", "--live-restore", "--log-opt", "max-size=1m", "--userland-proxy=false"]).added
    assert added == ("no-new-privileges",)


def test_a_swarm_has_no_live_restore() -> None:
    assert "live-restore" not in merged({}, clustered=True).added


@pytest.mark.parametrize(
    ("document", "words", "found"),
    [
        ({"hosts": ["tcp://0.0.0.0:2375", "unix:///var/run/docker.sock"]}, [], ("tcp://0.0.0.0:2375",)),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": True}, [], ()),
        ({"hosts": ["tcp://0.0.0.0:2376"], "tls": True}, [], ("tcp://0.0.0.0:2376",)),
        ({"hosts": ["tcp://127.0.0.1:2375", "tcp://[::1]:2375", "tcp://localhost:2375", "fd://"]}, [], ()),
        ({"hosts": "tcp://[::]:2375"}, [], ("tcp://[::]:2375",)),
        ({"hosts": ["tcp://"]}, [], ()),
        ({}, ["dockerd", "-H", "tcp://10.0.0.1:2375"], ("tcp://10.0.0.1:2375",)),
        ({}, ["dockerd", "-Htcp://:2375"], ("tcp://:2375",)),
        ({}, ["dockerd", "--host=:2375", "-H", "fd://"], (":2375",)),
        ({}, ["dockerd", "-H=0.0.0.0:2375", "--tlsverify"], ()),
        ({}, ["-H"], ()),
    ],
)
def test_an_open_api_is_found(document: dict[str, Any], words: list[str], found: tuple[str, ...]) -> None:
    assert open_addresses(json.dumps(document), words, where="") == found


@pytest.mark.parametrize(
    ("document", "state", "how"),
    [
        ({}, State(running=0), "restart"),
        ({}, State(running=3), "reload"),
        ({}, State(running=3, live_restore=True), "restart"),
        ({}, State(running=3, clustered=True), "nothing"),
        ({}, State(), "nothing"),
        (None, State(running=0, live_restore=True), "nothing"),
        (None, State(running=0, live_restore=True, restart=True), "restart"),
        (None, State(running=3), "reload"),
        (None, State(running=3, restart=True), "reload"),
    ],
)
def test_no_running_container_is_stopped(document: dict[str, Any] | None, state: State, how: str) -> None:
    """None: a file that is as it should be."""
    text = merged({}).text if document is None else json.dumps(document)
    assert how_to_apply(state, merge(text, where="", clustered=state.clustered)) == how
