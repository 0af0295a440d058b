"""Contradictions of the top-level resources, and top-level fields that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping

from fairway.compose.checks.case import Case
from fairway.model.app import Network
from fairway.model.files import FileObject, Volume

_WITH_EXTERNAL = ("external", "name")


def check_resources(case: Case) -> None:
    sections: dict[str, Mapping[str, Network | Volume | FileObject]] = {
        "networks": case.app.networks,
        "volumes": case.app.volumes,
        "configs": case.app.configs,
        "secrets": case.app.secrets,
    }
    for section, resources in sections.items():
        for key, resource in resources.items():
            node = case.document.find(section, key)
            if not resource.external or not node:
                continue
            for field in node.entries:
                if field not in _WITH_EXTERNAL and not field.startswith("x-"):
                    what = f"`{field}` does not go with `external: true`: the {section[:-1]} is made elsewhere"
                    case.tell(what, section, key, field)
    if case.document.get("version"):
        case.warn("`version` means nothing any more", "version", hint="leave it out")
