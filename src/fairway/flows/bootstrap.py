"""From a bare Debian or Ubuntu to a working, hardened Docker host. Each step looks first, so that it can be run again at any time."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from enum import StrEnum

from msgspec import Struct

from fairway.model.errors import FairwayError, Refused
from fairway.model.host_findings import DAEMON
from fairway.model.machine import State, System
from fairway.ports import Machine
from fairway.render.daemon import Merged, how_to_apply, merge, open_addresses

ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
RESTART = "`systemctl restart docker` when it suits you, or run this again: with live-restore, no container stops then"


class Did(StrEnum):
    DOING = "doing"
    """It takes a while, and what became of it follows."""
    NOTHING = "nothing"
    DONE = "done"
    WOULD = "would"
    ADVICE = "advice"
    PROBLEM = "problem"


class Told(Struct, frozen=True):
    """What a step has found or done, in one line, and for advice and problems why, and what to do."""

    step: str
    did: Did
    what: str
    why: str = ""
    hint: str = ""


class Story:
    """`host` is how people call the machine."""

    def __init__(self, host: str, machine: Machine, *, dry_run: bool = False) -> None:
        self._host = host
        self._machine = machine
        self._dry = dry_run
        self._system = System()

    async def run(self) -> AsyncIterator[Told]:
        """Raises FairwayError where nothing can come of it: then the steps before are done, and nothing is left half-done."""
        self._system = System.read(await self._machine.ask("system"))
        self._system.refuse(self._host)
        state = await self._look()
        state.refuse(self._host)
        self._refuse_open(state)
        merged = self._merge(state)  # a file that is broken is told before anything is changed
        yield Told("system", Did.NOTHING, self._described(state))
        for told in self._engine(state):
            yield told
        if not self._dry and (state.install or not state.answers):
            said = await self._ask("engine", install="yes" if state.install else "no")
            yield Told("engine", Did.DONE, said.get("engine", "it runs"))
            state = await self._look()
            self._refuse_open(state)
            merged = self._merge(state)
        async for told in self._daemon(state, merged):
            yield told
        async for told in self._access(state):
            yield told
        async for told in self._clock(state):
            yield told
        async for told in self._gateway(state):
            yield told

    async def _ask(self, step: str, **values: str) -> dict[str, str]:
        return dict(await self._machine.ask(step, values, sudo=not self._system.is_root))

    async def _look(self) -> State:
        return State.read(await self._ask("state", user=self._system.user))

    @property
    def _file(self) -> str:
        return f"{self._host}:{DAEMON}"

    def _merge(self, state: State) -> Merged:
        return merge(state.config, where=self._file, words=state.words, clustered=state.clustered)

    def _refuse_open(self, state: State) -> None:
        found = open_addresses(state.config, state.words, where=self._file)
        if found:
            raise Refused(
                f"Docker's API on {self._host} is open at {', '.join(found)}, or will be when Docker starts",
                where=self._host,
                why="whoever gets there is root on the host, without being asked for anything",
                hint=f'take the address out of "hosts" in {DAEMON} and out of the -H options of docker.service (Fairway comes '
                "by ssh://), or let it ask for certificates: --tlsverify",
            )

    def _described(self, state: State) -> str:
        system, by = self._system, "root" if self._system.is_root else f"{self._system.user}, with sudo"
        manager = "systemd" if state.systemd else "no systemd"
        free = state.free / (1 << 30)
        return f"{system.name}, {system.arch}, {manager}, {free:.1f} GiB free; as {by}"

    def _engine(self, state: State) -> tuple[Told, ...]:
        version = ".".join(map(str, state.engine))
        if not state.install and state.answers:
            return (Told("engine", Did.NOTHING, f"Docker {version} runs"),)
        if state.install:
            what = "installs docker.io" if state.engine == State.NO_ENGINE else "ends an installation that was cut off"
        else:
            what = f"starts Docker {version}, which does not run"
        return (Told("engine", Did.WOULD if self._dry else Did.DOING, what),)

    async def _daemon(self, state: State, merged: Merged) -> AsyncIterator[Told]:
        for each in merged.told:
            yield Told("daemon", Did.ADVICE, f"{each.what} in {DAEMON}, and is left so", each.why)
        apply = how_to_apply(state, merged)
        added = f"{DAEMON}: {', '.join(merged.added)} added" if merged.added else ""
        then = {"restart": "Docker restarted", "reload": "Docker has read it again", "nothing": ""}[apply]
        what = "; ".join(filter(None, (added, then)))
        if not what:
            yield Told("daemon", Did.NOTHING, f"{DAEMON} is as it should be")
        elif self._dry:
            yield Told("daemon", Did.WOULD, what)
        else:
            values = {"write": "yes" if merged.added else "no", "restarts": "yes" if merged.restarts else "no"}
            await self._ask("daemon", new=merged.text, apply=apply, **values)
            yield Told("daemon", Did.DONE, what)
        if (merged.restarts or state.restart) and apply != "restart":
            yield Told(
                "daemon",
                Did.ADVICE,
                f"not all of {DAEMON} counts before Docker is restarted",
                "a restart would have stopped the containers that run: live-restore was off",
                RESTART,
            )

    async def _access(self, state: State) -> AsyncIterator[Told]:
        user = self._system.user
        if self._system.is_root or state.member:
            yield Told("access", Did.NOTHING, f"{user} may use Docker")
            return
        if not self._dry:
            await self._ask("access", user=user)
        yield Told("access", self._done, f"{user} joins the group docker, and so is root on the host")

    @property
    def _done(self) -> Did:
        return Did.WOULD if self._dry else Did.DONE

    async def _clock(self, state: State) -> AsyncIterator[Told]:
        keeper = state.keeper
        if state.clock:
            yield Told("clock", Did.NOTHING, f"{state.clock} keeps the time")
        elif state.container:
            yield Told("clock", Did.NOTHING, "the time is that of the machine which this one is a part of")
        elif keeper or not state.systemd:
            hint = f"start {keeper}" if keeper else "install chrony"
            yield Told("clock", Did.ADVICE, "nothing keeps the time", "clocks that differ break certificates", hint)
        elif self._dry:
            yield Told("clock", Did.WOULD, "installs systemd-timesyncd")
        else:
            yield Told("clock", Did.DOING, "installs systemd-timesyncd")
            said = await self._ask("clock")
            if said.get("clock"):
                yield Told("clock", Did.DONE, f"{said['clock']} keeps the time")
            else:
                why, hint = "systemd-timesyncd does not start", "look at it: systemctl status systemd-timesyncd"
                yield Told("clock", Did.ADVICE, "nothing keeps the time", why, hint)

    async def _gateway(self, state: State) -> AsyncIterator[Told]:
        if self._dry:
            if state.gateway:
                yield Told("gateway", Did.NOTHING, "it runs")
            else:
                yield Told("gateway", Did.WOULD, "makes Fairway's image there, and starts the gateway")
            return
        if not state.gateway:
            yield Told("gateway", Did.DOING, "makes Fairway's image there, which takes a while the first time")
        try:
            self._same_architecture()
            started = await self._machine.gateway()
        except FairwayError as error:
            yield Told("gateway", Did.PROBLEM, error.what, error.why, error.hint)
        else:
            yield Told("gateway", Did.DONE if started else Did.NOTHING, "it runs")

    def _same_architecture(self) -> None:
        """The gateway's image gets the Envoy of this machine."""
        here, there = (ARCHITECTURES.get(name, name) for name in (platform.machine(), self._system.arch))
        if here != there:
            raise FairwayError(
                f"{self._host} is {there}, and this machine is {here}: its Envoy does not run there",
                hint=f"run this once from a machine that is {there}",
            )
