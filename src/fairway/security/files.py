"""Rules about files on this machine: keys, secrets, and what decides what is deployed."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.security import Severity
from fairway.security.rule import Case, Find, Found, Rule

READ, WRITE = 0o044, 0o002


def _mode(kind: str, bits: int, what: str, mend: str) -> Find:
    """Files of a kind whose permissions have any of `bits`. `what` and `mend` have the path as {}."""

    def find(case: Case) -> Iterator[Found]:
        for file in case.files:
            if file.kind == kind and file.mode & bits:
                told = f"{what.format(file.path)} ({file.mode & 0o777:04o})"
                yield Found(what=told, where=file.where, mend=f"`{mend.format(file.path)}`")

    return find


RULES = (
    Rule(
        id="FW-F001",
        title="Others can read a TLS key",
        severity=Severity.HIGH,
        why="with an engine's client key one is root on the host; with the gateway's one is the site",
        mend="`chmod 600 FILE`",
        find=_mode("tls-key", READ, "others on this machine can read {}", "chmod 600 {}"),
    ),
    Rule(
        id="FW-F002",
        title="Others can read an SSH key",
        severity=Severity.HIGH,
        why="it leads to the hosts, where whoever may use Docker is root",
        mend="`chmod 600 FILE`",
        find=_mode("ssh-key", READ, "others on this machine can read {}", "chmod 600 {}"),
    ),
    Rule(
        id="FW-F003",
        title="Others can read a secret",
        severity=Severity.MEDIUM,
        why="every user and every program on this machine has it",
        mend="`chmod 600 FILE`",
        find=_mode("secret", READ, "others on this machine can read {}", "chmod 600 {}"),
    ),
    Rule(
        id="FW-F004",
        title="Others can change what is deployed",
        severity=Severity.HIGH,
        why="what stands there is run on the hosts, as whoever they like",
        mend="`chmod o-w FILE`",
        find=_mode("project", WRITE, "everybody on this machine can write to {}", "chmod o-w {}"),
    ),
    Rule(
        id="FW-F005",
        title="Others can read the registries' passwords",
        severity=Severity.HIGH,
        why="who can push an image decides what the next release runs",
        mend="`chmod 600 FILE`",
        find=_mode("docker-config", READ, "others on this machine can read the passwords in {}", "chmod 600 {}"),
    ),
)
