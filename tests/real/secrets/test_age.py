"""The age file, with Debian's age beside Fairway's: each opens what the other has made."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pyrage
import pytest

from fairway.model.errors import FairwayError, SecretError, SecretMissing, UsageError
from fairway.model.secret import Recipient
from fairway.secrets.age import AgeStore, names_of
from fairway.secrets.recipients import read

T = TypeVar("T")

VALUE = b"a value with \xff and\nlines\n"


class Desk:
    """Somebody's home, and the repository's file as seen from there."""

    def __init__(self, directory: Path, name: str, file: Path) -> None:
        self.home = directory / name
        self.home.mkdir()
        self.ssh = self.home / ".ssh"
        self.ssh.mkdir()
        self.told: list[str] = []
        self.name = name
        self.file = file

    def store(self, **environ: str) -> AgeStore:
        known: Mapping[str, str] = {"HOME": str(self.home), **environ}
        return AgeStore(
            self.file, "secrets/production.age", environ=known, now=lambda: "now", tell=self.told.append, me=self.name
        )

    def ssh_key(self, kind: str, passphrase: str = "") -> Path:
        file = self.ssh / f"id_{kind}"
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", self.name, "-f", str(file)]
        subprocess.run(command, check=True)
        return file

    @property
    def key(self) -> Path:
        return self.home / ".config" / "fairway" / "age.key"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "repository" / "secrets" / "production.age"


@pytest.fixture
def ann(tmp_path: Path, file: Path) -> Desk:
    return Desk(tmp_path, "ann", file)


@pytest.fixture
def bob(tmp_path: Path, file: Path) -> Desk:
    return Desk(tmp_path, "bob", file)


def do(asked: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asked)


def age(*words: str | Path, data: bytes = b"") -> bytes:
    done = subprocess.run(["age", *map(str, words)], input=data, capture_output=True)
    assert not done.returncode, done.stderr
    return done.stdout


def test_debians_age_opens_the_file_with_every_kind_of_key(ann: Desk, bob: Desk, file: Path) -> None:
    do(ann.store().change({"token": VALUE, "word": b"sesame"}, "ann"))
    assert "keep a copy" in ann.told[0]
    assert ann.key.stat().st_mode & 0o777 == 0o600
    for kind in ("ed25519", "rsa"):
        do(ann.store().admit(read(bob.ssh_key(kind).with_suffix(".pub").read_text())))
    for key in (ann.key, bob.ssh / "id_ed25519", bob.ssh / "id_rsa"):
        said = json.loads(age("--decrypt", "-i", key, file))
        assert said["secrets"]["word"][0]["value"] == "sesame"
    assert [one.name for one in do(bob.store().recipients())] == ["ann", "bob", "bob"]
    assert do(bob.store().get("token")) == VALUE
    (bob.ssh / "id_ed25519").unlink()
    assert do(bob.store().get("token")) == VALUE, "with the RSA key alone"


def test_what_age_has_made_is_opened(ann: Desk, bob: Desk, file: Path) -> None:
    """Made by age for an age key and an SSH key: of a key that age-keygen has made, armoured and not."""
    subprocess.run(["age-keygen", "-o", str(ann.home / "key")], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", str(ann.home / "key")], capture_output=True, text=True).stdout.strip()
    bob.ssh_key("ed25519")
    text = {"fairway": 1, "recipients": [], "secrets": {"token": [{"number": 7, "value": "sesame"}]}}
    file.parent.mkdir(parents=True)
    for armour in (["--armor"], []):
        to = ["-r", public, "-R", bob.ssh / "id_ed25519.pub"]
        file.write_bytes(age(*armour, "--encrypt", *to, data=json.dumps(text).encode()))
        for store in (ann.store(FAIRWAY_AGE_KEY_FILE=str(ann.home / "key")), bob.store()):
            value = do(store.get("token"))
            assert (value, value.number) == (b"sesame", "7")


def test_nothing_of_a_value_that_stays_is_seen_to_stay(ann: Desk, file: Path) -> None:
    store = ann.store()
    do(store.change({"one": b"1" * 32, "two": b"2" * 32}, "ann"))
    before = file.read_bytes()
    do(store.change({"two": b"3" * 32}, "ann"))
    after = file.read_bytes()
    same = set(before.splitlines()[2:]) & set(after.splitlines()[2:])  # below the armour and the version
    assert same == {b"-----END AGE ENCRYPTED FILE-----"}
    text = names_of(file).read_text()
    assert "secret one version 1" in text
    assert "secret two version 2" in text


def test_the_same_value_is_no_new_version(ann: Desk, file: Path) -> None:
    assert do(ann.store().change({"a": b"1"}, "ann")) == {"a": "1"}
    before = file.read_bytes()
    assert do(ann.store().change({"a": b"1"}, "ann")) == {"a": "1"}
    assert file.read_bytes() == before


def test_versions_stay_until_they_are_pruned(ann: Desk, bob: Desk) -> None:
    store = ann.store()
    for value in (b"1", b"2", b"3", None):
        do(store.change({"a": value}, "ann"))
    assert [entry.state for entry in do(store.versions("a"))] == ["", "", "", "removed"]
    assert do(store.get("a", "2")) == b"2"
    assert [entry.number for entry in do(store.prune({"a": {"2"}}))] == ["1", "3"]
    assert do(ann.store().get("a", "2")) == b"2"
    with pytest.raises(SecretMissing, match="no version 3 of a"):
        do(store.get("a", "3"))
    with pytest.raises(SecretMissing, match="there is no secret a"):
        do(store.get("a"))
    assert do(store.change({"a": b"5"}, "ann")) == {"a": "5"}


def test_who_was_removed_cannot_read_what_comes_later(ann: Desk, bob: Desk, file: Path) -> None:
    do(ann.store().change({"a": b"1"}, "ann"))
    do(ann.store().admit(read(str(bob.ssh_key("ed25519").with_suffix(".pub")))))
    earlier = file.read_bytes()
    do(ann.store().dismiss("bob"))
    with pytest.raises(SecretError, match="cannot be opened") as caught:
        do(bob.store().get("a"))
    assert "id_ed25519: it is not one of those" in caught.value.why
    file.write_bytes(earlier)
    assert do(bob.store().get("a")) == b"1", "an earlier commit opens: so the value has to be rotated"


def test_nobody_locks_everybody_or_themselves_out(ann: Desk, bob: Desk, file: Path) -> None:
    do(ann.store().change({"a": b"1"}, "ann"))
    before = file.read_bytes()
    with pytest.raises(UsageError, match="the last one"):
        do(ann.store().dismiss("ann"))
    do(ann.store().admit(read(str(bob.ssh_key("ed25519").with_suffix(".pub")))))
    with pytest.raises(SecretError, match=r"could not open secrets/production.age yourself"):
        do(ann.store().dismiss("ann"))
    with pytest.raises(UsageError, match="'carol' is nobody"):
        do(ann.store().dismiss("carol"))
    assert len(do(ann.store().recipients())) == 2
    assert file.read_bytes() != before


def test_keys_that_cannot_be_used_are_told(ann: Desk, bob: Desk, file: Path, tmp_path: Path) -> None:
    do(ann.store().change({"a": b"1"}, "ann"))

    def why(store: AgeStore) -> str:
        with pytest.raises(SecretError) as caught:
            do(store.get("a"))
        return f"{caught.value.what}: {caught.value.why}"

    assert f"there is no key in {bob.key} or" in why(bob.store())
    bob.ssh_key("ed25519", "a passphrase")
    assert "id_ed25519: it has a passphrase, and Fairway asks for none" in why(bob.store())
    assert "there is no file" in why(bob.store(FAIRWAY_AGE_KEY_FILE="/nowhere"))
    (bob.ssh / "id_rsa").write_text("AGE-SECRET-KEY-1BROKEN\n")
    assert "id_rsa: it holds a broken age key" in why(bob.store())
    assert "BROKEN" not in why(bob.store())
    with pytest.raises(UsageError, match="private key"):
        read(str(ann.key))
    for said in ("age1broken", "ssh-ed25519 AAAA", "/nowhere"):
        with pytest.raises(UsageError):
            read(said)


def test_a_damaged_or_merged_file_is_told(ann: Desk, file: Path) -> None:
    store = ann.store()
    do(store.change({"a": b"sesame"}, "ann"))
    whole = file.read_bytes()
    for damaged in (whole[:-200], whole.replace(b"\n", b"\nA", 3), b"sesame"):
        file.write_bytes(damaged)
        with pytest.raises(SecretError, match="is damaged"):
            do(ann.store().get("a"))
    file.write_bytes(b"<<<<<<< HEAD\n" + whole + b"=======\n" + whole + b">>>>>>> other\n")
    with pytest.raises(SecretError, match="met in a merge") as caught:
        do(ann.store().change({"a": b"2"}, "ann"))
    assert "production.names" in caught.value.hint
    key = pyrage.x25519.Identity.from_str(ann.key.read_text().splitlines()[-1])
    file.write_bytes(pyrage.encrypt(b'{"sesame": 1}', [key.to_public()]))
    with pytest.raises(SecretError, match="not Fairway's"):
        do(ann.store().get("a"))


def test_edits_of_one_secret_at_once_are_refused(ann: Desk) -> None:
    first, second = ann.store(), ann.store()
    do(first.change({"a": b"1", "b": b"1"}, "ann"))
    before = {entry.name: entry.number for entry in do(second.names())}
    do(first.change({"a": b"2"}, "ann"))
    with pytest.raises(SecretError, match=r"a in secrets/production.age was changed by somebody else"):
        do(second.change({"a": b"3", "b": b"3"}, "bob", before))
    with pytest.raises(SecretError, match=r"c in secrets/production.age was changed"):
        do(second.change({"c": b"3"}, "bob", {"c": "1"}))
    assert (do(ann.store().get("a")), do(ann.store().get("b"))) == (b"2", b"1")
    do(second.change({"b": b"3"}, "bob", before))
    assert do(ann.store().get("b")) == b"3"


def test_a_file_that_git_has_changed_meanwhile_is_not_overwritten(
    ann: Desk, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(ann.store().change({"a": b"1"}, "ann"))
    theirs = file.read_bytes()
    do(ann.store().change({"a": b"2"}, "ann"))
    store = ann.store()
    encrypted = store._encrypted

    def slow(made: object) -> bytes:
        file.write_bytes(theirs)
        return encrypted(made)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_encrypted", slow)
    with pytest.raises(SecretError, match="changed by somebody else meanwhile"):
        do(store.change({"a": b"3"}, "ann"))
    assert file.read_bytes() == theirs


WRITER = """
import asyncio, sys
from pathlib import Path
from fairway.secrets.age import AgeStore
store = AgeStore(Path(sys.argv[1]), "f", environ={"HOME": sys.argv[2]})
async def main():
    while True:
        newest = await store.get("count")
        await store.change({"count": str(int(newest) + 1).encode(), "filler": newest * 2000}, "x")
        print("done", flush=True)
