"""Evidence from the commit to production, and everything that somebody may do to it on the way. The tests are one story, in order."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer import SSlibKey

from fairway.attest import dsse, said, statement
from fairway.evidence import ed25519
from fairway.evidence.signers import from_file
from fairway.model.build import ImageRef
from fairway.model.evidence import Envelope, Signature
from fairway.registry.http import HttpRegistry
from fairway.registry.referrers import RegistryEvidence
from tests.lab.registry import Registry
from tests.real.errors.shop import Said, Shop
from tests.real.evidence.conftest import private

KEEPER = "fairway-keeper"


def tag(shop: Shop) -> str:
    return shop.git("rev-parse", "--short=12", "HEAD").strip()


def image(shop: Shop) -> ImageRef:
    made = shop.json("build", "staging")["images"]["web"]
    return ImageRef(reference=made["reference"], id=made["id"], digest=made["digest"])


def store(registry: Registry) -> RegistryEvidence:
    return RegistryEvidence(HttpRegistry(insecure=[registry.address]))


def statements(shop: Shop, *words: str) -> dict[str, dict[str, Any]]:
    [one] = shop.json("evidence", *words)["images"]
    return {found["statement"]: found for found in one["statements"]}


def test_what_is_shipped_has_evidence_that_verifies(shop: Shop) -> None:
    shop.fairway("ship", "staging").expect(0)
    told = statements(shop)
    assert set(told) == {"build", "test unit", "publication", "contents"}
    assert {one["standing"] for one in told.values()} == {"trusted"}
    source = told["build"]["predicate"]["buildDefinition"]
    assert source["internalParameters"]["branch"] == "main"
    assert source["externalParameters"]["commit"].startswith(tag(shop))
    bases = [one for one in source["resolvedDependencies"] if one["uri"] == "docker-image://debian:bookworm-slim"]
    assert len(bases[0]["digest"]["sha256"]) == 64
    assert told["test unit"]["predicate"]["result"] == "PASSED"
    assert any(one["name"] == "perl-base" for one in told["contents"]["predicate"]["components"])
    shop.fairway("evidence", "--verify").expect(0, "✓ build", "✓ test unit", "signed by keys/ci.pem")


def test_a_checkout_without_anything_finds_it_in_the_ledger_and_in_the_registry(shop: Shop, tmp_path: Path) -> None:
    other = clone(shop, tmp_path)
    assert set(statements(other, "--environment", "production", f"{image(shop).repository}:{tag(shop)}")) == {
        "build", "test unit", "publication", "contents",
    }  # fmt: skip
    other.fairway("evidence", "--verify", "--key", "keys/ci.pem.pub").expect(0, "✓ build")
    other.fairway("evidence", "--verify").expect(6, "no trusted key says how it was built")


def test_others_read_it(shop: Shop, registry: Registry, tmp_path: Path) -> None:
    made = image(shop)
    index = json.loads(skopeo("inspect", "--raw", f"docker://{made.repository}:{made.digest.replace(':', '-')}"))
    assert {one["artifactType"] for one in index["manifests"]} == {"application/vnd.in-toto+json"}
    assert len(index["manifests"]) == 4
    for number, one in enumerate(index["manifests"]):
        folder = tmp_path / str(number)
        skopeo("copy", f"docker://{made.repository}@{one['digest']}", f"dir:{folder}")
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["subject"]["digest"] == made.digest
        [layer] = manifest["layers"]
        written = json.loads((folder / layer["digest"].removeprefix("sha256:")).read_text())
        key = ed25519.read_public(shop.directory / "keys/ci.pem.pub", "ci")
        theirs = SSlibKey(key.id, "ed25519", "ed25519", {"public": key.raw.hex()})
        assert TheirEnvelope.from_dict(written).verify([theirs], 1)


def skopeo(command: str, *words: str) -> str:
    plain = ["--tls-verify=false"] if command == "inspect" else ["--src-tls-verify=false"]
    return subprocess.run(["skopeo", command, *plain, *words], check=True, capture_output=True, text=True).stdout


def clone(shop: Shop, directory: Path) -> Shop:
    other = Shop(directory / "clone", shop.host, shop.app)
    subprocess.run(["git", "clone", "-q", shop.directory, other.directory], check=True)
    other.temporary.mkdir(exist_ok=True)
    return other


def test_production_wants_an_approval_of_these_very_images(shop: Shop) -> None:
    shop.fairway("promote", "staging", "production").expect(
        6,
        "production requires what is not there (1 time): approvals\n",
        f"{image(shop).repository}@{image(shop).digest}: require.approvals: 0 of 1 people have approved it\n",
        "→ `fairway approve production --from staging --key KEY` of keys/ann.pub, keys/bob.pub\n",
        '→ or say why not: --override "reason", which is recorded',
    )
    shop.fairway("approve", "production", "--commit", tag(shop), "--key", str(private(shop, "eve"))).expect(0)
    shop.fairway("promote", "staging", "production").expect(6, "0 of 1 people have approved it")
    shop.fairway("approve", "staging", "--commit", tag(shop), "--key", str(private(shop, "ann"))).expect(0)
    shop.fairway("promote", "staging", "production").expect(6, "0 of 1 people have approved it")
    approved = shop.fairway("approve", "production", "--from", "staging", "--key", str(private(shop, "ann")))
    approved.expect(0, "approved for production, by ", image(shop).digest)


def test_the_very_digests_that_serve_in_staging_go_to_production(shop: Shop) -> None:
    shop.fairway("promote", "staging", "production").expect(0, "release 1 serves in production")
    assert shop.answer() == "this is v1"
    [replica] = shop.json("ps", "production")
    running = shop.host.docker("inspect", "--format", "{{.Config.Image}}", replica["name"]).stdout.strip()
    assert running == f"{image(shop).repository}@{image(shop).digest}"
    assert shop.json("releases", "production")[0]["reason"] == "promote from staging (release 1)"
    assert "approval" in statements(shop, "1", "--environment", "production")


# Attacks: another image under the same tag


@pytest.fixture(scope="module")
def tampered(shop: Shop, registry: Registry) -> ImageRef:
    """Somebody who may push has put another image under the tag that was shipped."""
    good = image(shop)
    shop.host.docker("build", "--tag", good.reference, "-", stdin="FROM debian:bookworm-slim\nENV TAMPERED=1\n")
    pushed = shop.host.docker("push", good.reference).stdout
    digest = "sha256:" + pushed.rpartition("digest: sha256:")[2][:64]
    made = shop.host.docker("image", "inspect", "--format", "{{.Id}}", good.reference).stdout.strip()
    assert digest != good.digest
    return ImageRef(reference=good.reference, id=made, digest=digest)


def attach(registry: Registry, image: ImageRef, *envelopes: Envelope) -> None:
    asyncio.run(store(registry).keep(image, envelopes))


def deployed(shop: Shop, directory: Path) -> Said:
    """By another machine, which knows the tag alone."""
    return clone(shop, directory).fairway("deploy", "production", "--commit", tag(shop))


def test_a_tampered_image_is_refused(shop: Shop, tampered: ImageRef, tmp_path: Path) -> None:
    refused = deployed(shop, tmp_path)
    refused.expect(
        6,
        f"{tampered.repository}@{tampered.digest}: require.signed_by: nothing that is signed by keys/ci.pem.pub",
        "says how it was built: there is no evidence of this image\n",
        "require.promoted_from: it does not serve in staging, and only what does may go further\n",
        "require.tests: nothing that counts says that it has passed unit\n",
    )


def test_tampered_evidence_is_refused(shop: Shop, tampered: ImageRef, registry: Registry, tmp_path: Path) -> None:
    """The real statement, with the other image's digest written into it."""
    found = asyncio.run(store(registry).find(image(shop)))
    real = next(one for one in found if statement.decode(dsse.payload(one)).kind == statement.BUILD)
    told = replace(statement.decode(dsse.payload(real)), subjects=statement.subjects([tampered]))
    attach(registry, tampered, replace(real, payload=dsse.packed(statement.encode(told))))
    deployed(shop, tmp_path).expect(6, "says how it was built: it names keys/ci.pem.pub", "it was changed\n")


