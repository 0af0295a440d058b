"""aiohttp is imported without the machine's certificate authorities, and nothing else is changed by that."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
before = dict(os.environ)
import fairway.wiring
assert dict(os.environ) == before
from aiohttp import connector
for context in (connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED):
    assert context.get_ca_certs() == [], "aiohttp was imported before fairway.net"
import ssl
context = ssl.create_default_context()
assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
print(len(context.get_ca_certs()))
"""
PLAIN = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"


@pytest.mark.parametrize("variables", [{}, {"SSL_CERT_FILE": "/nowhere"}])
def test_only_aiohttps_own_default_trusts_nobody(variables: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")}
    light, plain = (
        subprocess.run(
            [sys.executable, "-c", program], env=environment | variables, capture_output=True, text=True, check=False
        )
        for program in (PROGRAM, PLAIN)
    )
    assert (light.returncode, light.stderr) == (0, "")
    assert light.stdout == plain.stdout
