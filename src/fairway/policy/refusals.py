"""(rules, facts) → what stands in the way: all of it at once, each with the rule, the image, why, and what to do.

A policy with more rules never allows more: what speaks for an image has to count under every rule, what speaks against it counts
whoever says it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fairway.attest.statement import APPROVAL, BUILD, TEST
from fairway.policy.facts import Facts, ImageFacts, bad, builds, built, doubts, good, moment, signers, source
from fairway.policy.promotion import unpromoted
from fairway.policy.rules import Rules, fits


class Refusal(Struct, frozen=True, kw_only=True):
    """`rule` is its key in `require`; `image` what people call the image: its repository and its digest."""

    rule: str
    service: str
    image: str
    why: str
    hint: str


def refusals(rules: Rules, facts: Facts) -> tuple[Refusal, ...]:
    return tuple(one for image in facts.images for one in _of(rules, facts, image))


def _of(rules: Rules, facts: Facts, image: ImageFacts) -> Iterator[Refusal]:
    for rule, told in (
        ("signed_by", _unsigned(rules, facts, image)),
        ("tests", _untested(rules, facts, image)),
        ("clean", _dirty(rules, facts, image)),
        ("branch", _elsewhere(rules, facts, image)),
        ("tag", _untagged(rules, facts, image)),
        ("max_age", _old(rules, facts, image)),
        ("promoted_from", unpromoted(rules, facts, image)),
        ("approvals", _unapproved(rules, facts, image)),
    ):
        for why, hint in told:
            yield Refusal(rule=rule, service=image.service, image=image.name, why=why, hint=hint)


Told = Iterator[tuple[str, str]]
"""Why, and what to do about it."""


def _again(facts: Facts) -> str:
    return f"`fairway ship {facts.environment}` of a commit, where the key is, builds and says so"


def _unsigned(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if rules.signed_by and not good(image, BUILD, rules):
        keys = " or ".join(map(str, rules.signed_by))
        found = doubts(image, BUILD, rules) or "there is no evidence of this image"
        yield f"nothing that is signed by {keys} says how it was built: {found}", _again(facts)


def _untested(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    for stage in rules.tests:
        passed, failed = _times(image, stage, rules)
        if (rules.signed_by or not _on_record(facts, stage)) and passed is None:
            found = doubts(image, TEST, rules) if image.found else ""
            why = f"nothing that counts says that it has passed {stage}"
            yield f"{why}: {found}" if found else why, f"`fairway test` runs {stage}, where the key is"
            continue
        if failed is not None and (passed is None or failed >= passed):
            yield f"it has failed {stage}", f"mend it, and `fairway ship {facts.environment}`"


def _times(image: ImageFacts, stage: str, rules: Rules) -> tuple[float | None, float | None]:
    """When the image last passed, and when it last failed."""
    passed = [
        moment(one.get("fairway_finishedOn")) or 0.0
        for one in good(image, TEST, rules)
        if one.get("fairway_stage") == stage and one.get("result") == "PASSED"
    ]
    failed = [
        moment(one.get("fairway_finishedOn")) or 0.0
        for one in bad(image, TEST)
        if one.get("fairway_stage") == stage and one.get("result") != "PASSED"
    ]
    return max(passed, default=None), max(failed, default=None)


def _on_record(facts: Facts, stage: str) -> bool:
    """Nothing was ever pushed that had not passed: where no keys are named, an image in the registry is its own witness."""
    build = facts.build
    return build is not None and (build.passed((stage,)) or (build.pushed and not build.evidence))


def _dirty(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if not rules.clean:
        return
    found = builds(facts, image, rules)
    if not found:
        yield f"nobody knows whether its tree was clean{_because(image, rules)}", _again(facts)
    elif any(source(one).get("dirty") is not False for one in found) or any(
        source(one).get("dirty") for one in bad(image, BUILD)
    ):
        yield "it was built from a tree that differs from its commit", "commit the changes, and ship that"


def _elsewhere(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if not rules.branch:
        return
    found = [str(source(one).get("branch") or "") for one in builds(facts, image, rules)]
    if not any(name and fits(name, rules.branch) for name in found):
        wanted = " or ".join(rules.branch)
        of = ", ".join(sorted({name or "no branch" for name in found}))
        why = (
            f"it was built on {of}, not on {wanted}"
            if found
            else f"nobody knows of which branch it is{_because(image, rules)}"
        )
        yield why, f"merge it to {wanted}, and ship it from there"


def _untagged(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if not rules.tag:
        return
    tags = {str(tag) for one in builds(facts, image, rules) for tag in source(one).get("tags") or ()}
    if not any(fits(tag, rules.tag) for tag in tags):
        wanted = " or ".join(rules.tag)
        has = f"has the tag {', '.join(sorted(tags))} only" if tags else "has no tag that anybody has told"
        yield (
            f"its commit {has}, and needs {wanted}",
            "tag the commit, and `fairway build` says so (no image is built again)",
        )


def _old(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if rules.max_age is None:
        return
    times = [time for one in builds(facts, image, rules) if (time := built(one)) is not None]
    if not times:
        yield f"nobody knows how old it is{_because(image, rules)}", _again(facts)
    elif (age := facts.now - max(times)) > rules.max_age:
        why = f"it was built {_days(age)} ago, and may be {_days(rules.max_age)} old"
        yield why, f"build anew: an empty commit will do; `fairway ship {facts.environment}`"


def _unapproved(rules: Rules, facts: Facts, image: ImageFacts) -> Told:
    if rules.approvals is None:
        return
    given: set[str] = set()
    elsewhere: dict[str, None] = {}
    for one in image.found:
        if one.statement and one.statement.kind == APPROVAL:
            said = one.statement.predicate
            if (said.get("app"), said.get("environment")) != (facts.app, facts.environment):
                elsewhere[f"one is for {said.get('app')} {said.get('environment')}"] = None
            else:
                given |= signers(one, rules.approvals.keys)
    if len(given) < rules.approvals.count:
        doubt = "; ".join([*elsewhere, *filter(None, [doubts(image, APPROVAL, Rules()) if image.found else ""])])
        why = f"{len(given)} of {rules.approvals.count} people have approved it"
        hint = f"`fairway approve {facts.environment} {facts.named} --key KEY` of " + ", ".join(
            key.name for key in rules.approvals.keys if key.id not in given
        )
        yield f"{why} ({doubt})" if doubt else why, hint


def _because(image: ImageFacts, rules: Rules) -> str:
    found = doubts(image, BUILD, rules) if rules.signed_by or not image.found else ""
    return f": {found}" if found else ""


def _days(seconds: float) -> str:
    return f"{seconds / 86400:.1f} days" if seconds >= 86400 else f"{seconds / 3600:.1f} hours"
