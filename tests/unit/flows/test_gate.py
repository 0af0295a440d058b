"""An environment's policy, asked before anything changes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from fairway.flows.evidence import examine, refuse_doubtful
from fairway.flows.gate import Admitted, Gate, admit, back, carry
from fairway.flows.promotion import carried
from fairway.model.app import App, BuildSpec, Service
from fairway.model.build import Build, ImageRef
from fairway.model.environment import Environment
from fairway.model.errors import PolicyRefused, Refused, RegistryError
from fairway.model.events import Event, Note
from fairway.model.evidence import Envelope
from fairway.model.release import Record
from fairway.policy.rules import Promotion, Rules
from tests.unit.attest.parts import BUILT, CI, COMMIT, EVE, IMAGE, OTHER, build, check, tampered, test
from tests.unit.rollout.parts import Spec, release

pytestmark = pytest.mark.anyio
IMAGES = {"web": IMAGE}
RULES = Rules(tests=("unit",), signed_by=(CI.key,), promoted_from=Promotion("staging"), override=("promoted_from",))
BUILD = Build(commit=COMMIT, created=BUILT, images=IMAGES)


def ignore(event: Event) -> None:
    pass


class Store:
    place = "memory"

    def __init__(self, *envelopes: Envelope, broken: bool = False) -> None:
        self.envelopes = envelopes
        self.broken = broken
        self.asked = 0

    async def find(self, image: ImageRef) -> tuple[Envelope, ...]:
        self.asked += 1
        if self.broken:
            raise RegistryError("it is down")
        return self.envelopes

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        raise AssertionError


def gate(rules: Rules, *stores: Store, origin: tuple[Record, ...] = ()) -> Gate:
    async def records() -> tuple[Record, ...]:
        return origin

    return Gate(
        environment=Environment("shop", "production"), rules=rules, stores=stores, check=check, clock=lambda: 2e9,
        origin=records,
    )  # fmt: skip


def served(image: ImageRef = IMAGE) -> Record:
    made = replace(release({"web": Spec()}), images={"web": image}, build=BUILD)
    return Record(release=made, outcome="promoted", finished=BUILT)


GOOD = (CI.envelope(build()), CI.envelope(test()))


async def test_evidence_from_anywhere_counts() -> None:
    found = await admit(gate(RULES, Store(GOOD[0]), Store(GOOD[1]), origin=(served(),)), IMAGES, BUILD, ignore)
    assert found.evidence[IMAGE.pinned] == GOOD
    assert not found.overridden


async def test_a_refusal_says_the_rule_the_image_why_and_what_to_do() -> None:
    with pytest.raises(PolicyRefused) as caught:
        await admit(gate(RULES, Store(tampered(GOOD[0], "main", "evil"))), IMAGES, BUILD, ignore)
    assert caught.value.exit == 6
    assert [problem.path for problem in caught.value.problems] == [
        ("require", "signed_by"), ("require", "tests"), ("require", "promoted_from"),
    ]  # fmt: skip
    first = caught.value.problems[0]
    assert first.where == f"r.example.com/shop-web@{IMAGE.digest}"
    assert "it was changed" in first.what
    assert "`fairway ship production`" in first.hint


async def test_an_override_goes_past_what_it_may_and_nothing_else() -> None:
    events: list[Event] = []
    done = await admit(gate(RULES, Store(*GOOD)), IMAGES, BUILD, events.append, override="a hotfix")
    assert done.overridden == ("promoted_from",)
    assert [event.text for event in events if isinstance(event, Note)] == [
        f"overridden (a hotfix): promoted_from: r.example.com/shop-web@{IMAGE.digest}: "
        "it does not serve in staging, and only what does may go further"
    ]
    with pytest.raises(PolicyRefused) as caught:
        await admit(gate(RULES, Store()), IMAGES, BUILD, events.append, override="a hotfix")
    assert caught.value.hint == "`require.override` of production does not allow to go past signed_by, tests"


async def test_whoever_could_override_is_told_so() -> None:
    with pytest.raises(PolicyRefused) as caught:
        await admit(gate(RULES, Store(*GOOD)), IMAGES, BUILD, ignore)
    assert "--override" in caught.value.hint


async def test_a_store_that_is_down_is_told_and_what_it_has_is_missed() -> None:
    events: list[Event] = []
    with pytest.raises(PolicyRefused):
        await admit(gate(RULES, Store(broken=True), origin=(served(),)), IMAGES, BUILD, events.append)
    assert [event.text for event in events if isinstance(event, Note)] == [
        "evidence in memory cannot be looked for: it is down"
    ]


async def test_where_no_rule_asks_for_statements_nobody_looks_for_any() -> None:
    store = Store()
    passed = replace(BUILD, pushed=True)
    await admit(gate(Rules(tests=("unit",)), store), IMAGES, passed, ignore)
    assert not store.asked


async def test_a_rollback_is_asked_for_signatures_alone() -> None:
    await back(gate(RULES, Store(GOOD[0])), served().release, ignore)
    with pytest.raises(PolicyRefused, match="signed_by"):
        await back(gate(RULES, Store(EVE.envelope(build()))), served().release, ignore)
    await back(gate(replace(RULES, signed_by=()), Store()), served().release, ignore)


def test_the_images_that_serve_are_carried_and_no_others() -> None:
    app = App(
        name="shop",
        services={
            "web": Service(name="web", build=BuildSpec(context=".")),
            "redis": Service(name="redis", image="redis:7"),
        },
    )
    running = replace(
        served().release, app=app, images={"web": OTHER, "redis": ImageRef(reference="redis:7", id="sha256:5")}
    )
    found = carried(app, (Record(release=running, outcome="promoted"),), "staging")
    assert found.build and found.build.images == {"web": OTHER}, "what serves, not what was built last"
    assert found.others["redis"].id == "sha256:5"
    newer = replace(app, services={**app.services, "redis": Service(name="redis", image="redis:8")})
    assert not carried(newer, (Record(release=running, outcome="promoted"),), "staging").others
    more = replace(app, services={**app.services, "api": Service(name="api", build=BuildSpec(context="."))})
    with pytest.raises(Refused, match="api does not run in staging"):
        carried(more, (Record(release=running, outcome="promoted"),), "staging")
    with pytest.raises(Refused, match="nothing serves in staging"):
        carried(app, (), "staging")


async def test_doubtful_evidence_is_refused_when_it_is_verified() -> None:
    good = await examine(IMAGES, [Store(*GOOD)], [CI.key], check, ignore)
    refuse_doubtful(good)
    forged = await examine(IMAGES, [Store(*GOOD, tampered(GOOD[1], "PASSED", "FAILED"))], [CI.key], check, ignore)
    with pytest.raises(PolicyRefused, match="the evidence does not hold"):
        refuse_doubtful(forged)
    with pytest.raises(PolicyRefused):
        refuse_doubtful(await examine(IMAGES, [Store()], [CI.key], check, ignore))


class Kept(Store):
    def __init__(self) -> None:
        super().__init__()
        self.written: dict[str, tuple[Envelope, ...]] = {}

    async def keep(self, image: ImageRef, envelopes: Sequence[Envelope]) -> None:
        self.written[image.pinned] = tuple(envelopes)


async def test_evidence_goes_where_the_images_run_each_under_its_own() -> None:
    """The new image has the same content as an older one, which goes on running."""
    near, kept = Store(CI.envelope(build(OTHER))), Kept()
    running = replace(served().release, images={"web": OTHER})
    await carry([near], [kept], running, Admitted(evidence={IMAGE.pinned: GOOD}), ignore)
    assert kept.written == {IMAGE.pinned: GOOD, OTHER.pinned: near.envelopes}
