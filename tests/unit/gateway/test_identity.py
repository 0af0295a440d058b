"""The files of a gateway's identity, and the script that exchanges them."""

from __future__ import annotations

import subprocess

from fairway.gateway.identity import Delivery, shown
from fairway.net.authority import Authority

AUTHORITY = Authority.create()
ONE = AUTHORITY.issue("web-1")
DELIVERY = Delivery.of(ONE)


def test_keys_are_in_files_of_their_own_that_nothing_repeats() -> None:
    secret = bytes(ONE.key).splitlines()[1].decode()
    holding = [name for name, text in DELIVERY.for_start().items() if secret in text.decode()]
    assert len(holding) == 1
    assert holding[0].endswith("-key.pem")
    assert secret not in DELIVERY.exchange()
    assert secret not in repr(DELIVERY.secrets)


def test_a_certificate_and_its_key_go_by_one_name_and_another_pair_by_another() -> None:
    names = sorted(DELIVERY.contents)
    assert names[1].removesuffix("-key.pem") == names[2].removesuffix(".pem")
    again = Delivery.of(AUTHORITY.issue("web-1"))
    assert {*names[1:]}.isdisjoint(again.contents)
    assert names[0] in again.contents, "the same authority"


def test_the_file_that_counts_names_the_certificate() -> None:
    name = shown(DELIVERY.for_start()["identity.json"])
    assert DELIVERY.contents[name] == ONE.certificate.encode()


def test_the_script_is_a_shells() -> None:
    assert subprocess.run(["sh", "-n"], input=DELIVERY.exchange().encode(), check=False).returncode == 0
