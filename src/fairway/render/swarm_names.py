"""The names of what Fairway makes in a Swarm. Swarm takes at most 63 letters: what is longer ends in a hash of the whole."""

from __future__ import annotations

import hashlib

from fairway.model.environment import Environment
from fairway.model.release import Revision

LONGEST = 63
GATEWAY_NETWORK = "fairway"
GATEWAY_SUBNET = "10.254.0.0/16"
"""The overlay network on which the gateways reach the tasks of all environments."""


def service(environment: Environment, revision: Revision) -> str:
    """Tasks of the revision are found by this name on the gateways' network."""
    return fitting(f"{environment.key}-{revision.service}-r{revision.release}")


def found(environment: Environment, revision: str) -> str:
    """Where DNS has the addresses of the tasks that run; `revision` is its name."""
    return f"tasks.{fitting(f'{environment.key}-{revision}')}"


def job(environment: Environment, name: str, release: int) -> str:
    return fitting(f"{environment.key}-{name}-r{release}")


def file(environment: Environment, key: str, version: str) -> str:
    """A config or a secret. `version` changes with its content."""
    return fitting(f"{environment.key}-{key}-{version}")


def fitting(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    told = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: LONGEST - len(told) - 1].rstrip('-_.')}-{told}"
