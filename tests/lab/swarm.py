"""A Docker Swarm made of the lab's hosts: all of them are managers, and what one loses the others have; or some are workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.host import Host
from tests.lab.shell import LabError, wait_until

JOINED = 60.0


@dataclass(frozen=True)
class Swarm:
    """`hosts` in the order in which they joined; a node has its host's name."""

    hosts: tuple[Host, ...]

    @property
    def manager(self) -> Host:
        """The first of those that answer."""
        return self._answering()

    def host(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def nodes(self) -> dict[str, str]:
        """The state of each node, by its name: `ready`, `down`."""
        listed = self.manager.docker("node", "ls", "--format", "{{.Hostname}} {{.Status}}").stdout
        return {name: state.lower() for name, state in (line.split() for line in listed.splitlines())}

    def leader(self) -> Host:
        listed = self.manager.docker("node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}").stdout
        return next(self.host(line.split()[0]) for line in listed.splitlines() if line.endswith(" Leader"))

    def wait_ready(self) -> None:
        """Until every node is ready, and a leader is known."""

        def ready() -> bool:
            try:
                return len(self.nodes()) == len(self.hosts) and set(self.nodes().values()) == {"ready"}
            except LabError:
                return False

        wait_until(ready, JOINED, "all nodes to be ready")

    def empty(self) -> None:
        """Remove all services, and then configs, secrets and networks that somebody made."""
        for kind in ("service", "config", "secret"):
            if found := self.manager.docker(kind, "ls", "--quiet").stdout.split():
                self.manager.docker(kind, "rm", *found)
        for host in self.hosts:
            if containers := host.docker("ps", "--all", "--quiet").stdout.split():
                host.docker("rm", "--force", "--volumes", *containers, check=False)
        wait_until(self._without_networks, JOINED, "the networks to go")

    def _without_networks(self) -> bool:
        """A network goes once the tasks on it have gone."""
        listed = self.manager.docker("network", "ls", "--filter=scope=swarm", "--format", "{{.Name}}").stdout.split()
        mine = [name for name in listed if name != "ingress"]
        for name in mine:
            self.manager.docker("network", "rm", name, check=False)
        return not mine

    def _answering(self) -> Host:
        for host in self.hosts:
            if host.docker("info", "--format", "{{.Swarm.ControlAvailable}}", check=False).stdout.strip() == "true":
                return host
        raise LabError("no manager answers")


def make_swarm(hosts: Sequence[Host], pool: str, workers: int = 0) -> Swarm:
    """Join the hosts, the last ones as workers; `pool` is where the subnets of overlay networks come from."""
    first, *others = hosts
    first.docker(
        *("swarm", "init", f"--advertise-addr={first.address}", f"--listen-addr={first.address}:2377"),
        *(f"--default-addr-pool={pool}", "--default-addr-pool-mask-length=24", "--task-history-limit=2"),
    )
    tokens = {
        role: first.docker("swarm", "join-token", "--quiet", role).stdout.strip() for role in ("manager", "worker")
    }
    for number, host in enumerate(others, 1):
        role = "manager" if number < len(hosts) - workers else "worker"
        host.docker(
            *("swarm", "join", f"--advertise-addr={host.address}", f"--listen-addr={host.address}:2377"),
            *(f"--token={tokens[role]}", f"{first.address}:2377"),
        )
    swarm = Swarm(tuple(hosts))
    swarm.wait_ready()
    return swarm
