"""A machine that is to become a Docker host: what it has told, and what it needs. What it tells is not trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from fairway.model.errors import FairwayError

OLDEST_SYSTEMS = {"debian": (11, 0), "ubuntu": (22, 4)}
OLDEST_ENGINE = (20, 10)
"""The first one with API 1.41."""
NEEDED = 2 << 30
"""Bytes: the engine's packages take 0.4 GB, the gateway's image 0.3, and what is unpacked lies beside it for a while."""
SUDOERS = "'{user} ALL=(ALL) NOPASSWD: ALL' in a file in /etc/sudoers.d"


class System(Struct, frozen=True, kw_only=True):
    """`root`: whether the one who has logged in is root, or becomes root by sudo without a password; else `why` not."""

    os: str = ""
    version: str = ""
    name: str = ""
    arch: str = ""
    user: str = ""
    is_root: bool = False
    root: bool = False
    why: str = ""

    @classmethod
    def read(cls, said: Mapping[str, str]) -> System:
        texts = {key: said.get(key, "") for key in ("os", "version", "name", "arch", "user", "why")}
        return cls(**texts, is_root=said.get("uid") == "0", root=said.get("root") == "yes")

    def refuse(self, host: str) -> None:
        """Raises FairwayError where it can be no host of Fairway's making."""
        oldest = OLDEST_SYSTEMS.get(self.os)
        if oldest is None or pair(self.version) < oldest:
            raise FairwayError(
                f"{host} runs {self.name or 'something unknown'}: only Debian 11, Ubuntu 22.04, or newer, can be set up",
                where=host,
                hint="install one of them; or install Docker 20.10 or newer yourself, which is all that Fairway needs",
            )
        if not self.root:
            raise FairwayError(
                f"{self.user} may not become root on {host}",
                where=host,
                why=self.why,
                hint=f"log in as root, or let sudo ask for no password: {SUDOERS.format(user=self.user)}",
            )


class State(Struct, frozen=True, kw_only=True):
    """What there is already.

    `free` are bytes; `engine` the version, (0, 0) without one; `words` the engine's command line, `config` its daemon.json, None
    where there is none. `running` is how many containers run, None where that is not known. `restart`: daemon.json has something
    that the engine has not read yet. `clock` keeps the time now, `keeper` could.
    """

    NO_ENGINE: ClassVar[tuple[int, int]] = (0, 0)

    systemd: bool = False
    free: int = 0
    engine: tuple[int, int] = NO_ENGINE
    answers: bool = False
    snap: bool = False
    unfinished: bool = False
    live_restore: bool = False
    running: int | None = None
    clustered: bool = False
    gateway: bool = False
    words: tuple[str, ...] = ()
    config: str | None = None
    restart: bool = False
    member: bool = False
    clock: str = ""
    keeper: str = ""
    container: bool = False

    @classmethod
    def read(cls, said: Mapping[str, str]) -> State:
        engine = pair(said.get("engine", "")) if said.get("dockerd") else cls.NO_ENGINE
        nothing = "false 0 inactive" if engine == cls.NO_ENGINE else ""
        live, running, cluster = (*(said.get("info") or nothing).split(), "", "", "")[:3]
        return cls(
            free=_number(said.get("free", "")) * 1024,
            engine=engine,
            words=tuple(word for word in said.get("words", "").split() if word.isprintable()),
            config=said.get("config", "") if said.get("configured") == "yes" else None,
            unfinished=bool(said.get("unfinished")),
            live_restore=live == "true",
            running=_number(running) if running.isdecimal() else None,
            clustered=cluster not in ("", "inactive"),
            gateway=said.get("gateway") == "true",
            clock=said.get("clock", ""),
            keeper=said.get("keeper", ""),
            **{key: said.get(key) == "yes" for key in ("systemd", "answers", "snap", "restart", "member", "container")},
        )

    @property
    def install(self) -> bool:
        """Whether packages are to be installed, or an installation to be ended."""
        return self.engine == self.NO_ENGINE or self.unfinished

    @property
    def free_to_restart(self) -> bool:
        """Whether no container stops when the engine does."""
        return self.live_restore or self.running == 0

    def refuse(self, host: str) -> None:
        """Raises FairwayError where an engine is there that must be dealt with by hand, or the disk is too small."""
        if self.snap:
            raise FairwayError(
                f"Docker on {host} is a snap",
                where=host,
                why="its files lie elsewhere, and it restarts by itself to upgrade, with all containers",
                hint="remove it (snap remove docker), and run this again: Debian's or Ubuntu's own engine is installed",
            )
        if self.NO_ENGINE < self.engine < OLDEST_ENGINE:
            raise FairwayError(
                f"Docker {self.engine[0]}.{self.engine[1]} on {host} is too old",
                where=host,
                why="Fairway needs 20.10 or newer, and an upgrade stops its containers",
                hint="upgrade it when it suits, in the way that it was installed",
            )
        if self.install and self.free < NEEDED:
            raise FairwayError(
                f"The disk of {host} is too full for Docker",
                where=host,
                why=f"{self.free / (1 << 30):.1f} GiB are free at /var/lib, and it takes {NEEDED >> 30} GiB",
                hint="make room there",
            )


def pair(text: str) -> tuple[int, int]:
    """The first two numbers of a version, wherever it stands in a text: (22, 4) of 22.04."""
    found = re.search(r"(\d{1,4})(?:\.(\d{1,4}))?", text)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0
