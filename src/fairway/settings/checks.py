"""What a shape cannot say: keys of the file that have to agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Path
from fairway.model.errors import Problem
from fairway.settings.checks_evidence import promotion, required, signing
from fairway.settings.fitting import misfits
from fairway.settings.model import AcmeSettings, EnvironmentSettings, Host, ServiceSettings, Settings, StageSettings
from fairway.settings.secrets_checks import kept_secrets
from fairway.settings.where import problem, written_below

MOST_NAMES = 100
"""In one certificate."""


def check(settings: Settings) -> Iterator[Problem]:
    """Everything in which the settings contradict themselves. They may be partial: what could not be read is left out."""
    yield from _environments(settings)
    for name, stage in settings.test.items():
        yield from _stage(settings, ("test", name), stage)
    for name, environment in settings.environments.items():
        path = ("environments", name)
        yield from _hosts(settings, path, environment)
        if environment.scheduled:
            yield from _scheduled(settings, path, environment)
        yield from required(settings, path, environment)
        yield from promotion(settings, path, environment)
        for service, said in environment.services.items():
            yield from _service(settings, (*path, "services", service), said)
    for service, said in settings.services.items():
        yield from _service(settings, ("services", service), said)
    yield from signing(settings)
    yield from _gateway(settings)
    yield from kept_secrets(settings)


def _environments(settings: Settings) -> Iterator[Problem]:
    if not written_below(settings, "environments"):
        hint = "write `environments: {production: {hosts: {local: unix:///var/run/docker.sock}}}`"
        yield problem(settings, ("environments",), "at least one environment is needed", hint)


def _stage(settings: Settings, path: Path, stage: StageSettings) -> Iterator[Problem]:
    written = written_below(settings, *path)
    if "http" in written and "service" in written:
        yield problem(
            settings, (*path, "service"), "a stage has `service` or `http`, not both", "make two stages of it"
        )
    if "http" not in written and "service" not in written:
        hint = "`service: NAME` runs a command in its image; `http:` asks the whole application"
        yield problem(settings, path, "a stage needs `service` or `http`", hint)
    if stage.http and not stage.up and "up" not in written:
        yield problem(settings, path, "`http` asks the whole application", "add `up: true`")
    elif stage.http and not stage.up:
        yield problem(settings, (*path, "up"), "`http` asks the whole application", "say `up: true`")
    for key in ("command", "environment", "passes_on", "line"):
        if "http" in written and key in written and "service" not in written:
            yield problem(settings, (*path, key), f"`{key}` goes with `service`, not with `http`")
    if "line" in written and stage.passes_on == "exit" and "passes_on" not in written:
        yield problem(settings, (*path, "line"), "`line` counts with `passes_on: last-line` only", "add it")


def _hosts(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    above = (*path, "hosts")
    if above in settings.locations and not written_below(settings, *above):
        yield problem(settings, above, "a host is needed", "write `local: unix:///var/run/docker.sock`")
    at: dict[str, str] = {}
    for name, host in environment.hosts.items():
        yield from _host(settings, (*above, name), host)
        first = at.setdefault(_engine(host.address), name)
        if first != name:
            line = settings.where(*above, first).line
            what = f"`{first}` (line {line}) has this address, too"
            yield problem(settings, (*above, name, "address"), what, "name each host once")
    unread = len(written_below(settings, *above)) > len(environment.hosts)
    if environment.hosts and not environment.edges and not unread:
        hint = "say `edge: true` of those that do; where nobody says anything, all do"
        yield problem(settings, above, "no host takes public traffic", hint)


NODES = {
    "labels": "give the node its labels: docker node update --label-add KEY=VALUE NODE",
    "edge": "label the nodes that take public traffic: docker node update --label-add fairway.edge=true NODE",
    "internal": "remove it: nodes know each other",
}


def _scheduled(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    """What a scheduler knows by itself, or does its own way."""
    for name in environment.hosts:
        below = (*path, "hosts", name)
        for key in written_below(settings, *below):
            if key in NODES:
                what = f"`{key}` goes with an engine that has no scheduler"
                yield problem(settings, (*below, key), what, NODES[key])
    for key in ("on_host_loss", "max_lost"):
        if key in written_below(settings, *path):
            what = f"`{key}` goes with an engine that has no scheduler: this one starts elsewhere what a lost node ran"
            yield problem(settings, (*path, key), what, "remove it")


def _engine(address: str) -> str:
    """The same for two ways of writing where one engine answers: who asks makes no difference."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix":
        return address
    place = rest.rpartition("@")[2].lower()
    return f"{scheme}://{place}" if place.rpartition(":")[2].isdecimal() else f"{scheme}://{place}:22"


def _host(settings: Settings, path: Path, host: Host) -> Iterator[Problem]:
    if host.tls and not host.address.startswith("tcp://"):
        yield problem(settings, (*path, "tls"), "TLS goes with a tcp:// address only", f"drop it from {host.address}")
    port = host.address.rpartition(":")[2]
    if port.isdecimal() and not 0 < int(port) < 65536:
        yield problem(settings, path, f"{port} is no port", "from 1 to 65535")


def _service(settings: Settings, path: Path, said: ServiceSettings) -> Iterator[Problem]:
    if said.route and said.route.host and said.route.hosts:
        yield problem(
            settings, (*path, "route", "hosts"), "a route has `host` or `hosts`, not both", "put all of them in `hosts`"
        )
    for key, what, hint in misfits(said.rollout, said.rollout.strategy) if said.rollout.strategy else ():
        yield problem(settings, (*path, "rollout", key), what, hint)


def _gateway(settings: Settings) -> Iterator[Problem]:
    path, gateway = ("gateway",), settings.gateway
    written = written_below(settings, *path)
    for key in [key for key in ("https", "redirect") if key in written and not {"tls", "acme"} & {*written}]:
        hint = "add `tls: {cert: cert.pem, key: key.pem}`, or `acme: {terms: true}`"
        yield problem(settings, (*path, key), f"`{key}` goes with `tls`, or with `acme`", hint)
    if (gateway.tls or gateway.acme) and gateway.http == gateway.https:
        what = f"`http` and `https` are both {gateway.http}"
        yield problem(settings, path, what, "give each a port of its own")
    if gateway.acme:
        yield from _acme(settings, (*path, "acme"), gateway.acme)


def _acme(settings: Settings, path: Path, acme: AcmeSettings) -> Iterator[Problem]:
    if not acme.terms:
        hint = "read them, and say `true`; or leave `acme` out"
        yield problem(settings, (*path, "terms"), "no authority issues anything unless its terms are agreed with", hint)
    named = [name for names in acme.hosts for name in names]
    for name in sorted({name for name in named if named.count(name) > 1}):
        yield problem(settings, (*path, "hosts"), f"{name} is named twice", "one certificate is enough")
    for names in acme.hosts:
        if len(names) > MOST_NAMES:
            what = f"{len(names)} names for one certificate: authorities take {MOST_NAMES}"
            yield problem(settings, (*path, "hosts"), what, "make several of it")
