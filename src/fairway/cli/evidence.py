"""fairway evidence: what is known of images, and whether it may be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fairway import wiring
from fairway.cli.arguments import Parameter
from fairway.cli.common import Common, Flag, Json, Options, show, show_json, warn
from fairway.cli.common import environment as chosen
from fairway.flows.evidence import Known, examine, refuse_doubtful
from fairway.model.build import ImageRef
from fairway.model.errors import UsageError
from fairway.model.events import Event, Note
from fairway.model.evidence import Attestation, Standing

MARKS = {Standing.TRUSTED: "✓", Standing.UNSIGNED: "·", Standing.STRANGER: "!"}
LONGEST_NUMBER = 8
"""Digits: a commit's short hash has more."""


async def evidence(
    what: str | None = None,
    *,
    environment: Annotated[str | None, Parameter(("--environment", "-e"))] = None,
    key: tuple[Path, ...] = (),
    verify: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Show what is known of images: how they were built, which tests they passed, what is in them, who approves; and who says so.

    It is looked for beside the checkout, in the ledger of the environment, and in the registry.

    Parameters
    ----------
    what:
        An image, the tag of a build (its short hash), or the number of a release; what serves where nothing is named.
    environment:
        Whose ledger and whose keys; the first of the file where none is named.
    key:
        A public key to trust besides those that the environment names.
    verify:
        End with 6 unless a trusted key says of each image how it was built, and nothing that was found is forged.
    json:
        Print JSON, with the whole statements.
    """
    project = wiring.project(options.directory)
    name = chosen(project.settings, environment or next(iter(project.settings.environments)))
    async with wiring.connection(project, name) as connection:
        images = await _images(connection, what)
        proofs = connection.proofs
        keys = (*proofs.trusted(), *(proofs.public_key(file) for file in key))
        known = await examine(images, proofs.stores(contents=True), keys, proofs.check, _say)
    if json:
        show_json({"environment": name, "images": [_facts(one) for one in known]})
    else:
        show("\n\n".join(_text(one) for one in known) or "nothing was built of it")
    if verify:
        refuse_doubtful(known)


def keygen(file: Path, *, json: Json = False, options: Options = Common()) -> None:  # noqa: B008
    """Make a pair of ed25519 keys: FILE (for you alone, 0600) and FILE.pub.

    Parameters
    ----------
    file:
        Where the private key goes. Never commit it; the public one belongs into the repository.
    json:
        Print JSON.
    """
    made = wiring.keygen(options.directory / file)
    if json:
        show_json({"id": made.id, "public": made.name})
    else:
        show(f"{Path(made.name).read_text('ascii')}{made.name}, key id {made.id}")


async def _images(connection: wiring.Connection, what: str | None) -> dict[str, ImageRef]:
    if what is None or (what.isdecimal() and len(what) <= LONGEST_NUMBER):
        release = await connection.proofs.release(int(what) if what else None)
        return {service: release.images[service] for service in (release.build.images if release.build else ())}
    if any(sign in what for sign in "/:@"):
        return {what: await connection.proofs.image(what)}
    build = await connection.proofs.build(what)
    if build is None:
        raise UsageError(f"nothing is known of {what}", hint="name an image, the tag of a build, or a release")
    return dict(build.images)


def _say(event: Event) -> None:
    if isinstance(event, Note):
        warn(event.text)


def _text(known: Known) -> str:
    lines = [f"{known.service}: {known.name}"]
    rows = [_row(one) for one in known.found]
    lines += [f"  {mark} {name:<{max(len(row[1]) for row in rows)}}  {told}" for mark, name, told in rows]
    return "\n".join(lines if rows else [*lines, "  nothing is known of it"])


def _row(one: Attestation) -> tuple[str, str, str]:
    from fairway.flows.words import summary, title

    by = f"signed by {', '.join(map(str, one.keys))}" if one.keys else one.standing.value
    doubt = "" if one.standing in MARKS or not one.detail else f" ({one.detail})"
    told = summary(one.statement) if one.statement and one.standing in MARKS else ""
    return MARKS.get(one.standing, "✗"), title(one.statement), "; ".join(filter(None, [f"{by}{doubt}", told]))


def _facts(known: Known) -> dict[str, Any]:
    from fairway.flows.words import title

    statements = [
        {
            "statement": title(one.statement),
            "standing": one.standing.name.lower(),
            "keys": [key.id for key in one.keys],
            "detail": one.detail,
            "predicateType": one.statement.kind if one.statement else None,
            "predicate": one.statement.predicate if one.statement else None,
            "envelope": one.envelope,
        }
        for one in known.found
    ]
    return {"service": known.service, "image": known.name, "statements": statements}
