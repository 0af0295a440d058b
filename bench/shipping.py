"""python -m bench.shipping [ROUNDS]: an image from one Docker host to two others, beside `docker save | docker load`.

The image is debian:bookworm-slim, two layers of 40 MiB that cannot be compressed, and a small one on top. It goes to hosts
that have nothing of it, and again when its top has changed: by `docker save | docker load` to one after the other, and by
fairway.engines.docker.shipping to both. Three real engines on this machine, without a network between them: there, bytes cost
nothing. Rounds alternate. Ratios count, not seconds. Needs root and the docker command line; a round takes about a minute.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests.lab.host import DOCKER, Host
from tests.lab.lab import Lab

from fairway.engines.docker.shipping import Carrier, Shipped, ship
from fairway.model.build import ImageRef
from fairway.net.docker import connect

LAYER = 40 << 20
MIB = 1 << 20
Measured = tuple[float, int]
"""Seconds, and bytes sent to both hosts."""


def build(host: Host, directory: Path, tag: str) -> ImageRef:
    for name in ("first", "second"):
        if not (directory / name).exists():
            (directory / name).write_bytes(os.urandom(LAYER))
    (directory / "top").write_bytes(os.urandom(10_000))
    copies = "".join(f"COPY {name} /{name}\n" for name in ("first", "second", "top"))
    (directory / "Dockerfile").write_text(f"FROM debian:bookworm-slim\n{copies}")
    host.docker("build", "--quiet", "--tag", f"bench:{tag}", str(directory))
    identity = host.docker("image", "inspect", "--format", "{{.Id}}", f"bench:{tag}").stdout.strip()
    return ImageRef(reference=f"bench:{tag}", id=identity)


def empty(hosts: Sequence[Host]) -> None:
    for host in hosts:
        if found := set(host.docker("images", "--quiet").stdout.split()):
            host.docker("rmi", "--force", *found)


def save_and_load(image: ImageRef, source: Host, targets: Sequence[Host]) -> Measured:
    began = time.perf_counter()
    for target in targets:
        save = subprocess.Popen(
            [DOCKER, "save", image.reference], stdout=subprocess.PIPE, env={**os.environ, **source.environment}
        )
        subprocess.run(
            [DOCKER, "load", "--quiet"],
            stdin=save.stdout,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **target.environment},
            check=True,
        )
        if save.wait():
            raise SystemExit("docker save failed")
    return time.perf_counter() - began, len(targets) * saved_size(image, source)


def saved_size(image: ImageRef, source: Host) -> int:
    """The bytes of its tar file."""
    environment = {**os.environ, **source.environment}
    with subprocess.Popen([DOCKER, "save", image.reference], stdout=subprocess.PIPE, env=environment) as save:
        assert save.stdout
        return sum(map(len, iter(lambda: save.stdout.read(MIB), b"")))  # type: ignore[union-attr]


async def shipped(image: ImageRef, source: Host, targets: Sequence[Host]) -> Measured:
    began = time.perf_counter()
    async with AsyncExitStack() as stack:
        first, *others = [
            Carrier(host.name, await stack.enter_async_context(connect(host.url))) for host in (source, *targets)
        ]
        results = (await ship(image, first, others, lambda event: None)).values()
    seconds, sent = time.perf_counter() - began, 0
    for result in results:
        if not isinstance(result, Shipped):
            raise SystemExit(f"{result}: {result.why}")
        sent += result.sent
    return seconds, sent


def peak(*, anew: bool = False) -> float:
    """The most memory that this process has had since it was asked `anew`, in MiB."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def row(name: str, ours: list[Measured], theirs: list[Measured]) -> None:
    ratios = sorted(one[0] / other[0] for one, other in zip(ours, theirs, strict=True))
    seconds = [statistics.median(each[0] for each in found) for found in (theirs, ours)]
    sent = [found[-1][1] / MIB for found in (theirs, ours)]
    spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    print(
        f"{name:<22} {sent[0]:8.1f} {sent[1]:8.2f} {sent[1] / sent[0]:8.4f}   {seconds[0]:7.2f} {seconds[1]:7.2f}   {spread}"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    with Lab.open() as lab, tempfile.TemporaryDirectory() as scratch:
        source, *targets = [lab.host() for _ in range(3)]
        source.load_base_image()
        directory = Path(scratch)
        found: dict[tuple[str, bool], list[Measured]] = {}
        grown = 0.0
        for number in range(rounds):
            images = [build(source, directory, f"{number}-{time}") for time in (1, 2)]
            for ours in (True, False) if number % 2 else (False, True):
                empty(targets)
                for which, image in zip(("nothing is there", "the top has changed"), images, strict=True):
                    before = peak(anew=True)
                    if ours:
                        measured = asyncio.run(shipped(image, source, targets))
                        grown = max(grown, peak() - before)
                    else:
                        measured = save_and_load(image, source, targets)
                    found.setdefault((which, ours), []).append(measured)
        print(f"to two hosts, {rounds} rounds; medians, and of the ratios the least and most")
        print(f"{'':<22} {'MiB: save':>8} {'ship':>8} {'ratio':>7}   {'s: save':>7} {'ship':>7}   ratio")
        for which in ("nothing is there", "the top has changed"):
            row(which, found[which, True], found[which, False])
        print(f"memory of this process grew by at most {grown:.1f} MiB while it shipped")


if __name__ == "__main__":
    main()
