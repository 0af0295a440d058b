"""Gathers what a release is made of: pinned images, the contents of configs, the versions of secrets."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from fairway.compose.template import TemplateError, render
from fairway.flows.context import Target
from fairway.model import marked
from fairway.model.app import App, Location
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, Problem, Refused
from fairway.model.files import JINJA, FileObject
from fairway.model.policy import ServicePolicy
from fairway.model.release import Release
from fairway.model.secret import Secret, identity
from fairway.rollout.everywhere import everywhere
from fairway.rollout.names import named
from fairway.rollout.propose import Ingredients
from fairway.security.harden import harden

Read = Callable[[str], bytes]


async def gather(
    target: Target,
    app: App,
    *,
    policies: Mapping[str, ServicePolicy],
    build: Build | None,
    secrets: Mapping[str, bytes],
    configs: Mapping[str, str],
    others: Mapping[str, ImageRef],
) -> Ingredients:
    """`others` are images that nobody here has built, and that have to be the very same as elsewhere.

    The application comes hardened where its policies say so. Raises Refused where nothing was built, ImageNotFound.
    """
    images, versions, hosts = await asyncio.gather(
        _images(target, app, build, others),
        asyncio.to_thread(_versions, target.environment, secrets),
        target.engine.hosts(),
    )
    return Ingredients(
        environment=target.environment,
        app=harden(everywhere(app, hosts), images, policies).app,
        images=images,
        policies=named(app, images, policies) if target.fleet else policies,
        configs=configs,
        secrets=versions,
        secret_numbers=numbers(secrets),
        build=build,
        created=target.clock(),
        by=target.by,
    )


async def _images(
    target: Target, app: App, build: Build | None, others: Mapping[str, ImageRef]
) -> Mapping[str, ImageRef]:
    built = {**others, **(build.images if build else {})}
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


def configs_of(
    app: App, variables: Mapping[str, str], read: Read, told: Mapping[str, Any] | None = None
) -> Mapping[str, str]:
    """The contents of the application's configs, base64; of templates, rendered with what is `told`, with places for secrets.

    Raises InvalidFiles with all that cannot be had.
    """
    contents, problems = {}, []
    for key, config in app.configs.items():
        if config.external:
            continue  # which no engine takes that is told of it
        try:
            content = _content(config, variables, read)
            if config.template_driver == JINJA:
                content = _rendered(content, told or {}, app)
            contents[key] = base64.b64encode(content).decode()
        except KeyError:
            problems.append(_problem(app, key, "environment", f"the variable {config.environment} is not set"))
        except FileNotFoundError:
            problems.append(_problem(app, key, "file", f"there is no file {config.file}"))
        except UnicodeDecodeError:
            problems.append(_problem(app, key, "template_driver", "a template has to be text, in UTF-8"))
        except TemplateError as error:
            problems.append(_in_template(app, key, error))
        except OSError as error:
            problems.append(_problem(app, key, "file", f"{config.file} cannot be read: {error.strerror}"))
    if problems:
        raise InvalidFiles(problems)
    return contents


def shown(configs: Mapping[str, str]) -> Mapping[str, str]:
    """The contents (base64) as text for people, with dots for secrets."""
    return {key: marked.masked(base64.b64decode(text).decode("utf-8", "replace")) for key, text in configs.items()}


def _rendered(content: bytes, told: Mapping[str, Any], app: App) -> bytes:
    return render(content.decode(), told, app.secrets.keys()).encode()


def _in_template(app: App, key: str, error: TemplateError) -> Problem:
    """In the template's own file, if it has one."""
    config, path = app.configs[key], ("configs", key)
    if config.file:
        return Problem(str(error), Location(config.file, error.line), path, error.hint)
    what = f"line {error.line} of the template: {error}" if error.line else str(error)
    return Problem(what, app.where(*path, "content"), path, error.hint)


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
    return {name: identity(environment.key, name, value) for name, value in secrets.items()}


def secret_keys(app: App, configs: Mapping[str, str]) -> frozenset[str]:
    """The secrets that a service mounts, a build needs, or a config (its content, base64) has a place for."""
    mounts = [
        mount.source
        for service in app.services.values()
        for mount in (*service.secrets, *(service.build.secrets if service.build else ()))
    ]
    inside = [marked.secrets_of(app.configs.get(key), content) for key, content in configs.items()]
    return frozenset(mounts).union(*inside)


def numbers(secrets: Mapping[str, bytes]) -> Mapping[str, str]:
    """Of those that come from a store that counts its versions."""
    return {name: value.number for name, value in secrets.items() if isinstance(value, Secret) and value.number}
