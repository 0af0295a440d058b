"""The environment and the labels of a service, with the files that they come from."""

from __future__ import annotations

from fairway.compose import scalars
from fairway.compose.normalise.fields import Fields
from fairway.compose.problems import Use
from fairway.compose.sources import Project


def environment(service: Fields, project: Project) -> dict[str, str]:
    """The files in order, then `environment`. A name without a value takes it from the project's variables, or is gone."""
    found = _env_files(service, project)
    node = service.child("environment").node
    for name, value in (node.entries if node else {}).items():
        if value.value is None:
            found[name] = project.variables.get(name)
            project.problems.uses.append(Use(name, value.at, (*service.path, "environment", name)))
        else:
            found[name] = service.convert(value, scalars.text, "environment", name)
    return {name: value for name, value in found.items() if value is not None}


def _env_files(service: Fields, project: Project) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for entry in service.children("env_file"):
        path = entry.required("path")
        form = entry.choice("format", ("raw",), "") if entry.text("format") else ""
        required = entry.flag("required")
        if path and (required is not False or project.reader.exists(path)):
            at = entry.node.at if entry.node else None
            found |= project.env_file(path, at, entry.path, raw=form == "raw")
    return found


def labels(service: Fields, project: Project) -> dict[str, str]:
    """The files of labels in order, then `labels`."""
    found: dict[str, str] = {}
    node = service.child("label_file").node
    for index, file in enumerate(node.elements if node else []):
        read = project.env_file(scalars.text(file), file.at, (*service.path, "label_file", str(index)))
        found |= {name: value or "" for name, value in read.items()}
    return found | service.table("labels")
