"""What Docker says when it refuses, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from fairway.model.errors import EngineError
from fairway.net.client import DockerError
from fairway.net.errors import translated

HINTS = (
    (r"port is already allocated|address already in use", "stop what holds the port, or publish another one"),
    (r"bind source path does not exist", "make the directory on that host, or use a volume"),
    (r"no such file or directory.*device|error gathering device information", "check `devices`: the host has no such device"),
    (r"could not select device driver", "the host lacks the driver: for GPUs, the NVIDIA container toolkit"),
    (r"No such image|no such image", "the image is gone from the host: deploy again, which pulls it"),
    (r"executable file not found|no such file or directory", "check `command` and `entrypoint`: the image has no such program"),
    (r"permission denied", "check that the program is executable and `user` may run it"),
    (r"[Nn]o space left on device", "the host's disk is full: make room (`fairway prune`, `docker system df`)"),
    (r"[Pp]ool overlaps", "another network has these addresses: change `ipam` of this one"),
    (r"all predefined address pools", "the host has no free subnet left: remove networks that nobody uses"),
    (r"network .* not found", "create it (docker network create), or take `external` away"),
    (r"[Uu]nknown (or invalid )?runtime", "check `runtime`: the host's Docker does not know it"),
    (r"unable to find user|no matching entries in passwd", "check `user`: the image has no such user"),
    (r"Minimum memory limit", "raise the memory limit"),
    (r"cannot allocate memory|OCI runtime create failed.*memory", "the host is short of memory, or the limit is too low"),
)  # fmt: skip


def hint(message: str) -> str:
    return next((advice for sign, advice in HINTS if re.search(sign, message)), "")


@contextmanager
def explained(host: str, what: str) -> Iterator[None]:
    """As `translated`, with what to do about it."""
    with translated(host, what):
        try:
            yield
        except DockerError as error:
            raise EngineError(what, where=host, why=error.message, hint=hint(error.message)) from error
