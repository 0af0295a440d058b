from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.errors.shop import Shop, make_shop


@pytest.fixture
def shop(tmp_path: Path, docker_host: Host, base_image: str) -> Iterator[Shop]:
    """One that was never deployed; gone after the test."""
    made = make_shop(tmp_path / "shop", docker_host)
    first = made.git("rev-parse", "HEAD").strip()
    yield made
    made.restore(first)
    if made.traces():
        made.down()


@pytest.fixture(scope="package")
def one_running(tmp_path_factory: pytest.TempPathFactory, docker_host: Host, base_image: str) -> Iterator[Shop]:
    made = make_shop(tmp_path_factory.mktemp("running") / "shop", docker_host)
    made.shipped()
    yield made
    made.down()


@pytest.fixture
def running(one_running: Shop) -> Iterator[Shop]:
    """One that serves. Whatever the test does to its files, what runs must be untouched afterwards, and nothing be left."""
    commit = one_running.git("rev-parse", "HEAD").strip()
    before = one_running.state()
    yield one_running
    one_running.restore(commit)
    after = one_running.state()
    if after != before:  # the next test shall have what it expects
        one_running.fairway("deploy", "--commit", commit[:12])
    assert after == before
