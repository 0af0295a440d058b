"""What users of TLS get, and what is refused."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from msgspec.structs import replace

from fairway.gateway.container import HTTPS, NAME
from fairway.model.edge import Certificate, Showing
from fairway.model.environment import Environment
from fairway.model.errors import GatewayError
from fairway.model.routes import RoutingTable
from tests.real.edge.authority import issue, serial
from tests.real.edge.secure import TLS_PORT, Secure, context, serials, tls
from tests.real.gateway.replicas import backend
from tests.real.gateway.test_changes import never_interrupted

pytestmark = pytest.mark.anyio


async def test_tls_is_switched_on_at_a_gateway_that_serves(secure: Secure) -> None:
    """Then certificates are exchanged, under load on both ports; what was open stays open."""
    place = secure.place
    [one] = await place.start("v1")
    table = place.table(place.service(backend("web-r1", one)))
    await place.traffic.apply(table)
    first = issue(place.name)
    with place.load(slow=2) as plain:
        await asyncio.sleep(0.5)
        traffic = secure.gateway(tls(first, redirect=False))
        await traffic.start()
        assert await traffic.observe() == table
        with secure.load() as load:
            for _ in range(3):
                following = issue(place.name, f"www.{place.name}")
                await traffic.present(Showing(certificates=(following,)))
                shown = [await secure.shake(place.name) for _ in range(3)]
                assert serials(shown) == {serial(following)}
                await asyncio.sleep(0.3)
    never_interrupted(plain.report)
    never_interrupted(load.report)
    print(f"plain HTTP meanwhile: {plain.report.summary()}")
    print(f"TLS while certificates are exchanged: {load.report.summary()}")
    left = place.host.docker("exec", NAME, "ls", "-l", "/etc/fairway").stdout
    own = [line for line in left.splitlines() if f"-{place.environment.key}-" in line]
    assert [line.endswith("-key.pem") for line in own].count(True) == 1, left
    assert all(line.startswith("-rw-------") for line in left.splitlines() if ".pem" in line)


async def test_users_of_tls(secure: Secure) -> None:
    place = secure.place
    [one] = await place.start("v1")
    first, second, third = issue(place.name), issue(f"b.{place.name}", f"*.c.{place.name}"), issue("other.test")
    traffic = await secure.show(first, second)
    other = secure.gateway(tls(third), Environment(place.environment.app, "other"))
    await other.start()
    assert await traffic.observe() is None
    table = place.table(place.service(backend("web-r1", one)))
    await traffic.apply(table)
    assert await traffic.observe() == table
    asked = {
        place.name: first, f"b.{place.name}": second, f"x.c.{place.name}": second,
        "other.test": third, None: first, "nobody.test": first,
    }  # fmt: skip
    for name, certificate in asked.items():
        assert (await secure.shake(name)).serial == serial(certificate), name

    shake = await secure.shake(place.name)
    assert (shake.version, shake.protocol) == ("TLSv1.3", "h2")
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.raises(OSError, match=r"version|protocol"):
            await secure.shake(place.name, context(most=version))
    for most in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        again = context(most=most)
        again.set_alpn_protocols(["http/1.1"])
        known = await secure.shake(place.name, again)
        assert (known.protocol, known.resumed) == ("http/1.1", False)
        assert (await secure.shake(place.name, again, known.session)).resumed

    to = ["--resolve", f"{place.name}:{TLS_PORT}:{place.host.address}", f"https://{place.name}:{TLS_PORT}"]
    assert await secure.curl("--http2", "-w", " %{http_version} %{http_code}", *to) == "v1 2 200"
    said = await secure.curl("--http1.1", "-H", "X-Forwarded-Proto: http", f"{to[2]}/headers", *to[:2])
    assert "x-forwarded-proto: https" in said.lower()

    plain = f"http://{place.host.address}:8080"
    lie = ["-H", f"Host: {place.name}:8080", "-H", "X-Forwarded-Proto: https"]
    moved = await secure.curl("-i", *lie, f"{plain}/a?b=c")
    assert moved.startswith("HTTP/1.1 308")
    assert f"location: https://{place.name}:{TLS_PORT}/a?b=c" in moved
    assert await secure.curl(*lie, f"{plain}/.well-known/acme-challenge/unknown") == "v1"
    await traffic.answer_challenges({"t0ken": "t0ken.print"})
    for host in (place.name, "nobody.test"):
        assert await secure.curl("-H", f"Host: {host}", f"{plain}/.well-known/acme-challenge/t0ken") == "t0ken.print"
    await traffic.answer_challenges({})
    assert await secure.curl(*lie, f"{plain}/.well-known/acme-challenge/t0ken") == "v1"

    fresh = issue(f"b.{place.name}", f"*.c.{place.name}")
    await traffic.present(Showing(certificates=(fresh,), plain=(place.name,), partial=True))
    assert (await secure.shake(f"b.{place.name}")).serial == serial(fresh)
    assert (await secure.shake(place.name)).serial == serial(first), "what is not known here stays"
    assert {seen.names[0] for seen in (await traffic.shown())[place.host.name]} == {place.name, f"b.{place.name}"}
    assert await place.get() == (200, "v1"), "one name is not redirected"

    last = await not_redirected(secure, table)
    await what_envoy_refuses_changes_nothing(secure)
    the_keys_are_nowhere(secure, first.key, second.key, last.key)
    assert (await secure.shake("other.test")).serial == serial(third)
    await other.apply(RoutingTable(environment=other.environment))
    assert (await secure.shake("other.test")).serial == serial(last), "what is taken down is forgotten"


async def not_redirected(secure: Secure, table: RoutingTable) -> Certificate:
    """Where `redirect` is false; and where the settings of the environment do not mention TLS any more: its certificates go."""
    place = secure.place
    [kept, *_] = secure.place.others
    first = issue(place.name)
    traffic = secure.gateway(tls(first, redirect=False))
    await traffic.start()
    assert await place.get() == (200, "v1")
    assert (await secure.shake(place.name)).serial == serial(first)
    await kept.start()
    assert place.host.docker("inspect", "-f", f'{{{{index .Config.Labels "{HTTPS}"}}}}', NAME).stdout.strip() == str(
        TLS_PORT
    )
    assert (await secure.shake(place.name)).serial not in {serial(first), 0}
    await traffic.start()
    assert await traffic.observe() == table
    return first


async def test_a_port_that_is_not_to_be_had_changes_nothing(secure: Secure, taken_port: int) -> None:
    """Something else on the host has it; or the other environments of the host have another one."""
    place = secure.place
    [one] = await place.start("v1")
    await place.traffic.apply(place.table(place.service(backend("web-r1", one))))
    before = place.host.docker("inspect", "-f", "{{.Id}}", NAME).stdout
    with pytest.raises(GatewayError, match=f"cannot listen on port {taken_port}"):
        await secure.gateway(tls(issue(place.name), port=taken_port)).start()
    assert place.host.docker("inspect", "-f", "{{.Id}}", NAME).stdout == before
    assert await place.get() == (200, "v1")
    await secure.show(issue(place.name))
    stranger = secure.gateway(tls(issue("x.test"), port=9444), Environment(place.environment.app, "other"))
    with pytest.raises(GatewayError, match=f"speaks TLS on port {TLS_PORT}, not 9444"):
        await stranger.start()


async def what_envoy_refuses_changes_nothing(secure: Secure) -> None:
    before = await secure.shake(secure.place.name)
    wrong = replace(issue(secure.place.name), key=issue("x.test").key)
    with pytest.raises(GatewayError, match="does not take the certificates"):
        await secure.gateway(None).present(Showing(certificates=(wrong,)))
    assert (await secure.shake(secure.place.name)).serial == before.serial
    left = secure.place.host.docker("exec", NAME, "ls", "/etc/fairway").stdout
    assert ".new" not in left
    assert ".old" not in left


def the_keys_are_nowhere(secure: Secure, *keys: bytes) -> None:
    docker = secure.place.host.docker
    logs = docker("logs", NAME)
    seen = docker("inspect", NAME).stdout + logs.stdout + logs.stderr + docker("top", NAME, "auxww").stdout
    seen += docker("exec", NAME, "sh", "-c", "cat /etc/fairway/*.json").stdout
    assert NAME in seen
    for key in keys:
        for line in key.decode().splitlines()[1:-1]:
            assert line not in seen
