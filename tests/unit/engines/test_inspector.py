"""What Docker's answers mean to an audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairway.engines.docker.inspector import _socket_mode, read, stranger
from fairway.model.security_facts import HostSecurity, Stranger

INFO: dict[str, Any] = {
    "ServerVersion": "20.10.24+dfsg1",
    "KernelVersion": "6.1.0-27-amd64",
    "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
    "SecurityOptions": ["name=apparmor", "name=seccomp,profile=default", "name=cgroupns"],
    "LiveRestoreEnabled": True,
    "MemoryLimit": True,
    "PidsLimit": False,
    "Swarm": {"LocalNodeState": "inactive"},
    "Warnings": [
        "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n         Access to the remote API …",
        "WARNING: No swap limit support",
    ],
    "RegistryConfig": {
        "InsecureRegistryCIDRs": ["127.0.0.0/8", "10.0.0.0/8", "::1/128"],
        "IndexConfigs": {"docker.io": {"Secure": True}, "registry:5000": {"Secure": False}},
    },
}
VERSION = {"GitCommit": "5d6db84", "Components": [{"Name": "runc", "Version": "1.1.5+ds1"}]}
BRIDGE = {"Options": {"com.docker.network.bridge.enable_icc": "true"}}


def test_what_an_engine_says_of_itself() -> None:
    assert read(INFO, VERSION, BRIDGE, (), 0o660) == HostSecurity(
        engine="20.10.24+dfsg1",
        build="5d6db84",
        runc="1.1.5+ds1",
        kernel="6.1.0-27-amd64",
        os="Debian GNU/Linux 12 (bookworm)",
        options={"apparmor": "", "seccomp": "default", "cgroupns": ""},
        open_apis=("http://0.0.0.0:2375",),
        insecure=("10.0.0.0/8", "registry:5000"),
        live_restore=True,
        icc=True,
        unlimited=("processes",),
        socket_mode=0o660,
    )


def test_an_engine_that_says_little_is_not_held_to_it() -> None:
    assert read({}, {}, {}, (), None) == HostSecurity()


def test_a_container_of_somebody_else() -> None:
    found = stranger(
        {
            "Name": "/portainer",
            "HostConfig": {"Privileged": True, "PidMode": "host", "IpcMode": "private", "NetworkMode": "default"},
            "Mounts": [{"Source": "/data"}, {"Source": "/run/docker.sock"}],
            "NetworkSettings": {
                "Ports": {
                    "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
                    "81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}],
                    "82/udp": None,
                }
            },
        }
    )
    assert found == Stranger(name="portainer", privileged=True, socket=True, shares=("pid",), open_ports=("8080/tcp",))


@pytest.mark.parametrize("address", ["ssh://host", "tcp://10.0.0.1:2376", "unix:///no/such"])
def test_a_socket_elsewhere_is_not_looked_at(address: str) -> None:
    assert _socket_mode(address) is None


def test_a_socket_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "sock").touch(0o600)
    assert _socket_mode(f"unix://{tmp_path / 'sock'}") == 0o600
