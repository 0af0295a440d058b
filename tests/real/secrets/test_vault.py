"""Vault's KV version 2 as a store, against a server that behaves as Vault's API documents (vault_server.py says what it models)."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fairway.model.errors import SecretError, SecretMissing, UsageError
from fairway.secrets.vault import VaultStore
from fairway.secrets.vault_auth import Login
from fairway.secrets.vault_http import Vault as Client
from tests.real.secrets.vault_server import Vault, serving

pytestmark = pytest.mark.anyio

POLICY = {
    "secret/data/shop/": "read write",
    "secret/metadata/shop/": "read list",
    "sys/internal/ui/mounts/": "read",
}


@pytest.fixture
def vault() -> Vault:
    return Vault(policies={"role": POLICY, "reader": {"secret/data/shop/": "read"}})


@pytest.fixture
def address(vault: Vault) -> Iterator[str]:
    with serving(vault) as where:
        yield where


@asynccontextmanager
async def store(
    address: str, token: str = "", *, path: str = "shop/{name}", field: str = "", mount: str = "secret", **login: object
) -> AsyncIterator[VaultStore]:
    said = {"token_file": None, "environ": {"VAULT_TOKEN": token, "HOME": "/nowhere"}, **login}
    namespace, ca = str(said.pop("namespace", "")), said.pop("ca", None)
    client = Client(address, Login(**said), namespace=namespace, ca=str(ca) if ca else None)  # type: ignore[arg-type]
    opened = VaultStore(client, mount, path, field)
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_secret_is_a_path_with_numbered_versions(vault: Vault, address: str) -> None:
    async with store(address, vault.token("root")) as opened:
        assert await opened.change({"token": b"one"}, "ann") == {"token": "1"}
        assert await opened.change({"token": b"two", "word": "größe".encode()}, "ann") == {"token": "2", "word": "1"}
        assert await opened.change({"token": b"two"}, "ann") == {"token": "2"}, "the same value is no new version"
        value, old = await opened.get("token"), await opened.get("token", "1")
        assert (value, value.number, old, old.number) == (b"two", "2", b"one", "1")
        assert [(entry.name, entry.number) for entry in await opened.names()] == [("token", "2"), ("word", "1")]
        assert [entry.number for entry in await opened.versions("token")] == ["1", "2"]
        with pytest.raises(UsageError, match="is no text"):
            await opened.change({"token": b"\xff"}, "ann")
        with pytest.raises(UsageError, match="is no name"):
            await opened.get("../other")


async def test_other_fields_of_a_path_stay(vault: Vault, address: str) -> None:
    vault.put("shop/db", user="shop", value="old")
    async with store(address, vault.token("root")) as opened:
        await opened.change({"db": b"new"}, "ann")
    assert vault.kv["shop/db"][-1]["data"] == {"user": "shop", "value": "new"}


async def test_secrets_that_are_fields_of_one_path(vault: Vault, address: str) -> None:
    vault.put("shop/production", token="1", word="w")
    async with store(address, vault.token("root"), path="shop/production") as opened:
        assert {entry.name: entry.number for entry in await opened.names()} == {"token": "1", "word": "1"}
        await asyncio.gather(*(opened.get(name) for name in ("token", "word")))
        assert vault.said["GET secret/data/shop/production"] == 1, "both are of the same version"
        assert await opened.change({"token": b"2", "more": b"m", "word": None}, "ann") == {"token": "2", "more": "2"}
        assert (await opened.get("word", "1"), await opened.get("token")) == (b"w", b"2")
        with pytest.raises(SecretMissing, match="has no field word"):
            await opened.get("word")


async def test_who_writes_at_once_does_not_lose_what_the_other_wrote(vault: Vault, address: str) -> None:
    async with store(address, vault.token("root")) as opened:
        await opened.change({"token": b"1"}, "ann")
        before = {entry.name: entry.number for entry in await opened.names()}
        vault.put("shop/token", value="theirs")
        with pytest.raises(SecretError, match="changed by somebody else"):
            await opened.change({"token": b"mine"}, "ann", before)
        put = opened._put

        async def late(path: str, made: dict[str, str], now: int) -> int:
            vault.put(path, value="theirs again")
            return await put(path, made, now)

        opened._put = late  # type: ignore[method-assign,assignment]
        with pytest.raises(SecretError, match="changed by somebody else") as caught:
            await opened.change({"token": b"mine"}, "ann")
        assert "check-and-set" in caught.value.why
    assert vault.kv["shop/token"][-1]["data"]["value"] == "theirs again"


async def test_versions_that_are_gone_are_told(vault: Vault, address: str) -> None:
    vault.max_versions = 3
    for value in "12345":
        vault.put("shop/token", value=value)
    vault.kv["shop/token"][2]["destroyed"] = True
    vault.kv["shop/token"][4]["deletion_time"] = "2026-01-02T03:04:05.6Z"
    async with store(address, vault.token("root")) as opened:
        for number, said in (
            ("1", "has no version 1"),
            ("3", "version 3 of secret/shop/token was destroyed"),
            ("5", "version 5 of secret/shop/token was deleted at 2026-01-02T03:04:05"),
            ("", "version 5 of secret/shop/token was deleted"),
            ("9", "has no version 9"),
        ):
            with pytest.raises(SecretMissing, match=said):
                await opened.get("token", number)
        assert [(entry.number, entry.state) for entry in await opened.versions("token")] == [
            ("3", "destroyed"),
            ("4", ""),
            ("5", "deleted"),
        ]
        assert await opened.names() == ()
        assert await opened.change({"token": b"6"}, "ann") == {"token": "6"}
        with pytest.raises(SecretMissing, match="there is no secret/shop/nix in Vault"):
            await opened.get("nix")


async def why(address: str, token: str, name: str = "token", **more: object) -> str:
    with pytest.raises(SecretError) as caught:
        async with store(address, token, **more) as opened:  # type: ignore[arg-type]
            await opened.get(name)
    error = caught.value
    assert token not in f"{error} {error.why} {error.hint}" or not token
    return f"{error.what} | {error.why} | {error.hint}"


async def test_what_stands_in_the_way_is_told(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    vault.put("other/token", value="1")
    reader, root = vault.token("reader"), vault.token("root")
    assert "its policies are reader" in await why(address, reader, path="other/{name}")
    assert "does not take the token" in await why(address, "hvs.unknown")
    assert "there is no token for Vault" in await why(address, "")
    assert "no secrets engine at kv/" in await why(address, root, mount="kv")
    assert "does not take the token" in await why(address, root, namespace="team")
    assert "does not answer" in await why("http://127.0.0.1:1", root)
    assert "is not encrypted" in await why("http://vault.example.com:8200", root)
    assert "nothing says where Vault is" in await why("", root)
    assert "empty" in await why(address, "", token_file=str(_file(tmp_path, "empty", "")))
    vault.version = "1"
    assert "is no KV version 2" in await why(address, root)
    vault.version, vault.sealed = "2", True
    assert "is sealed" in await why(address, root)


async def test_who_has_had_enough_is_asked_again_and_a_standby_tells_who_is_active(vault: Vault, address: str) -> None:
    vault.put("shop/token", value="1")
    vault.busy = 2
    async with store(address, vault.token("root")) as opened:
        assert await opened.get("token") == b"1"
    with serving(Vault(active=address)) as standby:
        async with store(standby, vault.token("root")) as opened:
            assert await opened.get("token") == b"1"


async def test_a_token_from_where_vault_login_leaves_it(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    _file(tmp_path, ".vault-token", vault.token("root") + "\n")
    async with store(address, environ={"HOME": str(tmp_path)}) as opened:
        assert await opened.get("token") == b"1"


async def test_an_approle_logs_in_and_leaves_no_token_behind(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    role = {"role_id": "the-role", "secret_id_file": str(_file(tmp_path, "id", vault.secret_id(uses=1)))}
    async with store(address, **role) as opened:
        assert await opened.get("token") == b"1"
        assert len(vault.tokens) == 1
    assert not vault.tokens, "it was revoked"
    assert "does not take the AppRole" in await why(address, "", **role)


async def test_a_wrapped_secret_id_is_opened_once(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    made_by = "auth/approle/role/shop/secret-id"
    wrapped = vault.wrap({"data": {"secret_id": vault.secret_id()}}, made_by)
    role = {"role_id": "the-role", "secret_id_file": str(_file(tmp_path, "id", wrapped)), "wrapped": True}
    async with store(address, **role) as opened:
        assert await opened.get("token") == b"1"
    assert "somebody else did: tell them" in await why(address, "", **role)
    swapped = vault.wrap({"data": {"secret_id": vault.secret_id()}}, "sys/wrapping/wrap")
    _file(tmp_path, "id", swapped)
    assert "it was made by sys/wrapping/wrap" in await why(address, "", **role)
    assert swapped in vault.tokens, "it was not opened"


async def test_a_wrapped_token(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    given = {"auth": {"client_token": vault.token("reader", ttl=60), "lease_duration": 60, "renewable": True}}
    file = _file(tmp_path, "token", vault.wrap(given, "auth/token/create"))
    async with store(address, token_file=str(file), wrapped=True) as opened:
        assert await opened.get("token") == b"1"
    assert not vault.tokens


async def test_a_token_lives_as_long_as_the_work_takes(vault: Vault, address: str, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    vault.put("shop/later", value="2")
    async with store(address, vault.token("reader", ttl=3)) as opened:
        await opened.get("token")
        await asyncio.sleep(5)
        assert await opened.get("later") == b"2"
    assert vault.said["POST auth/token/renew-self"] >= 1


async def test_where_a_token_may_live_no_longer_the_approle_gets_another(
    vault: Vault, address: str, tmp_path: Path
) -> None:
    vault.put("shop/token", value="1")
    vault.put("shop/later", value="2")
    vault.role_ttl, vault.role_most = 1.0, 1.5
    role = {"role_id": "the-role", "secret_id_file": str(_file(tmp_path, "id", vault.secret_id()))}
    async with store(address, **role) as opened:
        await opened.get("token")
        await asyncio.sleep(2.5)
        assert await opened.get("later") == b"2"
        vault.tokens.clear()  # somebody revokes them
        assert await opened.get("token", "1") == b"1"
    assert vault.said["POST auth/approle/login"] == 3


async def test_tls_with_an_authority_of_its_own(vault: Vault, tmp_path: Path) -> None:
    vault.put("shop/token", value="1")
    whole = _certificate(tmp_path)
    with serving(vault, whole) as address:
        async with store(address, vault.token("root"), ca=whole) as opened:
            assert await opened.get("token") == b"1"
        assert "not to be trusted" in await why(address, vault.token("root"))
        assert "cannot be used as an authority" in await why(address, "x", ca=_file(tmp_path, "none", "nothing"))


async def test_no_value_is_in_an_address(vault: Vault, address: str) -> None:
    async with store(address, vault.token("root")) as opened:
        await opened.change({"token": b"sesame"}, "ann")
        await opened.get("token")
    assert not any("sesame" in one for one in vault.seen if one.startswith("/"))


def _file(directory: Path, name: str, text: str) -> Path:
    path = directory / name
    path.write_text(text)
    return path


def _certificate(directory: Path) -> Path:
    key, cert, whole = (directory / name for name in ("key.pem", "cert.pem", "whole.pem"))
    request = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    more = ["-subj", "/CN=vault", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*request, *more], check=True, capture_output=True)
    whole.write_bytes(cert.read_bytes() + key.read_bytes())
    return whole
