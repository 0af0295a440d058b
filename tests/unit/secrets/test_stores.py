"""Secrets from variables, files and commands; and an application's secrets from wherever they are, in the versions that are pinned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from fairway.model.app import App, Location
from fairway.model.build import ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, SecretError, SecretMissing, UsageError
from fairway.model.files import FileObject
from fairway.model.release import Release
from fairway.model.secret import Entry, Secret, identity
from fairway.secrets.app import AppSecrets
from fairway.secrets.command import CommandStore
from fairway.secrets.directory import DirectoryStore
from fairway.secrets.environment import EnvironmentStore
from fairway.secrets.unversioned import Unversioned

pytestmark = pytest.mark.anyio


async def test_variables() -> None:
    store = EnvironmentStore("SHOP_", {"SHOP_DB_PASSWORD": "sesame", "OTHER": "x"})
    assert await store.get("db-password") == b"sesame"
    assert [entry.name for entry in await store.names()] == ["db_password"]
    with pytest.raises(SecretMissing, match="the variable SHOP_NIX is not set"):
        await store.get("nix")
    with pytest.raises(UsageError, match="only read"):
        await store.change({"a": b"1"}, "ann")
    assert await EnvironmentStore("", {"A": "x"}).names() == ()


async def test_files(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "kept", "kept")
    assert await store.names() == ()
    await store.change({"token": b"\xff\n", "gone": b"x"}, "ann")
    assert await store.get("token") == b"\xff\n"
    assert {(file.name, oct(file.stat().st_mode)[-3:]) for file in (tmp_path / "kept").iterdir()} == {
        ("token", "600"),
        ("gone", "600"),
    }
    await store.change({"gone": None}, "ann")
    assert [entry.name for entry in await store.names()] == ["token"]
    for name in ("../token", ".hidden", "a/b", ""):
        with pytest.raises(UsageError, match="can be no file"):
            await store.get(name)
    with pytest.raises(SecretMissing, match="there is no file kept/nix"):
        await store.get("nix")
    with pytest.raises(SecretMissing, match="one version of token"):
        await store.get("token", "2")


async def test_commands(tmp_path: Path) -> None:
    (tmp_path / "db;touch x").write_text("sesame\n\n")
    store = CommandStore(["cat", "{name}"], tmp_path)
    assert await store.get("db;touch x") == b"sesame\n", "one line break is the command's, and no shell is asked"
    with pytest.raises(SecretMissing, match="cat does not give nix: it ended with 1") as caught:
        await store.get("nix")
    assert "No such file" in caught.value.why
    with pytest.raises(UsageError, match="would be an option"):
        await store.get("--help")
    told = CommandStore(["sh", "-c", "echo {name}; echo {name} is wrong >&2; exit 3"], tmp_path)
    with pytest.raises(SecretMissing) as caught:
        await told.get("sesame")
    assert "sesame is" not in caught.value.why, "what it has printed may be the secret"
    with pytest.raises(SecretMissing, match="prints nothing"):
        await CommandStore(["true", "{name}"], tmp_path).get("a")
    with pytest.raises(SecretError, match="cannot be run"):
        await CommandStore(["/nowhere", "{name}"], tmp_path).get("a")


class Counted(Unversioned):
    """A store with numbers."""

    where = "the store"

    def __init__(self, kept: Mapping[str, list[bytes]], closed: str = "") -> None:
        self.kept, self.closed = kept, closed

    async def get(self, name: str, number: str = "") -> Secret:
        if self.closed:
            raise SecretError(self.closed)
        values = self.kept.get(name, [])
        if not values or (number and int(number) > len(values)):
            raise SecretMissing(f"there is no {name}", hint="set it")
        at = int(number or len(values))
        return Secret(values[at - 1], str(at))

    async def names(self) -> tuple[Entry, ...]:
        return ()

    async def versions(self, name: str) -> tuple[Entry, ...]:
        return tuple(Entry(name=name, number=str(at + 1)) for at in range(len(self.kept.get(name, []))))


SHOP = App(
    name="shop",
    services={},
    secrets={
        "token": FileObject(name="the-token", external=True),
        "word": FileObject(name="word", environment="THE_WORD"),
    },
    locations={("secrets", "token"): Location("compose.yaml", 7)},
)


def pinning(numbers: Mapping[str, str], **values: bytes) -> Release:
    return Release(
        number=1,
        environment=Environment("shop", "prod"),
        app=SHOP,
        images={"web": ImageRef(reference="web")},
        revisions={},
        secrets={name: identity("shop-prod", name, value) for name, value in values.items()},
        secret_numbers=numbers,
    )


async def test_external_secrets_are_looked_up_by_their_names() -> None:
    found = AppSecrets({"THE_WORD": "w"}, lambda: Counted({"the-token": [b"1", b"2"]}))
    values = await found.values(SHOP, ["token", "word"])
    assert values == {"token": b"2", "word": b"w"}
    assert values["token"].number == "2"
    with pytest.raises(InvalidFiles) as caught:
        await AppSecrets({}, lambda: Counted({})).values(SHOP, ["token", "word"])
    assert [str(problem) for problem in caught.value.problems] == [
        "compose.yaml:7: secrets.token.external: there is no the-token",
        "shop: secrets.word.environment: the variable THE_WORD is not set",
    ]
    with pytest.raises(SecretError, match="is sealed"):
        await AppSecrets({}, lambda: Counted({}, "it is sealed")).values(SHOP, ["token"])


@pytest.mark.parametrize("number", ["", "1", "2", "7"])
async def test_a_pinned_version_is_found_whatever_its_number(number: str) -> None:
    """The value decides: a number is only where to look first."""
    found = AppSecrets({"THE_WORD": "new"}, lambda: Counted({"the-token": [b"one", b"two", b"three"]}))
    release = pinning({"token": number} if number else {}, token=b"one", word=b"old")
    assert await found.pinned(release) == {"token": b"one"}
    assert (await found.pinned(pinning({}, token=b"four"))) == {}
    assert found.trouble is None


async def test_a_store_that_is_shut_hides_nothing_else() -> None:
    found = AppSecrets({"THE_WORD": "w"}, lambda: Counted({}, "it is sealed"))
    assert await found.pinned(pinning({"token": "1"}, token=b"one", word=b"w")) == {"word": b"w"}
    assert found.trouble
    assert found.trouble.what == "it is sealed"


def test_a_secret_keeps_its_number() -> None:
    import pickle

    secret = pickle.loads(pickle.dumps(Secret(b"x", "3")))
    assert (secret, secret.number, os.fsencode("x")) == (b"x", "3", b"x")
