"""A real sshd inside a host, with keys of its own, for a user with a configuration of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab import Host

PORT = 2222


@dataclass
class Sshd:
    host: Host
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"ssh://root@{self.host.address}:{PORT}"

    @property
    def wrapper(self) -> Path:
        """A directory to put first on PATH: the real ssh, told to use this test's configuration instead of the user's."""
        return self.directory / "bin"

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self, *options: str) -> None:
        self.stop()
        self.process = spawn(self.host, self.directory, *options)


def start(host: Host, directory: Path) -> Sshd:
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
    shutil.copy(directory / "user.pub", directory / "authorized")
    known = (directory / "host.pub").read_text().split()[:2]
    (directory / "known").write_text(f"[{host.address}]:{PORT} {' '.join(known)}\n")
    configure(directory)
    return Sshd(host, directory, spawn(host, directory))


def spawn(host: Host, directory: Path, *options: str) -> subprocess.Popen[bytes]:
    Path("/run/sshd").mkdir(exist_ok=True)
    words = [
        *("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(PORT), "-h", str(directory / "host")),
        *(f"-oAuthorizedKeysFile={directory / 'authorized'}", "-oStrictModes=no", "-oUsePAM=no", "-oPidFile=none"),
        *(f"-o{option}" for option in options),
    ]
    with (directory / "sshd.log").open("wb") as log:
        process = subprocess.Popen(host.inside(*words), stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((host.address, PORT)) == 0:
                break
        time.sleep(0.05)
    return process


def configure(directory: Path, *lines: str) -> None:
    config = [f"UserKnownHostsFile {directory / 'known'}", f"IdentityFile {directory / 'user'}", "IdentitiesOnly yes"]
    (directory / "config").write_text("\n".join([*lines, *config]) + "\n")
    wrapper = directory / "bin" / "ssh"
    wrapper.parent.mkdir(exist_ok=True)
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {directory / "config"} "$@"\n')
    wrapper.chmod(0o755)
