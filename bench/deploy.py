"""python -m bench.deploy [ROUNDS]: what a deployment costs, beside the bare minimum, in one run on a real Docker host.

The bare minimum is the same two containers created and started, and the two before them stopped and removed, side by
side through Docker's API, without waiting for anything. Fairway's time is that of the whole command, from the shell to
its exit, less the application's own boot time. Ratios count, not seconds: they hold on any machine.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.lab.lab import Lab
from tests.real.deploy.site import FAIRWAY, Site, make_site

from fairway.net.client import Docker
from fairway.net.docker import connect

BOOT = 1.0


async def bare_minimum(site: Site) -> float:
    """Seconds for two replicas replaced, without their boot time."""
    async with connect(site.host.url) as docker:
        names = [name for name in site.replicas() if "web" in name]
        bodies = [_body(await docker.get(f"containers/{name}/json")) for name in names]
        stand_ins = await asyncio.gather(*(_start(docker, body, f"bare-old-{i}") for i, body in enumerate(bodies)))
        await asyncio.sleep(BOOT + 0.5)
        began = time.perf_counter()
        new = await asyncio.gather(*(_start(docker, body, f"bare-new-{i}") for i, body in enumerate(bodies)))
        await asyncio.gather(*(_stop(docker, container) for container in stand_ins))
        took = time.perf_counter() - began
        await asyncio.gather(*(_stop(docker, container) for container in new))
        return took


def _body(known: dict[str, Any]) -> dict[str, Any]:
    host = {key: value for key, value in known["HostConfig"].items() if value not in (None, "", [], {})}
    keep = ("Image", "Env", "Cmd", "Entrypoint", "StopTimeout", "StopSignal", "WorkingDir", "User")
    config = {key: known["Config"][key] for key in keep if known["Config"].get(key) is not None}
    return {**config, "HostConfig": host}


async def _start(docker: Docker, body: dict[str, Any], name: str) -> str:
    container: str = (await docker.post("containers/create", body, name=name))["Id"]
    await docker.post(f"containers/{container}/start")
    return container


async def _stop(docker: Docker, container: str) -> None:
    await docker.post(f"containers/{container}/stop")
    await docker.delete(f"containers/{container}", force=True, v=True)


def timed(site: Site, *words: str) -> float:
    began = time.perf_counter()
    subprocess.run([*FAIRWAY, *words], cwd=site.directory, env=site.environ, capture_output=True, check=True)
    return time.perf_counter() - began


def measure(run: Callable[[int], float], rounds: int) -> list[float]:
    return [run(count) for count in range(rounds)]


def row(name: str, values: list[float]) -> str:
    return f"{name:<44} {min(values):6.2f} {statistics.median(values):6.2f} {max(values):6.2f}"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with Lab.open() as lab, tempfile.TemporaryDirectory() as scratch:
        host = lab.host()
        host.load_base_image()
        site = make_site(Path(scratch) / "site", host)
        site.fairway("ship", "production", VERSION="v1", BOOT=str(BOOT))

        def deploy(count: int) -> float:
            site.variables["VERSION"] = f"v{2 - count % 2}"
            return timed(site, "deploy", "production") - BOOT

        pairs = [(asyncio.run(bare_minimum(site)), deploy(count)) for count in range(rounds)]
        print(f"{rounds} rounds; seconds: least, median, most")
        print(row("bare minimum: 2 created, started; 2 stopped", [bare for bare, _ in pairs]))
        print(row("fairway deploy, 2 replicas, less 1 s of boot", [ours for _, ours in pairs]))
        print(row("ratio, pair by pair (at most 1.5)", [ours / bare for bare, ours in pairs]))
        print(row("fairway deploy that changes nothing (< 0.5)", measure(lambda _: timed(site, "deploy"), rounds)))
        print(row("fairway ps (< 0.25)", measure(lambda _: timed(site, "ps"), rounds)))
        print(row("fairway --help (< 0.12)", measure(lambda _: timed(site, "--help"), rounds)))
        print(row("python -c pass", measure(lambda _: _python(), rounds)))
        site.down()


def _python() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
