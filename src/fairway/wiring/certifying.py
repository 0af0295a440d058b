"""How an environment gets certificates for users, from files and from an authority, and what its gateways are to show."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from fairway.gateway.edge import EdgeTls
from fairway.model.edge import Showing
from fairway.model.errors import UsageError
from fairway.model.issuance import Names
from fairway.model.secret import Secret
from fairway.ports.certificates import Authority, Certifying, Edges, Filed, Issuer
from fairway.wiring import acme
from fairway.wiring.certificate_store import ShelfStore
from fairway.wiring.edge import look

if TYPE_CHECKING:
    from fairway.acme.issuer import Customer
    from fairway.engines.common.shelf import Shelf
    from fairway.settings.model import AcmeSettings
    from fairway.wiring.checkout import Project


class EdgeParts(Struct, frozen=True):
    """`tls` is for the gateways; `certifying`, with the gateways, for the stories."""

    tls: EdgeTls
    certifying: Callable[[Edges], Certifying]


def edge_parts(project: Project, shelf: Shelf, clock: Callable[[], float] = time.time) -> EdgeParts | None:
    """None where the settings have no TLS. The files are read when they are needed."""
    gateway = project.settings.gateway
    if not gateway.tls and not gateway.acme:
        return None
    store = ShelfStore(shelf)
    showing = partial(_showing, project, store, clock)
    return EdgeParts(
        EdgeTls(showing=showing, port=gateway.https, redirect=gateway.redirect),
        partial(_certifying, project, store, showing),
    )


def _certifying(
    project: Project, store: ShelfStore, showing: Callable[[], Awaitable[Showing | None]], edges: Edges
) -> Certifying:
    said = project.settings.gateway.acme
    return Certifying(
        store=store,
        edges=edges,
        showing=showing,
        files=partial(_filed, project),
        authority=Authority(
            directory=said.directory,
            issuer=partial(_issuer, project, said),
            wanted=partial(_wanted, project, said, store),
            required=project.settings.gateway.redirect,
            before=said.renew_before,
        )
        if said
        else None,
    )


async def _showing(project: Project, store: ShelfStore, clock: Callable[[], float]) -> Showing | None:
    """None where something is wrong with the files, and there is nothing else to show.

    Who deploys was told that before; a rollback from a machine without the files has to work all the same.
    """
    found, said = look(project, "", {}), project.settings.gateway.acme
    wrong = bool(found.problems)
    if said is None:
        return None if wrong else Showing(certificates=found.certificates)
    kept, now = await store.read(), clock()
    issued = tuple(one.certificate for one in kept.shown(said.directory, now))
    if wrong and not issued:
        return None
    own = () if wrong else found.certificates
    return Showing(certificates=(*own, *issued), plain=kept.lacking(said.directory, now), partial=wrong)


def _filed(project: Project) -> tuple[Filed, ...]:
    from fairway.net.certificates import seen

    return tuple(Filed(file=file, seen=seen(one.chain)) for file, one in look(project, "", {}).files)


async def _wanted(project: Project, said: AcmeSettings, store: ShelfStore, hosts: Collection[str]) -> tuple[Names, ...]:
    """Where the files are not at hand it is not known what they are for: no more names than before."""
    from fairway.net.certificates import read

    found = look(project, "", {})
    names = acme.wanted(said, hosts, [read(one) for one in found.certificates])
    if found.problems:
        known = (await store.read()).wanted
        names = tuple(group for group in names if group in known)
    return names


def _issuer(project: Project, said: AcmeSettings) -> AbstractAsyncContextManager[Issuer]:
    """Raises UsageError where the file with the server's authority cannot be used."""
    from fairway.acme.conversation import trusting
    from fairway.acme.issuer import opened

    customer = partial(_customer, project, said)
    try:
        context = trusting((project.directory / said.ca).read_text() if said.ca else None)
        return opened(said.directory, context, email=said.email or "", customer=customer)
    except (OSError, ValueError) as error:
        raise UsageError(f"{said.ca} cannot be read", why=str(error), hint="correct `gateway.acme.ca`") from None


def _customer(project: Project, said: AcmeSettings) -> Customer | None:
    """Raises UsageError where the key cannot be read."""
    from fairway.acme.issuer import Customer

    if said.eab is None:
        return None
    file = project.directory / said.eab.hmac_file
    try:
        return Customer(said.eab.kid, Secret(file.read_bytes()))
    except OSError as error:
        hint = "correct `gateway.acme.eab.hmac_file`"
        raise UsageError(f"{file} cannot be read", why=error.strerror or "", hint=hint) from None
