"""A bare Debian with systemd and sshd, in namespaces of its own: what somebody gets who rents a machine. No Docker is on it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.host import CHECKOUT, clear_cgroups
from tests.lab.shell import LabError, alive, attempt, kill, run, spawn, wait_until

PACKAGES = "systemd systemd-sysv dbus openssh-server sudo"
USER = "deploy"
"""May use sudo without a password; `stranger` may not."""
RECIPE = f"""\
set -e
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
timeout 120 apt-get update -q || timeout 120 apt-get update -q
timeout 300 apt-get install -yq --no-install-recommends {PACKAGES}
rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/*
useradd -m -s /bin/sh {USER}
useradd -m -s /bin/sh stranger
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}
"""
KEPT_FOR = 7 * 24 * 3600


@dataclass
class Machine:
    """A running machine. `key`: of an SSH client that may come as root, deploy and stranger; `root`: its files."""

    name: str
    address: str
    directory: Path
    keep: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def key(self) -> Path:
        return self.directory / "key"

    @property
    def host_key(self) -> str:
        return " ".join((self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])

    @property
    def pid(self) -> int:
        """Its first process, to enter its namespaces; raises LabError when it is down."""
        parent = alive(self.directory / "pid")
        if not parent or not (found := Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
            raise LabError(f"{self.name} is down")
        return int(found[0])

    def start(self) -> None:
        script = str(Path(__file__).with_name("machine.sh"))
        words = ["nsenter", f"--net=/run/netns/{self.name}", "sh", script, str(self.root), self.name]
        self.process = spawn(words, self.directory / "log", self.directory / "pid", keep=self.keep)
        wait_until(self._up, 30, f"{self.name} to boot; its log is {self.directory / 'log'}")

    def run(self, command: str, *, check: bool = True) -> str:
        """What a shell command prints that is run on it, as root."""
        inside = ["nsenter", "--target", str(self.pid), "--all"]
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run(
            [*inside, "sh", "-c", f"cd /; {command}"], check=False, env=path, capture_output=True, text=True
        )
        if check and done.returncode:
            raise LabError(f"{command}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def destroy(self) -> None:
        kill(self.directory / "pid")
        if self.process:
            self.process.wait()
        clear_cgroups(self.name)
        attempt("ip", "netns", "delete", self.name)
        shutil.rmtree(self.directory)

    def _up(self) -> bool:
        if self.process and self.process.poll() is not None:
            raise LabError(f"{self.name} died at boot:\n{(self.directory / 'log').read_text(errors='replace')}")
        try:
            return self.run("systemctl is-active ssh", check=False) == "active\n"
        except LabError:
            return False


def prepare(machine: Machine, resolv: str) -> None:
    machine.root.mkdir(parents=True)
    run("tar", "-xf", str(bare()), "-C", str(machine.root))
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(machine.key))
    public = machine.key.with_suffix(".pub").read_text()
    for home in ("root", f"home/{USER}", "home/stranger"):
        place = machine.root / home / ".ssh"
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "authorized_keys").write_text(public)
        owner = place.parent.stat()
        for path in (place, place / "authorized_keys"):
            os.chown(path, owner.st_uid, owner.st_gid)
    (machine.root / "etc/resolv.conf").write_text(resolv)
    (machine.root / "etc/hostname").write_text(f"{machine.name}\n")
    (machine.root / "etc/hosts").write_text(f"127.0.0.1 localhost {machine.name}\n")


def bare() -> Path:
    """A tar file of its root, made once a machine."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fairway-lab"
    place.mkdir(parents=True, exist_ok=True)
    kept, recipe = place / "bare.tar", place / "bare.recipe"
    with (place / "bare.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = kept.exists() and recipe.exists() and recipe.read_text() == RECIPE
        if not known or time.time() - kept.stat().st_mtime > KEPT_FOR:
            _make(kept)
            recipe.write_text(RECIPE)
    return kept


def _make(kept: Path) -> None:
    root, partial = kept.with_name("bare"), kept.with_suffix(".partial")
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    try:
        run("tar", "-xf", run(str(CHECKOUT / "scripts" / "base-image")).strip(), "-C", str(root))
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        within = f'mount -t proc proc "{root}/proc" && exec chroot "{root}" sh -c "$0"'
        run("unshare", "--mount", "sh", "-c", within, RECIPE)
        run("tar", "-cf", str(partial), "-C", str(root), ".")
        partial.rename(kept)
    finally:
        shutil.rmtree(root, ignore_errors=True)
