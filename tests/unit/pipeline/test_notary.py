"""What is written down of images, when, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from fairway.attest import dsse, statement
from fairway.attest.weigh import weigh
from fairway.model.build import Build, Evidence, ImageRef, Provenance
from fairway.model.evidence import Envelope, Standing
from fairway.pipeline.notary import Notary
from fairway.ports.evidence import Signer
from tests.unit.attest.parts import CI, COMMIT, EVE, check

pytestmark = pytest.mark.anyio
LOCAL = ImageRef(reference="r.example.com/shop-web:1", id="sha256:" + "1" * 64)
PUSHED = replace(LOCAL, digest="sha256:" + "d" * 64)
BUILD = Build(commit=COMMIT, created="2026-05-01T10:00:00Z", images={"web": LOCAL}, tags=("1", "v1"))
PASSED = Evidence(stage="unit", passed=True, started="2026-05-01T10:01:00Z", seconds=1.5, output_sha256="f")


class Store:
    place = "memory"

    def __init__(self) -> None:
        self.kept: dict[str, list[Envelope]] = {}
        self.calls = 0

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        found = [one for digest in statement.digests(image) for one in self.kept.get(digest, [])]
        return tuple(dict.fromkeys(found))

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        self.calls += 1
        self.kept.setdefault(statement.digests(image)[0], []).extend(envelopes)


class Inventory:
    async def contents(self, image: ImageRef) -> Mapping[str, Any]:
        return {"bomFormat": "CycloneDX", "components": []}


def notary(local: Store, registry: Store, signer: Signer | None = CI) -> Notary:
    return Notary(
        app="shop", by="ci@runner", stages=(), local=local, registry=registry, check=check, signer=signer,
        inventory=Inventory(),
    )  # fmt: skip


async def standings(store: Store, image: ImageRef) -> list[tuple[str, Standing]]:
    found = weigh(await store.find(image), image, [CI.key], check)
    return sorted((statement.kind(one.statement), one.standing) for one in found if one.statement)


@pytest.fixture
def local() -> Store:
    return Store()


@pytest.fixture
def registry() -> Store:
    return Store()


async def test_each_thing_is_said_once(local: Store, registry: Store) -> None:
    await notary(local, registry).witness(BUILD, {"web": Provenance()}, "2026-05-01T09:59:00Z")
    tested = replace(BUILD, evidence=(PASSED,))
    for _ in range(2):
        await notary(local, registry).witness(tested)
    assert await standings(local, LOCAL) == [
        ("build", Standing.TRUSTED), ("contents", Standing.TRUSTED), ("test unit", Standing.TRUSTED),
    ]  # fmt: skip
    assert local.calls == 2
    assert not registry.calls


async def test_what_was_not_signed_is_signed_where_the_key_is(local: Store, registry: Store) -> None:
    await notary(local, registry, None).witness(BUILD)
    assert {one for _, one in await standings(local, LOCAL)} == {Standing.UNSIGNED}
    await notary(local, registry).witness(BUILD)
    await notary(local, registry).witness(BUILD)
    assert [one for _, one in await standings(local, LOCAL)].count(Standing.TRUSTED) == 2
    assert local.calls == 2


async def test_what_is_pushed_has_all_that_is_known_of_it_by_its_digest(local: Store, registry: Store) -> None:
    await notary(local, registry, None).witness(BUILD)
    await notary(local, registry).witness(replace(BUILD, evidence=(PASSED,)))
    await notary(local, registry).published(BUILD, {"web": PUSHED})
    by_digest = replace(PUSHED, id="")
    assert await standings(registry, by_digest) == [
        ("build", Standing.TRUSTED), ("contents", Standing.TRUSTED), ("publication", Standing.TRUSTED),
        ("test unit", Standing.TRUSTED),
    ]  # fmt: skip


async def test_changed_evidence_is_never_signed_anew(local: Store, registry: Store) -> None:
    await notary(local, registry).witness(replace(BUILD, evidence=(replace(PASSED, passed=False),)))
    [kept] = local.kept.values()
    kept[:] = [replace(one, payload=dsse.packed(dsse.payload(one).replace(b"FAILED", b"PASSED"))) for one in kept]
    await notary(local, registry).published(BUILD, {"web": PUSHED})
    assert "test unit" not in [name for name, _ in await standings(registry, PUSHED)]


async def test_what_another_key_has_signed_stays_as_it_is(local: Store, registry: Store) -> None:
    await notary(local, registry, EVE).witness(BUILD)
    await notary(local, registry).published(BUILD, {"web": PUSHED})
    assert ("build", Standing.STRANGER) in await standings(registry, PUSHED)


async def test_another_key_says_it_once_more(local: Store, registry: Store) -> None:
    """So that a key can take another one's place."""
    await notary(local, registry, EVE).witness(BUILD)
    for _ in range(2):
        await notary(local, registry).witness(BUILD)
    assert [one for one in await standings(local, LOCAL) if one[0] == "build"] == [
        ("build", Standing.STRANGER),
        ("build", Standing.TRUSTED),
    ]
    assert local.calls == 2


async def test_a_tag_that_a_commit_gets_later_is_said_later(local: Store, registry: Store) -> None:
    pushed = replace(BUILD, images={"web": PUSHED}, pushed=True)
    await notary(local, registry).witness(pushed)
    await notary(local, registry).witness(replace(pushed, commit=replace(COMMIT, tags=("v1", "v2"))))
    said = [statement.decode(dsse.payload(one)) for one in await registry.find(PUSHED)]
    tags = [
        one.predicate["buildDefinition"]["internalParameters"]["tags"] for one in said if one.kind == statement.BUILD
    ]
    assert tags == [["v1"], ["v1", "v2"]]


async def test_services_that_share_an_image_are_attached_under_both_names(local: Store, registry: Store) -> None:
    other = replace(LOCAL, reference="r.example.com/shop-worker:1")
    both = replace(BUILD, images={"web": LOCAL, "worker": other})
    await notary(local, registry).witness(both)
    there = replace(other, digest=PUSHED.digest)
    await notary(local, registry).published(both, {"web": PUSHED, "worker": there})
    assert registry.calls == 2
