"""A change of routes, and the other things that the gateway is asked, as shell scripts for its session. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from ipaddress import IPv4Address

from fairway.gateway.change import Change, Live
from fairway.model.routes import Endpoint
from fairway.render.envoy import Discovery

REFUSED = 3
UNCONFIRMED = 4
BUSY = 73
OVERTAKEN = 75
"""Somebody else has changed the files since they were read."""
FULL = 74
"""The files could not be written: they are as they were before."""
GONE = 76
"""No Envoy answers in this container: another one may have taken over. Nothing has been changed."""
UNCHANGED = {
    BUSY: ("Somebody else is changing the gateway's routes", "Try again."),
    FULL: (
        "The gateway keeps its routes: new ones cannot be written",
        "Make room on that host's disk: fairway prune",
    ),
}
"""What to say, and to do, where nothing was changed."""


def transaction(live: Live, change: Change) -> str:
    """Pushes the files one after the other, each confirmed, under a lock, if they are still what `live` says.

    Ends with REFUSED or UNCONFIRMED where a file did not become live; then all of them are as they were before.
    """
    pushed = _files(change)
    names = " ".join(name for _, name, _ in pushed)
    written = "".join(f"printf %s {shlex.quote(file.body)} >{name} || return {FULL}\n" for _, name, file in pushed)
    steps = "".join(f"push {of} {name} {file.version} || return $?\n" for of, name, file in pushed)
    return f"""exec 9>>lock
change() {{
flock -w 10 9 || return {BUSY}
has cds {live.cluster_version} && has lds {live.listener_version} && has rds {live.route_version} || return {OVERTAKEN}
looks 9>&- | {{
read -r looks
pushed
code=$?
case $code in
{REFUSED} | {UNCONFIRMED})
undo rds {live.route_version}
undo lds {live.listener_version}
undo cds {live.cluster_version}
;;
esac
[ $code = 0 ] || rm -f {names}
kill $looks
exit $code
}}
}}
pushed() {{
keep || return 1
{written}sync {names} || return {FULL}
look
[ -n "$now" ] || return {GONE}
before=$refused
{steps}}}
change
code=$?
flock -u 9
exec 9>&-
(exit $code)"""


def probe(endpoint: Endpoint, path: str, host: str, timeout: float) -> str:
    """Prints the status of a GET, or 000."""
    url = f"http://{endpoint.address}:{endpoint.port}{path if path.startswith('/') else f'/{path}'}"
    header = f"-H {shlex.quote(f'Host: {host}')} " if host else ""
    return f"curl -s -g -o /dev/null -w '%{{http_code}}' -m {timeout:g} {header}{shlex.quote(url)}"


def connections(endpoints: Collection[Endpoint]) -> str:
    """Prints how many connections from this host to the endpoints are open, or being opened."""
    patterns = " ".join(f"-e ' {_hex(endpoint)} 0[12] '" for endpoint in endpoints)
    return f"grep -c {patterns} /proc/net/tcp || :"


def listening(port: int) -> str:
    """Prints how many sockets of this host listen on the port."""
    return f"cat /proc/net/tcp /proc/net/tcp6 | grep -cE ':{port:04X} 0+:0000 0A ' || :"


def _hex(endpoint: Endpoint) -> str:
    """An address as /proc/net/tcp has it: the bytes of the IPv4 address in reverse, the port as it is."""
    return f"{IPv4Address(endpoint.address).packed[::-1].hex()}:{endpoint.port:04x}".upper()


def _files(change: Change) -> list[tuple[str, str, Discovery]]:
    """Which file Envoy reads it from, what it is called before, and the new contents, in the order of the stages."""
    stages = (
        ("cds", "cds.grow", change.grow),
        ("lds", "lds.new", change.listen),
        ("rds", "rds.new", change.route),
        ("cds", "cds.shrink", change.shrink),
    )
    return [(of, name, file) for of, name, file in stages if file is not None]
