"""One gateway of a Swarm, as it is reached through the courier: what a gateway on a Docker host is told, it is told, too."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from msgspec import Struct

from fairway.gateway import script
from fairway.gateway.change import Change, Live
from fairway.gateway.edge import EdgeTls, Slots
from fairway.gateway.lifetime import Gateway, spoken
from fairway.gateway.swarm.courier import Courier
from fairway.gateway.traffic import GatewayTraffic
from fairway.model.edge import mark
from fairway.model.environment import Environment
from fairway.net.containers import messages
from fairway.net.errors import translated
from fairway.net.managers import Managers
from fairway.net.shell import Answer, Shell

AWAY = 90
"""Seconds after which a gateway that was to be stopped, and was not, wants users again."""
SERVES, STARTS = frozenset({"running"}), frozenset({"starting"})


class Task(Struct, frozen=True):
    """`address` is on the gateways' network; `node` is the name of its host."""

    id: str
    node: str
    address: str
    state: str
    said: str = ""
    """Why it is in this state, in Swarm's words."""
    parameters: str = ""
    node_id: str = ""

    @property
    def serves(self) -> bool:
        return bool(self.address) and self.state in SERVES

    @property
    def starts(self) -> bool:
        return bool(self.address) and self.state in STARTS


class Seat(Gateway):
    """Where it is: what on a Docker host is a container."""

    def __init__(self, managers: Managers, environment: Environment, task: Task, courier: Courier, https: int) -> None:
        super().__init__(managers.docker, environment, image=None, http_port=0, where=task.node, https=https)
        self.managers = managers
        self.task = task
        self.courier = courier
        self.https = https

    async def start(self) -> bool:
        """Swarm does it."""
        return False

    async def session(self) -> Shell:
        return await self.courier.to(self.task.address, self.task.node)

    async def said(self, since: float, of: str = "") -> str:
        params: Mapping[str, Any] = {"stdout": True, "stderr": True, "since": int(since), "tail": 20}
        with translated(self.task.node):
            async with self.managers.docker.open("GET", f"tasks/{self.task.id}/logs", params) as answer:
                told = [message.data async for message in messages(answer, tty=False)]
        return spoken(b"".join(told).decode(errors="replace"))


class TaskGateway(GatewayTraffic):
    """`serial` is what a change is given that is made now: of two gateways, the one with the higher serial knows more."""

    def __init__(self, seat: Seat, environment: Environment, tls: EdgeTls | None) -> None:
        super().__init__(
            seat.managers.docker, environment, where=seat.task.node, tls=tls if seat.https else None, gateway=seat
        )
        self.serial = 0
        self._slots = TaskSlots(seat, environment, self)

    async def known(self) -> int:
        """The serial of what it knows."""
        said = (await self.run("cat serial 2>/dev/null", timeout=10)).output.strip()
        return int(said) if said.isdigit() else 0

    async def member(self) -> str:
        """The mark of the certificate that it shows to the other members."""
        shown = await self.run("sed -n '/BEGIN CERT/,/END CERT/p' /run/fairway/member.pem", timeout=10)
        return mark(shown.output)

    async def lead_away(self) -> None:
        """Its health endpoint says no, and users are asked to close their connections, but whoever comes is still served. After a
        while it says yes again: whoever wanted to stop it has not."""
        post = "curl -s -m 5 -X POST --unix-socket /run/fairway/admin.sock http://envoy/healthcheck"
        again = f"(trap '' HUP TERM; sleep {AWAY}; {post}/ok) >/dev/null 2>&1 &"
        await self.run(f"{post}/fail >/dev/null && {again}", timeout=10)

    async def remember(self) -> None:
        """What was changed is to be passed on to gateways that come."""
        await self.run(self._remember(), timeout=10)

    def _remember(self) -> str:
        return f"""known=$(cat serial 2>/dev/null)
if [ "${{known:-0}}" -lt {self.serial} ]; then
echo {self.serial} >serial.new && mv -f serial.new serial
fi"""

    def _transaction(self, live: Live, wanted: Change) -> str:
        return f"""{script.transaction(live, wanted)}
code=$?
[ $code -ne 0 ] || {{
{self._remember()}
}}
(exit $code)"""

    async def _file(self, name: str) -> bytes | None:
        answer = await self.run(f"cat {name}", timeout=10)
        return answer.output.strip().encode() if answer.status == 0 else None

    async def _refuse_missing(self) -> None:
        """It has answered."""


class TaskSlots(Slots):
    def __init__(self, seat: Seat, environment: Environment, gateway: TaskGateway) -> None:
        super().__init__(seat.managers.docker, environment, gateway)
        self.https = seat.https

    async def _speaks_tls(self) -> bool:
        return bool(self.https)

    async def _write(self, contents: dict[str, bytes]) -> None:
        written = "".join(
            f"printf %s {quote(body.decode())} >{quote(name)} || exit 1\n" for name, body in contents.items()
        )
        answer: Answer = await self._gateway.run(f"(umask 077\n{written})", 30)
        if answer.status:
            raise self._unwritten(answer)
