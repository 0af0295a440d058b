"""Certificates of a real ACME server at two edges, under load: had, renewed, refused, and had after all."""

from __future__ import annotations

import re
import time

from tests.real.certificates.town import Town
from tests.real.deploy.site import HTTP_PORT, kill

EDGES = ("h1", "h2")


def test_certificates_under_load(town: Town) -> None:
    fairway = town.fairway
    town.settings(acme=False)
    fairway("ship", "production")
    town.settings()
    with town.load("h1", tls=False) as plain:
        refused = fairway("deploy", "production", check=False)
        assert refused.returncode == 4, refused.stderr
        assert f"no certificate for {town.app}.test" in refused.stderr
        assert "cannot reach" in refused.stderr
        town.lead(*EDGES)
        fairway("deploy", "production")
        [first] = set(town.serials())
        with town.load("h1") as one, town.load("h2") as two:
            town.settings(redirect=True)
            plain.stop()
            fairway("deploy", "production")
            assert "308" in town.asked("h2").splitlines()[0]
            fairway("certificates", "renew", f"{town.app}.test")
            [second] = set(town.serials())
            assert second != first
            a_new_name_waits_for_its_certificate(town)
            an_authority_that_is_away_harms_nobody(town, second)
    for load in (plain, one, two):
        print(load.report.summary())
        assert load.report.failed == 0, load.report.summary()
    the_keys_are_nowhere(town)


def a_new_name_waits_for_its_certificate(town: Town) -> None:
    """Nobody is sent to it before; and who is killed on the way is followed by somebody who goes on."""
    fairway = town.fairway
    town.settings(redirect=True, more=["new"])
    refused = fairway("ship", "production", VERSION="v2", check=False)
    assert refused.returncode == 1, refused.stderr
    assert f"new.{town.app}.test" in refused.stderr
    assert "release 1 serves" in refused.stderr
    assert "404" in town.asked("h1", name="new").splitlines()[0]
    town.lead(*EDGES, name="new")
    town.server.restart(
        http_port=HTTP_PORT, PEBBLE_VA_NOSLEEP="0", PEBBLE_VA_SLEEPTIME="8", PEBBLE_WFE_NONCEREJECT="50"
    )
    for name in ("", "new"):
        town.lead(*EDGES, name=name)
    first = town.fleet.start("deploy", "production")
    until = time.monotonic() + 30
    while "challenge" not in town.server.log.lower() or "well-known" not in challenges(town):
        assert time.monotonic() < until, town.server.log
        time.sleep(0.05)
    kill(first)
    fairway("deploy", "production")
    assert len(set(town.serials("new"))) == 1
    assert town.serials("new") != town.serials()
    assert challenges(town) == ""


def challenges(town: Town) -> str:
    host = town.fleet.hosts["h2"]
    done = host.docker(
        "exec",
        "fairway-gateway",
        "grep",
        "-o",
        ".well-known/acme-challenge/[A-Za-z0-9_-][A-Za-z0-9_-]*",
        "/etc/fairway/rds.json",
        check=False,
    )
    return done.stdout


def an_authority_that_is_away_harms_nobody(town: Town, serial: int) -> None:
    town.server.stop()
    refused = town.fairway("certificates", "renew", "--all", check=False)
    assert refused.returncode == 1
    assert "does not answer" in refused.stderr
    assert set(town.serials()) == {serial}
    town.fairway("reconcile", "production")
    known = town.known()
    assert [one["shown_by"] for one in known["certificates"]] == [list(EDGES), list(EDGES)]
    assert known["problems"] == []
    assert known["lacking"] == {}


def the_keys_are_nowhere(town: Town) -> None:
    """But in files for root alone, one of which the keeper has on every edge."""
    for host in town.fleet.hosts.values():
        folder, keeper = f"/ledger/{town.app}-production.certificates", ("exec", "fairway-keeper", "sh", "-c")
        listed = host.docker(*keeper, f"stat -c '%a %u' {folder}/*").stdout.splitlines()
        assert listed == ["600 0"] * 2, "two that take turns"
        keys = private_lines(host.docker(*keeper, f"cat {folder}/*").stdout)
        assert len(keys) >= 3, "the account's, and each certificate's"
        seen = town.said + host.docker(*keeper, f"cat /ledger/{town.app}-production/*").stdout
        for one in host.docker("ps", "-aq").stdout.split():
            logs = host.docker("logs", one, check=False)
            seen += host.docker("inspect", one).stdout + logs.stdout + logs.stderr
            seen += host.docker("top", one, "auxww", check=False).stdout
        assert not [key for key in keys if key in seen]


def private_lines(text: str) -> set[str]:
    """The first line of each private key."""
    return set(re.findall(r"BEGIN PRIVATE KEY-----\\n([A-Za-z0-9+/=]+)", text))
