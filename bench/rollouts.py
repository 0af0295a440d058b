"""Each strategy under load, with good versions and bad ones: what users saw, and how long a bad version lived.

    python -m bench.rollouts [--rounds 20] [--strategies canary ab …] [--engines docker swarm]

Half of the rounds roll out a version that is broken: pages that fail (5 %), pages that are slow (one in five, ten times
the usual), a crash after ten seconds, one that is never ready, one whose check fails. With `--rounds 0` a good version is
rolled out once, and each kind of bad one. Every request of the load is counted:

    failed      got no answer, or a wrong one, from anything but the broken version itself
    its own     wrong answers of the broken version, and requests that it had when it crashed
    its share   requests that it answered at all before it was stopped
    seconds     from the command to its end; for a bad version, until it was led back

Runs on a real Docker host in a network namespace, as root, and on a Swarm of three such hosts. `recreate` has a gap by its nature;
it is there to be compared.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.lab import Lab
from tests.load.report import Report
from tests.real.deploy.site import Site, make_site
from tests.real.strategies.rollouts import FAILING, STRATEGIES, write

FAULTS = ("some-errors", "slow", "crash-later", "never-ready", "check")
LOAD = {"path": "/", "keep_alive": 6, "one_shot": 4, "slow": 1, "pause": 0.02}


@dataclass
class Row:
    """The sums of all rounds of one strategy with one kind of version."""

    rounds: int = 0
    as_expected: int = 0
    requests: int = 0
    failed: int = 0
    own: int = 0
    share: int = 0
    seconds: list[float] = field(default_factory=list)
    closes: Counter[str] = field(default_factory=Counter)
    gap: float = 0.0

    def add(self, report: Report, version: str, fault: str, expected: bool, seconds: float) -> None:
        crashed = fault == "crash-later"
        others = [one for one in report.failures if one.version != version and not (crashed and not one.version)]
        for failure in others:
            print(f"failed: {failure}", flush=True)
        own = len(report.failures) - len(others)
        self.rounds += 1
        self.as_expected += expected
        self.requests += report.requests
        self.failed += report.failed - own
        self.own += own
        self.share += report.versions.get(version, 0) if fault else 0
        self.seconds.append(seconds)
        for sessions in (report.websockets, report.streams):
            self.closes.update(sessions.closes)
            self.gap = max(self.gap, sessions.gap)


def roll_out(site: Site, strategy: str, number: int, fault: str) -> tuple[Report, str, bool, float]:
    """One version: what the load saw, its name, whether it ended as it should, and how long it took in seconds."""
    version = f"v{number}"
    check = {"check": FAILING} if fault == "check" else {}
    write(site, strategy, watch="12s" if fault == "crash-later" else "2s", **check)
    site.fairway("build", "production")
    site.fairway("test", "production")
    with site.load(**LOAD) as load:
        began = time.monotonic()
        done = site.fairway(
            "deploy", "production", check=False, VERSION=version, BROKEN="" if fault == "check" else fault
        )
        seconds = time.monotonic() - began
        site.variables["BROKEN"] = ""
    expected = done.returncode == 0 if not fault else done.returncode in (1, 3)
    if not expected:
        print(f"{strategy}, {fault or 'good'}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return load.report, version, expected, seconds


def can_tell(strategy: str, fault: str) -> bool:
    """Pages that fail, or are slow, tell only a judge; and a check that fails has to be asked."""
    asked = {"check": "check", "some-errors": "judge", "slow": "judge"}.get(fault, "")
    return asked in STRATEGIES[strategy]


def measure(site: Site, strategy: str, rounds: int) -> dict[str, Row]:
    found: dict[str, Row] = {}
    write(site, strategy)
    site.fairway("ship", "production", VERSION="v0")
    faults = [fault for fault in FAULTS if can_tell(strategy, fault)]
    kinds = ["" if number % 2 else faults[number // 2 % len(faults)] for number in range(1, rounds + 1)]
    for number, fault in enumerate(kinds or ["", *faults], 1):
        report, version, expected, seconds = roll_out(site, strategy, number, fault)
        found.setdefault(fault or "good", Row()).add(report, version, fault, expected, seconds)
    return found


def show(engine: str, strategy: str, rows: dict[str, Row]) -> None:
    for kind, row in rows.items():
        closes = ", ".join(f"{count} × {how}" for how, count in sorted(row.closes.items()))
        print(
            f"{engine:<6} {strategy:<11} {kind:<12} {row.as_expected:>3}/{row.rounds:<3} {row.requests:>8} {row.failed:>7} {row.own:>8}"
            f" {row.share:>10} {statistics.median(row.seconds):>8.1f}  {closes} (gap {row.gap:.2f} s)",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=list(STRATEGIES))
    parser.add_argument("--engines", nargs="+", default=["docker"], choices=["docker", "swarm"])
    asked = parser.parse_args()
    print(
        "engine strategy    version      as asked requests  failed  its own  its share  seconds  streams and WebSockets ended"
    )
    with Lab.open() as lab, tempfile.TemporaryDirectory() as directory:
        for engine in asked.engines:
            hosts = lab.swarm().hosts if engine == "swarm" else (lab.host(),)
            hosts[0].load_base_image()
            for strategy in asked.strategies:
                site = make_site(Path(directory) / engine / strategy, hosts[0], engine=engine, hosts=hosts)
                try:
                    show(engine, strategy, measure(site, strategy, asked.rounds))
                finally:
                    site.down()


if __name__ == "__main__":
    main()
