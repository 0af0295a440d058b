"""The names and labels of what Fairway makes on a Docker host: the engine writes them, the gateway and the console read them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fairway.model.app import Network
from fairway.model.environment import Environment
from fairway.model.files import Volume
from fairway.model.release import Revision

APP = "fairway.app"
ENVIRONMENT = "fairway.environment"
SERVICE = "fairway.service"
RELEASE = "fairway.release"
REVISION = "fairway.revision"
"""The revision's digest."""
INDEX = "fairway.index"
KIND = "fairway.kind"
KEY = "fairway.key"
"""The key of a network or a volume in the Compose file."""
NETWORK = "fairway.network"
"""The network (its name on the engine) on which the gateway reaches a replica; `host` where it shares the host's."""
FILES = "fairway.files"
"""The volume that holds a replica's configs and secrets."""
JOB = "fairway.job"
"""The name of a job, which is its own within a release."""
DEFINITION = "fairway.definition"
"""A hash of what a job, or a holder, runs."""
PORTS = "fairway.ports"
"""The ports of a name, with spaces between them."""
ORDER = "fairway.order"
PHASE = "fairway.phase"
"""The phase of a rollout that was approved."""
BY = "fairway.by"
"""Who did it: user@machine."""

LEDGER = "fairway-ledger"
KEEPER = "fairway-keeper"
NAMES = "fairway-names"
"""The volume with the pipes between a gateway and the holders of names."""


class Kind(StrEnum):
    """What a labelled object is for."""

    REPLICA = "replica"
    ONCE = "once"
    """A one-off container: `fairway run`."""
    JOB = "job"
    """A one-off container that a release asks for, kept once it has ended: its end is what is known of it."""
    FILES = "files"
    MEMORY = "memory"
    """Mounts a volume in memory, so that what is in it stays."""
    NETWORK = "network"
    VOLUME = "volume"
    LEASE = "lease"
    KEEPER = "keeper"
    ORDER = "order"
    """Never started: an order to a rollout."""
    DRAINED = "drained"
    """Never started: the host is to be empty."""
    NAME = "name"
    """Bears a service's name, and passes what is sent to it to the gateway."""


def of_environment(environment: Environment, kind: Kind) -> dict[str, str]:
    """The labels that everything of an environment bears."""
    return {APP: environment.app, ENVIRONMENT: environment.name, KIND: kind.value}


def of_replica(environment: Environment, revision: Revision, index: int, kind: Kind = Kind.REPLICA) -> dict[str, str]:
    return of_environment(environment, kind) | {
        SERVICE: revision.service,
        RELEASE: str(revision.release),
        REVISION: revision.digest,
        INDEX: str(index),
    }


def of_jobs(environment: Environment, release: int) -> dict[str, str]:
    """The labels that all jobs of a release bear."""
    return of_environment(environment, Kind.JOB) | {RELEASE: str(release)}


def revision(labels: Mapping[str, str]) -> Revision:
    """The revision that a container's labels name. Raises KeyError, ValueError where they are not Fairway's."""
    return Revision(labels[SERVICE], int(labels[RELEASE]), labels[REVISION])


def replica(environment: Environment, revision: Revision, index: int) -> str:
    return f"{environment.key}-{revision.service}-r{revision.release}-{index}"


def job(environment: Environment, name: str, release: int) -> str:
    return f"{environment.key}-{name}-r{release}"


def holder(environment: Environment, service: str) -> str:
    return f"{environment.key}-{service}-name"


def network(environment: Environment, network: Network) -> str:
    if network.name:
        return network.name
    return network.key if network.external else f"{environment.key}_{network.key}"


def volume(environment: Environment, volume: Volume) -> str:
    if volume.name:
        return volume.name
    return volume.key if volume.external else f"{environment.key}_{volume.key}"


def files(environment: Environment, digest: str, kind: str = "files") -> str:
    """The volume of a set of files. `kind`: files, `secrets` where there are some among them, `memory` where these are in memory."""
    return f"{environment.key}-{kind}-{digest}"


def lease(environment: Environment) -> str:
    return f"fairway-lease-{environment.key}"


def drained(environment: Environment) -> str:
    return f"fairway-drained-{environment.key}"


def order(environment: Environment, token: str) -> str:
    return f"fairway-order-{environment.key}-{token}"


def label_filter(labels: Mapping[str, str]) -> list[str]:
    """As Docker's list filters want them."""
    return [f"{key}={value}" for key, value in labels.items()]
