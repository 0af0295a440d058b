"""A change of routes, and the other things that the gateway is asked, as shell scripts for its session. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from ipaddress import IPv4Address

from fairway.gateway.change import Change, Live
from fairway.model.routes import Endpoint
from fairway.render.envoy import Discovery
from fairway.render.envoy_listener import ROUTES, STATS

REFUSED = 3
UNCONFIRMED = 4
BUSY = 73
OVERTAKEN = 75
"""Somebody else has changed the files since they were read."""

_STATS = {"cds": "cluster_manager%5C.cds", "rds": f"http%5C.{STATS}%5C.rds%5C.{ROUTES}"}
_NAMES = {"cds": "cluster_manager.cds", "rds": f"http.{STATS}.rds.{ROUTES}"}


def transaction(live: Live, change: Change) -> str:
    """Pushes the files one after the other, each confirmed, under a lock, if they are still what `live` says.

    Ends with REFUSED or UNCONFIRMED where a file did not become live; then all of them are as they were before.
    """
    steps = "".join(_push(name, pushed) for name, pushed in _files(change))
    return f"""exec 9>>lock
change() {{
flock -w 10 9 || return {BUSY}
has cds {live.cluster_version} && has rds {live.route_version} || return {OVERTAKEN}
cp cds.json cds.kept && cp rds.json rds.kept || return 1
{steps}}}
change
code=$?
if [ $code = {REFUSED} ] || [ $code = {UNCONFIRMED} ]; then
has rds {live.route_version} || {{ cp rds.kept rds.new; {_pushed("rds", live.route_version)}; }}
has cds {live.cluster_version} || {{ cp cds.kept cds.new; {_pushed("cds", live.cluster_version)}; }}
fi
rm -f cds.new rds.new cds.before rds.before cds.kept rds.kept
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


def _files(change: Change) -> list[tuple[str, Discovery]]:
    stages = (("cds", change.grow), ("rds", change.route), ("cds", change.shrink))
    return [(name, pushed) for name, pushed in stages if pushed is not None]


def _push(name: str, pushed: Discovery) -> str:
    return f"cat >{name}.new <<'{pushed.version}'\n{pushed.body}\n{pushed.version}\n{_pushed(name, pushed.version)} || return $?\n"


def _pushed(name: str, version: str) -> str:
    return f"push {name} {_STATS[name]} {_NAMES[name]} {version}"
