"""Which certificates users are shown, where they are from, when they end, and what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from fairway.flows.context import Target
from fairway.flows.issuing import host_of, moment, together
from fairway.flows.renewal import turn
from fairway.model.edge import Seen, mark
from fairway.model.issuance import Failure, Issuances, Issued
from fairway.ports.certificates import Certifying

SOON = 1 / 6
"""Of its lifetime: a certificate with less left should have been renewed long ago."""
FILES_SOON = 1 / 3
"""The same where somebody has to renew the file."""
DAY = 86400.0


class Known(Struct, frozen=True, kw_only=True):
    """`source` is a file, or the authority's host name; empty where this machine knows of neither. Times in seconds since the epoch."""

    names: tuple[str, ...]
    issuer: str
    begins: float
    ends: float
    source: str
    file: bool = False
    renews: float | None = None
    """When it is to be renewed; None where a person has to."""
    edges: tuple[str, ...] = ()
    """The hosts that show it."""
    missing: tuple[str, ...] = ()
    """The edges that do not, and should."""
    failure: Failure | None = None
    """Why it has not been renewed, when that was tried last."""


class Overview(Struct, frozen=True, kw_only=True):
    """`lacking`: why there is no certificate for a name. `problems` are in words."""

    known: tuple[Known, ...] = ()
    lacking: Mapping[str, Failure | None] = {}
    problems: tuple[str, ...] = ()


async def overview(target: Target) -> Overview:
    """Raises GatewayError, EngineError."""
    certifying = target.certifying
    if certifying is None:
        return Overview()
    shown = await certifying.edges.shown()
    kept, now = await certifying.store.read(), target.seconds
    directory = certifying.authority.directory if certifying.authority else ""
    known = tuple(_known(certifying, kept, shown, now))
    lacking = {name: _failure(kept, directory, name) for name in kept.lacking(directory, now)} if directory else {}
    return Overview(known=known, lacking=lacking, problems=tuple(_problems(known, lacking, now)))


def _known(
    certifying: Certifying, kept: Issuances, shown: Mapping[str, tuple[Seen, ...]], now: float
) -> Iterator[Known]:
    """From files, from the authority, and what is shown besides."""
    own = {one.seen.mark for one in certifying.files()}
    for filed in certifying.files():
        yield _of(filed.seen, shown, source=filed.file, file=True)
    if certifying.authority:
        directory, before = certifying.authority.directory, certifying.authority.before
        for issued in kept.shown(directory, now):
            own.add(mark(issued.chain))
            failure = kept.failure(issued.directory, issued.names)
            yield _of(
                _seen(issued), shown, source=host_of(issued.directory), renews=turn(issued, before), failure=failure
            )
    for seen in dict.fromkeys(one for all_ in shown.values() for one in all_):
        if seen.mark not in own:
            yield _of(seen, shown, source="")


def _seen(issued: Issued) -> Seen:
    return Seen(
        names=issued.names, issuer=issued.issuer, begins=issued.begins, ends=issued.ends, mark=mark(issued.chain)
    )


def _of(
    seen: Seen,
    shown: Mapping[str, tuple[Seen, ...]],
    *,
    source: str,
    file: bool = False,
    renews: float | None = None,
    failure: Failure | None = None,
) -> Known:
    edges = tuple(host for host, there in shown.items() if seen.mark in {one.mark for one in there})
    return Known(
        names=seen.names,
        issuer=seen.issuer,
        begins=seen.begins,
        ends=seen.ends,
        source=source,
        file=file,
        renews=renews,
        edges=edges,
        missing=tuple(host for host in shown if host not in edges) if source else (),
        failure=failure,
    )


def _failure(kept: Issuances, directory: str, name: str) -> Failure | None:
    return next((one for one in kept.failures if one.directory == directory and name in one.names), None)


def _problems(known: tuple[Known, ...], lacking: Mapping[str, Failure | None], now: float) -> Iterator[str]:
    for name, failure in sorted(lacking.items()):
        yield f"there is no certificate for {name}: {_why(failure) if failure else 'a deployment gets one'}"
    for one in known:
        what, life = f"the certificate for {together(one.names)}", one.ends - one.begins
        if one.ends <= now:
            yield f"{what} has ended: {moment(one.ends)}"
        elif one.ends - now < life * (SOON if one.renews else FILES_SOON):
            why = _why(one.failure) if one.failure else f"renew {one.source}, and deploy" if one.file else ""
            yield f"{what} ends in {(one.ends - now) / DAY:.0f} days{f': {why}' if why else ''}"
        if one.missing:
            yield f"{what} is not shown by {' and '.join(one.missing)}: `fairway deploy`, or `fairway reconcile`, brings it there"


def _why(failure: Failure) -> str:
    return ": ".join(filter(None, (failure.what, failure.why)))
