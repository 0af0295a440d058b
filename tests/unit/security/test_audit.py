"""A bad application hits every rule, once; a good one none; and what is accepted is told apart."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.model.app import App, Location, Service
from fairway.model.build import ImageRef
from fairway.model.hardening import Hardening
from fairway.model.policy import Ready, ServicePolicy
from fairway.model.security import Acceptance, Finding, Severity, Unseen
from fairway.model.security_facts import HostSecurity, ImageFacts
from fairway.security.audit import audit
from fairway.security.harden import harden
from fairway.security.rule import Case
from fairway.security.rules import BY_ID, RULES, STRICT
from fairway.wiring.audit import maintained
from tests.unit.security.applications import HERE, TODAY, bad, good


def shown(finding: Finding) -> str:
    where = finding.where
    place = (
        f"{Path(where.file).relative_to(HERE) if where.file.startswith('/') else where.file}:{where.line}"
        if where
        else ""
    )
    return f"{finding.rule} {place} {finding.what}".replace("  ", " ")


EXPECTED = """
FW-C001 bad/compose.yaml:5 evil runs as root: `user: root`
FW-C002 bad/compose.yaml:6 evil is privileged
FW-C003 bad/compose.yaml:24 evil has the engine's socket: it mounts /var/run/docker.sock
FW-C004 bad/compose.yaml:25 evil may change /etc of the host
FW-C005 bad/compose.yaml:7 evil is in the host's network
FW-C006 bad/compose.yaml:8 evil sees all processes of the host
FW-C007 bad/compose.yaml:9 evil is in the host's IPC namespace
FW-C008 bad/compose.yaml:10 evil is in the host's UTS namespace
FW-C009 bad/compose.yaml:11 evil is in the host's user namespace
FW-C010 bad/compose.yaml:12 evil is in the host's cgroup namespace
FW-C011 bad/compose.yaml:15 evil has `security_opt: [seccomp=unconfined]`
FW-C012 bad/compose.yaml:16 evil has `security_opt: [apparmor:unconfined]`
FW-C013 bad/compose.yaml:17 evil has `security_opt: [systempaths=unconfined]`
FW-C014 bad/compose.yaml:19 evil has the capability SYS_ADMIN
FW-C015 bad/compose.yaml:32 sloppy keeps the capabilities that Docker gives
FW-C016 bad/compose.yaml:32 sloppy lets programs gain privileges
FW-C017 bad/compose.yaml:32 sloppy can change its own programs
FW-C018 bad/compose.yaml:32 sloppy has no memory limit
FW-C019 bad/compose.yaml:32 sloppy may start any number of processes
FW-C020 bad/compose.yaml:32 sloppy may take all CPUs
FW-C021 bad/compose.yaml:40 sloppy is started again for ever
FW-C022 bad/compose.yaml:41 sloppy publishes port 22/tcp on every address of the host
FW-C023 bad/compose.yaml:4 evil runs evil, whatever that is by then
FW-C024 bad/compose.yaml:44 old runs redis:7.0, which its owner can change
FW-C025 bad/compose.yaml:22 evil has /dev/kvm
FW-C026 bad/compose.yaml:27 evil mounts /srv/media rshared
FW-C027 bad/compose.yaml:39 sloppy is on the default bridge
FW-C028 bad/compose.yaml:35 sloppy is built with `privileged: true`
FW-C029 bad/compose.yaml:32 sloppy has no healthcheck
FW-C030 bad/compose.yaml:41 sloppy publishes port 22
FW-C031 bad/compose.yaml:21 evil is not killed for its memory
FW-C032 bad/compose.yaml:28 evil keeps no logs
FW-D001 bad/sloppy/Dockerfile:7 sloppy is built on debian, whatever that is by then
FW-D002 bad/sloppy/Dockerfile:2 sloppy is built on debian:12, which can be moved
FW-D003 bad/sloppy/Dockerfile:18 sloppy has no USER
FW-D004 bad/sloppy/Dockerfile:11 sloppy loads https://example.com/tool.tar.gz
FW-D005 bad/compose.yaml:37 sloppy is built with API_TOKEN as an argument
FW-D006 bad/sloppy/Dockerfile:14 sloppy runs in a shell what curl has just loaded
FW-D007 bad/sloppy/Dockerfile:15 sloppy says `--insecure`
FW-D008 bad/sloppy/Dockerfile:16 sloppy says `chmod -R 777 /opt`
FW-D009 bad/sloppy/Dockerfile:9 sloppy says `install -y sudo`
FW-D010 bad/sloppy/Dockerfile:17 sloppy says `COPY . /opt/app`
FW-I001 bad/compose.yaml:33 sloppy has 6 setuid or setgid files: /usr/bin/a, /usr/bin/b, /usr/bin/c, /usr/bin/d and 2 more
FW-I002 bad/compose.yaml:33 sloppy has keys or passwords in its image: /root/.ssh/id_rsa
FW-I003 bad/compose.yaml:44 old runs an image that was made 365 days ago
FW-H001 web-1: its API is open at http://0.0.0.0:2375
FW-H002 web-1: its engine is Docker 24.0.7, and 28.0 is the oldest that is maintained
FW-H003 web-1: its kernel is 5.4.1, whose line was maintained until 2025-12-31
FW-H004 web-1: its runc is 1.1.9
FW-H005 web-1: its engine gives containers no seccomp profile
FW-H006 web-1: neither AppArmor nor SELinux is on
FW-H007 web-1: containers on its default bridge reach each other
FW-H008 web-1: its engine trusts registry.example.com:5000 without TLS
FW-H009 web-1: its engine maps no users
FW-H010 web-1: its socket is open to all users of this machine
FW-H011 web-1: the container portainer has the engine's socket
FW-H012 web-1: the container blog publishes 80/tcp, 443/tcp on every address
FW-H013 web-1: it does not limit memory, processes
FW-H014 web-1: live-restore is off
FW-H015 what is known of engines and kernels is of 2026-09-30
FW-F001 fairway.yaml:7 others on this machine can read key.pem (0644)
FW-F002 fairway.yaml:7 others on this machine can read /home/me/.ssh/id_ed25519 (0640)
FW-F003 fairway.yaml:7 others on this machine can read password.txt (0604)
FW-F004 fairway.yaml:7 everybody on this machine can write to fairway.yaml (0666)
FW-F005 fairway.yaml:7 others on this machine can read the passwords in /home/me/.docker/config.json (0644)
"""


def test_a_bad_application_hits_every_rule_once() -> None:
    findings = audit(bad()).findings
    assert sorted(map(shown, findings)) == sorted(EXPECTED.strip().splitlines())
    assert Counter(finding.rule for finding in findings) == Counter(dict.fromkeys(BY_ID, 1))


def test_no_password_of_a_command_line_is_told() -> None:
    assert "hush" in (HERE / "bad" / "sloppy" / "Dockerfile").read_text()
    assert "hush" not in repr(audit(bad()))
    assert "123456" not in repr(audit(bad()))


def test_the_worst_comes_first() -> None:
    ranks = [finding.severity.rank for finding in audit(bad()).findings]
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (0, 4)


def test_a_good_application_hits_none() -> None:
    assert list(map(shown, audit(good()).findings)) == []


def plain() -> Case:
    """A service of which the Compose file says next to nothing."""
    service = Service(name="cache", image="redis:7.4@sha256:0")
    app = App(name="shop", services={"cache": service})
    image = ImageFacts(reference="redis:7.4", user="", setuid=(), keys=())
    return Case(app=app, known=maintained(), today=TODAY, images={"cache": image})


def test_strict_hardening_mends_what_it_says_it_does() -> None:
    before = plain()
    policies = {"cache": ServicePolicy(hardening=Hardening(strict=True), ready=Ready(http="/up"))}
    app = harden(before.app, {"cache": ImageRef(reference="redis", user="")}, policies).app
    rules = {finding.rule for finding in audit(before).findings}
    left = {finding.rule for finding in audit(replace(before, app=app, policies=policies)).findings}
    assert rules - left == (set(STRICT) - {"FW-D003"}) | {"FW-C029"}
    assert left == {"FW-C018", "FW-C020"}


def test_what_is_not_known_is_not_judged() -> None:
    found = replace(plain(), images={}, hosts={"web-1": HostSecurity()})
    assert {finding.rule for finding in audit(found).findings} == {
        *("FW-C015", "FW-C016", "FW-C017", "FW-C018", "FW-C019", "FW-C020")
    }


ACCEPT = Acceptance(rule="FW-C022", because="a bastion", service="sloppy", where=Location("fairway.yaml", 3))


def test_what_is_accepted_is_told_apart() -> None:
    found = audit(bad(), [ACCEPT, replace(ACCEPT, rule="FW-H007", service="", host="web-1")])
    assert [one.finding.rule for one in found.accepted] == ["FW-C022", "FW-H007"]
    assert not {"FW-C022", "FW-H007"} & {finding.rule for finding in found.findings}
    assert (found.problems, found.doubts) == ((), ())


@pytest.mark.parametrize(("until", "accepted"), [(None, True), (date(2028, 1, 1), True), (date(2027, 12, 31), False)])
def test_an_acceptance_ends_after_its_last_day(until: date | None, accepted: bool) -> None:
    found = audit(bad(), [replace(ACCEPT, until=until)])
    assert bool(found.accepted) is accepted
    assert [doubt.what for doubt in found.doubts] == ([] if accepted else ["FW-C022 was accepted until 2027-12-31"])


def test_an_acceptance_is_for_its_service_alone() -> None:
    found = audit(bad(), [replace(ACCEPT, service="evil")])
    assert found.accepted == ()
    assert [doubt.what for doubt in found.doubts] == ["FW-C022 is accepted, and is not found any more"]


def test_nothing_is_said_of_an_acceptance_where_not_everything_was_looked_at() -> None:
    assert audit(bad(), [replace(ACCEPT, service="evil")], [Unseen("host web-2", "it is down")]).doubts == ()


def test_an_acceptance_of_what_there_is_not_is_a_problem() -> None:
    found = audit(bad(), [replace(ACCEPT, rule="FW-C222"), replace(ACCEPT, service="slopy")])
    assert [problem.what for problem in found.problems] == [
        "there is no rule FW-C222",
        "the application has no service `slopy`",
    ]
    assert found.problems[0].hint == "did you mean FW-C022?"


def test_a_threshold_takes_in_what_is_worse() -> None:
    found = audit(bad())
    assert {finding.severity for finding in found.reaching(Severity.HIGH)} == {Severity.CRITICAL, Severity.HIGH}
    assert len(found.reaching(Severity.INFO)) == len(found.findings)


def test_every_rule_says_why_and_what_to_change() -> None:
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert rule.why
        assert not rule.why.endswith(".")
        assert rule.mend
        assert rule.mend != rule.why


def test_an_image_whose_setuid_files_do_nothing_is_a_lesser_finding() -> None:
    found = good()
    image = replace(found.images["web"], setuid=("/bin/su",))
    (finding,) = audit(replace(found, images={**found.images, "web": image})).findings
    assert (finding.rule, finding.severity) == ("FW-I001", Severity.LOW)
