from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from fairway.model.app import App, BuildSpec, Location, Service
from fairway.model.errors import InvalidFiles
from fairway.model.files import FileMount, FileObject
from fairway.model.secret import DOTS, Secret, redact
from fairway.secrets.app import AppSecrets

pytestmark = pytest.mark.anyio


def app(**secrets: FileObject) -> App:
    mounts = tuple(FileMount(source=key, target=f"/run/secrets/{key}") for key in secrets if key != "unused")
    build = BuildSpec(context=".", secrets=mounts[:1])
    places = {("secrets", key): Location("compose.yaml", 20 + i) for i, key in enumerate(secrets)}
    web = Service(name="web", secrets=mounts[1:], build=build)
    return App(name="shop", services={"web": web}, secrets=secrets, locations=places)


async def test_values_come_from_files_and_variables(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"from a file\n\xff")
    values = await AppSecrets({"TOKEN": "from a variable"}).values(
        app(
            key=FileObject(name="key", file=str(tmp_path / "key")),
            token=FileObject(name="token", environment="TOKEN"),
            unused=FileObject(name="unused", file="/nowhere"),
        ),
        ["key", "token", "no such secret"],
    )
    assert values == {"key": b"from a file\n\xff", "token": b"from a variable"}


async def test_every_missing_value_is_named_at_once_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidFiles) as caught:
        await AppSecrets({}).values(
            app(
                key=FileObject(name="key", file=str(tmp_path / "none")),
                token=FileObject(name="token", environment="TOKEN"),
                folder=FileObject(name="folder", file=str(tmp_path)),
            ),
            ["key", "token", "folder"],
        )
    shown = [f"{problem.where} {problem.what}" for problem in caught.value.problems]
    assert shown == [
        f"compose.yaml:20 there is no file {tmp_path}/none",
        "compose.yaml:21 the variable TOKEN is not set",
        f"compose.yaml:22 {tmp_path} cannot be read: Is a directory",
    ]


def test_a_secret_prints_as_dots() -> None:
    secret = Secret(b"sesame")
    assert {f"{secret}", str(secret), repr(secret), f"{secret!r:>4}", "%s" % secret} == {DOTS}  # noqa: UP031
    assert f"{[secret]} {dict(a=secret)}" == f"[{DOTS}] {{'a': {DOTS}}}"  # noqa: C408
    assert secret == b"sesame"
    assert pickle.loads(pickle.dumps(secret)) == b"sesame"


def test_a_short_value_is_not_looked_for_in_what_is_printed() -> None:
    assert redact("a correct horse", [b"a", b"correct horse\n"]) == f"a {DOTS}"
