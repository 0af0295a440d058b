"""The load as a process of its own, so that the test's own work does not slow its clients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.load.options import Options
from tests.load.report import Report

CHECKOUT = Path(__file__).parents[2]


class Load:
    """Clients that run from `__enter__`, which returns once each has asked once, to `__exit__` or `stop`.

    Takes the fields of Options. `netns` names a network namespace to ask from.
    """

    def __init__(self, url: str, *, netns: str = "", **options: Any) -> None:
        self.options = Options(url=url, **options)
        self.netns = netns
        self._process: subprocess.Popen[bytes] | None = None
        self._report: Report | None = None

    def __enter__(self) -> Self:
        enter = ["nsenter", f"--net=/run/netns/{self.netns}"] if self.netns else []
        self._process = subprocess.Popen(
            [*enter, sys.executable, "-m", "tests.load", "-"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(msgspec.json.encode(self.options) + b"\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != b"started\n":
            self._process.kill()
            self._process.wait()
            raise RuntimeError("the load generator died as it started")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Report:
        """Let the requests under way finish, and return what happened. May be called again."""
        if self._report is None:
            assert self._process
            output, _ = self._process.communicate()  # the end of its standard input tells it to stop
            self._report = msgspec.json.decode(output, type=Report)
        return self._report

    @property
    def report(self) -> Report:
        return self.stop()
