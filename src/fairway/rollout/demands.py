"""What a revision asks of its hosts, and which revisions have to share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from fairway.model.app import Service
from fairway.model.deploy import Resources
from fairway.model.files import Volume
from fairway.model.hosts import Constraint, Host, HostState, parse_attribute, parse_constraint, runs
from fairway.model.release import Release, Revision

Words = tuple[str, str]
"""An objection, as said of one host and of several."""
_ELSEWHERE = ("nfs", "cifs", "smb", "ceph", "gluster", "s3fs", "sshfs")
"""File systems that the local driver mounts from the network: what is in them is not on the host."""


class Demand(Struct, frozen=True, kw_only=True):
    """A revision with so many replicas, and what its service asks for.

    `everywhere`: one replica on each host that will do; `replicas` means nothing then. `data`: the local volumes and the
    directories of the host that it mounts. `given`: external volumes, which have to be there. `beside`: services with which
    it shares a namespace, and so a host. `home`: the host that its data was on, where the caller knows better than `Host.volumes`
    and the replicas that are there.
    """

    revision: Revision
    replicas: int = 1
    everywhere: bool = False
    needs: Resources = field(default_factory=Resources)
    constraints: tuple[Constraint, ...] = ()
    spread: tuple[str, ...] = ()
    most: int | None = None
    platform: str = ""
    data: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    home: str = ""

    @property
    def stateful(self) -> bool:
        """It stays with its data. Where it runs everywhere, each host has its own."""
        return bool(self.data) and not self.everywhere

    def objection(self, host: Host) -> Words | None:
        """What the host lacks, whoever else is there."""
        for constraint in self.constraints:
            if not constraint.met(host):
                return _lacks(constraint)
        if self.platform and not runs(host, self.platform):
            return (f"cannot run {self.platform}",) * 2
        for volume in sorted(self.given - host.volumes):
            return f"lacks volume {volume}", f"lack volume {volume}"
        return None


def _lacks(constraint: Constraint) -> Words:
    kind, _, key = constraint.attribute.partition(".labels.")
    what = f"{'' if kind == 'node' else 'engine '}label {key}" if key else constraint.attribute
    said = f"{what}={constraint.value}" if key else f"{what} {constraint.value}"
    if not constraint.equal:
        return f"has {said}", f"have {said}"
    return (f"lacks {said}", f"lack {said}") if key else (f"does not have {said}", f"do not have {said}")


def demand(
    release: Release, service: str, replicas: int, volume_name: Callable[[Volume], str], *, home: str = ""
) -> Demand:
    """What the revision of a service in a release asks for. `volume_name`: what the engine calls a volume."""
    app, spec = release.app, release.app.services[service]
    placement = spec.deploy.placement
    keys = [mount.source for mount in spec.volumes if mount.type == "volume" and mount.source]
    mounted = [app.volumes[key] for key in keys if key in app.volumes]
    return Demand(
        revision=release.revisions[service],
        replicas=replicas,
        everywhere=spec.deploy.mode == "global",
        needs=spec.deploy.reservations,
        constraints=tuple(parse_constraint(text) for text in placement.constraints),
        spread=tuple(parse_attribute(preference.spread) for preference in placement.preferences),
        most=placement.max_replicas_per_node or None,
        platform=spec.platform or "",
        data=frozenset(
            [volume_name(volume) for volume in mounted if _on_the_host(volume)]
            + [mount.source for mount in spec.volumes if mount.type == "bind" and mount.source]
        ),
        given=frozenset(volume_name(volume) for volume in mounted if volume.external),
        beside=frozenset(_shared(spec)) & app.services.keys() - {service},
        home=home,
    )


def _on_the_host(volume: Volume) -> bool:
    kind = volume.driver_opts.get("type", "").lower().removeprefix("fuse.")
    return not volume.external and volume.driver in (None, "", "local") and not kind.startswith(_ELSEWHERE)


def _shared(spec: Service) -> list[str]:
    """Services whose network, processes or volumes it uses as its own."""
    modes = (spec.network_mode, spec.ipc, spec.pid, spec.uts, spec.cgroup)
    found = [mode.removeprefix("service:") for mode in modes if mode and mode.startswith("service:")]
    return found + [source.partition(":")[0] for source in spec.volumes_from if not source.startswith("container:")]


Present = Mapping[Revision, Mapping[str, int]]
"""How many replicas of each revision a host has, by its name."""


class Tie(Struct, frozen=True):
    """Demands that share one host: `home`, where it is decided. `several`: hosts with such data, none of which is in use."""

    demands: tuple[Demand, ...]
    home: str = ""
    several: tuple[str, ...] = ()

    @property
    def stateful(self) -> bool:
        return any(demand.stateful for demand in self.demands)


def ties(demands: Sequence[Demand], hosts: Sequence[Host], present: Present) -> list[Tie]:
    """Demands that mount the same data, or share a namespace, go together; a stateful one is tied to its data alone, too."""
    wanted = {service for demand in demands if not demand.everywhere for service in demand.beside}
    group: dict[str, list[Demand]] = {}
    for one in demands:
        keys = _keys(one, wanted)
        if one.everywhere or not keys:
            continue
        groups = {id(group[key]): group[key] for key in keys if key in group}
        merged = [*(other for members in groups.values() for other in members), one]
        affected = {key for other in merged for key in _keys(other, wanted)}
        group.update(dict.fromkeys(affected, merged))
    found = {id(members): members for members in group.values()}.values()
    return [_settled(tuple(members), hosts, present) for members in found]


def _keys(demand: Demand, wanted: Iterable[str]) -> list[str]:
    service = demand.revision.service
    own = [f"service {service}"] if service in wanted else []
    return [*own, *(f"service {name}" for name in sorted(demand.beside)), *sorted(demand.data)]


def _settled(demands: tuple[Demand, ...], hosts: Sequence[Host], present: Present) -> Tie:
    """Its data decides, as last told; then its replicas; then who holds its volumes. Else it is free to go anywhere, once.

    Replicas without data count where all that is wanted can be; they stay where they are if that is nowhere.
    """
    stateful = [demand for demand in demands if demand.stateful]
    wanted = [demand for demand in demands if demand.replicas]
    if told := sorted({demand.home for demand in stateful if demand.home}):
        return Tie(demands, told[0])
    if in_use := _most(stateful or demands, present, None if stateful else _usable(wanted, hosts) or None):
        return Tie(demands, in_use)
    holders = _holders(stateful, hosts)
    if len(holders) > 1:
        holders = [host for host in holders if not any(one.objection(host) for one in wanted)] or holders
    if len(holders) > 1:
        return Tie(demands, several=tuple(host.name for host in holders))
    return Tie(demands, holders[0].name if holders else "")


def _most(demands: Iterable[Demand], present: Present, allowed: set[str] | None) -> str:
    """The host with most of their replicas."""
    counts: Counter[str] = Counter()
    for demand in demands:
        counts.update(present.get(demand.revision, {}))
    found = [(-count, host) for host, count in counts.items() if allowed is None or host in allowed]
    return min(found)[1] if found else ""


def _usable(demands: Sequence[Demand], hosts: Iterable[Host]) -> set[str]:
    ready = (host for host in hosts if host.state is HostState.READY)
    return {host.name for host in ready if not any(demand.objection(host) for demand in demands)}


def _holders(demands: Iterable[Demand], hosts: Sequence[Host]) -> list[Host]:
    """Hosts that hold the data, of all that is anywhere; those that hold a part, where no host holds all of it."""
    wanted = frozenset(name for demand in demands for name in demand.data)
    held = frozenset(name for host in hosts for name in wanted & host.volumes)
    if not held:
        return []
    return [host for host in hosts if held <= host.volumes] or [host for host in hosts if held & host.volumes]
