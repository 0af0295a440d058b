"""scripts/lab up [HOSTS] | down [NAME] | list: real Docker hosts to play with by hand.

up prints a fairway.yaml for its hosts (scripts/lab up 3 > fairway.yaml). They stay until scripts/lab down.
"""

from __future__ import annotations

import sys

from tests.lab.host import Host
from tests.lab.lab import Lab, labs
from tests.lab.registry import Registry
from tests.lab.shell import LabError

MOST = 16
"""Hosts of one lab: a dockerd takes about 100 MB of memory."""


def up(count: int) -> None:
    """All of it, or nothing: also where it is interrupted."""
    if not 0 < count <= MOST:
        raise LabError(f"from 1 to {MOST} hosts")
    lab = Lab.open(keep=True)
    try:
        registry = lab.registry()
        hosts = []
        for number in range(1, count + 1):
            print(f"lab {lab.network.name}: host {number} of {count} …", file=sys.stderr, flush=True)
            hosts.append(lab.host())
            hosts[-1].load_base_image()
    except BaseException:
        lab.close()
        raise
    print(settings(lab.network.name, hosts, registry))


def settings(name: str, hosts: list[Host], registry: Registry) -> str:
    """A fairway.yaml, with the rest of what one has to know as comments."""
    lines = [
        f"# Lab {name}. It stays until: scripts/lab down {name}",
        "# `fairway hosts` shows its hosts. The docker command line reaches one of them so:",
        f"#     export DOCKER_HOST={hosts[0].url}",
        "# Published ports, and the gateway, answer at the addresses below. Their images: debian:bookworm-slim.",
        f"# A registry that all of them may use, on plain HTTP: {registry.address}",
        "app: play",
        "environments:",
        "  lab:",
        f"    registry: {registry.address}/lab",
        "    hosts:",
    ]
    for number, host in enumerate(hosts, 1):
        lines += [
            f"      h{number}:",
            f"        address: {host.tls_url}  # {host.url}",
            "        tls:",
            *(f"          {part}: {host.tls / part}.pem" for part in ("ca", "cert", "key")),
        ]
    return "\n".join(lines)


def down(name: str | None) -> None:
    """The named lab, else the only one that was kept."""
    if name is None:
        kept = [path.name for path in labs() if (path / "owner").read_text() == "keep"]
        if len(kept) != 1:
            raise LabError(f"which one? {', '.join(kept)}" if kept else "there is no lab to take down")
        (name,) = kept
    Lab.find(name).close()
    print(f"removed {name}")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["up"]:
            up(1)
        case ["up", count] if count.isdigit():
            up(int(count))
        case ["down"]:
            down(None)
        case ["down", *names]:
            for name in names:
                down(name)
        case ["list"]:
            for path in labs():
                print(path.name, "kept" if (path / "owner").read_text() == "keep" else "a test run's")
        case _:
            sys.exit(__doc__)


try:
    main(sys.argv[1:])
except KeyboardInterrupt:
    sys.exit("lab: interrupted; nothing is left of it")
except LabError as error:
    sys.exit(f"lab: {error}")
