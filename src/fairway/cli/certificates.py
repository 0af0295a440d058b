"""fairway certificates: what users of TLS are shown, where it is from, and when it ends."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, Wait, show, show_json, table
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.certificates_known import Known, Overview, overview
from fairway.flows.context import iso
from fairway.flows.renew import renew as story

HEADS = ("NAMES", "ISSUER", "NOT AFTER", "FROM", "RENEWED", "SHOWN BY")


async def certificates(environment: str | None = None, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """Show the certificates that users of an environment are shown: for which names, by whom, until when, from where.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    json:
        Print JSON.
    """
    async with session(options, environment, "certificates") as here:
        found = await overview(here.target)
        speaks_tls = here.target.certifying is not None
    if json:
        show_json(_facts(found))
    elif not speaks_tls:
        show(f"{here.name} has no TLS with users: `gateway.tls` and `gateway.acme` of fairway.yaml give it")
    else:
        show(_text(found) or f"{here.name} has no certificates yet: `fairway deploy` brings them")


async def renew(
    name: str | None = None,
    *,
    environment: str | None = None,
    all_: Flag = False,
    wait: Wait = "0",
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Renew the certificates that are due, and try again what has failed; no connection ends for it.

    Deployments and `fairway reconcile` do it by themselves. What the authority does not want to be asked for yet is not asked for.

    Parameters
    ----------
    name:
        The one for this host name, too, whether due or not.
    environment:
        Whose certificates; not needed where there is one.
    all_:
        All of them, whether due or not.
    wait:
        How long to wait for a lease that somebody else holds: 30s, 5m.
    json:
        Print JSON.
    """
    async with session(options, environment, "certificates renew", wait, changes=True, repairs=True) as here:
        with progress() as emit:
            done = await story(here.target, [name] if name else [], emit, every=all_)
    had = [host for one in done.had for host in one.names]
    if json:
        show_json({"renewed": had})
    elif not had:
        show("no certificate is due")


def _text(found: Overview) -> str:
    rows = [_row(one) for one in found.known]
    parts = [table(HEADS, rows)] if rows else []
    parts += ["\n".join(f"! {problem}" for problem in found.problems)] if found.problems else []
    return "\n\n".join(parts)


def _row(one: Known) -> tuple[str, ...]:
    renewed = iso(one.renews) if one.renews else "by hand"
    return (", ".join(one.names), one.issuer, iso(one.ends), one.source or "elsewhere", renewed, ", ".join(one.edges))


def _facts(found: Overview) -> dict[str, object]:
    return {
        "certificates": [
            {
                "names": one.names,
                "issuer": one.issuer,
                "not_before": iso(one.begins),
                "not_after": iso(one.ends),
                "from": one.source or None,
                "renews": iso(one.renews) if one.renews else None,
                "shown_by": one.edges,
                "missing_at": one.missing,
                "failure": one.failure.what if one.failure else None,
            }
            for one in found.known
        ],
        "lacking": {name: failure.what if failure else None for name, failure in found.lacking.items()},
        "problems": found.problems,
    }
