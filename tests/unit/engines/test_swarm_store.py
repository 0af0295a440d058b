"""How files are kept as configs of a Swarm, and whose lease is known to be a dead one's."""

from __future__ import annotations

import os
import re
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from fairway.engines.swarm import shelf
from fairway.engines.swarm.shelf import Config, head_name, newest, part_name, split
from fairway.engines.swarm.witness import is_dead, this_process

NAME = re.compile(r"[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?")


@given(st.text(), st.text(), st.integers(1, 10**9), st.binary())
def test_names_are_such_as_a_swarm_takes(folder: str, file: str, version: int, piece: bytes) -> None:
    folder, file = (text.encode(errors="replace").decode() for text in (folder, file))
    for name in (head_name(folder, file, version), part_name(folder, piece)):
        assert NAME.fullmatch(name)
        assert len(name) <= 64


def test_no_folder_has_a_file_of_another_one() -> None:
    assert head_name("a", "bc", 1) != head_name("ab", "c", 1)


def test_pieces_are_together_what_was_split() -> None:
    data = os.urandom(shelf.SIZE * 2 + 1)
    pieces = split(data)
    assert [len(piece) for piece in pieces] == [shelf.SIZE, shelf.SIZE, 1]
    assert b"".join(pieces) == data


def test_the_latest_version_counts_whatever_a_dead_writer_has_left() -> None:
    found = [Config(str(version), "one", version, (), b"") for version in (2, 11, 3)]
    assert newest(found)["one"].version == 11


def test_a_process_of_this_machine_that_has_ended_is_dead() -> None:
    here = this_process()
    boot, namespace, *_ = here.split(" ")
    done = subprocess.Popen(["true"])
    done.wait()
    assert not is_dead(here)
    assert is_dead(f"{boot} {namespace} {done.pid} 1")
    assert is_dead(f"{boot} {namespace} {os.getpid()} 1"), "another process had that number before"


def test_of_others_nothing_is_known() -> None:
    _, namespace, pid, _ = this_process().split(" ")
    for process in ("", "what?", f"another-boot {namespace} {pid} 1", f"boot pid:[1] {pid} 1"):
        assert not is_dead(process)
