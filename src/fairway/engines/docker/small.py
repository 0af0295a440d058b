"""Fairway's own small containers: they may do next to nothing."""

from __future__ import annotations

from typing import Any

MEMORY = 16 << 20


def confined(image: str, command: list[str], labels: dict[str, str], **host_config: Any) -> dict[str, Any]:
    """The body of POST /containers/create: no network, no capabilities, nothing to write to, no log."""
    return {
        "Image": image,
        "Entrypoint": command,
        "Cmd": [],
        "Labels": labels,
        "Healthcheck": {"Test": ["NONE"]},
        "StopSignal": "SIGKILL",
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": MEMORY,
            "MemorySwap": MEMORY,
            "PidsLimit": 8,
            "LogConfig": {"Type": "none"},
            **host_config,
        },
    }
