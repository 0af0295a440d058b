"""Gathers what a release is made of: pinned images, the contents of configs, the versions of secrets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from fairway.flows.context import Target
from fairway.model.app import App
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, Problem, Refused
from fairway.model.files import FileObject
from fairway.model.policy import ServicePolicy
from fairway.model.release import Release
from fairway.rollout.everywhere import everywhere
from fairway.rollout.names import named
from fairway.rollout.propose import Ingredients

Read = Callable[[str], bytes]


async def gather(
    target: Target,
    app: App,
    *,
    policies: Mapping[str, ServicePolicy],
    build: Build | None,
    secrets: Mapping[str, bytes],
    configs: Mapping[str, str],
) -> Ingredients:
    """Raises Refused where a service has `build:` and nothing was built, ImageNotFound."""
    images, versions, hosts = await asyncio.gather(
        _images(target, app, build),
        asyncio.to_thread(_versions, target.environment, secrets),
        target.engine.hosts(),
    )
    return Ingredients(
        environment=target.environment,
        app=everywhere(app, hosts),
        images=images,
        policies=named(app, images, policies) if target.fleet else policies,
        configs=configs,
        secrets=versions,
        build=build,
        created=target.clock(),
        by=target.by,
    )


async def _images(target: Target, app: App, build: Build | None) -> Mapping[str, ImageRef]:
    built = build.images if build else {}
    missing = [name for name, service in app.services.items() if service.build and name not in built]
    if missing:
        raise Refused(
            f"nothing has been built for {', '.join(sorted(missing))}",
            why="a deployment runs images that were built and tested, and makes none itself",
            hint=f"`fairway ship {target.environment.name}` builds, tests, and deploys",
        )
    references = {n: built[n].pinned if n in built else s.image or "" for n, s in app.services.items()}
    pull = [name for name, service in app.services.items() if service.pull_policy == "always" and name not in built]
    pinned = await target.engine.pin(references, pull)
    return {
        name: replace(image, reference=built[name].reference, digest=built[name].digest) if name in built else image
        for name, image in pinned.items()
    }


def configs_of(app: App, variables: Mapping[str, str], read: Read) -> Mapping[str, str]:
    """The contents of the application's configs, base64. Raises InvalidFiles with all that cannot be had."""
    contents, problems = {}, []
    for key, config in app.configs.items():
        try:
            contents[key] = base64.b64encode(_content(config, variables, read)).decode()
        except KeyError:
            problems.append(_problem(app, key, "environment", f"the variable {config.environment} is not set"))
        except FileNotFoundError:
            problems.append(_problem(app, key, "file", f"there is no file {config.file}"))
        except OSError as error:
            problems.append(_problem(app, key, "file", f"{config.file} cannot be read: {error.strerror}"))
    if problems:
        raise InvalidFiles(problems)
    return contents


def _problem(app: App, key: str, field: str, what: str) -> Problem:
    path = ("configs", key, field)
    return Problem(what, app.where(*path), path)


def _content(config: FileObject, variables: Mapping[str, str], read: Read) -> bytes:
    if config.content is not None:
        return config.content.encode()
    if config.environment is not None:
        return variables[config.environment].encode()
    return read(config.file or "")


async def matching(release: Release, values: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Those of the values that are of the versions which the release pins."""
    versions = await asyncio.to_thread(_versions, release.environment, values)
    return {name: value for name, value in values.items() if release.secrets.get(name) == versions[name]}


def _versions(environment: Environment, secrets: Mapping[str, bytes]) -> Mapping[str, str]:
    """Salted and slow, so that a short secret cannot be guessed from the ledger."""
    return {
        name: hashlib.scrypt(value, salt=f"{environment.key}/{name}".encode(), n=2**14, r=8, p=1, dklen=16).hex()
        for name, value in secrets.items()
    }
