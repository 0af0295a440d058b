from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from fairway.model.errors import RegistryError
from fairway.net.docker import connect
from fairway.registry import http
from fairway.registry.credentials import DockerConfig
from fairway.registry.http import HttpRegistry
from fairway.registry.insecure import insecure_registries
from fairway.registry.reference import Reference, may_be_plain
from tests.lab.host import Host
from tests.lab.registry import Registry

pytestmark = pytest.mark.anyio
Configure = Callable[[object], DockerConfig]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def write(content: object) -> DockerConfig:
        (tmp_path / "config.json").write_text(json.dumps(content))
        return DockerConfig({"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"})

    return write


@pytest.fixture
def certificates(tls_registry: Registry, tmp_path: Path) -> Path:
    """As /etc/docker/certs.d, with the registry's authority."""
    assert tls_registry.ca
    folder = tmp_path / "certs.d" / tls_registry.address
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(tls_registry.ca.read_bytes())
    return folder.parent


def login(registry: Registry, password: str | None = None) -> dict[str, object]:
    words = f"{registry.user}:{registry.password if password is None else password}"
    return {"auths": {registry.address: {"auth": base64.b64encode(words.encode()).decode()}}}


def pushed(host: Host, registry: Registry, base: str, name: str, *tags: str) -> str:
    """The digest that the engine was told."""
    for tag in tags:
        host.docker("tag", base, f"{registry.address}/{name}:{tag}")
    if registry.user:
        host.docker("login", "--username", registry.user, "--password-stdin", registry.address, stdin=registry.password)
    try:
        said = [host.docker("push", f"{registry.address}/{name}:{tag}").stdout for tag in tags]
    finally:
        host.docker("logout", registry.address, check=False)
    return said[-1].rpartition("digest: ")[2].split()[0]


async def test_the_digest_of_a_tag_is_what_the_push_said(
    docker_host: Host, registry: Registry, base_image: str, configure: Configure
) -> None:
    asked = HttpRegistry(config=configure({}), insecure=[registry.address])
    digest = pushed(docker_host, registry, base_image, "team/web", "1")
    assert await asked.digest(f"{registry.address}/team/web:1") == digest
    assert await asked.digest(f"{registry.address}/team/web@{digest}") == digest
    assert await asked.digest(f"{registry.address}/team/web:none") is None
    assert await asked.digest(f"{registry.address}/nobody/none:1") is None


async def test_the_engine_says_which_registries_need_no_tls(
    docker_host: Host, registry: Registry, configure: Configure
) -> None:
    async with connect(docker_host.url) as docker:
        listed = await insecure_registries(docker)
        assert registry.address in listed
        assert "127.0.0.0/8" in listed
        asked = HttpRegistry(config=configure({}), insecure=partial(insecure_registries, docker))
        assert await asked.digest(f"{registry.address}/nobody/none:1") is None


