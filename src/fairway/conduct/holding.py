"""Holding: going on only when the time is over, the operators agree, and the judge does; and failing as soon as one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import aclosing

from fairway.conduct.judging import Court
from fairway.conduct.orders import Orders
from fairway.conduct.ready import Spare, failed, find, has_failed
from fairway.conduct.together import fleets
from fairway.model.fleet import Replica
from fairway.model.steps import Hold
from fairway.ports import Engine


async def hold(step: Hold, orders: Orders, watching: Awaitable[None], courts: Sequence[Court]) -> None:
    """Raises NotReady where a watched replica fails, Worse where the judge objects."""
    timer = asyncio.create_task(asyncio.sleep(step.seconds))
    tasks = [timer, asyncio.ensure_future(watching), *(asyncio.create_task(court.sit()) for court in courts)]
    for task in tasks:
        task.add_done_callback(lambda _: orders.news.set())
    try:
        while True:
            orders.news.clear()
            for task in tasks:
                if task.done():
                    task.result()
            late = timer.done() or not step.seconds
            if _over(step, orders, late, courts):
                return
            await orders.news.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _over(step: Hold, orders: Orders, late: bool, courts: Sequence[Court]) -> bool:
    """`late`: its time is over."""
    if orders.promoted:
        return True
    if orders.paused or not late or (step.approve and not orders.approved(step.phase)):
        return False
    return all(court.settled for court in courts)


async def watch(engine: Engine, watched: Sequence[Replica], spare: Spare) -> None:
    """Until it is cancelled. Raises NotReady where a replica that cannot be spared dies, or the engine restarts it."""
    async with aclosing(fleets(engine)) as stream:
        async for fleet in stream:
            left = dict(spare)
            for known in watched:
                replica = find(fleet, known)
                if not has_failed(known, replica):
                    continue
                if not left.get(known.revision):
                    raise failed(known, "failed while it was watched", replica)
                left[known.revision] -= 1
