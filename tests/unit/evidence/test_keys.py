"""Keys in files, in the environment, encrypted, or in somebody else's hands."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pyrage
import pytest

from fairway.evidence import ed25519, signers
from fairway.model.errors import KeyFailed, UsageError
from fairway.model.evidence import PublicKey
from fairway.ports.evidence import Signer

pytestmark = pytest.mark.anyio
MESSAGE = b"DSSEv1 1 a 1 b"


async def signs(signer: Signer | None, key: PublicKey) -> bool:
    assert signer
    return signer.key.id == key.id and ed25519.check(key, MESSAGE, await signer.sign(MESSAGE))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ci.pem"


@pytest.fixture
def key(file: Path) -> PublicKey:
    return ed25519.generate(file)


async def test_a_pair_is_made_for_its_owner_alone_and_never_overwritten(file: Path, key: PublicKey) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ed25519.read_public(Path(key.name), "x").id == key.id
    assert await signs(signers.from_file(file, "ci.pem", None), key)
    with pytest.raises(UsageError, match="is there already"):
        ed25519.generate(file)
    Path(key.name).unlink()
    with pytest.raises(UsageError, match="is there already"):
        ed25519.generate(file)


def test_the_id_is_what_openssl_says_of_the_public_key(file: Path, key: PublicKey) -> None:
    import hashlib
    import subprocess

    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", key.name, "-outform", "DER"], check=True, capture_output=True
    ).stdout
    assert hashlib.sha256(der).hexdigest() == key.id


def test_a_key_that_others_can_read_is_refused(file: Path, key: PublicKey) -> None:
    file.chmod(0o640)
    with pytest.raises(KeyFailed, match="Others can read the key") as caught:
        signers.from_file(file, "ci.pem", None)
    assert caught.value.hint == f"chmod 600 {file}"


def test_no_key_is_no_error_and_nonsense_is_one(file: Path) -> None:
    assert signers.from_file(file, "ci.pem", None) is None
    assert signers.from_variable("KEY", {}) is None
    file.touch(0o600)
    file.write_text("s3cret")
    with pytest.raises(KeyFailed, match="no private key") as caught:
        signers.from_file(file, "ci.pem", None)
    assert "s3cret" not in f"{caught.value.what}{caught.value.why}{caught.value.hint}"


async def test_a_key_in_the_environment(file: Path, key: PublicKey) -> None:
    assert await signs(signers.from_variable("KEY", {"KEY": file.read_text()}), key)


async def test_a_key_that_age_has_encrypted(file: Path, key: PublicKey, tmp_path: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "age.txt").write_text(f"# created\n{identity}\n")
    hidden = tmp_path / "ci.pem.age"
    hidden.write_bytes(pyrage.encrypt(file.read_bytes(), [identity.to_public()]))
    assert await signs(signers.from_file(hidden, "ci.pem.age", tmp_path / "age.txt"), key)
    with pytest.raises(KeyFailed, match="nobody says for which identity"):
        signers.from_file(hidden, "ci.pem.age", None)
    (tmp_path / "age.txt").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(KeyFailed, match="age cannot decrypt the key"):
        signers.from_file(hidden, "ci.pem.age", tmp_path / "age.txt")


SIGN = """
import base64, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
key = load_pem_private_key(open(sys.argv[1], "rb").read(), None)
raw = key.sign(sys.stdin.buffer.read())
sys.stdout.buffer.write(base64.b64encode(raw) + b"\\n" if len(sys.argv) > 2 else raw)
"""


@pytest.mark.parametrize("words", [(), ("base64",)])
async def test_a_command_signs(file: Path, key: PublicKey, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "kms").write_text(SIGN)
    assert await signs(signers.CommandSigner((sys.executable, "kms", "ci.pem", *words), key, tmp_path), key)


async def test_a_command_that_signs_with_another_key_is_found_at_once(key: PublicKey, tmp_path: Path) -> None:
    (tmp_path / "kms").write_text(SIGN)
    ed25519.generate(tmp_path / "other")
    with pytest.raises(KeyFailed, match="not answered with a signature by its key"):
        await signers.CommandSigner((sys.executable, "kms", "other"), key, tmp_path).sign(MESSAGE)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("sh", "-c", "echo no >&2; exit 3"), "has failed .exit status 3"),
        (("/no/such/program",), "cannot be run"),
        (("echo", "hello"), "not answered with a signature"),
    ],
)
async def test_a_command_that_fails(key: PublicKey, tmp_path: Path, command: tuple[str, ...], what: str) -> None:
    with pytest.raises(KeyFailed, match=what):
        await signers.CommandSigner(command, key, tmp_path).sign(MESSAGE)


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    import subprocess

    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-out", tmp_path / "rsa"], check=True, capture_output=True
    )
    (tmp_path / "rsa").chmod(0o600)
    with pytest.raises(KeyFailed, match="no ed25519 key"):
        signers.from_file(tmp_path / "rsa", "rsa", None)
    with pytest.raises(KeyFailed, match="no public key"):
        ed25519.read_public(tmp_path / "rsa", "rsa")
    with pytest.raises(KeyFailed, match="No such file"):
        ed25519.read_public(tmp_path / "none", "none")
