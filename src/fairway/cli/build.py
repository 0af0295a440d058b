"""fairway build: the images of the checked-out commit."""

from __future__ import annotations

from fairway.cli.common import Common, Flag, Json, Options, show, show_json
from fairway.cli.deployment import deployment
from fairway.cli.progress import progress
from fairway.cli.session import session
from fairway.flows.ship import make
from fairway.model.build import Build


async def build(
    environment: str | None = None,
    *,
    dirty: Flag = False,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Build the images of the checked-out commit, on the environment's engine.

    Parameters
    ----------
    environment:
        Which environment; not needed where there is one.
    dirty:
        Take a tree that differs from its commit; the images' tag says so.
    json:
        Print JSON.
    """
    async with session(options, environment, "build") as here:
        shop = (await deployment(here, dirty=dirty)).shop
        with progress() as emit:
            made = await make(shop, emit)
    report_build(made, json)


def report_build(made: Build, json: bool) -> None:
    """The images, and what is known of them."""
    if json:
        show_json(made)
        return
    lines = [f"{made.commit.tag} ({made.commit.describe})"]
    lines += [
        f"  {service}: {image.reference}  {(image.digest or image.id)[:19]}" for service, image in made.images.items()
    ]
    lines += [
        f"  {item.stage}: {'passed' if item.passed else 'FAILED'} in {item.seconds:.1f} s" for item in made.evidence
    ]
    show("\n".join(lines))
