"""What is left of releases that nobody goes back to."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from fairway.model.release import Release


class Retention(Struct, frozen=True, kw_only=True):
    """What stays: so many `releases` that have served, and all that is younger than so many seconds."""

    releases: int = 10
    younger_than: float = 86400.0


class Garbage(Struct, frozen=True, order=True, kw_only=True):
    """One thing to be removed. `kind` is the engine's word for it, `where` its host or registry, `id` how it is removed.

    `bytes` is how much room it takes that nothing else takes; None where nobody knows.
    """

    where: str
    kind: str
    name: str
    id: str
    bytes: int | None = None
    why: str = ""


class Kept(Struct, frozen=True, kw_only=True):
    """Releases by what becomes of them; `seconds` since the epoch is the moment after which all is too young to go."""

    kept: tuple[Release, ...]
    dropped: tuple[Release, ...]
    seconds: float

    @property
    def repositories(self) -> frozenset[str]:
        """Where the images are called that were made for these releases."""
        return frozenset(
            release.images[name].repository
            for release in (*self.kept, *self.dropped)
            for name, service in release.app.services.items()
            if service.build and name in release.images
        )


def needed(releases: Collection[Release]) -> frozenset[str]:
    """Ids and digests of the images that they run."""
    images = [image for release in releases for image in release.images.values()]
    return frozenset(name for image in images for name in (image.id, image.digest) if name)
