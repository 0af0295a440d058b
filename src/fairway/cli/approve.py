"""fairway approve: let a release that waits go on; or sign that certain images may come to an environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fairway import wiring
from fairway.cli.arguments import Parameter
from fairway.cli.common import Common, Json, Options, show, show_json
from fairway.cli.common import environment as known
from fairway.cli.orders import tell
from fairway.cli.session import Session, session
from fairway.flows.approval import approve as sign
from fairway.model.build import Build
from fairway.model.errors import Refused, UsageError
from fairway.model.orders import Order


async def approve(
    environment: str | None = None,
    *,
    commit: str | None = None,
    origin: Annotated[str | None, Parameter(("--from",))] = None,
    key: Path | None = None,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Approve the phase that a release waits in: it goes on to the next one.

    With --commit, or --from: sign, with your own key, that these very images may come to the environment, as its
    `require.approvals` asks. It counts for no other images, and for no other environment.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    commit:
        The tag of a build (its short hash).
    origin:
        The environment whose images are meant: those that serve there.
    key:
        The file with your private key. `fairway evidence keygen` makes one.
    json:
        Print JSON.
    """
    if not (commit or origin or key):
        await tell(options, environment, Order.APPROVE, json)
        return
    if not key or bool(commit) == bool(origin):
        raise UsageError(
            "which images, and whose signature?", hint="say --commit COMMIT (or --from ENVIRONMENT), and --key FILE"
        )
    async with session(options, environment, "approve", changes=True) as here:
        build = await (_built(here, commit) if commit else _serving(here, origin or ""))
        here.told.detail = build.commit.tag
        signer = here.connection.proofs.signer_of(key)
        names = await sign(here.target, build, signer, here.connection.parts.records.evidence)
    if json:
        show_json({"environment": here.name, "commit": build.commit.tag, "key": signer.key.id, "images": names})
    else:
        show("\n".join([f"approved for {here.name}, by {signer.key}:", *(f"  {name}" for name in names)]))


async def _built(here: Session, commit: str) -> Build:
    build = await here.connection.proofs.build(commit)
    if build is None or not build.images:
        raise Refused(
            f"nothing is known of {commit}", hint="`fairway ship` builds it, or `--from` the environment it serves in"
        )
    return build


async def _serving(here: Session, origin: str) -> Build:
    project = here.connection.project
    async with wiring.connection(project, known(project.settings, origin)) as there:
        return await there.proofs.serving()
