"""What a service is given of files, disks and ports: Mount, FileMount, Device, Port."""

from __future__ import annotations

import posixpath

from fairway.compose import ports
from fairway.compose.node import Node
from fairway.compose.normalise.fields import Fields, given
from fairway.compose.scalars import mode, size, text
from fairway.model.app import Device, Port
from fairway.model.files import FileMount, Mount

_FOR_TYPE = {"bind": "bind", "volume": "volume", "tmpfs": "tmpfs", "image": "image"}


def mounts(service: Fields) -> tuple[Mount, ...]:
    """`volumes`, then `tmpfs`; those with options of their own come last."""
    found = [_mount(one) for one in service.children("volumes")]
    node = service.child("tmpfs").node
    for index, element in enumerate(node.elements if node else []):
        if mount := service.convert(element, _tmpfs, "tmpfs", str(index)):
            found.append(mount)
    return tuple(sorted(found, key=lambda mount: bool(mount.options)))


def _mount(fields: Fields) -> Mount:
    kind = fields.required("type")
    source = fields.text("source")
    for group in _FOR_TYPE.values():
        if fields.has(group) and group != _FOR_TYPE.get(kind) and _says_much(fields, group):
            fields.complain(f"`{group}` does not go with type {kind}", group)
    if kind in ("bind", "image", "npipe", "cluster") and not source:
        fields.complain(f"a mount of type {kind} needs a `source`")
    if kind == "tmpfs" and source:
        fields.complain("a tmpfs has no `source`", "source")
    target = fields.required("target")
    bind, volume, tmpfs = (fields.child(group) for group in ("bind", "volume", "tmpfs"))
    return Mount(
        type=kind,
        target=clean(target) if target else "",
        **given(
            source=source,
            read_only=fields.flag("read_only"),
            consistency=fields.text("consistency"),
            propagation=bind.text("propagation"),
            create_host_path=bind.flag("create_host_path"),
            recursive=bind.text("recursive"),
            selinux=bind.text("selinux"),
            nocopy=volume.flag("nocopy"),
            labels=volume.table("labels"),
            subpath=volume.text("subpath") or fields.child("image").text("subpath"),
            size=tmpfs.size("size"),
            mode=tmpfs.mode("mode"),
        ),
    )


def _says_much(fields: Fields, group: str) -> bool:
    """`volume: {}` beside a bind mount is harmless, and `selinux` on a named volume is usual."""
    below = fields.child(group).node
    return bool(below and set(below.entries) - {"selinux"})


def clean(path: str) -> str:
    """A container's path without doubled or trailing slashes."""
    return "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else path


def _tmpfs(node: Node) -> Mount:
    """`/run`, or `/run:size=64m,mode=755,uid=1000`."""
    target, _, rest = text(node).partition(":")
    if not target.startswith("/"):
        raise ValueError(f"`{target}` is no absolute path")
    sizes: int | None = None
    modes: int | None = None
    options = []
    for option in filter(None, rest.split(",")):
        key, _, value = option.partition("=")
        if key == "size":
            sizes = size(node.put(value))
        elif key == "mode":
            modes = mode(node.put(value))
        else:
            options.append(option)
    return Mount(type="tmpfs", target=clean(target), size=sizes, mode=modes, options=tuple(options))


def file_mounts(service: Fields, key: str) -> tuple[FileMount, ...]:
    prefix = {"secrets": "/run/secrets/", "configs": "/"}[key]
    return tuple(file_mount(one, prefix) for one in service.children(key))


def file_mount(fields: Fields, prefix: str) -> FileMount:
    """`prefix` is the directory of targets that are not absolute; a build's secrets have none: theirs are names."""
    source = fields.required("source")
    target = fields.text("target") or source
    return FileMount(
        source=source,
        target=clean(target if target.startswith("/") else prefix + target),
        uid=fields.text("uid"),
        gid=fields.text("gid"),
        mode=fields.mode("mode"),
    )


def devices(service: Fields) -> tuple[Device, ...]:
    found = []
    for fields in service.children("devices"):
        source = fields.required("source")
        permissions = fields.text("permissions") or "rwm"
        if set(permissions) - set("rwm"):
            fields.complain(f"`{permissions}` are no permissions: use letters of rwm", "permissions")
        found.append(Device(source=source, target=fields.text("target") or source, permissions=permissions))
    return tuple(found)


def port_list(service: Fields) -> tuple[Port, ...]:
    found = (_port(fields) for fields in service.children("ports"))
    return tuple(port for port in found if port)


def _port(fields: Fields) -> Port | None:
    def one(node: Node) -> int:
        numbers = ports.port_range(text(node))
        if len(numbers) != 1 or numbers[0] == 0:
            raise ValueError(f"`{text(node)}` is no port: ports go from 1 to 65535")
        return numbers[0]

    fields.required("target")
    target = fields.read("target", one)
    published = fields.read("published", lambda node: ports.port_range(text(node)) if text(node) else range(0))
    host_ip = fields.read("host_ip", lambda node: ports.checked_ip(text(node)))
    if target is None:
        return None
    numbers = [number for number in published or () if number]
    return Port(
        target=target,
        published=numbers[0] if numbers else None,
        published_to=numbers[-1] if len(numbers) > 1 else None,
        host_ip=host_ip or None,
        protocol=fields.read("protocol", ports.protocol) or "tcp",
        mode=fields.choice("mode", ("ingress", "host"), "ingress"),
        name=fields.text("name"),
        app_protocol=fields.text("app_protocol"),
    )
