"""/etc/docker/daemon.json as it should be: what the operator has set stays, what is missing for a safe host is added."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from fairway.model.app import Location
from fairway.model.errors import InvalidFiles, Problem
from fairway.model.machine import State

WANTED = {
    "live-restore": (True, "when Docker is restarted or upgraded, every container stops"),
    "no-new-privileges": (True, "a program in a container can gain rights by setuid files"),
    "userland-proxy": (False, "each published port has a process of its own, and containers do not see who connects"),
}
ROTATION = {"max-size": "10m", "max-file": "3"}
ROTATES = ("local", "journald", "none", "syslog")
"""Log drivers that leave no file that grows for ever."""
LIVE = "live-restore"
"""The only one of ours that a running engine takes over when it is told to read the file again."""
KEYS = {"log-opt": "log-opts", "host": "hosts", "H": "hosts"}
"""Command-line options whose keys in the file are called otherwise."""


class Told(Struct, frozen=True):
    """Something that was set on purpose, and is left so."""

    what: str
    why: str


class Merged(Struct, frozen=True, kw_only=True):
    """`text` is the new file; `added` what was not in the old one: without any, it is the old one, to the byte."""

    text: str
    added: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()
    live_restore: bool = False

    @property
    def restarts(self) -> bool:
        """Whether only a restart applies all that was added."""
        return any(key != LIVE for key in self.added)


def merge(text: str | None, *, where: str, words: Sequence[str] = (), clustered: bool = False) -> Merged:
    """`words` is the engine's command line: what stands there must not stand in the file. A swarm can have no live-restore.

    Raises InvalidFiles, at `where`, for what is no object in JSON.
    """
    document = parse(text, where) if text and text.strip() else {}
    flags = options(words)
    new, added, told = dict(document), [], []
    for key, (value, why) in WANTED.items():
        if key in flags or (key == LIVE and clustered):
            continue
        if key not in document:
            new[key] = value
            added.append(key)
        elif document[key] is not value:
            told.append(Told(f'"{key}" is {json.dumps(document[key])}', why))
    if not {"log-driver", "log-opts"} & flags:
        _logs(new, added, told)
    return Merged(
        text=_written(new, text) if added or text is None else text,
        added=tuple(added),
        told=tuple(told),
        live_restore=new.get(LIVE) is True,
    )


def _logs(new: dict[str, Any], added: list[str], told: list[Told]) -> None:
    driver = new.get("log-driver", "json-file")
    said = new.get("log-opts", {})
    if driver != "json-file":
        if driver not in ROTATES:
            told.append(
                Told(f'"log-driver" is {json.dumps(driver)}', "Fairway cannot tell whether it keeps logs short")
            )
        return
    if not isinstance(said, dict):
        told.append(Told(f'"log-opts" is {json.dumps(said)}', "it should be an object: Docker does not start with it"))
        return
    if str(said.get("max-size", "")).startswith("-"):
        told.append(Told(f'"max-size" is {json.dumps(said["max-size"])}', "logs grow until the disk is full"))
    missing = {key: value for key, value in ROTATION.items() if key not in said}
    if "log-driver" not in new:
        new["log-driver"] = driver
        added.append("log-driver")
    if missing:
        new["log-opts"] = {**said, **missing}
        added.append("log-opts")


def parse(text: str, where: str) -> dict[str, Any]:
    """Raises InvalidFiles, with the line, for what is no object in JSON."""
    try:
        document = json.loads(text, parse_constant=_constant)
    except json.JSONDecodeError as error:
        why = error.msg[0].lower() + error.msg[1:]
        raise _invalid(f"is no JSON: {why}", Location(where, error.lineno, error.colno)) from None
    except (ValueError, RecursionError) as error:
        raise _invalid(f"is no JSON: {error}", Location(where)) from None
    if not isinstance(document, dict):
        raise _invalid("is no JSON object", Location(where, 1))
    return document


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _invalid(what: str, where: Location) -> InvalidFiles:
    hint = "mend it there; nothing was changed"
    return InvalidFiles([Problem(what, where, hint=hint)], "Docker's configuration is broken, and was left as it is")


def _written(document: dict[str, Any], old: str | None) -> str:
    """Indented as it was."""
    found = re.search(r"\n([ \t]+)\"", old or "")
    return json.dumps(document, indent=found[1] if found else 2) + "\n"


def options(words: Sequence[str]) -> frozenset[str]:
    """The keys of daemon.json that a command line has taken: --log-opt=max-size=1m is `log-opts`."""
    names = (word.lstrip("-").partition("=")[0] for word in words if word.startswith("-"))
    return frozenset("hosts" if name.startswith("H") else KEYS.get(name, name) for name in names)


def open_addresses(text: str | None, words: Sequence[str], *, where: str) -> tuple[str, ...]:
    """Where the engine's API is open to everybody who gets there: on TCP, without asking for a client's certificate.

    Raises InvalidFiles.
    """
    document = parse(text, where) if text and text.strip() else {}
    if document.get("tlsverify") is True or {"--tlsverify", "--tlsverify=true"} & set(words):
        return ()
    hosts = document.get("hosts", [])
    said = [str(host) for host in hosts] if isinstance(hosts, list) else [str(hosts)]
    return tuple(dict.fromkeys(address for address in [*said, *_listening(words)] if _is_open(address)))


def _listening(words: Sequence[str]) -> Collection[str]:
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word in ("-H", "--host"):
            found.append(following)
        elif word.startswith("--host="):
            found.append(word.removeprefix("--host="))
        elif word.startswith("-H"):
            found.append(word.removeprefix("-H").removeprefix("="))
    return [address.strip("'\"") for address in found]


def _is_open(address: str) -> bool:
    """Docker takes what has no scheme for tcp://. An address of the loopback is nobody's but the host's own."""
    scheme, _, rest = address.rpartition("://")
    if scheme not in ("", "tcp") or not rest:
        return False
    host = rest.partition("]")[0].lstrip("[") if rest.startswith("[") else rest.partition("/")[0].rpartition(":")[0]
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost"


def how_to_apply(state: State, merged: Merged) -> str:
    """`restart`, `reload` or `nothing`: no running container is ever stopped for it."""
    if (merged.restarts or state.restart) and state.free_to_restart:
        return "restart"
    if merged.live_restore and not state.live_restore and not state.clustered and state.running is not None:
        return "reload"
    return "nothing"
