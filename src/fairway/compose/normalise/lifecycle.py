"""When a service starts, how its health is known, and whether it comes back: depends_on, healthcheck, restart."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.compose.node import Node
from fairway.compose.normalise.fields import Fields
from fairway.compose.scalars import text
from fairway.model.app import Dependency, Healthcheck
from fairway.model.deploy import RestartPolicy

_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")


def dependencies(service: Fields) -> dict[str, Dependency]:
    """`depends_on`, and what links, volumes_from and shared namespaces imply."""
    found = {name: _dependency(name, fields) for name, fields in service.entries("depends_on")}
    for name, restarts in implied(service):
        found.setdefault(name, Dependency(service=name, restart=restarts))
    return found


def _dependency(name: str, fields: Fields) -> Dependency:
    if not fields.has("condition") and not fields.problems.spoilt((*fields.path, "condition")):
        fields.complain("`condition` is missing", hint=f"one of {', '.join(_CONDITIONS)}")
    return Dependency(
        service=name,
        condition=fields.choice("condition", _CONDITIONS, "service_started"),
        required=fields.flag("required") is not False,
        restart=fields.flag("restart") or False,
    )


def implied(service: Fields) -> Iterator[tuple[str, bool]]:
    """The services that this one cannot run without, and whether it restarts with them."""
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        kind, _, name = (service.text(key) or "").partition(":")
        if kind == "service" and name:
            yield name, True
    for link in service.texts("links"):
        yield link.partition(":")[0], True
    for source in service.texts("volumes_from"):
        if not source.startswith("container:"):
            yield source.partition(":")[0], False


def healthcheck(service: Fields) -> Healthcheck | None:
    if not service.has("healthcheck"):
        return None
    fields = service.child("healthcheck")
    test = fields.texts("test")
    if test and test[0] not in ("NONE", "CMD", "CMD-SHELL"):
        fields.complain(f"`test` begins with `{test[0]}`", "test", "begin a list with CMD, CMD-SHELL or NONE")
    elif test and test[0] != "NONE" and len(test) == 1:
        fields.complain(f"`test` has no command after `{test[0]}`", "test")
    disable = fields.flag("disable") or test[:1] == ("NONE",)
    retries = fields.whole("retries")
    if retries is not None and retries < 0:
        fields.complain("`retries` is negative", "retries")
    return Healthcheck(
        test=None if disable else test or None,
        disable=disable,
        retries=retries,
        interval=fields.duration("interval"),
        timeout=fields.duration("timeout"),
        start_period=fields.duration("start_period"),
        start_interval=fields.duration("start_interval"),
    )


def restart(service: Fields) -> RestartPolicy | None:
    """`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`."""

    def convert(node: Node) -> RestartPolicy:
        written = text(node)
        word, colon, attempts = written.partition(":")
        if word == "on-failure" and (attempts.isdecimal() or not colon):
            return RestartPolicy(condition="on-failure", max_attempts=int(attempts) if attempts else None)
        known = {
            "no": RestartPolicy(condition="none"),
            "always": RestartPolicy(condition="any"),
            "unless-stopped": RestartPolicy(condition="any", stays_stopped=True),
        }
        if written not in known:
            raise ValueError(f"`{written}` is not one of no, always, unless-stopped, on-failure, on-failure:3")
        return known[written]

    return service.read("restart", convert)