async def test_all_tags_are_listed_page_by_page(
    docker_host: Host, registry: Registry, base_image: str, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PAGE", 2)
    tags = ("a", "b", "c", "d", "e")
    pushed(docker_host, registry, base_image, "team/many", *tags)
    asked = HttpRegistry(config=configure({}), insecure=["10.0.0.0/8"])
    assert await asked.tags(f"{registry.address}/team/many") == tags


async def test_an_unknown_repository_has_no_tags(registry: Registry, configure: Configure) -> None:
    asked = HttpRegistry(config=configure({}), insecure=[registry.address])
    with pytest.raises(RegistryError, match="does not know nobody/none"):
        await asked.tags(f"{registry.address}/nobody/none")


async def test_tls_and_a_password_are_used(
    docker_host: Host, tls_registry: Registry, base_image: str, configure: Configure, certificates: Path
) -> None:
    digest = pushed(docker_host, tls_registry, base_image, "team/web", "1")
    asked = HttpRegistry(config=configure(login(tls_registry)), certificates=certificates)
    assert await asked.digest(f"{tls_registry.address}/team/web:1") == digest
    assert await asked.tags(f"{tls_registry.address}/team/web") == ("1",)


async def test_a_password_comes_from_a_credential_helper(
    tls_registry: Registry, configure: Configure, certificates: Path, tmp_path: Path
) -> None:
    helper = tmp_path / "docker-credential-vault"
    answer = json.dumps({"ServerURL": "", "Username": tls_registry.user, "Secret": tls_registry.password})
    helper.write_text(f"#!/bin/sh\nread host; [ \"$host\" = {tls_registry.address} ] && echo '{answer}'\n")
    helper.chmod(0o755)
    asked = HttpRegistry(config=configure({"credsStore": "vault"}), certificates=certificates)
    assert await asked.digest(f"{tls_registry.address}/nobody/none:1") is None
    helper.write_text("#!/bin/sh\necho the vault is shut >&2; exit 2\n")
    with pytest.raises(RegistryError, match="docker-credential-vault does not give a password") as caught:
        await asked.digest(f"{tls_registry.address}/nobody/none:1")
    assert "the vault is shut" in caught.value.why
    helper.write_text("#!/bin/sh\necho credentials not found in native keychain; exit 1\n")
    with pytest.raises(RegistryError, match="asks for a password"):
        await asked.digest(f"{tls_registry.address}/nobody/none:1")


async def test_a_refused_password_is_said_and_not_shown(
    tls_registry: Registry, configure: Configure, certificates: Path
) -> None:
    asked = HttpRegistry(config=configure(login(tls_registry, "mistaken")), certificates=certificates)
    with pytest.raises(RegistryError, match="refuses the password") as caught:
        await asked.digest(f"{tls_registry.address}/team/web:1")
    assert "docker login" in caught.value.hint
    assert "mistaken" not in f"{caught.value!r} {caught.value.why}"


async def test_an_unknown_authority_is_said(tls_registry: Registry, configure: Configure, tmp_path: Path) -> None:
    asked = HttpRegistry(config=configure(login(tls_registry)), certificates=tmp_path)
    with pytest.raises(RegistryError, match="not to be trusted") as caught:
        await asked.digest(f"{tls_registry.address}/team/web:1")
    assert f"certs.d/{tls_registry.address}/ca.crt" in caught.value.hint


async def test_plain_http_is_not_spoken_unless_allowed(registry: Registry, configure: Configure) -> None:
    with pytest.raises(RegistryError, match="does not speak TLS"):
        await HttpRegistry(config=configure({})).digest(f"{registry.address}/team/web:1")


async def test_a_registry_that_is_down_is_said(registry: Registry, configure: Configure) -> None:
    registry.stop()
    try:
        for name in (registry.address, "registry.invalid"):
            with pytest.raises(RegistryError, match="does not answer"):
                await HttpRegistry(config=configure({}), insecure=[registry.address]).digest(f"{name}/team/web:1")
    finally:
        registry.start()


async def test_a_token_is_asked_for_where_the_registry_wants_one(
    token_registry: tuple[str, list[str]], configure: Configure
) -> None:
    address, asked = token_registry
    words = base64.b64encode(b"ship:sesame").decode()
    registry = HttpRegistry(config=configure({"auths": {address: {"auth": words}}}))
    assert await registry.digest(f"{address}/team/web:1") is None
    assert asked == [f"Basic {words} repository:team/web:pull"]
    anonymous = HttpRegistry(config=configure({}))
    with pytest.raises(RegistryError, match="asks for a password"):
        await anonymous.digest(f"{address}/team/web:1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis", Reference("docker.io", "library/redis", "latest")),
        ("redis:7", Reference("docker.io", "library/redis", "7")),
        ("team/web:1", Reference("docker.io", "team/web", "1")),
        ("docker.io/redis", Reference("docker.io", "library/redis", "latest")),
        ("localhost/web", Reference("localhost", "web", "latest")),
        ("r.example:5000/a/b/c:1.2", Reference("r.example:5000", "a/b/c", "1.2")),
        ("r.example/a@sha256:ab", Reference("r.example", "a", "sha256:ab")),
        ("r.example/a:1@sha256:ab", Reference("r.example", "a", "sha256:ab")),
    ],
)
def test_a_name_is_read_as_docker_reads_it(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("[::1]:5000", True),
        ("10.1.2.3:5000", True),
        ("r.example:5000", True),
        ("11.1.2.3:5000", False),
        ("q.example", False),
    ],
)
def test_plain_http_is_for_this_machine_and_for_what_the_engine_lists(host: str, plain: bool) -> None:
    assert may_be_plain(host, ["10.0.0.0/8", "r.example:5000"]) is plain


def test_old_and_new_forms_of_a_login_are_found(configure: Configure) -> None:
    words = base64.b64encode(b"me:pass:word").decode()
    config = configure(
        {
            "auths": {
                "https://old.example/v1/": {"auth": words},
                "https://index.docker.io/v1/": {"auth": words},
                "token.example": {"auth": words, "identitytoken": "t"},
                "empty.example": {},
            }
        }
    )
    for host in ("old.example", "docker.io"):
        assert config.for_engine(host) == {"username": "me", "password": "pass:word"}
    assert config.find("token.example") and config.find("empty.example") is None
    assert "pass:word" not in repr(config.find("old.example"))
    config.path.write_text("{")
    with pytest.raises(RegistryError, match="cannot be read"):
        config.find("old.example")
