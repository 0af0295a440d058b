"""Empties a host of a fleet, gives it back, or takes it out."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.flows.context import Target
from fairway.flows.deploy import reconcile
from fairway.model.errors import Refused, UsageError
from fairway.model.events import Emit
from fairway.model.fleet import Replica
from fairway.model.release import promoted
from fairway.ports import Marks


async def drain(
    target: Target, marks: Marks | None, host: str, secrets: Mapping[str, bytes], emit: Emit
) -> tuple[Replica, ...]:
    """Nothing new is placed on the host, and what can move away does; the replicas that stay, with their data.

    Raises UsageError where there is no such host, or no other one, and what `reconcile` does: the mark stays then.
    """
    await (await _known(marks, target, host)).drain(host)
    return await _settle(target, host, secrets, emit)


async def undrain(
    target: Target, marks: Marks | None, host: str, secrets: Mapping[str, bytes], emit: Emit
) -> tuple[Replica, ...]:
    """It gets replicas again, as they come. Nothing is moved to even things out, but `mode: global` is there at once."""
    await (await _known(marks, target, host)).undrain(host)
    return await _settle(target, host, secrets, emit)


async def remove(
    target: Target, marks: Marks | None, host: str, secrets: Mapping[str, bytes], emit: Emit
) -> tuple[str, ...]:
    """Drains it, and removes all that is left of the environment there but its volumes; the names of what went. Raises Refused."""
    stays = await drain(target, marks, host, secrets, emit)
    if stays:
        names = ", ".join(replica.name for replica in stays)
        raise Refused(
            f"{host} is not removed: {names} {'has its' if len(stays) == 1 else 'have their'} data there",
            where=host,
            hint="move the data, or take the service out of compose.yaml; the host stays drained",
        )
    assert marks
    return await marks.leave(host)


async def give_up(
    target: Target, marks: Marks | None, host: str, secrets: Mapping[str, bytes], emit: Emit, *, data: bool
) -> tuple[str, ...]:
    """A host that is dead for good is waited for no longer: what ran there runs elsewhere, with `data` also what had its data there,
    empty. The data that are given up. Raises UsageError where the host answers, Refused, and what `reconcile` does.
    """
    if marks is None:
        raise UsageError(f"{target.environment.name} has one host: there is none that could take over")
    lost = await marks.data(host)
    if lost and not data:
        raise Refused(
            f"{host} is not given up: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} there, and nowhere else",
            where=host,
            hint="with --data, too, what needs it starts elsewhere, empty; "
            "or bring the data back first, in a volume of that name on another host",
        )
    async with target.leases.hold(target.doing, target.wait):
        await marks.give_up(host)
    await _settle(target, host, secrets, emit)
    return lost


async def _known(marks: Marks | None, target: Target, host: str) -> Marks:
    hosts = [one.name for one in await target.engine.hosts()]
    if marks is None:
        raise UsageError(f"{target.environment.name} has one host: there is none that could take over")
    if host not in hosts:
        raise UsageError(f"{target.environment.name} has no host {host}", hint=f"its hosts: {', '.join(sorted(hosts))}")
    return marks


async def _settle(target: Target, host: str, secrets: Mapping[str, bytes], emit: Emit) -> tuple[Replica, ...]:
    if promoted(await target.ledger.read()):
        await reconcile(target, secrets, emit)
    return tuple(replica for replica in (await target.engine.observe()).replicas if replica.host == host)
