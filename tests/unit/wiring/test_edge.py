"""The certificates of fairway.yaml: what is wrong with them has its line, and nothing loads what reads them too early."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from fairway.model.edge import Certificate
from fairway.model.errors import InvalidFiles, Problem
from fairway.model.policy import Rollout, Route, ServicePolicy
from fairway.settings import load
from fairway.wiring import Project
from fairway.wiring.certifying import edge_parts
from fairway.wiring.edge import look
from tests.real.edge.authority import issue

ONE = issue("a.test", "*.b.test")
TEXT = """environments: {production: {services: {api: {route: {host: c.test}}}}}
services: {web: {route: {host: a.test}}}
gateway:
  https: 8443
  tls:
    - cert: one.pem
      key: one-key.pem
    - cert: two.pem
      key: two-key.pem
"""


class Kept:
    """A shelf in memory."""

    host = "here"

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def files(self) -> Mapping[str, bytes]:
        return dict(self.kept)

    async def has(self, name: str) -> bool:
        return name in self.kept

    async def write(self, files: Mapping[str, bytes], *, new: bool = False) -> None:
        self.kept |= files


def made(directory: Path, one: Certificate = ONE, two: Certificate | None = None, text: str = TEXT) -> Project:
    for name, certificate in {"one": one, "two": two or issue("two.test")}.items():
        (directory / f"{name}.pem").write_text(certificate.chain)
        (directory / f"{name}-key.pem").write_bytes(certificate.key)
        (directory / f"{name}-key.pem").chmod(0o600)
    return Project(directory, load(text, file="fairway.yaml"))


def policy(*hosts: str, preview: str | None = None) -> ServicePolicy:
    return ServicePolicy(route=Route(hosts=hosts, port=80), rollout=Rollout(preview=preview))


def told(problems: tuple[Problem, ...]) -> list[str]:
    return [f"{getattr(one.where, 'line', 0)} {'.'.join(one.path)}: {one.what}" for one in problems]


@pytest.mark.anyio
async def test_they_are_read_in_their_order(tmp_path: Path) -> None:
    project = made(tmp_path)
    parts = edge_parts(project, Kept())
    assert parts is not None
    assert (parts.tls.port, parts.tls.redirect) == (8443, True)
    assert (shown := await parts.tls.showing())
    assert shown.certificates[0] == ONE
    assert look(project, "production", {"web": policy("a.test", "*", "x.b.test", preview="two.test")}).warnings == ()
    alone = made(tmp_path, text=TEXT.replace("- cert: one.pem", "  cert: one.pem").partition("    - cert")[0])
    assert look(alone, "", {}).certificates == (ONE,)
    assert edge_parts(made(tmp_path, text=TEXT.partition("gateway")[0]), Kept()) is None


@pytest.mark.anyio
async def test_what_is_wrong_has_its_line(tmp_path: Path) -> None:
    old, later = (
        issue("x.test", begins=timedelta(days=-9), lasts=timedelta(days=8)),
        issue("x.test", begins=timedelta(1)),
    )
    assert [line.partition(" 20")[0] for line in told(look(made(tmp_path, old, later), "", {}).problems)] == [
        "6 gateway.tls.0.cert: one.pem has expired:",
        "8 gateway.tls.1.cert: two.pem does not count before",
    ]
    project = made(tmp_path, Certificate(chain=ONE.chain, key=issue("a.test").key))
    (tmp_path / "two-key.pem").unlink()
    assert (parts := edge_parts(project, Kept()))
    assert await parts.tls.showing() is None, "what is shown stays"
    with pytest.raises(InvalidFiles) as caught:
        project.edge_warnings("production", {})
    assert told(caught.value.problems) == [
        "7 gateway.tls.0.key: one.pem cannot be used: the key does not belong to it",
        "9 gateway.tls.1.key: two-key.pem cannot be read: No such file or directory",
    ]


def test_what_is_doubtful_is_a_warning(tmp_path: Path) -> None:
    project = made(tmp_path, issue("a.test", begins=timedelta(days=-61), lasts=timedelta(days=90)))
    (tmp_path / "two-key.pem").chmod(0o644)
    found = look(project, "", {})
    assert found.problems == ()
    assert [line.partition(":")[0] for line in told(found.warnings)] == ["6 gateway.tls.0.cert", "9 gateway.tls.1.key"]
    assert "others on this machine can read two-key.pem" in told(found.warnings)[1]


def test_a_host_without_a_certificate_is_refused_where_users_are_sent_to_it(tmp_path: Path) -> None:
    policies = {"web": policy("a.test", "a.b.c.test", "*"), "api": policy("c.test", preview="p.test")}
    lines = [
        "2 services.web.route: no certificate has the name a.b.c.test",
        "1 environments.production.services.api.route: no certificate has the name c.test",
        "1 services.api.rollout: no certificate has the name p.test",
    ]
    assert told(look(made(tmp_path), "production", policies).problems)[:2] == lines[:2]
    found = look(made(tmp_path, text=f"{TEXT}  redirect: false\n"), "production", policies)
    assert found.problems == ()
    assert told(found.warnings)[:2] == lines[:2]
    assert len(found.warnings) == 3


def test_only_who_brings_certificates_loads_what_reads_them() -> None:
    program = """import sys, fairway.cli.ps, fairway.wiring
print([name for name in sys.modules if name in ('fairway.net.certificates', 'cryptography.x509')])"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
