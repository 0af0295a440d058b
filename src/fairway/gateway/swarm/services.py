"""What Docker Swarm is asked to run: the gateways, the couriers, and what both need. Pure, but for the secret, which is new each time."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from msgspec import Struct

from fairway.gateway import certificates, container
from fairway.gateway.container import PARAMETERS, RUNTIME
from fairway.net.certificates import LIFETIME, placeholder, seen
from fairway.render.envoy_tls import DIRECTORY

Json = dict[str, Any]
Labels = dict[str, str]

GATEWAY = "fairway-gateway"
COURIER = "fairway-courier"
SECRET = "fairway-gateway-member"  # noqa: S105
NAME = "fairway-gateway"
"""Whom the members' certificate is for."""
HTTPS = "fairway.https"
HTTP = "fairway.http"
EDGE = "fairway.edge"
"""The label of nodes that take users' requests. Where no node has it, all do."""
MEMORY = 256 << 20
PROCESSES = 512
"""Of a courier: each deployer has a shell for each gateway there."""
LABELS = {"fairway.role": "gateway"}
NUMBER, BEGINS, ENDS, MARK = (f"fairway.member.{end}" for end in ("number", "begins", "ends", "mark"))
SEAL = "seal.key"
WELL = "LIVE|DRAINING"
"""What Envoy says that serves, from which users are led away or not."""
MEMBER, BEFORE = "fairway", "fairway-before"
"""The files below /run/secrets."""


class Member(Struct, frozen=True, order=True):
    """A Swarm secret that makes a task one of the members. `mark` is that of its certificate, which begins and ends."""

    number: int
    id: str
    name: str
    begins: float
    ends: float
    mark: str

    def ending(self, now: float, left: float) -> bool:
        """Whether no more than this share of its lifetime is left."""
        return self.ends - now < (self.ends - self.begins) * left


def secret(number: int = 1, seal: bytes | None = None, lifetime: timedelta = LIFETIME) -> Json:
    """The members' certificate with its key, the key that seals what the ledger keeps, and what users of TLS are shown at first.

    No two certificates are for one name: by the name TLS finds the right one among several that it trusts.
    """
    member = placeholder(f"{NAME} {os.urandom(6).hex()}", lifetime)
    said = seen(member.chain)
    first = certificates.Delivery.of((), certificates.NOBODY, (), placeholder()).for_start()
    start = {name: file.body.encode() for name, file in container.first_files(80).items() if name != "lds.json"}
    packed = {
        "member.pem": member.chain.encode() + bytes(member.key),
        SEAL: (seal or os.urandom(32)).hex().encode(),
        **{f"first/{name}": body for name, body in {**first, **start}.items()},
    }
    data = base64.b64encode(_tar(packed)).decode()
    labels = {NUMBER: str(number), BEGINS: f"{said.begins:.0f}", ENDS: f"{said.ends:.0f}", MARK: said.mark}
    return {"Name": SECRET if number == 1 else f"{SECRET}-{number}", "Labels": {**LABELS, **labels}, "Data": data}


def member(found: Json) -> Member:
    """Of a secret as Docker lists it. An early one says nothing of itself: it was made for LIFETIME."""
    spec = found["Spec"]
    labels = spec.get("Labels") or {}
    made = datetime.fromisoformat(f"{found['CreatedAt'][:19]}+00:00").timestamp()
    return Member(
        number=int(labels.get(NUMBER, "1")),
        id=str(found["ID"]),
        name=str(spec["Name"]),
        begins=float(labels.get(BEGINS, made)),
        ends=float(labels.get(ENDS, made + LIFETIME.total_seconds())),
        mark=labels.get(MARK, ""),
    )


