"""Real Docker hosts for tests: each in network, mount, process and host-name namespaces of its own, on one bridge.

Needs root, cgroups, and Debian's docker.io, iptables, iproute2, mmdebstrap, docker-registry and openssl, which
scripts/install brings. Two runs at once do not meet: names and subnets are picked per process, and whatever a killed
run left behind is swept by the next.
"""

from __future__ import annotations

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.registry import Registry
from tests.lab.shell import LabError
from tests.lab.swarm import Swarm

__all__ = ["Host", "Lab", "LabError", "Registry", "Swarm"]
