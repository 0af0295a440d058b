"""Contradictions within one service."""

from __future__ import annotations

import re

from fairway.compose.checks.case import Case
from fairway.compose.node import select
from fairway.model.app import Service

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_RESERVED = "com.docker.compose."
_REQUIRED = (
    (("services", "*", "provider"), ("type",)),
    (("services", "*", "post_start", "*"), ("command",)),
    (("services", "*", "pre_stop", "*"), ("command",)),
    (("services", "*", "develop", "watch", "*"), ("path", "action")),
    (("services", "*", "deploy", "resources", "reservations", "devices", "*"), ("capabilities",)),
    (("models", "*"), ("model",)),
    (("jobs", "*"), ("triggers",)),
    (("jobs", "*", "triggers", "schedule", "*"), ("cron",)),
)
"""Fields that must be there, in what is kept as written; `normalise` asks for the others."""


def check_services(case: Case) -> None:
    if not case.app.services and not case.problems.spoilt(("services",)):
        case.tell("there are no services", "services", hint="write them under `services:`")
    for service in case.app.services.values():
        _check_origin(case, service)
        _check_network_mode(case, service)
        _check_container_name(case, service)
        _check_targets(case, service)
        _check_memory(case, service)
        _check_words(case, service)
    _check_required(case)


def _check_origin(case: Case, service: Service) -> None:
    path = ("services", service.name)
    if not service.image and not service.build and "provider" not in service.extra and not case.problems.spoilt(path):
        case.tell("has neither `image` nor `build`", *path)


def _check_network_mode(case: Case, service: Service) -> None:
    mode = service.network_mode or ""
    path = ("services", service.name)
    if mode and service.networks:
        case.tell("`network_mode` and `networks` exclude each other", *path, "network_mode")
    if service.ports and (mode == "host" or mode.startswith(("service:", "container:"))):
        case.tell(f"`ports` cannot be published with `network_mode: {mode}`", *path, "ports")


def _check_container_name(case: Case, service: Service) -> None:
    path = ("services", service.name, "container_name")
    if not service.container_name:
        return
    if not _NAME.fullmatch(service.container_name):
        case.tell(f"`{service.container_name}` is no valid name of a container", *path)
    if service.deploy.replicas > 1:
        what = f"only one container can have this name, and {service.deploy.replicas} replicas are asked for"
        case.tell(what, *path, hint="leave `container_name` out")


def _check_targets(case: Case, service: Service) -> None:
    path = ("services", service.name)
    seen: set[str] = set()
    volumes = case.document.find(*path, "volumes")
    written = len(volumes.elements) if volumes else 0
    for index, mount in enumerate(service.volumes):
        place = (*path, "volumes", str(index)) if index < written else (*path, "tmpfs")
        if mount.target in seen:
            case.tell(f"two mounts have the target {mount.target}", *place)
        elif mount.target and not mount.target.startswith("/") and ":\\" not in mount.target:
            case.tell(f"the target `{mount.target}` is no absolute path", *place)
        seen.add(mount.target)
    for key, mounts in (("secrets", service.secrets), ("configs", service.configs)):
        for index, file in enumerate(mounts):
            if file.target in seen and file.source:
                case.tell(f"two mounts have the target {file.target}", *path, key, str(index))
            seen.add(file.target)


def _check_memory(case: Case, service: Service) -> None:
    path = ("services", service.name)
    limit, swap, floor = service.deploy.limits.memory, service.memswap_limit or 0, service.deploy.reservations.memory
    if swap > 0 and limit is None:
        case.tell("needs a memory limit beside it", *path, "memswap_limit")
    elif swap > 0 and limit is not None and swap < limit:
        case.tell("is memory and swap together, and less than the memory limit", *path, "memswap_limit")
    if limit is not None and floor is not None and floor > limit:
        case.tell("the memory reserved is more than the limit", *path, "deploy", "resources")


def _check_words(case: Case, service: Service) -> None:
    path = ("services", service.name)
    for index, profile in enumerate(service.profiles):
        if not _NAME.fullmatch(profile):
            case.tell(f"`{profile}` is no valid name of a profile", *path, "profiles", str(index))
    for label in service.labels:
        if label.startswith(_RESERVED):
            case.tell(f"labels that begin with {_RESERVED} are reserved", *path, "labels", label)


def _check_required(case: Case) -> None:
    for pattern, keys in _REQUIRED:
        for path, node in select(case.document, pattern):
            for key in keys if isinstance(node.value, dict) else ():
                if node.get(key) is None and not case.problems.spoilt((*path, key)):
                    case.tell(f"`{key}` is missing", *path)
