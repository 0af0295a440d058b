"""The real command brings the certificates of fairway.yaml, and refuses wrong ones before it touches anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairway.model.edge import Certificate
from tests.lab.host import Host
from tests.real.edge.authority import issue, serial
from tests.real.edge.conftest import forget
from tests.real.edge.secure import TLS_PORT, context, shake
from tests.real.errors.shop import PORT, Shop, make_shop


@pytest.fixture
def shop(tmp_path: Path, docker_host: Host, base_image: str) -> Iterator[Shop]:
    made = make_shop(tmp_path / "shop", docker_host)
    yield made
    made.down()
    forget(docker_host)


def bring(shop: Shop, certificate: Certificate, key: bytes | None = None) -> None:
    shop.write("tls/cert.pem", certificate.chain)
    shop.write("tls/key.pem", certificate.key if key is None else key)
    (shop.directory / "tls/key.pem").chmod(0o600)


def shown(shop: Shop) -> int:
    return shake((shop.host.address, TLS_PORT), f"{shop.app}.test", context(), None).serial


def test_a_deployment_brings_the_certificates(shop: Shop) -> None:
    shop.write(".gitignore", "tls/\n")
    shop.commit()
    shop.shipped()
    assert shop.answer() == "this is v1"
    before = shop.state()

    tls = f"gateway:\n  http: {PORT}\n  https: {TLS_PORT}\n  tls: {{cert: tls/cert.pem, key: tls/key.pem}}\n"
    shop.edit("fairway.yaml", f"gateway: {{http: {PORT}}}\n", tls)
    shop.commit()
    shop.fairway("build").expect(0)
    shop.fairway("deploy").expect(
        2, "tls/cert.pem cannot be read: No such file or directory", "fairway.yaml:8: gateway.tls.cert"
    )
    first, second = issue(f"{shop.app}.test"), issue(f"{shop.app}.test")
    bring(shop, first, second.key)
    shop.fairway("deploy").expect(2, "the key does not belong to it")
    bring(shop, issue("other.test"))
    shop.fairway("deploy").expect(2, f"no certificate has the name {shop.app}.test")
    assert shop.state() == before

    said = ""
    for certificate in (first, second):
        bring(shop, certificate)
        done = shop.fairway("deploy")
        done.expect(0)
        said += done.text
        assert shown(shop) == serial(certificate)
    assert "nothing has changed" in said, "but for the certificate"
    (shop.directory / "tls/key.pem").unlink()
    shop.fairway("reconcile").expect(0)
    assert shown(shop) == serial(second), "whoever does not have the files leaves what is shown"
    moved = shop.host.docker(
        "run", "--rm", "--network=host", "--entrypoint=curl", host_image(shop.host), *asked(shop)
    ).stdout
    assert re.search(rf"^location: https://{shop.app}.test:{TLS_PORT}/\r?$", moved, re.MULTILINE)
    assert f"-{shop.app}-production-" in keys(shop)
    shop.fairway("down", "production", "--yes").expect(0)
    assert f"-{shop.app}-production-" not in keys(shop)
    for line in first.key.decode().splitlines()[1:-1]:
        assert line not in said


def keys(shop: Shop) -> str:
    """The files of the gateway that hold keys."""
    return shop.host.docker("exec", "fairway-gateway", "sh", "-c", "ls /etc/fairway/*-key.pem").stdout


def host_image(host: Host) -> str:
    return host.docker("images", "fairway-host", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()[0]


def asked(shop: Shop) -> list[str]:
    return ["-si", "-H", f"Host: {shop.app}.test:{PORT}", f"http://127.0.0.1:{PORT}/"]
