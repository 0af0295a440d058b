"""Host names get their certificates before users are sent to them, and get others before those end."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct
from msgspec.structs import replace

from fairway.flows.context import Target
from fairway.flows.issuing import Round, host_of, moment, together, with_windows
from fairway.flows.renewal import due
from fairway.model.errors import FairwayError, Partial, Problem, Uncertified
from fairway.model.events import Emit, Note
from fairway.model.issuance import Failure, Issuances, Issued, Names
from fairway.model.release import Release


class Certified(Struct, frozen=True, kw_only=True):
    """`had` anew; `failures`, of what was asked for, or may not be asked for yet; `lacking`: names that nothing counts for."""

    had: tuple[Issued, ...] = ()
    failures: tuple[Failure, ...] = ()
    lacking: tuple[str, ...] = ()


def hosts_of(*releases: Release | None) -> tuple[str, ...]:
    """The host names at which users are to reach what the releases have."""
    policies = [policy for release in releases if release for policy in release.policies.values()]
    routed = [host for policy in policies if policy.route for host in policy.route.hosts]
    return tuple(dict.fromkeys([*routed, *(policy.rollout.preview for policy in policies if policy.rollout.preview)]))


async def certify(
    target: Target,
    hosts: Collection[str],
    emit: Emit,
    *,
    missing: bool = False,
    eager: bool = False,
    forced: Collection[Names] = (),
) -> Certified:
    """What is due of the certificates for `hosts` is had, and shown: `missing`, `eager` and `forced` are those of `due`.

    The gateways run, and the lease is held. What an authority refuses is in what this returns. Raises GatewayError, EngineError.
    """
    certifying = target.certifying
    if certifying is None or certifying.authority is None:
        return Certified()
    authority, directory = certifying.authority, certifying.authority.directory
    before, now = await certifying.store.read(), target.seconds
    kept = replace(before, wanted=await authority.wanted(hosts))
    if not missing:
        kept = await with_windows(authority, kept, now)
    found = due(kept, directory, now, before=authority.before, missing=missing, eager=eager, forced=forced)
    if found:
        emit(Note(f"asking {host_of(directory)} for certificates: {', '.join(map(together, found))}"))
        kept = await Round(certifying, authority, now, emit).have(kept, found)
    if kept != before:
        await certifying.store.write(kept)
        if showing := await certifying.showing():
            await certifying.edges.present(showing)
    known = {one.key for one in before.issued}
    done = Certified(
        had=tuple(one for one in kept.issued if one.key not in known),
        failures=tuple(one for names in kept.wanted if (one := kept.failure(directory, names))),
        lacking=kept.lacking(directory, now),
    )
    for text, level in _said(kept, done, found, now):
        emit(Note(text, level))
    return done


async def before_traffic(target: Target, release: Release, base: Release | None, emit: Emit) -> None:
    """No user is sent to a host name that has no certificate. Raises Uncertified, with all names for which none is to be had.

    The way back waits for none, and neither does what users can reach already, or where plain HTTP will do: there it is a warning.
    """
    if target.certifying is None or target.certifying.authority is None:
        return
    eager = release != base and not release.goes_back
    done = await certify(target, hosts_of(base, release), emit, missing=True, eager=eager)
    new = set(done.lacking) & (set(hosts_of(release)) - set(hosts_of(base)))
    if new and eager and target.certifying.authority.required:
        raise Uncertified(
            problems_of(done, new), "there are host names without a certificate, and users would be sent to them"
        )


async def after_release(target: Target, release: Release, emit: Emit, *, patient: bool) -> None:
    """What is due is renewed, and what nobody asks for any more is no longer shown. Whatever fails, the release serves.

    Raises Partial where a name has no certificate at all, unless somebody will come by again (`patient`).
    """
    try:
        done = await certify(target, hosts_of(release), emit, eager=not patient)
    except FairwayError as error:
        emit(Note(f"the certificates were not looked after: {error.what}", "warning"))
        return
    if done.lacking and not patient:
        raise Partial(
            f"release {release.number} serves, and there is no certificate for {', '.join(done.lacking)}",
            hint="mend the cause, and `fairway certificates renew`; until then these names are answered in plain HTTP",
        ) from Uncertified(problems_of(done, set(done.lacking)), "this is in the way")


def problems_of(done: Certified, names: Collection[str]) -> list[Problem]:
    told = [failure for failure in done.failures if set(failure.names) & set(names)]
    return [
        Problem(
            f"{failure.what}: {failure.why}" if failure.why else failure.what,
            together(failure.names),
            hint=_hint(failure),
        )
        for failure in told
    ]


def _hint(failure: Failure) -> str:
    asked = f"the authority may be asked again after {moment(failure.until)}" if failure.told else ""
    return "; ".join(filter(None, (failure.hint, asked)))


def _said(kept: Issuances, done: Certified, asked: Collection[Names], now: float) -> Iterator[tuple[str, str]]:
    """What a person should know, and how bad it is."""
    for issued in done.had:
        yield f"certificate for {together(issued.names)}, of {issued.issuer}, until {moment(issued.ends)}", "info"
    for failure in done.failures:
        if failure.names in asked:
            have = kept.of(failure.directory, failure.names)
            what = f"no certificate for {together(failure.names)}"
            if have and have.ends > now:
                what = f"the certificate for {together(failure.names)} counts until {moment(have.ends)}, and was not renewed"
            yield f"{what}: {': '.join(filter(None, (failure.what, failure.why)))}", "warning"