def test_a_replayed_statement_is_refused(shop: Shop, tampered: ImageRef, registry: Registry, tmp_path: Path) -> None:
    good = image(shop)
    attach(registry, tampered, *asyncio.run(store(registry).find(good)))
    deployed(shop, tmp_path).expect(
        6,
        f"it is about sha256:{good.digest[7:19]}, sha256:{good.id[7:19]}, and this is sha256:{tampered.digest[7:19]}",
    )


def test_a_wrong_key_is_refused(shop: Shop, tampered: ImageRef, registry: Registry, tmp_path: Path) -> None:
    eve = from_file(private(shop, "eve"), "eve", None)
    assert eve
    told = asyncio.run(store(registry).find(image(shop)))
    real = next(one for one in map(read, told) if one.kind == statement.BUILD)
    payload = statement.encode(replace(real, subjects=statement.subjects([tampered])))
    raw = asyncio.run(eve.sign(dsse.signed("application/vnd.in-toto+json", payload)))
    attach(registry, tampered, dsse.envelope(payload, (Signature(keyid=eve.key.id, sig=dsse.packed(raw)),)))
    deployed(shop, tmp_path).expect(6, f"it is signed by {eve.key.id[:12]}\n")
    assert shop.answer() == "this is v1"


def read(envelope: Envelope) -> Any:
    return statement.decode(dsse.payload(envelope))


