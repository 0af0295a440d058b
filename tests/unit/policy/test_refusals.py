"""What stands in the way of an image, and that more rules never allow more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.model.build import Build, Evidence, ImageRef
from fairway.model.evidence import Attestation, Standing
from fairway.model.release import Record
from fairway.policy.facts import Facts, ImageFacts, moment
from fairway.policy.promotion import serves_since
from fairway.policy.refusals import refusals
from fairway.policy.rules import NAMES, Approvals, Promotion, Rules, fits
from tests.unit.attest.parts import ANN, BOB, BUILT, CI, COMMIT, EVE, IMAGE, approval, build, test, trusted, unsigned
from tests.unit.rollout.parts import Spec, release

NOW = moment(BUILT) or 0.0
LATER = "2026-05-01T11:00:00Z"
SIGNED = Rules(tests=("unit",), signed_by=(CI.key,))


def facts(
    *found: Attestation, record: Build | None = None, after: float = 60, origin: tuple[Record, ...] = ()
) -> Facts:
    image = ImageFacts(service="web", image=IMAGE, found=found)
    return Facts(
        app="shop",
        environment="production",
        images=(image,),
        now=NOW + after,
        build=record,
        origin=origin,
        named="--commit c0",
    )


def refused(rules: Rules, known: Facts) -> dict[str, str]:
    found = refusals(rules, known)
    assert all(one.hint and one.image == f"r.example.com/shop-web@{IMAGE.digest}" for one in found)
    return {one.rule: one.why for one in found}


RECORD = Build(commit=COMMIT, created=BUILT, images={"web": IMAGE}, evidence=(Evidence(stage="unit", passed=True),))


def test_signed_evidence_is_enough() -> None:
    assert refused(SIGNED, facts(trusted(build(), CI), trusted(test(), CI))) == {}


def test_everything_that_is_missing_is_told_at_once() -> None:
    rules = replace(SIGNED, clean=True, branch=("main",), tag=("v*",), max_age=1.0, approvals=Approvals(1, (ANN.key,)))
    rules = replace(rules, promoted_from=Promotion("staging"))
    assert set(refused(rules, facts())) == set(NAMES)


def test_what_others_have_signed_does_not_count() -> None:
    told = refused(SIGNED, facts(trusted(build(), EVE), unsigned(test())))
    assert told["signed_by"] == (f"nothing that is signed by {CI.key} says how it was built: it is signed by {EVE.key}")
    assert "tests" in told


@pytest.mark.parametrize("standing", [Standing.BROKEN, Standing.ELSEWHERE, Standing.STRANGER])
def test_what_was_found_instead_is_told(standing: Standing) -> None:
    one = replace(unsigned(build()), standing=standing, detail="it was changed")
    assert refused(SIGNED, facts(one, trusted(test(), CI)))["signed_by"].endswith(
        "says how it was built: it was changed"
    )


def test_a_stage_counts_by_its_last_run() -> None:
    known = (trusted(build(), CI), trusted(test(), CI))
    failed = trusted(test(passed=False, finished=LATER), CI)
    assert refused(SIGNED, facts(*known, failed)) == {"tests": "it has failed unit"}
    again = trusted(test(finished="2026-05-01T12:00:00Z"), CI)
    assert refused(SIGNED, facts(*known, failed, again)) == {}


def test_that_a_stage_failed_counts_whoever_says_it() -> None:
    known = (trusted(build(), CI), trusted(test(), CI), unsigned(test(passed=False, finished=LATER)))
    assert refused(SIGNED, facts(*known)) == {"tests": "it has failed unit"}


def test_without_keys_the_record_of_the_build_counts() -> None:
    rules = Rules(tests=("unit",), clean=True, branch=("main|release/*",), tag=("v*",), max_age=3600)
    assert refused(rules, facts(record=RECORD)) == {}
    assert set(refused(replace(rules, signed_by=(CI.key,)), facts(record=RECORD))) == {
        "signed_by", "tests", "clean", "branch", "tag", "max_age",
    }  # fmt: skip


def test_without_keys_what_was_pushed_is_its_own_witness() -> None:
    pushed = replace(RECORD, evidence=(), pushed=True, created="")
    assert refused(Rules(tests=("unit",)), facts(record=pushed)) == {}
    assert refused(Rules(tests=("unit",)), facts(record=replace(pushed, pushed=False))) != {}


def test_a_dirty_tree_another_branch_and_no_tag() -> None:
    commit = replace(COMMIT, dirty=True, branch="idea", tags=())
    rules = Rules(clean=True, branch=("main",), tag=("v*",))
    assert refused(rules, facts(trusted(build(commit=commit), CI))) == {
        "clean": "it was built from a tree that differs from its commit",
        "branch": "it was built on idea, not on main",
        "tag": "its commit has no tag that anybody has told, and needs v*",
    }


def test_patterns() -> None:
    assert fits("release/2", ("main|release/*",))
    assert not fits("release", ("main | release/*",))
    assert not fits("", ("main",))


def test_an_image_gets_too_old() -> None:
    rules = Rules(max_age=30 * 86400)
    assert refused(rules, facts(trusted(build(), CI), after=29 * 86400)) == {}
    assert refused(rules, facts(trusted(build(), CI), after=31 * 86400)) == {
        "max_age": "it was built 31.0 days ago, and may be 30.0 days old"
    }


# Approvals

TWO = Rules(approvals=Approvals(2, (ANN.key, BOB.key)))


def test_two_people_approve() -> None:
    assert refused(TWO, facts(trusted(approval(), ANN), trusted(approval(), BOB))) == {}


def test_one_person_counts_once() -> None:
    again = trusted(replace(approval(), predicate={**approval().predicate, "approvedOn": LATER}), ANN)
    assert refused(TWO, facts(trusted(approval(), ANN), again)) == {"approvals": "1 of 2 people have approved it"}
    [told] = refusals(TWO, facts(trusted(approval(), ANN)))
    assert told.hint == "`fairway approve production --commit c0 --key KEY` of bob.pub"


def test_an_approval_for_another_environment_or_by_a_stranger_does_not_count() -> None:
    told = refused(TWO, facts(trusted(approval(environment="staging"), ANN), trusted(approval(), EVE)))
    assert told == {"approvals": "0 of 2 people have approved it (one is for shop staging)"}


def test_an_approval_of_another_image_does_not_count() -> None:
    replayed = replace(unsigned(approval()), standing=Standing.ELSEWHERE, detail="it is about sha256:eee")
    assert refused(TWO, facts(replayed)) == {"approvals": "0 of 2 people have approved it (it is about sha256:eee)"}


# Promotion


def record(number: int, image: ImageRef, outcome: str = "promoted", minute: int = 0) -> Record:
    made = replace(release({"web": Spec()}), number=number, images={"web": image})
    return Record(release=made, outcome=outcome, finished=f"2026-05-01T10:{minute:02}:00Z")


OTHER = ImageRef(reference="x", id="sha256:other", fingerprint="sha256:f0")


def minutes(*records: Record) -> float | None:
    since = serves_since(records, "web", IMAGE)
    return None if since is None else (since - NOW) / 60


def test_since_when_an_image_serves() -> None:
    assert minutes() is None
    assert minutes(record(1, OTHER)) is None
    assert minutes(record(1, IMAGE, minute=5), record(2, IMAGE, minute=9)) == 5
    assert minutes(record(1, IMAGE, minute=5), record(2, OTHER, minute=9)) is None
    assert minutes(record(1, IMAGE, minute=5), record(2, OTHER, minute=6), record(3, IMAGE, minute=9)) == 9
    assert minutes(record(1, IMAGE, minute=5), record(2, OTHER, "rolled back", 9)) == 5


@pytest.mark.parametrize("outcome", ["rolled back", "failed", "partial", "held"])
def test_an_abort_begins_the_time_anew(outcome: str) -> None:
    assert minutes(record(1, IMAGE, minute=5), record(2, IMAGE, outcome, 9)) == 9
    assert minutes(record(1, IMAGE, outcome, 5)) is None


def test_a_deployer_that_was_interrupted_is_no_abort() -> None:
    assert minutes(record(1, IMAGE, minute=5), record(2, IMAGE, "interrupted", 9), record(3, IMAGE, "", 10)) == 5


def test_an_image_has_to_serve_long_enough() -> None:
    rules = Rules(promoted_from=Promotion("staging", 3600))
    serving = (record(1, IMAGE),)
    assert refused(rules, facts(origin=serving, after=3600)) == {}
    assert refused(rules, facts(origin=serving, after=600)) == {
        "promoted_from": "it has served in staging for 10 min without an abort, and has to for 60 min"
    }
    assert refused(rules, facts()) == {
        "promoted_from": "it does not serve in staging, and only what does may go further"
    }


# The invariant

KINDS = [build(), build(commit=replace(COMMIT, dirty=True, branch="idea")), test(), test(passed=False, finished=LATER),
         test("smoke"), approval(), approval(environment="staging")]  # fmt: skip


def attested(draw: some.DrawFn) -> Attestation:
    one = draw(some.sampled_from(KINDS))
    standing = draw(some.sampled_from(Standing))
    keys = draw(some.lists(some.sampled_from([CI, ANN, BOB, EVE]), min_size=1, unique=True))
    return (
        replace(trusted(one, *keys), standing=standing)
        if standing is Standing.TRUSTED
        else replace(unsigned(one), standing=standing)
    )


PARTS = {
    "tests": ("unit", "smoke"),
    "clean": True,
    "branch": ("main",),
    "tag": ("v*",),
    "promoted_from": Promotion("staging", 60),
    "signed_by": (CI.key,),
    "max_age": 3600.0,
    "approvals": Approvals(2, (ANN.key, BOB.key)),
}


@given(some.data())
def test_a_policy_with_more_rules_never_allows_more(data: some.DataObject) -> None:
    found = data.draw(some.lists(some.composite(attested)(), max_size=6))
    known = facts(
        *found,
        record=data.draw(some.sampled_from([None, RECORD, replace(RECORD, evidence=(), pushed=True)])),
        after=data.draw(some.sampled_from([10.0, 9999.0])),
        origin=(record(1, IMAGE),) if data.draw(some.booleans()) else (),
    )
    few = data.draw(some.sets(some.sampled_from(NAMES)))
    more = few | data.draw(some.sets(some.sampled_from(NAMES)))
    before = refused(Rules(**{name: PARTS[name] for name in few}), known)
    after = refused(Rules(**{name: PARTS[name] for name in more}), known)
    assert set(before) <= set(after)
