"""What a lost host means for a release."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.flows.context import Target
from fairway.model.errors import HostLost, Partial
from fairway.model.release import Release

RETURNS = "once it answers again, `fairway reconcile`, or the next deployment, brings it to the release that serves"


def stopped(release: Release, error: HostLost) -> Partial:
    """`on_host_loss: stop`: nothing is led back."""
    return Partial(
        f"release {release.number} has stopped where it was: {error.what}",
        where=error.where,
        why=error.why,
        hint="`fairway status` shows what serves; `fairway resume` goes on with the hosts that answer, `fairway abort` leads back",
    )


def waits_for(waits: Mapping[str, str]) -> str:
    """In words: which services wait for their data."""
    return "; ".join(
        f"{service} waits for its data, on {host}, which does not answer" for service, host in sorted(waits.items())
    )


def refuse_incomplete(target: Target, release: Release, waits: Mapping[str, str]) -> None:
    """Raises Partial where the release serves, but not on all hosts, or not all of it."""
    lost = target.lost()
    if lost:
        names = " and ".join(sorted(lost))
        raise Partial(
            f"release {release.number} serves, without {names}",
            where=names,
            why="\n".join(
                filter(None, ("; ".join(f"{name}: {why}" for name, why in sorted(lost.items())), waits_for(waits)))
            ),
            hint=RETURNS,
        )
    if waits:
        names = " and ".join(sorted(waits))
        raise Partial(
            f"release {release.number} serves, without {names}",
            why=waits_for(waits),
            hint="bring the host back; or, where it is dead for good, `fairway hosts remove HOST --lost --data`: it starts empty",
        )
