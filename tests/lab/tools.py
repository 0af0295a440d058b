"""An image with what tests need inside containers: made once a machine, because the package archive may be slow or away."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.shell import LabError

if TYPE_CHECKING:
    from tests.lab.host import Host

TOOLS = "fairway-lab/tools:1"
PACKAGES = "curl python3-aiohttp python3-redis"
# apt-get update has been seen to wait for ever on an archive that had answered
DOCKERFILE = f"""\
FROM debian:bookworm-slim
RUN (timeout 120 apt-get update || timeout 120 apt-get update) \\
    && timeout 300 apt-get install --yes --no-install-recommends {PACKAGES} \\
    && rm -rf /var/lib/apt/lists/*
"""
KEPT_FOR = 7 * 24 * 3600


def load_tools(host: Host) -> None:
    """Make sure that the host has TOOLS. Raises LabError where the package archive cannot be reached."""
    if not host.docker("image", "inspect", TOOLS, check=False).returncode:
        return
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fairway-lab"
    place.mkdir(parents=True, exist_ok=True)
    kept = place / "tools.tar"
    with (place / "tools.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _fresh(kept):
            _make(host, kept)
            return
    host.docker("load", "--quiet", "--input", str(kept))


def _fresh(kept: Path) -> bool:
    recipe = kept.with_suffix(".recipe")
    known = kept.exists() and recipe.exists() and recipe.read_text() == DOCKERFILE
    return known and time.time() - kept.stat().st_mtime < KEPT_FOR


def _make(host: Host, kept: Path) -> None:
    host.load_base_image()
    try:
        host.docker("build", "--tag", TOOLS, "-", stdin=DOCKERFILE)
    except LabError as error:
        raise LabError(f"{TOOLS} could not be made: is the package archive reachable?\n{error}") from None
    partial = kept.with_suffix(".partial")
    host.docker("save", "--output", str(partial), TOOLS)
    partial.rename(kept)
    kept.with_suffix(".recipe").write_text(DOCKERFILE)
