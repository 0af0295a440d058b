"""`build` → BuildSpec."""

from __future__ import annotations

import posixpath

from fairway.compose import scalars
from fairway.compose.normalise.fields import Fields, given
from fairway.compose.normalise.mounts import file_mount
from fairway.compose.paths import is_remote
from fairway.model.app import BuildSpec

_LISTS = ("cache_from", "cache_to", "platforms", "tags")
_FLAGS = ("no_cache", "pull", "privileged")
_KNOWN = frozenset(
    (*_LISTS, *_FLAGS, "context", "dockerfile", "dockerfile_inline", "target", "args", "additional_contexts")
) | frozenset(("labels", "secrets", "ssh", "network", "extra_hosts", "shm_size"))


def build_spec(fields: Fields, directory: str) -> BuildSpec:
    """How the image is made; the context is the project's directory where none is named."""
    context = fields.text("context") or directory
    if fields.has("dockerfile") and fields.has("dockerfile_inline"):
        fields.complain("`dockerfile` and `dockerfile_inline` exclude each other", "dockerfile_inline")
    dockerfile = fields.text("dockerfile")
    if dockerfile and not is_remote(context):
        dockerfile = posixpath.normpath(posixpath.join(context, dockerfile))
    return BuildSpec(
        context=context,
        dockerfile=dockerfile,
        secrets=tuple(file_mount(one, "") for one in fields.children("secrets")),
        ssh=_ssh(fields),
        extra_hosts=hosts(fields),
        extra=fields.rest(_KNOWN),
        args=_args(fields),
        **given(
            **{key: fields.texts(key) for key in _LISTS},
            **{key: fields.flag(key) for key in _FLAGS},
            dockerfile_inline=fields.text("dockerfile_inline"),
            target=fields.text("target"),
            additional_contexts=fields.table("additional_contexts"),
            labels=fields.table("labels"),
            network=fields.text("network"),
            shm_size=fields.size("shm_size"),
        ),
    )


def _args(fields: Fields) -> dict[str, str | None]:
    """None where the builder's environment gives the value."""
    args = fields.child("args").node
    return {
        name: None if one.value is None else fields.convert(one, scalars.text, "args", name)
        for name, one in (args.entries if args else {}).items()
    }


def _ssh(fields: Fields) -> tuple[str, ...]:
    return tuple(f"{name}={value}" if value else name for name, value in fields.table("ssh").items())


def hosts(fields: Fields) -> tuple[str, ...]:
    """`extra_hosts` as `name:address`, brackets of IPv6 addresses gone."""
    node = fields.child("extra_hosts").node
    found = []
    for host, addresses in (node.entries if node else {}).items():
        for address in addresses.elements:
            written = scalars.text(address)
            bare = written[1:-1] if written.startswith("[") and written.endswith("]") else written
            found.append(f"{host}:{bare}")
    return tuple(found)
