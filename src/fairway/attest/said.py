"""What Fairway itself says: how an image was built, which tests it passed, where it was pushed, who approves of it. Pure.

Fields of Fairway's own in a standard predicate begin with `fairway_`, as SLSA asks of extensions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairway.attest.statement import APPROVAL, BUILD, CONTENTS, PUBLICATION, TEST, hexadecimal, purl, subjects
from fairway.model.build import Commit, Evidence, ImageRef, Provenance
from fairway.model.evidence import Statement, Subject
from fairway.model.stage import Stage

BUILDER = "urn:fairway:builder"
BUILD_TYPE = "urn:fairway:build:v1"


def built(
    app: str,
    service: str,
    image: ImageRef,
    *,
    commit: Commit,
    provenance: Provenance,
    started: str,
    finished: str,
    by: str,
    definition: str = "",
) -> Statement:
    """SLSA provenance: which source, with what, by whom. Times are ISO 8601 UTC."""
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"app": app, "service": service, "commit": commit.sha},
            "internalParameters": {
                "branch": commit.branch,
                "changes": list(commit.changes),
                "definition": definition,
                "describe": commit.describe,
                "dirty": commit.dirty,
                "tags": list(commit.tags),
                "tree": commit.tree,
            },
            "resolvedDependencies": [_source(commit), *_bases(provenance.bases)],
        },
        "runDetails": {
            "builder": {"id": BUILDER, "version": dict(provenance.versions)},
            "metadata": {"invocationId": commit.tag, "startedOn": started, "finishedOn": finished},
            "fairway_by": by,
        },
    }
    return Statement(kind=BUILD, subjects=subjects([image]), predicate=predicate)


def _source(commit: Commit) -> dict[str, Any]:
    uri = f"git+{commit.source}" if "://" in commit.source else commit.source
    return {"uri": uri or "git", "digest": {"gitCommit": commit.sha}, "annotations": {"dirty": commit.dirty}}


def _bases(bases: Mapping[str, str]) -> Iterable[dict[str, Any]]:
    for name, digest in sorted(bases.items()):
        yield {"uri": f"docker-image://{name}", **({"digest": {"sha256": hexadecimal(digest)}} if digest else {})}


def tested(image: ImageRef, stage: Stage, evidence: Evidence, finished: str, by: str) -> Statement:
    """Whether a stage has passed with this very image among those of the application."""
    command = " ".join(stage.command or ()) or (f"GET {stage.http.path}" if stage.http else "")
    predicate = {
        "result": "PASSED" if evidence.passed else "FAILED",
        "configuration": [{"name": f"stage {stage.name} of fairway.yaml", "annotations": {"command": command}}],
        "passedTests" if evidence.passed else "failedTests": [stage.name],
        "fairway_stage": stage.name,
        "fairway_exitCode": evidence.exit_code,
        "fairway_reason": evidence.reason,
        "fairway_startedOn": evidence.started,
        "fairway_finishedOn": finished,
        "fairway_output": {"sha256": evidence.output_sha256},
        "fairway_by": by,
    }
    return Statement(kind=TEST, subjects=subjects([image]), predicate=predicate)


def published(image: ImageRef, tags: Iterable[str], when: str, by: str) -> Statement:
    """That it was pushed, after everything that had to pass had passed."""
    named = tuple(tags)
    predicate = {
        "purl": purl(image, named[0]),
        "fairway_tags": list(named),
        "fairway_publishedOn": when,
        "fairway_by": by,
    }
    return Statement(kind=PUBLICATION, subjects=subjects([image]), predicate=predicate)


def contains(image: ImageRef, document: Mapping[str, Any]) -> Statement:
    """A CycloneDX document: what is in it."""
    return Statement(kind=CONTENTS, subjects=subjects([image]), predicate=document)


def approved(app: str, environment: str, images: Iterable[ImageRef], *, commit: str, when: str, by: str) -> Statement:
    """That somebody wants these very images in that environment."""
    predicate = {"app": app, "environment": environment, "commit": commit, "approvedOn": when, "by": by}
    return Statement(kind=APPROVAL, subjects=subjects(images), predicate=predicate)


def moved(statement: Statement, image: ImageRef) -> Statement:
    """The same about the same image, which has its manifest's digest by now."""
    others = tuple(one for one in statement.subjects if one.sha256 != hexadecimal(image.id))
    found: dict[Subject, None] = dict.fromkeys((*subjects([image]), *others))
    return Statement(kind=statement.kind, subjects=tuple(found), predicate=statement.predicate)
