"""Where the replicas of a whole release run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fairway.model.files import Volume
from fairway.model.fleet import Replica
from fairway.model.hosts import Host, Layout
from fairway.model.release import Release
from fairway.rollout.demands import demand
from fairway.rollout.placement import place


def seats(
    release: Release, hosts: Sequence[Host], replicas: Sequence[Replica], *, volume_name: Callable[[Volume], str]
) -> Layout:
    """`replicas` are those that are there and stay, of whatever release; `volume_name` is what the engine calls a volume."""
    demands = [demand(release, name, release.replicas(name), volume_name) for name in sorted(release.revisions)]
    return place(demands, hosts, replicas)
