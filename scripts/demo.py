"""The whole path with the example application, as a user would go it. Everything it makes is in .demo, or labelled."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.load.load import Load

CHECKOUT = Path(__file__).parents[1]
DEMO = CHECKOUT / ".demo"
SITE = DEMO / "identidock"
ENGINE = DEMO / "engine"
FAIRWAY = str(CHECKOUT / ".venv" / "bin" / "fairway")
SOCKET = Path("/var/run/docker.sock")
ADDRESS = "http://127.0.0.1:8080"
PACKAGES = ("docker.io", "iptables", "iproute2", "mmdebstrap", "mount", "util-linux")


def main(arguments: list[str]) -> int:
    if arguments == ["--clean"]:
        clean()
        return 0
    if arguments:
        sys.exit("usage: scripts/demo [--clean]")
    title("An engine, and a base image")
    ensure_engine()
    ensure_base_image()
    check_out()
    try:
        return tell()
    except subprocess.CalledProcessError as error:
        say(f"The demo stops here: `{' '.join(map(str, error.cmd))}` ended with {error.returncode}.")
        say("`scripts/demo --clean` removes what it has made.")
        return 1


def tell() -> int:
    title("Version 1.0 goes from its commit to staging, and the same images on to production")
    fairway("ship", "staging")
    fairway("ship", "production")

    title("Version 2.0 takes over under load")
    change(IDENTIDOCK_VERSION="2.0")
    with Load(ADDRESS, host="identidock.localhost") as load:
        fairway("ship", "staging")
        fairway("ship", "production")
    report = load.report
    say(f"{report.requests} requests while that happened, {report.failed} of them failed")
    failed = report.failed

    title("A version that cannot start is refused by its tests; nothing of it reaches production")
    change(IDENTIDOCK_VERSION="2.1", IDENTIDOCK_BROKEN="never-ready")
    refused("ship", "staging")

    title("A version that passes its tests, and breaks on production's configuration, never gets a request")
    change(IDENTIDOCK_VERSION="2.2", IDENTIDOCK_BROKEN="")
    write(SITE / "compose.production.yaml", "identidock:\n", "identidock:\n    environment: {BROKEN: crash}\n")
    commit("Break production's configuration")
    with Load(ADDRESS, host="identidock.localhost") as load:
        fairway("ship", "staging")
        refused("ship", "production")
    say(f"{load.report.requests} requests while that happened, {load.report.failed} of them failed")
    failed += load.report.failed

    title("Back to version 1.0, whole")
    with Load(ADDRESS, host="identidock.localhost") as load:
        fairway("rollback", "production")
    say(f"{load.report.requests} requests while that happened, {load.report.failed} of them failed")
    failed += load.report.failed

    title("What runs now")
    for words in (("status", "production"), ("releases", "production"), ("ps", "production")):
        fairway(*words)
        say("")
    say(f"Look at it:   curl -H 'Host: identidock.localhost' {ADDRESS}/")
    say(f"Go on here:   cd {SITE.relative_to(CHECKOUT)} && ../../.venv/bin/fairway plan production")
    say("Remove all:   scripts/demo --clean")
    return 1 if failed else 0


def ensure_engine() -> None:
    """The one that answers; else Debian's, which `--clean` stops again."""
    if answers():
        say("Docker answers already.")
        return
    missing = [name for name in PACKAGES if not installed(name)]
    if missing:
        say(f"Installing {', '.join(missing)}")
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "--quiet=2")
        install = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *missing]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, env=environ)
    if answers():
        return
    if not Path("/sys/fs/cgroup").is_mount() and not any(Path("/sys/fs/cgroup").glob("*")):
        sys.exit("scripts/demo: /sys/fs/cgroup is not mounted: Docker's engine cannot run containers here")
    ENGINE.mkdir(parents=True, exist_ok=True)
    say("Starting Docker's engine")
    with (ENGINE / "log").open("ab") as log:
        started = subprocess.Popen(
            ["dockerd", "--data-root", str(ENGINE / "data"), "--pidfile", str(ENGINE / "pid")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for _ in range(150):
        if answers():
            return
        if started.poll() is not None:
            break
        time.sleep(0.2)
    sys.exit(f"scripts/demo: Docker's engine did not start; its log is {ENGINE / 'log'}")


def ensure_base_image() -> None:
    """Pulled where a registry can be asked, else made from Debian's packages."""
    image = "debian:bookworm-slim"
    if quietly(docker(), "image", "inspect", image):
        say(f"{image} is there.")
    elif not quietly(docker(), "pull", "--quiet", image):
        run(str(CHECKOUT / "scripts" / "base-image"), "--load")


def check_out() -> None:
    """A Git repository of its own with the example in it."""
    if SITE.exists():
        shutil.rmtree(SITE)
    shutil.copytree(CHECKOUT / "examples" / "identidock", SITE)
    run("git", "init", "--quiet", "--initial-branch=main", cwd=SITE)
    commit("The example")


def change(**values: str) -> None:
    """Another version, as a commit."""
    env = SITE / ".env"
    known = dict(line.split("=", 1) for line in env.read_text().splitlines() if "=" in line) | values
    env.write_text("".join(f"{name}={value}\n" for name, value in known.items()))
    commit(f"Version {known['IDENTIDOCK_VERSION']}")


def write(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text().replace(old, new))


def commit(message: str) -> None:
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"]
    run("git", "add", "--all", cwd=SITE)
    run("git", *identity, "commit", "--quiet", "--allow-empty", "--message", message, cwd=SITE)


def fairway(*words: str) -> None:
    say(f"$ fairway {' '.join(words)}")
    run(FAIRWAY, *words, cwd=SITE)


def refused(*words: str) -> None:
    say(f"$ fairway {' '.join(words)}")
    code = subprocess.run([FAIRWAY, *words], cwd=SITE, check=False).returncode
    if code == 0:
        sys.exit("scripts/demo: the broken version was not refused")
    say(f"(exit status {code}: what served before serves on)")


def clean() -> None:
    """Everything the demo has made; the engine too, where the demo had started it."""
    if answers():
        if SITE.exists():
            for name in ("production", "staging"):
                subprocess.run([FAIRWAY, "down", name, "--yes", "--volumes"], cwd=SITE, check=False)
        for kind in ("gateway", "keeper"):
            quietly(docker(), "rm", "--force", "--volumes", f"fairway-{kind}")
        listed = subprocess.run(
            [docker(), "volume", "ls", "--quiet", "--filter", "name=^fairway-"],
            capture_output=True,
            text=True,
            check=False,
        )
        for volume in listed.stdout.split():
            quietly(docker(), "volume", "rm", volume)
        images = subprocess.run(
            [docker(), "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=False
        )
        for image in images.stdout.split():
            if re.match(r"(identidock/|fairway-host:)", image):
                quietly(docker(), "rmi", image)
    stop_engine()
    if DEMO.exists():
        shutil.rmtree(DEMO)
    say("Nothing of the demo is left.")


def stop_engine() -> None:
    pid = ENGINE / "pid"
    if not pid.exists():
        return
    with suppress(ProcessLookupError):
        number = int(pid.read_text())
        os.kill(number, signal.SIGTERM)
        for _ in range(300):
            os.kill(number, 0)
            time.sleep(0.1)
    quietly("umount", "--recursive", str(ENGINE / "data"))  # the engine mounts its data on itself, and leaves it so


def answers() -> bool:
    return SOCKET.exists() and shutil.which("docker") is not None and quietly(docker(), "version")


def docker() -> str:
    """Debian's own command line: another one first on PATH may come without a builder."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"


def installed(package: str) -> bool:
    return quietly("dpkg-query", "--show", package)


def quietly(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(*command: str, cwd: Path = CHECKOUT) -> None:
    subprocess.run(command, cwd=cwd, check=True)


def title(text: str) -> None:
    say(f"\n== {text}\n")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
