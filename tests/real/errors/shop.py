"""A small application to make mistakes with: one web server in Perl, which every Debian has, and the real command.

It needs nothing from a mirror, so its image is built in a second.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.host import Host
from tests.real.deploy.site import commit

FAIRWAY = str(Path(sys.executable).parent / "fairway")
PORT = 8080

SERVE = r"""
use IO::Socket::INET;
$| = 1;
my $fault = $ENV{FAULT} // '';
if ($fault eq 'hungry') { print "eating\n"; my @eaten; push @eaten, 'x' x (8 << 20) while 1; }
if ($fault eq 'crash') { print "no mood today\n"; exit 7; }
sleep $ENV{BOOT} if $ENV{BOOT};
my $server = IO::Socket::INET->new(LocalPort => 8000, Listen => 64, ReuseAddr => 1) or die $!;
$SIG{TERM} = sub { exit 0 };
print "serving $ENV{VERSION}\n";
while (my $client = $server->accept) {
  my ($first, $line) = scalar <$client>;
  while (defined($line = <$client>)) { last if $line =~ /^\r?$/ }
  my (undef, $path) = split ' ', $first // '';
  my $status = ($path // '') =~ m{^/(up)?$} ? '200 OK' : '404 Not Found';
  my $body = "this is $ENV{VERSION}\n";
  print $client "HTTP/1.1 $status\r\nContent-Length: ", length $body, "\r\nConnection: close\r\n\r\n$body";
  close $client;
}
"""

DOCKERFILE = """FROM debian:bookworm-slim
COPY serve /serve
CMD ["perl", "/serve"]
"""

COMPOSE = """services:
  web:
    build: web
    init: true
    environment:
      VERSION: ${VERSION:-v1}
      FAULT: ${FAULT:-}
      BOOT: ${BOOT:-}
    expose: ["8000"]
    stop_grace_period: 2s
    deploy:
      resources: {limits: {memory: 48M, pids: 32}}
"""

SETTINGS = """app: %(app)s
environments:
  production:
    hosts: {local: "%(url)s"}
gateway: {http: %(port)d}
services:
  web:
    route: {host: %(app)s.test}
    ready: {http: /up, deadline: 5s}
    rollout: {drain_timeout: 1s}
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status. `text` has both streams: a user sees one terminal."""

    exit: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return f"{self.out}{self.err}"

    @property
    def error(self) -> str:
        """From `error:` on."""
        found = re.search(r"^error: .*", self.err, re.MULTILINE | re.DOTALL)
        return found[0].rstrip("\n") if found else ""

    def expect(self, exit_status: int, *parts: str) -> None:
        """It ended so, and said each of these; it did not lose its head."""
        assert self.exit == exit_status, f"exit {self.exit}\n{self.text}"
        for words in ("Traceback", "defect in Fairway", "never retrieved", "Unclosed", "never awaited"):
            assert words not in self.text, self.text
        for part in parts:
            assert part in self.text, f"{part!r} is not in:\n{self.text}"


@dataclass
class Shop:
    directory: Path
    host: Host
    app: str

    @property
    def environ(self) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.temporary)}

    @property
    def temporary(self) -> Path:
        """This application's own directory for temporary files, so that what is left in it is seen."""
        return self.directory.parent / "tmp"

    @property
    def settings(self) -> Path:
        return self.directory / "fairway.yaml"

    @property
    def compose(self) -> Path:
        return self.directory / "compose.yaml"

    def fairway(self, *words: str, **variables: str) -> Said:
        """`fairway WORDS`, with `variables` for this call alone."""
        return self.call([FAIRWAY, *words], **variables)

    def call(self, argv: list[str], **variables: str) -> Said:
        done = subprocess.run(
            argv, cwd=self.directory, env={**self.environ, **variables}, capture_output=True, text=True, timeout=120
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [FAIRWAY, *words],
            cwd=self.directory,
            env={**self.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def shipped(self, **variables: str) -> None:
        self.fairway("ship", **variables).expect(0)

    def json(self, *words: str) -> Any:
        return json.loads(self.fairway(*words, "--json").out)

    def write(self, file: str, text: str | bytes) -> None:
        path = self.directory / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.directory / file).read_text()
        assert old in text, f"{old!r} is not in {file}"
        self.write(file, text.replace(old, new))

    def commit(self) -> None:
        commit(self.directory)

    def address(self, address: str) -> None:
        """Let production be elsewhere."""
        self.edit("fairway.yaml", f'"{self.host.url}"', address)

    def answer(self) -> str:
        """What a user gets through the gateway."""
        url = f"http://{self.host.address}:{PORT}/"
        done = subprocess.run(
            ["curl", "-s", "-m", "5", "-H", f"Host: {self.app}.test", url], capture_output=True, text=True
        )
        return done.stdout.strip()

    def traces(self) -> frozenset[str]:
        """Everything of this application on its host, in its directory and among temporary files: kinds and names.

        Images and the ledger are no traces of a failure: a build's image may be built, and a failed release is on record.
        A lease that has been left is free at once; Docker takes a moment more to remove its container.
        """
        until = time.monotonic() + 5
        while True:
            found = self._traces()
            if not any("fairway-lease-" in trace for trace in found) or time.monotonic() > until:
                return found
            time.sleep(0.05)

    def _traces(self) -> frozenset[str]:
        found = set(self._containers())
        for kind in ("network", "volume"):
            listed = self.host.docker(kind, "ls", "--format", "{{.Name}}").stdout.split()
            found |= {f"{kind} {name}" for name in listed if self.app in name and "ledger" not in name}
        found |= {f"file {path}" for path in self.directory.rglob("*.tmp")}
        return frozenset(found | {f"file {path}" for path in self.temporary.iterdir()})

    def _containers(self) -> Iterable[str]:
        listed = self.host.docker("ps", "-a", "--format", "{{.ID}} {{.Names}}\t{{.Labels}}").stdout.splitlines()
        ours = (line.partition("\t")[0] for line in listed if self.app in line)
        return (f"container {name}" for name in ours if "ledger" not in name)

    def state(self) -> object:
        """All that users and operators have of it: what is there, the lease's container included, and what answers."""
        return self.traces(), self.answer()

    def restore(self, commit: str) -> None:
        """The files as they were in that commit."""
        self.git("reset", "-q", "--hard", commit)
        self.git("clean", "-fdq")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.directory, check=True, capture_output=True, text=True).stdout

    def down(self) -> None:
        self.fairway("down", "production", "--yes", "--volumes").expect(0)
        assert not self.traces(), self.traces()


def make_shop(directory: Path, host: Host) -> Shop:
    shop = Shop(directory, host, f"shop-{uuid.uuid4().hex[:6]}")
    shop.temporary.mkdir(parents=True, exist_ok=True)
    shop.write("web/serve", SERVE)
    shop.write("web/Dockerfile", DOCKERFILE)
    shop.write("compose.yaml", COMPOSE)
    shop.write("fairway.yaml", SETTINGS % {"app": shop.app, "url": host.url, "port": PORT})
    shop.commit()
    return shop
