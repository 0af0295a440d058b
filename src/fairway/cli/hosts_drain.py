"""fairway hosts drain, undrain, remove: a host of a fleet is emptied, given back, taken out."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.cli.common import Common, Flag, Json, Options, Wait, show, show_json
from fairway.cli.progress import progress
from fairway.cli.session import Session, session
from fairway.flows import drain as story
from fairway.model.errors import UsageError
from fairway.model.release import promoted


async def drain(
    host: str,
    *,
    environment: str | None = None,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Move what runs on a host to the others, without one failed request, and place nothing new on it.

    What has its data there stays. The host goes on routing requests.
    A node of a Swarm does not, and all goes: its users are led away before.

    Parameters
    ----------
    host:
        Its name in fairway.yaml.
    environment:
        Whose host it is; not needed where there is one environment.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "hosts drain", wait, changes=True) as here:
        here.told.detail = host
        with progress() as emit:
            stays = await story.drain(here.target, here.connection.parts.marks, host, await _secrets(here), emit)
    if json:
        show_json({"host": host, "drained": True, "stays": [replica.name for replica in stays]})
        return
    show(f"{host} is drained" + ("" if not stays else "; with their data stay:"))
    for replica in stays:
        show(f"  {replica.name}")


async def undrain(
    host: str,
    *,
    environment: str | None = None,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Give a drained host back: new replicas are placed on it again. Nothing is moved to it.

    Parameters
    ----------
    host:
        Its name in fairway.yaml.
    environment:
        Whose host it is; not needed where there is one environment.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "hosts undrain", wait, changes=True) as here:
        here.told.detail = host
        with progress() as emit:
            await story.undrain(here.target, here.connection.parts.marks, host, await _secrets(here), emit)
    if json:
        show_json({"host": host, "drained": False})
    else:
        show(f"{host} takes replicas again")


async def remove(
    host: str,
    *,
    environment: str | None = None,
    lost: Flag = False,
    data: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Drain a host, and remove what is left of the environment on it but its volumes. Then take it out of fairway.yaml.

    Parameters
    ----------
    host:
        Its name in fairway.yaml.
    environment:
        Whose host it is; not needed where there is one environment.
    lost:
        It does not answer, and is dead for good: what ran there is started elsewhere.
    data:
        With --lost: give its data up, too. Services that have theirs there start elsewhere, empty.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    if data and not lost:
        raise UsageError("--data goes with --lost", hint="data of a host that answers stays on it")
    dead = (host,) if lost else ()
    async with session(options, environment, "hosts remove", wait, changes=True, repairs=lost, dead=dead) as here:
        here.told.detail = host
        marks = here.connection.parts.marks
        with progress() as emit:
            secrets = await _secrets(here)
            if lost:
                gone = await story.give_up(here.target, marks, host, secrets, emit, data=data)
            else:
                gone = await story.remove(here.target, marks, host, secrets, emit)
    if json:
        show_json({"host": host, "given_up": gone} if lost else {"host": host, "removed": gone})
        return
    for name in gone:
        show(f"{'given up' if lost else 'removed'} {name}")
    if lost:
        show(f"nothing of {here.name} is waited for on {host}: take it out of `hosts` in fairway.yaml")
        show(
            f"should {host} ever come back, it still runs what it ran: wipe it, or add it again and `fairway reconcile`"
        )
    else:
        show(f"nothing of {here.name} runs on {host} any more: take it out of `hosts` in fairway.yaml")


async def _secrets(here: Session) -> Mapping[str, bytes]:
    release = promoted(await here.target.ledger.read())
    return await here.connection.secrets_of(release) if release else {}
