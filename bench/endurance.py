"""python -m bench.endurance [DEPLOYMENTS]: many deployments in a row under load, and what they leave behind.

Every tenth one is broken and led back. Prints the failed requests, and what was on the host after the second deployment
and after the last one: containers, networks, volumes, images, the gateway's memory, and the ledger's files.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.real.deploy.site import Site, make_site
from tests.real.strategies.rollouts import write_rollout


def count(host: Host, *words: str) -> int:
    return len(host.docker(*words, "-q").stdout.split())


def present(host: Host) -> dict[str, str]:
    memory = host.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", "fairway-gateway").stdout
    return {
        "containers": str(count(host, "ps", "-a")),
        "networks": str(count(host, "network", "ls")),
        "volumes": str(count(host, "volume", "ls")),
        "images": str(count(host, "image", "ls", "-a")),
        "gateway's memory": memory.partition("/")[0].strip(),
        "ledger's files": host.docker(
            "exec", "fairway-keeper", "sh", "-c", "find /ledger -type f | wc -l", check=False
        ).stdout.strip(),
    }


def deploy(site: Site, number: int) -> None:
    broken = number % 10 == 9
    site.fairway("deploy", "production", VERSION=f"v{number}", BROKEN="never-ready" if broken else "", check=not broken)


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with Lab.open() as lab, tempfile.TemporaryDirectory() as directory:
        host = lab.host()
        host.load_base_image()
        site = make_site(Path(directory) / "site", host)
        try:
            write_rollout(site, "strategy: rolling")
            site.fairway("ship", "production", VERSION="v0")
            site.fairway("deploy", "production", VERSION="v1")
            before, began = present(host), time.monotonic()
            with site.load(keep_alive=8, one_shot=8, slow=1) as load:
                for number in range(2, many + 2):
                    deploy(site, number)
                    if number % 20 == 1:
                        print(f"{number - 1} after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            after, seconds = present(host), time.monotonic() - began
        finally:
            site.down()
    print(f"{many} deployments in {seconds:.0f} s: {load.report.failed} of {load.report.requests} requests failed")
    for what, first in before.items():
        print(f"  {what:<18} {first:>12} {after[what]:>12}")


if __name__ == "__main__":
    main()