def gateway(image: str, port: int, *, https: int, network_id: str, secret: Member, on: Sequence[str]) -> Json:
    """`on`: constraints for the nodes. The label PARAMETERS is a hash of all that makes one gateway differ from another."""
    listeners = container.listeners(port, peers=False, https=https)
    start = _script("member.sh", "task.sh", "run.sh")
    task = _task(image, start, {MEMBER: secret}, volume=GATEWAY)
    task["ContainerSpec"] |= {
        "Args": container.arguments(peers=False, https=https > 0),
        "Env": [f"FAIRWAY_LDS={listeners.body}"],
        "CapabilityAdd": ["NET_BIND_SERVICE"],
        "StopGracePeriod": 30 * 10**9,
        "Healthcheck": {
            "Test": [
                "CMD-SHELL",
                f"curl -sm 5 --unix-socket {RUNTIME}/admin.sock http://envoy/ready | grep -qE '{WELL}'",
            ],
            "Interval": 2 * 10**9,
            "Timeout": 6 * 10**9,
            "Retries": 30,
        },
    }
    ports = [
        {"Protocol": "tcp", "TargetPort": one, "PublishedPort": one, "PublishMode": "host"}
        for one in (port, https)
        if one
    ]
    return _service(GATEWAY, task, network_id, on=on, ports=ports, labels={HTTPS: str(https), HTTP: str(port)})


def courier(image: str, *, network_id: str, secret: Member, before: Member | None = None) -> Json:
    """Who shows the certificate `before` gets the one that has followed it."""
    mounted = {MEMBER: secret} | ({BEFORE: before} if before else {})
    task = _task(image, _script("member.sh", "courier.sh"), mounted, volume=COURIER)
    task["Resources"] = {"Limits": {"MemoryBytes": MEMORY, "Pids": PROCESSES}}
    return _service(COURIER, task, network_id, on=["node.role==manager"])


def _task(image: str, start: str, secrets: Mapping[str, Member], *, volume: str) -> Json:
    return {
        "ContainerSpec": {
            "Image": image,
            "Command": ["/bin/sh", "-c", start, volume],
            "Dir": "/",
            "ReadOnly": True,
            "Labels": LABELS,
            "CapabilityDrop": ["ALL"],
            "StopSignal": "SIGTERM",
            "Mounts": [
                {"Type": "volume", "Source": volume, "Target": DIRECTORY},
                {"Type": "tmpfs", "Target": RUNTIME, "TmpfsOptions": {"SizeBytes": 64 << 20, "Mode": 0o700}},
            ],
            "Secrets": [
                {
                    "SecretID": secret.id,
                    "SecretName": secret.name,
                    "File": {"Name": file, "UID": "0", "GID": "0", "Mode": 0o400},
                }
                for file, secret in secrets.items()
            ],
        },
        "RestartPolicy": {"Condition": "any", "Delay": 10**9},
        "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m", "max-file": "3"}},
    }


def _service(
    name: str,
    task: Json,
    network_id: str,
    *,
    on: Sequence[str],
    ports: Sequence[Json] = (),
    labels: Labels | None = None,
) -> Json:
    """Its tasks bear PARAMETERS, too: a hash of what they are started with, wherever they are."""
    told = task["ContainerSpec"]
    task = {**task, "ContainerSpec": {**told, "Labels": {**told["Labels"], PARAMETERS: _hash([task, list(ports)])}}}
    wanted: Json = {
        "Name": name,
        "TaskTemplate": {
            **task,
            "Placement": {"Constraints": list(on)},
            "Networks": [{"Target": network_id}],
            "ForceUpdate": 0,
        },
        "Mode": {"Global": {}},
        "EndpointSpec": {"Mode": "dnsrr", "Ports": list(ports)},
        "UpdateConfig": {"Parallelism": 1, "Order": "stop-first", "FailureAction": "pause", "Monitor": 5 * 10**9},
    }
    wanted["Labels"] = {**LABELS, **(labels or {}), PARAMETERS: _hash(wanted)}
    return wanted


def parameters(service: Json) -> str:
    """Of the tasks that a service is to have."""
    return str(service["TaskTemplate"]["ContainerSpec"]["Labels"][PARAMETERS])


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _script(*names: str) -> str:
    return "\n".join(files("fairway.data").joinpath(f"gateway/{name}").read_text() for name in names)


def _tar(contents: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, body in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(body), 0o600
            tar.addfile(member, io.BytesIO(body))
    return packed.getvalue()


def attached(service: Json) -> frozenset[str]:
    """The ids of the secrets that its tasks are started with."""
    told = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Secrets") or ()
    return frozenset(str(one["SecretID"]) for one in told)
