"""docs/strategies.md shows plans as they are."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

import pytest
from msgspec.structs import replace

from fairway.cli.notes import notes, wrapped
from fairway.cli.words import describe
from fairway.model.app import Service
from fairway.model.deploy import Deploy
from fairway.model.policy import Rollout
from fairway.settings.policies import policies
from tests.unit.cli.test_plan import proposal
from tests.unit.rollout.parts import Spec
from tests.unit.rollout.test_plans import world
from tests.unit.settings.parts import app, settings

PAGE = Path(__file__).parents[3] / "docs" / "strategies.md"
BLOCKS = re.compile(r"^## (?P<name>[^\n]+)\n\n```yaml\n(?P<rollout>.*?)```\n\n```text\n(?P<plan>.*?)```", re.M | re.S)
WEB = Spec(replicas=4, routed=True)


def rollout(text: str) -> Rollout:
    written = f"services:\n  web:\n    route: {{host: shop.example.com, port: 8000}}\n{indent(text, '    ')}"
    service = Service(name="web", deploy=Deploy(replicas=WEB.replicas))
    return policies(settings(written), app(service), "production")["web"].rollout


def plan(text: str) -> str:
    found = proposal(world({"web": WEB}), {"web": replace(WEB, version=2)}, web=rollout(text))
    steps = [f"{count:>2}. {describe(step)}" for count, step in enumerate(found.steps, 1)]
    return "".join(f"{line}\n" for line in (*steps, *wrapped(notes(found))))


@pytest.mark.parametrize("block", list(BLOCKS.finditer(PAGE.read_text())), ids=lambda block: block["name"])
def test_a_plan_in_the_manual_is_what_would_be_done(block: re.Match[str]) -> None:
    assert block["plan"] == plan(block["rollout"])


def test_every_strategy_has_its_plan() -> None:
    assert {rollout(block["rollout"]).strategy for block in BLOCKS.finditer(PAGE.read_text())} == {
        "rolling", "recreate", "blue-green", "canary", "ab", "shadow",
    }  # fmt: skip
