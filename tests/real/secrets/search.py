"""Looks for planted values, in every form that they might be written in; and counts where it has looked."""

from __future__ import annotations

import base64
import gzip
import json
import os
import secrets
import subprocess
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes

from tests.lab.host import Host


def planted() -> bytes:
    """32 random bytes, none of which ends a line or a string: grep looks for them as they are."""
    found = bytearray()
    while len(found) < 32:
        found += bytes(byte for byte in secrets.token_bytes(32) if byte not in (0, 10))
    return bytes(found[:32])


def forms(value: bytes) -> frozenset[bytes]:
    """As it is, in hexadecimal, quoted for an address, as JSON and Python write it, and in base64 wherever it begins in other text."""
    found = {value, value.hex().encode(), value.hex().upper().encode(), quote_from_bytes(value, safe="").encode()}
    found.add(quote_from_bytes(value).encode())
    found |= {repr(value)[2:-1].encode(), value.decode("latin-1").encode()}
    found.add(json.dumps(value.decode("latin-1"))[1:-1].encode())
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + value)
        whole = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    return frozenset(found)


@dataclass
class Search:
    """`own` may be in the environments of what this process has started: whoever deploys has them there."""

    values: dict[str, bytes]
    own: frozenset[str] = frozenset()
    looked: Counter[str] = field(default_factory=Counter)
    found: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._forms = {name: forms(value) for name, value in self.values.items()}
        self._seen: set[tuple[str, bytes]] = set()
        """Processes, with what they run, whose environment was looked at."""

    def plant(self, name: str, value: bytes) -> None:
        self.values[name] = value
        self._forms[name] = forms(value)
        self._seen.clear()

    def named(self, data: bytes) -> list[str]:
        return [name for name, some in list(self._forms.items()) if any(form in data for form in some)]

    def text(self, kind: str, where: str, text: str | bytes) -> None:
        self.looked[kind] += 1
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        self.found |= {f"{name} in {kind} {where}" for name in self.named(data)}

    def files(self, kind: str, *roots: Path) -> set[str]:
        """All files below that have one of the values in them. Compressed ones are looked into."""
        patterns = b"\n".join(form for some in self._forms.values() for form in some)
        command = ["grep", "-rlaF", "-f", "-", *map(str, roots)]
        done = subprocess.run(command, input=patterns, capture_output=True, env={**os.environ, "LC_ALL": "C"})
        assert done.returncode in (0, 1, 2), done.stderr
        found = set(done.stdout.decode().splitlines())
        for file in (file for root in roots for file in root.rglob("*") if file.is_file() and not file.is_symlink()):
            self.looked[kind] += 1
            with suppress(OSError, EOFError, zlib.error):
                with file.open("rb") as opened:
                    packed = opened.read(2) == b"\x1f\x8b"
                if packed and self.named(gzip.decompress(file.read_bytes())):
                    found.add(str(file))
        return found

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks at every process of the machine meanwhile, over and over: command lines and environments."""
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.15):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self._process(process)

    def _process(self, process: Path) -> None:
        words = (process / "cmdline").read_bytes()
        if (process.name, words) in self._seen:
            return
        self._seen.add((process.name, words))
        self.text("command lines", repr(words), words)
        environ = (process / "environ").read_bytes()
        self.looked["environments"] += 1
        for name in self.named(environ):
            if name not in self.own or os.getpid() not in parents(process):
                self.found.add(f"{name} in the environment of {words!r}")

    def host(self, host: Host) -> None:
        """All that its engine tells of containers (their processes, too), volumes, networks and images."""
        for kind, listing in KINDS.items():
            for name in sorted(set(host.docker(*listing).stdout.split())):
                self.text("inspections", f"{kind} {name}", host.docker(kind, "inspect", name, check=False).stdout)
                if kind == "container":
                    logs = host.docker("logs", name, check=False)
                    self.text("logs", name, logs.stdout + logs.stderr)
                    self.text("inspections", f"diff {name}", host.docker("diff", name, check=False).stdout)
                if kind == "image":
                    history = host.docker("history", "--no-trunc", name, check=False).stdout
                    self.text("inspections", f"history {name}", history)

    def report(self) -> str:
        places = ", ".join(f"{count} {kind}" for kind, count in sorted(self.looked.items()))
        return f"{sum(self.looked.values())} places were searched for {len(self.values)} values ({places}): {len(self.found)} had one"


KINDS = {
    "container": ["ps", "-aq", "--no-trunc"],
    "volume": ["volume", "ls", "-q"],
    "network": ["network", "ls", "-q", "--no-trunc"],
    "image": ["images", "-q", "--no-trunc"],
}


def parents(process: Path) -> set[int]:
    """Its ancestors. What fairway starts here has the variables that fairway was started with, as the user gave them."""
    found: set[int] = set()
    pid = int(process.name)
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def outside(files: Iterable[str], *allowed: str) -> set[str]:
    """Those that none of these paths is the beginning of."""
    return {file for file in files if not file.startswith(allowed)}
