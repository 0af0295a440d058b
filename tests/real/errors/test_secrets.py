"""Two planted secrets, one in a file and one in a variable: where they turn up is where they were put, and nowhere else."""

from __future__ import annotations

import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.lab.host import Host
from tests.real.errors.shop import COMPOSE, Said, Shop, make_shop

RUN = "RUN --mount=type=secret,id=token test -s /run/secrets/token && echo it is there\n"
SECRETS = """    secrets:
      - {source: token, mode: 0400}
      - {source: word, target: /etc/word, mode: 0440, uid: "7", gid: "8"}
secrets:
  token: {file: ./token.txt}
  word: {environment: THE_WORD}
"""
STAGES = """test:
  careless: {service: web, command: cat /run/secrets/token /etc/word}
  smoke: {up: true, http: {service: web, port: 8000, path: /up}}
environments:"""


class Watch:
    """Looks at every process of the machine, over and over, for values on command lines and in environments."""

    def __init__(self, file: str, variable: str) -> None:
        self.file, self.variable = file.encode(), variable.encode()
        self.found: set[str] = set()
        self.rounds = 0
        self.over = threading.Event()

    @contextmanager
    def on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()

    def _look(self) -> None:
        while not self.over.wait(0.1):
            self.rounds += 1
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self._process(process)

    def _process(self, process: Path) -> None:
        words, environ = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        if self.file in words or self.variable in words:
            self.found.add(f"on the command line of {words!r}")
        if self.file in environ:
            self.found.add(f"in the environment of {words!r}")
        if self.variable in environ and os.getpid() not in parents(process):
            self.found.add(f"in the environment of {words!r}, which no one who had it has started")


def parents(process: Path) -> set[int]:
    """Its ancestors. What fairway starts here has the variables that fairway was started with, as the user gave them."""
    found: set[int] = set()
    pid = int(process.name)
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return found


class Safe:
    """A shop with two secrets, that keeps everything that was said."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.file, self.variable = secrets.token_hex(32), secrets.token_hex(32)
        self.said: list[str] = []
        shop.edit("compose.yaml", COMPOSE, COMPOSE + SECRETS)
        shop.edit("compose.yaml", "build: web", "build: {context: web, secrets: [token]}")
        shop.edit("web/Dockerfile", "CMD", f"{RUN}CMD")
        shop.edit("fairway.yaml", "environments:", STAGES)
        shop.write(".gitignore", "token.txt\n")
        shop.write("token.txt", self.file)
        shop.commit()

    def fairway(self, *words: str, **variables: str) -> Said:
        done = self.shop.fairway(*words, THE_WORD=self.variable, **variables)
        self.said.append(done.text)
        return done

    def in_text(self, text: str) -> bool:
        return self.file in text or self.variable in text

    def files(self, *roots: Path) -> set[str]:
        """The files below that have one of the values in them."""
        values = ["-e", self.file, "-e", self.variable]
        done = subprocess.run(["grep", "-rlF", *values, *map(str, roots)], capture_output=True, text=True)
        return set(done.stdout.splitlines())


@pytest.fixture
def safe(tmp_path: Path, docker_host: Host, base_image: str) -> Iterator[Safe]:
    made = Safe(make_shop(tmp_path / "shop", docker_host))
    yield made
    made.fairway("down", "production", "--yes", "--volumes").expect(0)


def live_through(safe: Safe) -> None:
    """All that happens to an application, with `--debug` everywhere."""
    for words in ("check", "config", "ship", "ps", "logs"):
        safe.fairway(words, "--debug")
    safe.fairway("deploy", "--debug", VERSION="v2").expect(0)
    assert "Traceback" in safe.fairway("deploy", "--debug", FAULT="crash").text
    safe.fairway("plan", "--debug", "--json", VERSION="v3")
    safe.fairway("rollback", "--debug").expect(0)
    for words in ("ps", "status", "releases", "plan"):
        safe.fairway(words, "--json", "--debug").expect(0)
    for words in ("logs", "config"):
        safe.fairway(words, "--debug").expect(0)
    safe.fairway("exec", "--debug", "production", "web", "--", "env").expect(0)
    safe.fairway("run", "--debug", "production", "web", "--", "sh", "-c", "test -s /run/secrets/token").expect(0)


def inspected(host: Host) -> Iterator[str]:
    for kind, listing in {
        "container": ["ps", "-aq"],
        "volume": ["volume", "ls", "-q"],
        "network": ["network", "ls", "-q"],
        "image": ["images", "-q"],
    }.items():
        names = host.docker(*listing).stdout.split()
        yield host.docker(kind, "inspect", *names, check=False).stdout
        if kind == "container":
            yield from (
                seen.stdout + seen.stderr for seen in (host.docker("logs", name, check=False) for name in names)
            )
        if kind == "image":
            yield from (host.docker("history", "--no-trunc", name, check=False).stdout for name in names)


def test_a_planted_secret_is_found_nowhere_but_where_it_belongs(safe: Safe) -> None:
    shop, host = safe.shop, safe.shop.host
    watch = Watch(safe.file, safe.variable)
    with watch.on():
        live_through(safe)
    assert watch.rounds > 20
    assert not watch.found
    assert not [text for text in safe.said if safe.in_text(text)]
    assert any("•" in text for text in safe.said), "what the careless stage printed is blotted out"
    assert not [text for text in inspected(host) if safe.in_text(text)]
    assert not safe.files(host.log)
    assert safe.files(shop.directory, shop.temporary) == {str(shop.directory / "token.txt")}
    on_disk = safe.files(host.directory / "data")
    volume = mounted(shop)
    assert on_disk, "the files that are mounted"
    assert all(path.startswith(f"{volume}/") for path in on_disk), on_disk
    belongs(safe)
    safe.fairway("down", "production", "--yes", "--volumes").expect(0)
    assert not safe.files(host.directory / "data")


def mounted(shop: Shop) -> str:
    """The directory on the host of the volume that the replica's secrets lie in."""
    (replica,) = (item["name"] for item in shop.json("ps"))
    mounts = shop.host.docker("inspect", "--format", "{{range .Mounts}}{{.Source}} {{end}}", replica).stdout.split()
    return mounts[0].removesuffix("/0").removesuffix("/1")


def belongs(safe: Safe) -> None:
    """The container has them, with the modes and owners that were asked for."""

    def has(command: str) -> str:
        return safe.shop.fairway("exec", "production", "web", "--", "sh", "-c", command).out

    assert has("cat /run/secrets/token") == safe.file
    assert has("cat /etc/word") == safe.variable
    assert has("stat -Lc '%a %u %g' /run/secrets/token /etc/word") == "400 0 0\n440 7 8\n"


def test_a_secret_that_changes_is_a_change_that_is_shown_without_it(safe: Safe) -> None:
    safe.fairway("ship").expect(0)
    old = safe.file
    safe.file = secrets.token_hex(32)
    safe.shop.write("token.txt", safe.file)
    plan = safe.fairway("plan")
    plan.expect(0, "secret", "token")
    assert old not in plan.text
    safe.fairway("deploy").expect(0, "release 2 serves")
    belongs(safe)
    assert not [text for text in safe.said if safe.in_text(text) or old in text]