asyncio.run(main())
"""


def test_writers_that_are_killed_lose_nothing_and_two_at_once_neither(ann: Desk, file: Path) -> None:
    do(ann.store().change({"count": b"1"}, "ann"))
    command = [sys.executable, "-c", WRITER, str(file), str(ann.home)]
    for round_ in range(4):
        writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for writer in writers:
            assert writer.stdout
            writer.stdout.readline()
        time.sleep(0.05 * round_)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        versions = do(ann.store().versions("count"))
        assert [entry.number for entry in versions] == [str(number + 1) for number in range(len(versions))]
        assert do(ann.store().get("count")) is not None
    do(ann.store().change({"last": b"1"}, "ann"))
    assert sorted(left.name for left in file.parent.iterdir()) == ["production.age", "production.names"], (
        "what they left is swept"
    )


def test_a_key_that_is_there_already_is_kept(ann: Desk, file: Path) -> None:
    do(ann.store().change({"a": b"1"}, "ann"))
    key = ann.key.read_text()
    file.unlink()
    do(ann.store().change({"a": b"2"}, "ann"))
    assert ann.key.read_text() == key
    assert do(ann.store().recipients()) == (Recipient(key.splitlines()[0].rpartition(" ")[2], "ann"),)


def test_a_place_that_cannot_be_written_is_told(ann: Desk, file: Path) -> None:
    file.parent.parent.mkdir()
    file.parent.write_text("a file where the directory should be")
    with pytest.raises(FairwayError, match=r"cannot be written|cannot be read"):
        do(ann.store().change({"a": b"1"}, "ann"))
