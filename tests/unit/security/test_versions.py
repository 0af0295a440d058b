"""Engines, systems and kernels that nobody mends any more, and those that a distribution does."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from fairway.model.app import App
from fairway.model.security_facts import HostSecurity
from fairway.security.rule import Case
from fairway.security.versions import old_engine, old_runc, old_system
from fairway.wiring.audit import maintained

CASE = Case(app=App(name="shop", services={}), known=maintained(), today=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("engine", "build", "old"),
    [
        ("24.0.7", "311b9ff", True),
        ("27.5.1", "4c9b3b0", True),
        ("28.0.0", "", False),
        ("29.8.0", "", False),
        ("30.0.0-rc.1", "", False),
        ("20.10.24+dfsg1", "5d6db84", False),
        ("24.0.7", "24.0.7-0ubuntu2~22.04.1", False),
        ("", "", False),
        ("dev", "", False),
    ],
)
def test_engines(engine: str, build: str, old: bool) -> None:
    assert bool(list(old_engine(CASE, HostSecurity(engine=engine, build=build)))) is old


@pytest.mark.parametrize(
    ("os", "kernel", "today", "said"),
    [
        ("Debian GNU/Linux 12 (bookworm)", "6.1.0-40-amd64", "2026-11-01", []),
        ("Debian GNU/Linux 11 (bullseye)", "5.10.0-30-amd64", "2026-08-31", []),
        (
            "Debian GNU/Linux 11 (bullseye)",
            "5.10.0-30-amd64",
            "2026-09-01",
            ["Debian GNU/Linux 11 was maintained until 2026-08-31"],
        ),
        ("Debian GNU/Linux 1", "6.18.1", "2026-11-01", []),
        ("Ubuntu 20.04.6 LTS", "5.15.0-139-generic", "2026-11-01", ["Ubuntu 20.04 was maintained until 2025-05-31"]),
        ("Ubuntu 24.04.1 LTS", "6.8.0-48-generic", "2026-11-01", []),
        ("Red Hat Enterprise Linux 9.4", "5.14.0-427.el9.x86_64", "2026-11-01", []),
        ("Alpine Linux v3.21", "6.12.8-0-lts", "2026-11-01", []),
        (
            "Debian GNU/Linux 12 (bookworm)",
            "5.4.210",
            "2026-11-01",
            ["its kernel is 5.4.210, whose line was maintained until 2025-12-31"],
        ),
        ("", "6.18.44-fc-v657", "2026-11-01", []),
        ("", "6.14.2", "2026-11-01", ["its kernel is 6.14.2, whose line is none that is maintained for long"]),
        ("", "7.1.0", "2026-11-01", []),
        ("", "", "2026-11-01", []),
    ],
)
def test_systems_and_kernels(os: str, kernel: str, today: str, said: list[str]) -> None:
    case = replace(CASE, today=date.fromisoformat(today))
    assert list(old_system(case, HostSecurity(os=os, kernel=kernel))) == said


@pytest.mark.parametrize(
    ("version", "old"),
    [
        ("1.0.3", True),
        ("1.1.15", True),
        ("1.2.7", True),
        ("1.2.8", False),
        ("1.3.2", True),
        ("1.3.4", False),
        ("1.4.0-rc.3", False),
        ("1.5.0", False),
        ("1.1.5+ds1", False),
        ("", False),
    ],
)
def test_runc(version: str, old: bool) -> None:
    assert bool(list(old_runc(CASE, HostSecurity(runc=version)))) is old


def test_what_is_known_says_when_and_from_where() -> None:
    assert CASE.known.as_of < CASE.today
    assert all("https://" in source for source in CASE.known.sources)
