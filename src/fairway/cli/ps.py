"""fairway ps: the replicas."""

from __future__ import annotations

from fairway.cli.common import Common, Json, Options, show, show_json, table
from fairway.cli.session import session
from fairway.model.fleet import Health, Replica, State


async def ps(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """List the replicas of an environment.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    async with session(options, environment, "ps") as here:
        fleet = await here.target.engine.observe()
        now = here.target.seconds
    replicas = sorted(fleet.replicas, key=lambda r: (r.revision.service, r.revision.release, r.index))
    if json:
        show_json(replicas)
        return
    heads = ("REPLICA", "REVISION", "HOST", "ADDRESS", "STATE", "SINCE")
    show(table(heads, [_row(replica, now) for replica in replicas]) if replicas else "nothing runs here")


def _row(replica: Replica, now: float) -> tuple[str, ...]:
    since = age(replica.started, now) if replica.started else ""
    return (replica.name, replica.revision.name, replica.host, replica.address, state(replica), since)


def state(replica: Replica) -> str:
    words: str = replica.state.value
    if replica.state is State.RUNNING and replica.health is not Health.NONE:
        words = replica.health.value
    if replica.oom_killed:
        words += ", killed by its memory limit"
    elif replica.state is State.EXITED:
        words += f" {replica.exit_code}"
    return f"{words}, {replica.restarts} restarts" if replica.restarts else words


def age(since: float, now: float) -> str:
    """How long ago, in one unit that says enough. `now` is by the clock that `since` was read from: the host's."""
    passed = max(0, int(now - since))
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if passed >= 2 * size:
            return f"{passed // size}{unit}"
    return f"{passed}s"
