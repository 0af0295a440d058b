"""Top-level volumes, configs and secrets."""

from __future__ import annotations

from fairway.compose.normalise.fields import Fields
from fairway.compose.scalars import text
from fairway.compose.words import either
from fairway.model.files import FileObject, Volume

_SOURCES = ("file", "environment", "content")


def volume(fields: Fields, key: str) -> Volume:
    external = fields.flag("external") or False
    return Volume(
        key=key,
        name=fields.text("name") or (key if external else None),
        external=external,
        driver=fields.text("driver"),
        driver_opts=fields.table("driver_opts"),
        labels=fields.table("labels"),
    )


def file_object(fields: Fields, key: str, kind: str) -> FileObject:
    """A config or a secret, which has exactly one source unless it is external or a driver makes it."""
    external = fields.flag("external") or False
    content = fields.read("content", text)
    values = {"file": fields.text("file"), "environment": fields.text("environment"), "content": content}
    sources = [source for source, value in values.items() if value is not None]
    spoilt = any(fields.problems.spoilt((*fields.path, source)) for source in _SOURCES)
    if len(sources) > 1:
        fields.complain(f"a {kind} has one source, and this one has {', '.join(f'`{one}`' for one in sources)}")
    if not sources and not external and not fields.has("driver") and not spoilt:
        options = (f"`{source}`" for source in (*_SOURCES[: 2 if kind == "secret" else 3], "external: true"))
        fields.complain(f"a {kind} needs a source", hint=f"give it {either(options)}")
    return FileObject(
        name=fields.text("name") or key,
        file=values["file"],
        environment=values["environment"],
        content=content,
        external=external,
        labels=fields.table("labels"),
        driver=fields.text("driver"),
        driver_opts=fields.table("driver_opts"),
        template_driver=fields.text("template_driver"),
    )
