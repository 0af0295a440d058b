"""What a shape cannot say: keys of the file that have to agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Path
from fairway.model.errors import Problem
from fairway.settings.fitting import misfits
from fairway.settings.model import EnvironmentSettings, Host, ServiceSettings, Settings, StageSettings
from fairway.settings.reader import did_you_mean


def check(settings: Settings) -> Iterator[Problem]:
    """Everything in which the settings contradict themselves. They may be partial: what could not be read is left out."""
    yield from _environments(settings)
    for name, stage in settings.test.items():
        yield from _stage(settings, ("test", name), stage)
    for name, environment in settings.environments.items():
        path = ("environments", name)
        yield from _hosts(settings, path, environment)
        yield from _stages_exist(settings, path, environment)
        yield from _promotion(settings, path, environment)
        for service, said in environment.services.items():
            yield from _service(settings, (*path, "services", service), said)
    for service, said in settings.services.items():
        yield from _service(settings, ("services", service), said)
    yield from _gateway(settings)


def _problem(settings: Settings, path: Path, what: str, hint: str = "") -> Problem:
    return Problem(what, settings.where(*path), path, hint)


def _written(settings: Settings, *path: str) -> tuple[str, ...]:
    """The names below `path` in the file, whether or not they could be read."""
    return tuple(found[-1] for found in settings.locations if found[:-1] == path)


def _environments(settings: Settings) -> Iterator[Problem]:
    if not _written(settings, "environments"):
        hint = "write `environments: {production: {hosts: {local: unix:///var/run/docker.sock}}}`"
        yield _problem(settings, ("environments",), "at least one environment is needed", hint)


def _stage(settings: Settings, path: Path, stage: StageSettings) -> Iterator[Problem]:
    written = _written(settings, *path)
    if "http" in written and "service" in written:
        yield _problem(
            settings, (*path, "service"), "a stage has `service` or `http`, not both", "make two stages of it"
        )
    if "http" not in written and "service" not in written:
        hint = "`service: NAME` runs a command in its image; `http:` asks the whole application"
        yield _problem(settings, path, "a stage needs `service` or `http`", hint)
    if stage.http and not stage.up and "up" not in written:
        yield _problem(settings, path, "`http` asks the whole application", "add `up: true`")
    elif stage.http and not stage.up:
        yield _problem(settings, (*path, "up"), "`http` asks the whole application", "say `up: true`")
    for key in ("command", "environment", "passes_on", "line"):
        if "http" in written and key in written and "service" not in written:
            yield _problem(settings, (*path, key), f"`{key}` goes with `service`, not with `http`")
    if "line" in written and stage.passes_on == "exit" and "passes_on" not in written:
        yield _problem(settings, (*path, "line"), "`line` counts with `passes_on: last-line` only", "add it")


def _hosts(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    above = (*path, "hosts")
    if above in settings.locations and not _written(settings, *above):
        yield _problem(settings, above, "a host is needed", "write `local: unix:///var/run/docker.sock`")
    at: dict[str, str] = {}
    for name, host in environment.hosts.items():
        yield from _host(settings, (*above, name), host)
        first = at.setdefault(_engine(host.address), name)
        if first != name:
            line = settings.where(*above, first).line
            what = f"`{first}` (line {line}) has this address, too"
            yield _problem(settings, (*above, name, "address"), what, "name each host once")
    unread = len(_written(settings, *above)) > len(environment.hosts)
    if environment.hosts and not environment.edges and not unread:
        hint = "say `edge: true` of those that do; where nobody says anything, all do"
        yield _problem(settings, above, "no host takes public traffic", hint)


def _engine(address: str) -> str:
    """The same for two ways of writing where one engine answers: who asks makes no difference."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        return address
    place = rest.rpartition("@")[2].lower()
    return f"{scheme}://{place}" if place.rpartition(":")[2].isdecimal() else f"{scheme}://{place}:22"


def _host(settings: Settings, path: Path, host: Host) -> Iterator[Problem]:
    if host.tls and not host.address.startswith("tcp://"):
        yield _problem(settings, (*path, "tls"), "TLS goes with a tcp:// address only", f"drop it from {host.address}")
    port = host.address.rpartition(":")[2]
    if port.isdecimal() and not 0 < int(port) < 65536:
        yield _problem(settings, path, f"{port} is no port", "from 1 to 65535")


def _stages_exist(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    stages = _written(settings, "test")
    for stage in environment.require or ():
        if stage not in stages:
            hint = did_you_mean(stage, stages) or "write it under test:"
            yield _problem(settings, (*path, "require"), f"there is no test stage `{stage}`", hint)


def _promotion(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    source = environment.promote_from
    if source is None:
        return
    where = (*path, "promote_from")
    others = [name for name in _written(settings, "environments") if name != path[-1]]
    if source not in (*others, path[-1]):
        yield _problem(settings, where, f"there is no environment `{source}`", did_you_mean(source, others))
        return
    chain = [path[-1]]
    while source and source not in chain:
        chain.append(source)
        before = settings.environments.get(source)
        source = before.promote_from if before else None
    if source == path[-1]:
        yield _problem(settings, where, f"environments promote in a circle: {' ← '.join([*chain, source])}")


def _service(settings: Settings, path: Path, said: ServiceSettings) -> Iterator[Problem]:
    if said.route and said.route.host and said.route.hosts:
        yield _problem(
            settings, (*path, "route", "hosts"), "a route has `host` or `hosts`, not both", "put all of them in `hosts`"
        )
    for key, what, hint in misfits(said.rollout, said.rollout.strategy) if said.rollout.strategy else ():
        yield _problem(settings, (*path, "rollout", key), what, hint)


def _gateway(settings: Settings) -> Iterator[Problem]:
    path = ("gateway",)
    written = _written(settings, *path)
    for key in [key for key in ("https", "redirect") if key in written and "tls" not in written]:
        hint = "add `tls: {cert: cert.pem, key: key.pem}`"
        yield _problem(settings, (*path, key), f"`{key}` goes with `tls`", hint)
    if settings.gateway.tls and settings.gateway.http == settings.gateway.https:
        what = f"`http` and `https` are both {settings.gateway.http}"
        yield _problem(settings, path, what, "give each a port of its own")