def test_what_many_attach_at_once_is_all_there(shop: Shop, registry: Registry) -> None:
    """Debian's registry has no referrers API: all of them change one index."""
    made = image(shop)
    before = len(asyncio.run(store(registry).find(made)))
    count = 8
    envelopes = [
        dsse.envelope(statement.encode(said.published(made, [str(number)], "2026-01-01T00:00:00Z", "x")))
        for number in range(count)
    ]

    async def attach_all() -> None:
        await asyncio.gather(*(store(registry).keep(made, [one]) for one in envelopes))

    asyncio.run(attach_all())
    index = json.loads(skopeo("inspect", "--raw", f"docker://{made.repository}:{made.digest.replace(':', '-')}"))
    assert len(index["manifests"]) == before + count
    assert set(envelopes) <= set(asyncio.run(store(registry).find(made)))


# Going past the policy


def test_an_override_is_possible_where_it_is_allowed_and_recorded(shop: Shop) -> None:
    shop.edit("web/serve", "this is", "that is")
    shop.commit()
    shop.fairway("ship", "staging").expect(0)
    done = shop.fairway("promote", "staging", "production", "--override", "both are on leave")
    done.expect(0, "overridden (both are on leave): approvals: ", "release 2 serves in production")
    lines = shop.json("audit", "production")["lines"]
    assert (lines[-1]["entry"]["override"], lines[-1]["entry"]["overridden"]) == ("both are on leave", ["approvals"])
    assert lines[-1]["entry"]["release"] == 2
    shop.edit("web/serve", "that is", "what is")
    shop.commit()
    shop.fairway("build", "staging").expect(0)
    shop.fairway("deploy", "production", "--override", "now").expect(
        6, "`require.override` of production does not allow to go past tests, promoted_from"
    )


def test_a_rollback_is_asked_for_signatures_alone(shop: Shop) -> None:
    shop.fairway("rollback", "production").expect(0, "release 3 serves in production")
    shop.edit("fairway.yaml", "signed_by: keys/ci.pem.pub", "signed_by: keys/bob.pub")
    shop.fairway("rollback", "production", "2").expect(
        6, "require.signed_by: nothing that is signed by keys/bob.pub", "it is signed by "
    )
    shop.edit("fairway.yaml", "signed_by: keys/bob.pub", "signed_by: keys/ci.pem.pub")


# The audit trail


def test_every_command_that_changed_something_or_was_refused_has_a_line(shop: Shop) -> None:
    told = shop.json("audit", "production", "--verify")
    assert told["whole"], told["problems"]
    entries = [(line["entry"]["command"], line["entry"]["outcome"]) for line in told["lines"]]
    assert entries[:4] == [
        ("fairway promote", "refused"), ("fairway approve", "done"), ("fairway promote", "refused"),
        ("fairway promote", "refused"),
    ]  # fmt: skip
    assert ("fairway deploy", "refused") in entries
    assert entries[-2:] == [("fairway rollback", "done"), ("fairway rollback", "refused")]
    shop.fairway("audit", "production", "--verify").expect(0, "WHO", "fairway rollback", "the trail is whole: ")


def test_a_changed_or_removed_line_is_found(shop: Shop) -> None:
    folder = f"/ledger/{shop.app}-production.audit"
    line = f"{folder}/00000003.line.json"
    before = shop.host.docker("exec", KEEPER, "cat", line).stdout
    put(shop, line, before.replace("refused", "done"))
    shop.fairway("audit", "production", "--verify").expect(
        6,
        "error: the audit trail is not whole\n",
        "line 3 was changed, or line 4 was inserted: the hash in line 4 is another one\n",
    )
    shop.host.docker("exec", KEEPER, "rm", line)
    shop.fairway("audit", "production", "--verify").expect(6, "line 3 was removed\n")
    put(shop, line, before)
    shop.fairway("audit", "production", "--verify").expect(0)


def test_a_changed_release_is_found(shop: Shop) -> None:
    """Another image in the record, which a rollback would bring back."""
    record = f"/ledger/{shop.app}-production/1.release.json"
    before = shop.host.docker("exec", KEEPER, "cat", record).stdout
    put(shop, record, before.replace(image_digest(before), "0" * 64))
    shop.fairway("audit", "production", "--verify").expect(6, "the record of release 1 was changed since line ")
    put(shop, record, before)


def image_digest(record: str) -> str:
    return str(json.loads(record)["images"]["web"]["digest"]).removeprefix("sha256:")


def put(shop: Shop, path: str, text: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(path.rpartition("/")[2])
        entry.size = len(text.encode())
        tar.addfile(entry, io.BytesIO(text.encode()))
    command = ["docker", "-H", shop.host.url, "cp", "-", f"{KEEPER}:{path.rpartition('/')[0]}"]
    subprocess.run(command, input=buffer.getvalue(), check=True, capture_output=True)
