"""Findings as SARIF 2.1.0, which code hosts show beside the lines they are about. Pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from fairway.model.app import Location
from fairway.model.security import Accepted, Audit, Finding, Severity
from fairway.security.rules import BY_ID, RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "1.0",
}
"""As GitHub wants them, to tell critical from high."""
INDEX = {rule.id: index for index, rule in enumerate(RULES)}
Json = dict[str, Any]


def sarif(audits: Mapping[str, Audit], *, root: str, settings: str, version: str) -> Json:
    """One run for each environment. Files are told relative to `root`, the repository; what is about a host is told at `settings`."""
    driver: Json = {
        "name": "fairway",
        "version": version,
        "rules": [_rule(rule.id) for rule in RULES],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [_run(name, audit, driver, root, settings) for name, audit in audits.items()],
    }


def _rule(identity: str) -> Json:
    rule = BY_ID[identity]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": f"{rule.title}: {rule.why}."},
        "help": {"text": rule.mend, "markdown": f"**Why:** {rule.why}.\n\n**Change:** {rule.mend}"},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"security-severity": SCORES[rule.severity], "tags": ["security"]},
    }


def _run(name: str, audit: Audit, driver: Json, root: str, settings: str) -> Json:
    results = [_result(finding, root, settings) for finding in audit.findings]
    results += [_suppressed(accepted, root, settings) for accepted in audit.accepted]
    notes = [{"level": "warning", "message": {"text": f"not looked at: {one.what}: {one.why}"}} for one in audit.unseen]
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"fairway/{name}/"},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "originalUriBaseIds": {"SRCROOT": {"uri": f"file://{root.rstrip('/')}/"}},
        "results": results,
    }


def _result(finding: Finding, root: str, settings: str) -> Json:
    told = {"host": finding.host, "service": finding.service, "severity": finding.severity.value}
    return {
        "ruleId": finding.rule,
        "ruleIndex": INDEX[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": f"{finding.what}: {finding.why}. To mend it, {finding.mend}"},
        "locations": [_place(finding.where or Location(settings), root)],
        "partialFingerprints": {"fairway/v1": _fingerprint(finding)},
        "properties": {key: value for key, value in told.items() if value},
    }


def _suppressed(accepted: Accepted, root: str, settings: str) -> Json:
    suppression = {"kind": "external", "status": "accepted", "justification": accepted.acceptance.because}
    return _result(accepted.finding, root, settings) | {"suppressions": [suppression]}


def _place(where: Location, root: str) -> Json:
    artifact: Json = {"uri": _uri(where.file)}
    if where.file.startswith("/"):
        relative = posixpath.relpath(where.file, root)
        inside = not relative.startswith("..")
        artifact = {"uri": _uri(relative), "uriBaseId": "SRCROOT"} if inside else {"uri": f"file://{_uri(where.file)}"}
    else:
        artifact["uriBaseId"] = "SRCROOT"
    region = {"startLine": where.line} | ({"startColumn": where.column} if where.column else {}) if where.line else {}
    return {"physicalLocation": {"artifactLocation": artifact} | ({"region": region} if region else {})}


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(str(PurePosixPath(path)))


def _fingerprint(finding: Finding) -> str:
    """The same wherever the line has moved to."""
    told = "\0".join((finding.rule, finding.service, finding.host, finding.what))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
