"""What is in an image, as a CycloneDX document (1.6). Pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from fairway.attest.packages import Package
from fairway.attest.statement import digests
from fairway.model.build import ImageRef

SPACE = uuid.UUID("3c0f4d83-7f2d-5f0e-9a2e-6c1f2b1f6a10")
HOW = "the package databases inside the image"
LIMITS = "what was copied into the image without a package manager, or was linked into a program, is not listed"
DATABASES = {"deb": "dpkg", "apk": "apk", "pypi": "pip"}


def document(image: ImageRef, packages: Sequence[Package], when: str, version: str) -> dict[str, Any]:
    """`version` is Fairway's, `when` ISO 8601 UTC. The document says itself how it was made, and that it is not complete."""
    digest = digests(image)[0]
    read = ", ".join(sorted({DATABASES[package.kind] for package in packages})) or "none found"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": when,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": [{"type": "application", "name": "fairway", "version": version}]},
            "component": {
                "type": "container",
                "bom-ref": f"sha256:{digest}",
                "name": image.repository,
                "version": f"sha256:{digest}",
            },
            "properties": [
                {"name": "fairway:how", "value": f"{HOW}: {read}"},
                {"name": "fairway:limits", "value": LIMITS},
            ],
        },
        "components": [_component(package) for package in packages],
        "compositions": [{"aggregate": "incomplete", "assemblies": [f"sha256:{digest}"]}],
    }


def _component(package: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "properties": [{"name": "fairway:file", "value": package.file}],
    }
