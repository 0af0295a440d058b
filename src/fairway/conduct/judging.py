"""Sits in judgement over a new revision while it gets requests: counts from the gateway, tick by tick."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fairway.conduct.orders import Orders
from fairway.conduct.probing import Prober
from fairway.model.errors import EngineError, GatewayError, Worse
from fairway.model.events import Emit, Judged, Note
from fairway.model.judgement import Counts, Opinion, Ruling, Scrape, State
from fairway.model.steps import Trial
from fairway.ports import Traffic
from fairway.rollout.judge import observe, opinion

Written = Callable[[str, Opinion], Awaitable[None]]
"""Keeps the evidence, by service, where others can see it."""

DECIDE = "somebody has to decide, with `fairway promote --now` or `fairway abort`"


class Court:
    """One trial: it starts without evidence, so that two phases share no result."""

    def __init__(
        self, trial: Trial, traffic: Traffic, orders: Orders, emit: Emit, write: Written, *, probe: Prober | None
    ) -> None:
        self.trial = trial
        self.settled = False
        """Whether the rollout may go on, as far as this trial is concerned."""
        self._traffic = traffic
        self._orders = orders
        self._emit = emit
        self._write = write
        self._probe = probe
        self._asked = False
        """Whether somebody has been told that nothing but an order ends this."""
        self._trouble = ""
        """What was told of the probe last."""

    async def sit(self) -> None:
        """Until it is cancelled. Raises Worse where the verdict is to abort.

        What the gateway, or a probe, cannot tell is no data, and no verdict.
        """
        tasks = [asyncio.create_task(self._look())]
        tasks += [asyncio.create_task(self._probe.go_on())] if self._probe else []
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        judging, state = self.trial.judging, State()
        held, before = 0.0, await self._scrape()
        while True:
            began = time.monotonic()
            await asyncio.sleep(judging.every)
            after = await self._scrape()
            counted = [Counts.between(*pair) for pair in zip(before, after, strict=True)]
            state = observe(judging.policy, state, *self._with_probes(counted[0], counted[1]))
            before = after
            said = opinion(judging.policy, state)
            held += 0.0 if self._orders.paused else time.monotonic() - began
            self._emit(Judged(self.trial, said, held))
            await self._write(self.trial.new.service, said)
            self._rule(said, held)

    def _with_probes(self, new: Counts | None, old: Counts | None) -> tuple[Counts | None, Counts | None]:
        """Where either the gateway or the probe has nothing to tell, the other one does all the same."""
        if self._probe is None:
            return new, old
        if self._probe.trouble and not self._trouble:
            self._emit(Note(f"the probe of {self.trial.new} has no result: {self._probe.trouble}", "warning"))
        self._trouble = self._probe.trouble
        asked = self._probe.take()
        if new is None or old is None:
            return asked or (None, None)
        return (new + asked[0], old + asked[1]) if asked else (new, old)

    def _rule(self, said: Opinion, held: float) -> None:
        """After `max_hold` without a verdict, pauses aside, the user has said what then."""
        judging = self.trial.judging
        undecided = said.ruling is Ruling.HOLD and held >= judging.max_hold
        if said.ruling is Ruling.ABORT:
            raise Worse(f"{self.trial.new} is worse than it may be", why=said.why)
        if undecided and judging.no_data == "abort":
            lacking = "; ".join(said.missing)
            raise Worse(f"{self.trial.new} has no verdict after {held:.0f} s, and `no_data` is abort", why=lacking)
        if undecided and judging.no_data == "hold" and not self._asked:
            self._asked = True
            self._emit(Note(f"no verdict on {self.trial.new} after {held:.0f} s: {DECIDE}", "warning"))
        self.settled = said.ruling is Ruling.PASS or (undecided and judging.no_data == "pass")
        self._orders.news.set()

    async def _scrape(self) -> tuple[Scrape | None, Scrape | None]:
        """Of the new revision, and of the old one."""
        try:
            found = await self._traffic.counts((self.trial.new, self.trial.old))
        except (GatewayError, EngineError):
            return None, None
        return found.get(self.trial.new.name), found.get(self.trial.old.name)
