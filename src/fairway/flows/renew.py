"""Certificates are renewed because somebody says so."""

from __future__ import annotations

from collections.abc import Collection

from fairway.flows.certificates import Certified, certify, hosts_of, problems_of
from fairway.flows.context import Target
from fairway.flows.orders import promoted_or_refused
from fairway.model.errors import Partial, Uncertified, UsageError
from fairway.model.events import Emit


async def renew(target: Target, names: Collection[str], emit: Emit, *, every: bool = False) -> Certified:
    """What is due, and what has failed; and those for `names`, or `every` one, whether due or not.

    Raises Uncertified where nothing could be had, Partial where some could not, Refused where no release serves, Locked.
    """
    if target.certifying is None or target.certifying.authority is None:
        hint = (
            "`gateway: {acme: {terms: true}}` in fairway.yaml; certificates from files are brought by `fairway deploy`"
        )
        raise UsageError(f"{target.environment.name} gets no certificates from an authority", hint=hint)
    async with target.leases.hold(target.doing, target.wait):
        release = promoted_or_refused(target, await target.ledger.read())
        wanted = await target.certifying.authority.wanted(hosts_of(release))
        unknown = sorted(set(names) - {name for group in wanted for name in group})
        if unknown:
            known = ", ".join(name for group in wanted for name in group) or "none"
            raise UsageError(f"no certificate is to be had for {', '.join(unknown)}", hint=f"there are: {known}")
        forced = [group for group in wanted if every or set(group) & set(names)]
        await target.traffic.start()
        done = await certify(target, hosts_of(release), emit, eager=True, forced=forced)
    failed = {name for failure in done.failures for name in failure.names}
    if failed:
        error = Uncertified(problems_of(done, failed), "these certificates could not be had")
        if done.had:
            raise Partial("some certificates were had, and some were not") from error
        raise error
    return done
