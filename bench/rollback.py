"""python -m bench.rollback [ROUNDS]: how long users have the new version after `fairway rollback` was called, warm and cold.

Warm: the old revision's replicas stand by, as `keep` says. Cold: they are gone, and start anew. Under load; the time is that
of the last answer of the new version, from the start of the command; `fairway ps` in the same run is there to be compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.lab.lab import Lab
from tests.real.deploy.site import FAIRWAY, Site, make_site
from tests.real.strategies.rollouts import write_rollout


def back(site: Site) -> tuple[float, int]:
    """Seconds until the last answer of v2, and how many requests failed."""
    site.fairway("deploy", "production", VERSION="v2")
    with site.load(slow=0, websockets=0, streams=0, pause=0.01) as load:
        entered = time.monotonic()
        time.sleep(0.5)
        began = time.monotonic() - entered
        site.fairway("rollback", "production", VERSION="v1")
    last = max(answers.last for answers in load.report.answers if answers.version == "v2")
    return last - began, load.report.failed


def ps(site: Site) -> float:
    began = time.perf_counter()
    subprocess.run(
        [*FAIRWAY, "ps", "production"], cwd=site.directory, env=site.environ, check=True, capture_output=True
    )
    return time.perf_counter() - began


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with Lab.open() as lab, tempfile.TemporaryDirectory() as directory:
        host = lab.host()
        host.load_base_image()
        for name, keep in (("warm", "keep: 1h"), ("cold", "keep: 0s")):
            site = make_site(Path(directory) / name, host)
            try:
                write_rollout(site, keep)
                site.fairway("ship", "production", VERSION="v1")
                found = [back(site) for _ in range(rounds)]
                listed = [ps(site) for _ in range(rounds)]
            finally:
                site.down()
            times = sorted(seconds for seconds, _ in found)
            failed = sum(failures for _, failures in found)
            print(
                f"{name}: {times[0]:.2f} s at least, {statistics.median(times):.2f} median, {times[-1]:.2f} most; "
                f"{statistics.median(times) / statistics.median(listed):.1f} times `fairway ps` "
                f"({statistics.median(listed):.2f} s); {failed} requests failed",
                flush=True,
            )


if __name__ == "__main__":
    main()
