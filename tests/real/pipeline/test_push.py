from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.builders.docker import DockerBuilder
from fairway.model.build import ImageRef
from fairway.model.errors import RegistryError
from fairway.model.events import Event
from tests.lab.host import Host
from tests.lab.registry import Registry

pytestmark = pytest.mark.anyio


def ignore(event: Event) -> None:
    pass


@pytest.fixture
def image(docker_host: Host, base_image: str) -> Iterator[ImageRef]:
    made = docker_host.docker("image", "inspect", "--format", "{{.Id}}", base_image).stdout.strip()
    yield ImageRef(reference=base_image, id=made)


def log_in(environ: dict[str, str], registry: Registry, password: str) -> None:
    folder = Path(environ["DOCKER_CONFIG"])
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{registry.user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": auth}}}))


async def test_a_plain_registry_gets_the_image_and_names_its_digest(
    builder: DockerBuilder, registry: Registry, image: ImageRef
) -> None:
    reference = f"{registry.address}/push/base:1"
    digest = await builder.push(image, reference, ignore)
    assert digest.startswith("sha256:")
    assert await builder.push(image, reference, ignore) == digest


async def test_a_password_is_taken_from_the_configuration(
    builder: DockerBuilder, environ: dict[str, str], tls_registry: Registry, image: ImageRef
) -> None:
    log_in(environ, tls_registry, tls_registry.password)
    digest = await builder.push(image, f"{tls_registry.address}/push/base:1", ignore)
    assert digest.startswith("sha256:")


async def test_a_password_from_a_credential_helper_is_used(
    builder: DockerBuilder,
    docker_host: Host,
    environ: dict[str, str],
    tls_registry: Registry,
    image: ImageRef,
    tmp_path: Path,
) -> None:
    answer = json.dumps({"ServerURL": "x", "Username": tls_registry.user, "Secret": tls_registry.password})
    helper = tmp_path / "docker-credential-test"
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    configured(environ, {"credHelpers": {tls_registry.address: "test"}})
    builder = DockerBuilder(docker_host.url, environ={**environ, "PATH": f"{tmp_path}:{environ['PATH']}"})
    assert await builder.push(image, f"{tls_registry.address}/push/helped:1", ignore)


def configured(environ: dict[str, str], config: object) -> None:
    folder = Path(environ["DOCKER_CONFIG"])
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))


async def test_a_refused_password_is_said(
    builder: DockerBuilder, environ: dict[str, str], tls_registry: Registry, image: ImageRef
) -> None:
    reference = f"{tls_registry.address}/push/base:1"
    with pytest.raises(RegistryError, match="refuses the password, or got none") as caught:
        await builder.push(image, reference, ignore)
    assert f"docker login {tls_registry.address}" in caught.value.hint
    log_in(environ, tls_registry, "wrong")
    with pytest.raises(RegistryError, match="refuses the password"):
        await builder.push(image, reference, ignore)


async def test_a_registry_that_is_down_is_said(builder: DockerBuilder, registry: Registry, image: ImageRef) -> None:
    registry.stop()
    try:
        with pytest.raises(RegistryError, match="does not answer"):
            await builder.push(image, f"{registry.address}/push/base:1", ignore)
    finally:
        registry.start()


async def test_a_registry_with_an_unknown_authority_is_said(
    docker_host: Host, environ: dict[str, str], make_host: Callable[[], Host], tls_registry: Registry, image: ImageRef
) -> None:
    """The engine trusts the registry by its address; by another name of it, it does not."""
    builder = DockerBuilder(docker_host.url, environ=environ)
    port = docker_host.tls_url.rpartition(":")[2]
    with pytest.raises(RegistryError, match="certificate"):
        await builder.push(image, f"{docker_host.address}:{port}/push/base:1", ignore)


async def test_an_image_that_is_gone_cannot_be_pushed(builder: DockerBuilder, registry: Registry) -> None:
    lost = replace(ImageRef(reference="x"), id="sha256:" + "0" * 64)
    with pytest.raises(Exception, match="could not be tagged"):
        await builder.push(lost, f"{registry.address}/push/none:1", ignore)
