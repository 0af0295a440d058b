"""python -m bench.fleet [ROUNDS]: a deployment of six replicas on one host and on three, in turns, on real Docker hosts.

The hosts share this machine, so six containers cost it the same in both: the ratio is what several hosts cost beside that.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.lab import Lab
from tests.real.fleet.site import FleetSite, make_fleet


def once(site: FleetSite, number: int) -> float:
    """Seconds for one deployment of another version, from the shell to its end."""
    began = time.perf_counter()
    site.fairway("deploy", "production", VERSION=f"v{number}")
    return time.perf_counter() - began


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 5
    with tempfile.TemporaryDirectory() as directory, Lab.open() as lab:
        hosts = [lab.host() for _ in range(4)]
        for host in hosts:
            host.load_base_image()
        one, three = make_fleet(Path(directory, "one"), hosts[:1]), make_fleet(Path(directory, "three"), hosts[1:])
        for site in (one, three):
            site.fairway("ship", "production")
            once(site, 0)
        pairs = [(once(one, number), once(three, number)) for number in range(1, rounds + 1)]
        ratios = sorted(several / alone for alone, several in pairs)
        alone, several = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"one host {alone:.2f} s, three hosts {several:.2f} s")
        print(f"three ÷ one: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}), {rounds} rounds")
        for site in (one, three):
            site.site.down()


if __name__ == "__main__":
    main()
