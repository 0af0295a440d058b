"""A planted secret goes through everything that happens to an application: it is found where it was put, and nowhere else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.errors.shop import COMPOSE, FAIRWAY, Said, Shop, make_shop
from tests.real.secrets.search import Search, outside, planted

RUN = "RUN --mount=type=secret,id=token test -s /run/secrets/token && echo it is there\n"
SECRETS = """    secrets:
      - {source: token, mode: 0400}
      - {source: key, target: /etc/key, mode: 0440, uid: "7", gid: "8"}
      - word
    configs: [{source: conf, target: /etc/web.conf}]
  worker:
    image: debian:bookworm-slim
    init: true
    command: [sleep, infinity]
    secrets: [token]
    deploy: {resources: {limits: {memory: 16M, pids: 8}}}
secrets:
  token: {external: true}
  key: {external: true, name: the-key}
  word: {environment: THE_WORD}
configs:
  conf: {file: web.conf.j2, template_driver: jinja}
"""
STAGES = """test:
  careless: {service: web, command: cat /run/secrets/token /run/secrets/word /etc/web.conf}
  smoke: {up: true, http: {service: web, port: 8000, path: /up}}
environments:"""
TEMPLATE = "level {{ LEVEL }} {{ services.web.replicas }}\ntoken {{ secret('token') }}\n"


class Safe:
    """A shop with secrets of every kind, that keeps everything that was said."""

    def __init__(self, shop: Shop, registry: Registry) -> None:
        self.shop = shop
        self.home = shop.directory.parent / "home"
        self.token, self.key, self.word = planted().hex(), planted(), planted().hex()
        values = {"token 1": self.token.encode(), "the key": self.key, "word": self.word.encode()}
        self.search = Search(values, own=frozenset({"word", "word 2"}))
        shop.edit("compose.yaml", COMPOSE, COMPOSE + SECRETS)
        shop.edit("compose.yaml", "build: web", "build: {context: web, secrets: [token]}")
        shop.edit("web/Dockerfile", "CMD", f"{RUN}CMD")
        shop.edit("fairway.yaml", "environments:", STAGES)
        shop.edit("fairway.yaml", "app: ", f"registry: {registry.address}/team\napp: ")
        shop.edit(
            "fairway.yaml", "services:", "services:\n  worker: {secrets: {storage: memory}, ready: {min_ready: 0.1s}}"
        )
        shop.write("web.conf.j2", TEMPLATE)
        shop.write(".env", "LEVEL=debug\n")

    def fairway(self, *words: str, typed: str | bytes = b"", quiet: bool = False, **variables: str) -> Said:
        """`quiet`: its standard output is the value that was asked for."""
        environ = {**self.shop.environ, "XDG_CONFIG_HOME": str(self.home), "THE_WORD": self.word, **variables}
        environ = {name: value for name, value in environ.items() if value}
        data = typed.encode() if isinstance(typed, str) else typed
        done = subprocess.run(
            [FAIRWAY, *words], cwd=self.shop.directory, env=environ, input=data, capture_output=True, timeout=120
        )
        for text in (done.stderr, b"" if quiet else done.stdout):
            self.search.text("outputs", " ".join(words), text)
        return Said(done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("utf-8", "replace"))

    def has(self, command: str, service: str = "web") -> str:
        """What a command prints in the replica."""
        return self.fairway("exec", "production", service, "--", "sh", "-c", command, quiet=True).out


@pytest.fixture
def safe(tmp_path: Path, docker_host: Host, base_image: str, registry: Registry) -> Iterator[Safe]:
    made = Safe(make_shop(tmp_path / "shop", docker_host), registry)
    yield made
    made.fairway("down", "production", "--yes", "--volumes").expect(0)


def test_the_search_finds_a_value_in_whatever_form_it_is_written(tmp_path: Path) -> None:
    value = planted()
    search = Search({"it": value})
    written = [value.hex(), quote(value), json.dumps({"a": value.decode("latin-1")}), f"{value!r}"]
    written += [base64.b64encode(bytes(shift) + value + b"more").decode() for shift in range(4)]
    for text in written:
        search.text("texts", text, text)
    assert search.found == {f"it in texts {text}" for text in written}
    (tmp_path / "packed").write_bytes(gzip.compress(b"some " + value))
    (tmp_path / "plain").write_bytes(b"\0\xff" + value + b"\xff")
    (tmp_path / "other").write_bytes(value[:31])
    assert search.files("files", tmp_path) == {str(tmp_path / "packed"), str(tmp_path / "plain")}
    environ = {**os.environ, "A": value.hex()}
    search.found.clear()
    perl = ["perl", "-e", "sleep 60"]
    with subprocess.Popen(perl, env=environ) as one, subprocess.Popen([*perl, value.hex()]) as other:
        with search.watching():
            time.sleep(1)
        one.kill(), other.kill()
    assert len(search.found) == 2


@pytest.mark.timeout(600)
def test_planted_secrets_are_found_nowhere_but_where_they_belong(safe: Safe, registry: Registry) -> None:
    search, shop, host = safe.search, safe.shop, safe.shop.host
    with search.watching():
        set_and_shipped(safe)
        old = safe.token
        rotated_and_rolled_back(safe)
        words_and_questions(safe)
    search.host(host)
    volume = f"{host.directory}/data/volumes/{shop.app}-production-secrets-"
    on_disk = search.files("files on the host", host.directory)
    assert on_disk, "the files that are mounted"
    search.found |= outside(on_disk, volume)
    search.found |= search.files("files of the registry", registry.directory)
    search.found |= search.files("local files", shop.directory, shop.temporary, safe.home)
    print(f"\n{search.report()}")
    assert not search.found
    assert all(search.looked[kind] > 20 for kind in ("outputs", "command lines", "inspections", "files on the host"))
    assert set(shop.directory.glob("secrets/*")) == {
        shop.directory / f"secrets/production.{end}" for end in ("age", "names")
    }
    assert old != safe.token
    safe.fairway("down", "production", "--yes", "--volumes").expect(0)
    assert not search.files("files on the host", host.directory / "data" / "volumes")


def set_and_shipped(safe: Safe) -> None:
    refused = safe.fairway("ship", "--debug")
    assert "there is no secret token in secrets/production.age" in refused.text
    safe.fairway("secrets", "set", "token", "--debug", typed=safe.token).expect(0, "version 1", "keep a copy")
    key = safe.shop.temporary / "key"
    key.write_bytes(safe.key)
    safe.fairway("secrets", "set", "the-key", "--file", str(key), "--debug").expect(0)
    key.unlink()
    safe.shop.commit()
    for words in (["check"], ["config"], ["config", "--render"], ["ship"], ["plan"], ["ps"], ["logs"], ["secrets"]):
        safe.fairway(*words, "--debug")
    assert "release 1 serves" in safe.fairway("deploy").text
    assert safe.has("cat /run/secrets/token") == safe.token
    assert safe.has("cat /etc/key").encode("latin-1") == safe.key
    assert safe.has("cat /etc/web.conf") == f"level debug 1\ntoken {safe.token}\n"
    assert (
        safe.has("stat -Lc '%a %u %g' /run/secrets/token /etc/key /run/secrets/word") == "400 0 0\n440 7 8\n444 0 0\n"
    )
    log = next(safe.shop.directory.glob(".fairway/builds/*/careless.log"), None)
    assert log is None or "•" in log.read_text(), "what the careless stage printed is blotted out"


def rotated_and_rolled_back(safe: Safe) -> None:
    """A new token and a new word; then back, from a machine that knows the new word alone."""
    first, word = safe.token, safe.word
    safe.fairway("secrets", "rotate", "token", "--format", "hex", "--debug").expect(0, "version 2")
    safe.token = safe.fairway("secrets", "get", "token", "--debug", quiet=True).out
    safe.word = planted().hex()
    safe.search.plant("token 2", safe.token.encode())
    safe.search.plant("word 2", safe.word.encode())
    commit = safe.shop.git("rev-parse", "HEAD").strip()[:12]
    plan = safe.fairway("plan", "--debug", "--commit", commit)
    plan.expect(0, "secret token /run/secrets/token", "secret word", "config conf")
    safe.shop.commit()
    safe.fairway("ship", "--debug", VERSION="v2").expect(0, "release 2 serves")
    assert safe.has("cat /etc/web.conf /run/secrets/word") == f"level debug 1\ntoken {safe.token}\n{safe.word}"
    assert "Traceback" in safe.fairway("deploy", "--debug", FAULT="crash").text
    safe.fairway("rollback", "--debug", THE_WORD="").expect(0, "release 4 serves")
    assert safe.has("cat /run/secrets/token") == first
    assert safe.has("cat /etc/web.conf /run/secrets/word") == f"level debug 1\ntoken {first}\n{word}"
    told = safe.fairway("secrets", "versions", "--debug")
    told.expect(0)
    rows = {tuple(line.split()[:2]): line for line in told.out.splitlines()}
    assert rows["token", "2"].rstrip().endswith("2, 3")
    assert rows["token", "1"].rstrip().endswith("1, 4")


def words_and_questions(safe: Safe) -> None:
    for words in ("ps", "status", "releases", "plan", "check"):
        safe.fairway(words, "--json", "--debug")
    for words in (["logs"], ["config"], ["config", "--render"], ["secrets", "recipients"], ["secrets", "prune"]):
        safe.fairway(*words, "--debug").expect(0)
    safe.fairway("secrets", "edit", "--debug", EDITOR="true").expect(0, "nothing has changed")
    safe.fairway("exec", "--debug", "production", "web", "--", "env").expect(0)
    safe.fairway("run", "--debug", "production", "web", "--", "sh", "-c", "test -s /run/secrets/token").expect(0)
    forgotten(safe)
    with moved(safe):
        failed = safe.fairway("rollback", "production", "2", "--debug", THE_WORD="")
        assert failed.exit == 1
        for words in (
            "production.age cannot be opened with the keys that there are here: the hosts have to have",
            "The value of the secret token of that release cannot be had any more",  # the worker's was in memory
            "release 4 serves as before",
        ):
            assert words in failed.text


def forgotten(safe: Safe) -> None:
    """What is in memory is gone when the host goes down; the next reconciliation brings it again."""
    host, token = safe.shop.host, safe.has("cat /run/secrets/token")
    filters = (f"label=fairway.app={safe.shop.app}", "--filter")
    (holder,) = host.docker("ps", "-q", "--filter", *filters, "label=fairway.kind=memory").stdout.split()
    (worker,) = host.docker("ps", "-q", "--filter", *filters, "label=fairway.service=worker").stdout.split()
    host.docker("kill", worker, holder)
    safe.fairway("reconcile", "--debug").expect(0)
    assert safe.has("cat /run/secrets/token", "worker") == token


@contextmanager
def moved(safe: Safe) -> Iterator[None]:
    """To a machine without a key."""
    file = safe.home / "fairway" / "age.key"
    away = file.rename(safe.home / "away")
    yield
    away.rename(file)
