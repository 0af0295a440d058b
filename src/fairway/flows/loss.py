"""What a lost host means for a release."""

from __future__ import annotations

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


def refuse_incomplete(target: Target, release: Release) -> None:
    """Raises Partial where the release serves, but not on all hosts."""
    lost = target.lost()
    if lost:
        names = " and ".join(sorted(lost))
        raise Partial(
            f"release {release.number} serves, without {names}",
            where=names,
            why="; ".join(f"{name}: {why}" for name, why in sorted(lost.items())),
            hint=RETURNS,
        )
