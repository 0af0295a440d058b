"""What a container finds in its file system: volumes, host paths, tmpfs, configs and secrets."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from fairway.model.app import App, Service
from fairway.model.environment import Environment
from fairway.model.files import Mount
from fairway.render import names
from fairway.render.docker_files import FileSet

Json = dict[str, Any]

FILES = "/run/.fairway"
"""Where a replica mounts the volume of its files too: an engine prunes volumes that no container mounts."""


class FilesVolume(Struct, frozen=True):
    """The volume that holds a file set, and its path on the host."""

    name: str
    path: str
    contents: FileSet


def mounts(environment: Environment, app: App, service: Service, files: FilesVolume | None) -> Json:
    """HostConfig's Mounts and Binds."""
    binds = [mount for mount in service.volumes if _is_bind(mount)]
    tmpfs = [mount for mount in service.volumes if mount.type == "tmpfs" and mount.options]
    others = [mount for mount in service.volumes if mount not in binds and mount not in tmpfs]
    return {
        "Tmpfs": {mount.target: _tmpfs_options(mount) for mount in tmpfs},
        "Binds": [_bind(mount) for mount in binds],
        "Mounts": [_mount(environment, app, mount) for mount in others] + (_files(files) if files else []),
    }


def _is_bind(mount: Mount) -> bool:
    """Only a Bind makes a missing host path, and only a Bind relabels for SELinux; a path with a colon cannot be one."""
    wanted = mount.create_host_path or mount.selinux
    return mount.type == "bind" and bool(wanted) and not mount.recursive and ":" not in f"{mount.source}{mount.target}"


def _bind(mount: Mount) -> str:
    options = ["ro" if mount.read_only else "rw", mount.propagation or "", mount.selinux or ""]
    return f"{mount.source}:{mount.target}:{','.join(option for option in options if option)}"


def _tmpfs_options(mount: Mount) -> str:
    size = [f"size={mount.size}"] if mount.size is not None else []
    mode = [f"mode={mount.mode:o}"] if mount.mode is not None else []
    return ",".join([*mount.options, *size, *mode])


def _mount(environment: Environment, app: App, mount: Mount) -> Json:
    body: Json = {"Type": mount.type, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.consistency:
        body["Consistency"] = mount.consistency
    match mount.type:
        case "volume":
            body["VolumeOptions"] = {"NoCopy": mount.nocopy, "Labels": dict(mount.labels)}
            if mount.subpath:
                body["VolumeOptions"]["Subpath"] = mount.subpath
            if mount.source:
                volume = app.volumes.get(mount.source)
                body["Source"] = names.volume(environment, volume) if volume else mount.source
        case "bind":
            body["Source"] = mount.source
            options: Json = {"Propagation": mount.propagation} if mount.propagation else {}
            body["BindOptions"] = options | _recursive(mount.recursive)
        case "tmpfs":
            body["TmpfsOptions"] = {
                key: value for key, value in (("SizeBytes", mount.size), ("Mode", mount.mode)) if value is not None
            }
        case _:
            body["Source"] = mount.source
            if mount.subpath:
                body["ImageOptions"] = {"Subpath": mount.subpath}
    return body


def _recursive(how: str | None) -> Json:
    match how:
        case "disabled":
            return {"NonRecursive": True}
        case "writable":
            return {"ReadOnlyNonRecursive": True}
        case "readonly":
            return {"ReadOnlyForceRecursive": True}
        case _:
            return {}


def _files(files: FilesVolume) -> list[Json]:
    whole = {"Type": "volume", "Source": files.name, "Target": FILES, "ReadOnly": True}
    each = [
        {"Type": "bind", "Source": f"{files.path}/{file.name}", "Target": file.target, "ReadOnly": True}
        for file in files.contents.files
    ]
    return [whole | {"VolumeOptions": {"NoCopy": True}}, *each]
