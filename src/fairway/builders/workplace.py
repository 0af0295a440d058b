"""The files around one build: its Dockerfile, its secrets, the place for the image's id. Gone when the build is over."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from fairway.builders.arguments import Files, is_remote, secret_id
from fairway.builders.dockerfile import with_contexts
from fairway.model.app import BuildSpec
from fairway.model.errors import BuildFailed

MEMORY = Path("/dev/shm")  # noqa: S108
"""Where a directory of our own (0700) is made, if it can be: secrets then never reach a disk."""


class Recipe(Struct, frozen=True):
    """A Dockerfile: what people call it, its text, and whether that text is somewhere as a file already."""

    name: str
    text: str
    path: Path | None


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A directory that only this user can enter."""
    root = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="fairway-", dir=root) as directory:
        yield Path(directory)


def read_recipe(service: str, spec: BuildSpec) -> Recipe:
    """Raises BuildFailed where the context or the Dockerfile is not there. Of a remote context nothing is known here."""
    if is_remote(spec.context):
        return Recipe(spec.dockerfile or "", spec.dockerfile_inline or "", None)
    context = Path(spec.context)
    if not context.is_dir():
        raise BuildFailed(f"{service} cannot be built: its build context is no directory", where=spec.context)
    if spec.dockerfile_inline is not None:
        return Recipe("dockerfile_inline", spec.dockerfile_inline, None)
    path = context / (spec.dockerfile or "Dockerfile")
    try:
        return Recipe(str(path), path.read_text("utf-8", "replace"), path)
    except OSError as error:
        raise BuildFailed(
            f"{service} cannot be built: there is no Dockerfile",
            where=str(path),
            why=error.strerror or str(error),
            hint="Write one, or name it with build.dockerfile.",
        ) from error


def lay_out(
    spec: BuildSpec, recipe: Recipe, secrets: Mapping[str, bytes], images: Mapping[str, str], directory: Path
) -> Files:
    """Writes what the build reads into `directory`. `images`: additional contexts that the Dockerfile's text has to name."""
    return Files(
        dockerfile=_dockerfile(spec, recipe, images, directory),
        secrets=_secrets(spec, secrets, directory),
        iidfile=str(directory / "iid"),
    )


def _dockerfile(spec: BuildSpec, recipe: Recipe, images: Mapping[str, str], directory: Path) -> str | None:
    if is_remote(spec.context):
        return recipe.name or None
    if recipe.path and not images:
        return str(recipe.path)
    written = directory / "Dockerfile"
    written.write_text(with_contexts(recipe.text, images, spec.args) if images else recipe.text, "utf-8")
    if recipe.path and (ignored := recipe.path.with_name(f"{recipe.path.name}.dockerignore")).is_file():
        shutil.copy(ignored, directory / "Dockerfile.dockerignore")
    return str(written)


def _secrets(spec: BuildSpec, secrets: Mapping[str, bytes], directory: Path) -> dict[str, str]:
    paths = {}
    for number, mount in enumerate(spec.secrets):
        if mount.source not in secrets:
            raise BuildFailed(f"The build secret {mount.source} has no value", hint="Declare it under secrets.")
        path = directory / f"secret-{number}"
        path.touch(0o600)
        path.write_bytes(secrets[mount.source])
        paths[secret_id(mount)] = str(path)
    return paths
