"""What of an image's files an audit is told."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as some

from fairway.engines.docker.contents import Sieve
from fairway.engines.docker.tarstream import TarError

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"
LONG = f"usr/{'x' * 120}/su"


def archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, content in (
            ("usr/bin/su", 0o4755, b"x" * 700),
            ("usr/bin/plain", 0o755, b"x"),
            ("usr/bin/wall", 0o2755, b""),
            (LONG, 0o6755, b""),
            ("tmp", 0o1777, None),
            ("var/mail", 0o2775, None),
            ("root/.ssh/id_rsa", 0o600, b"whatever"),
            ("app/.env", 0o644, b"A=1"),
            ("app/.env.example", 0o644, b"A=1"),
            ("app/tls.key", 0o644, KEY),
            ("app/public.pem", 0o644, b"-----BEGIN CERTIFICATE-----\n"),
            ("usr/lib/python3/test/server.pem", 0o644, KEY),
            ("usr/share/doc/x/examples/id_rsa", 0o644, KEY),
            ("empty/.netrc", 0o644, b""),
        ):
            member = tarfile.TarInfo(name)
            member.mode = mode
            if content is None:
                member.type = tarfile.DIRTYPE
            else:
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content or b""))
        link = tarfile.TarInfo("usr/bin/su2")
        link.type, link.linkname, link.mode = tarfile.LNKTYPE, "usr/bin/su", 0o4755
        tar.addfile(link)
        soft = tarfile.TarInfo("usr/bin/su3")
        soft.type, soft.linkname, soft.mode = tarfile.SYMTYPE, "su", 0o7777
        tar.addfile(soft)
    return packed.getvalue()


WHOLE = archive()


@given(size=some.integers(1, 5000))
def test_however_it_is_cut(size: int) -> None:
    sieve = Sieve()
    for start in range(0, len(WHOLE), size):
        sieve.feed(WHOLE[start : start + size])
    sieve.close()
    assert sieve.setuid == ["/usr/bin/su", "/usr/bin/wall", f"/{LONG}", "/usr/bin/su2"]
    assert sieve.keys == ["/root/.ssh/id_rsa", "/app/.env", "/app/tls.key"]


def test_one_that_ends_too_early() -> None:
    sieve = Sieve()
    sieve.feed(WHOLE[:2000])
    with pytest.raises(TarError):
        sieve.close()
