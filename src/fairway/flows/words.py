"""A statement in half a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairway.attest.statement import APPROVAL, BUILD, CONTENTS, PUBLICATION, TEST, kind
from fairway.model.evidence import Statement


def title(statement: Statement | None) -> str:
    return kind(statement) if statement else "unreadable"


def summary(statement: Statement) -> str:
    """What it says; of a statement that is not Fairway's, nothing."""
    said = statement.predicate
    try:
        match statement.kind:
            case str(one) if one == BUILD:
                return _build(said)
            case str(one) if one == TEST:
                why = said.get("fairway_reason")
                return f"{said['result'].lower()} on {said['fairway_finishedOn'][:19]}Z" + (f": {why}" if why else "")
            case str(one) if one == PUBLICATION:
                return f"pushed on {said['fairway_publishedOn']} by {said['fairway_by']}"
            case str(one) if one == CONTENTS:
                return f"{len(said['components'])} packages (CycloneDX {said['specVersion']})"
            case str(one) if one == APPROVAL:
                return f"for {said['app']} {said['environment']}, on {said['approvedOn']} by {said['by']}"
    except (KeyError, TypeError, AttributeError):
        pass
    return ""


def _build(said: Mapping[str, Any]) -> str:
    source = said["buildDefinition"]["internalParameters"]
    made = said["runDetails"]
    bases = [
        f"{one['uri'].removeprefix('docker-image://')}@{one['digest']['sha256'][:12]}"
        for one in said["buildDefinition"]["resolvedDependencies"]
        if one["uri"].startswith("docker-image://") and "digest" in one
    ]
    parts = [
        f"{said['buildDefinition']['externalParameters']['commit'][:12]} {'dirty' if source['dirty'] else 'clean'}",
        f"branch {source['branch'] or 'none'}",
        f"on {made['metadata']['finishedOn']} by {made['fairway_by']}",
        f"from {', '.join(bases)}" if bases else "",
    ]
    return ", ".join(filter(None, parts))
