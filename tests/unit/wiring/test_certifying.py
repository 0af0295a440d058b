"""Which names an authority is asked for, what is kept of its certificates, and what is shown beside files."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.engines.common.ledger_codec import newer
from fairway.model.edge import Showing
from fairway.model.errors import EngineError
from fairway.model.issuance import Account, Issuances, Issued
from fairway.ports.certificates import Certifying
from fairway.settings import load
from fairway.wiring import Project
from fairway.wiring.acme import wanted
from fairway.wiring.certificate_store import FILES, ShelfStore, encode
from fairway.wiring.certifying import edge_parts
from fairway.wiring.edge import look
from tests.real.edge.authority import issue
from tests.unit.wiring.test_edge import Kept, made, policy, told

pytestmark = pytest.mark.anyio

ACME = "environments: {production: {}}\nservices: {web: {route: {host: a.test}}}\ngateway:\n  acme:\n    terms: true\n"
FILE = ACME + "  tls: {cert: one.pem, key: one-key.pem}\n"
DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"


def issued(name: str) -> Issued:
    one = issue(name)
    return Issued(
        directory=DIRECTORY, names=(name,), chain=one.chain, key=one.key, issuer="Test", begins=0, ends=9_999_999_999
    )


def asked(text: str, *hosts: str, directory: Path) -> tuple[tuple[str, ...], ...]:
    project = made(directory, text=text)
    assert project.settings.gateway.acme
    from fairway.net.certificates import read

    known = [read(one) for one in look(project, "", {}).certificates]
    return wanted(project.settings.gateway.acme, hosts, known)


async def test_every_host_name_that_no_file_has_or_those_that_are_listed(tmp_path: Path) -> None:
    hosts = ("a.test", "c.test", "*.d.test", "*", "x.b.test")
    assert asked(ACME, *hosts, directory=tmp_path) == (("a.test",), ("c.test",), ("x.b.test",))
    assert asked(FILE, *hosts, directory=tmp_path) == (("c.test",),), "the file has a.test and *.b.test"
    listed = f"{ACME}    hosts: [a.test, [e.d.test, c.test], z.test]\n"
    assert asked(listed, *hosts[:3], directory=tmp_path) == (("a.test",), ("e.d.test", "c.test"))
    assert asked(listed, "*", directory=tmp_path) == (("a.test",), ("e.d.test", "c.test"), ("z.test",))
    assert asked(listed, "q.test", directory=tmp_path) == ()


async def test_hosts_that_no_authority_can_have_certificates_for(tmp_path: Path) -> None:
    policies = {"web": policy("a.test", "*.d.test")}
    assert told(look(made(tmp_path, text=ACME), "production", policies).problems) == [
        "2 services.web.route: no certificate has the name *.d.test"
    ]
    listed = f"{ACME}    hosts: [e.d.test]\n"
    assert told(look(made(tmp_path, text=listed), "production", policies).problems) == [
        "2 services.web.route: no certificate has the name a.test"
    ]


async def test_more_names_than_there_is_room_for_share_certificates(tmp_path: Path) -> None:
    hosts = [f"{letter}.test" for letter in "abcdefghi"]
    [problem] = look(made(tmp_path, text=ACME), "production", {"web": policy(*hosts)}).problems
    assert (str(problem.where), problem.what) == (
        "fairway.yaml:4",
        "there would be 9 certificates, and a gateway has room for 8",
    )
    shared = f"{ACME}    hosts: [[{', '.join(hosts[:2])}], {', '.join(hosts[2:])}]\n"
    assert look(made(tmp_path, text=shared), "production", {"web": policy(*hosts)}).problems == ()


async def test_files_that_are_missing_are_told(tmp_path: Path) -> None:
    text = f"{ACME}    ca: ca.pem\n    eab: {{kid: k, hmac_file: eab.key}}\n  http: 8080\n"
    found = look(made(tmp_path, text=text), "production", {})
    assert told(found.problems) == ["6 gateway.acme.ca: ca.pem cannot be read: No such file or directory"]
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "eab.key").write_text("k")
    found = look(made(tmp_path, text=text), "production", {})
    assert found.problems == ()
    assert [line.partition(":")[0] for line in told(found.warnings)] == [
        "8 gateway.http",
        "7 gateway.acme.eab.hmac_file",
    ]


async def test_what_is_kept_comes_back_and_the_later_one_counts() -> None:
    shelf = Kept()
    first = Issuances(issued=(issued("a.test"),), accounts=(Account(directory="d", url="u", key=issue("x").key),))
    store = ShelfStore(shelf)
    await store.write(first)
    assert (await ShelfStore(shelf).read()) == replace(first, sequence=1)
    for _ in range(3):
        await store.write(replace(first, wanted=(("b.test",),)))
    assert set(shelf.kept) == set(FILES)
    assert (await ShelfStore(shelf).read()).sequence == 4
    old = {name: shelf.kept[name] for name in FILES}
    await store.write(first)
    [changed] = [name for name in FILES if old[name] != shelf.kept[name]]
    for one, other in ((old[changed], shelf.kept[changed]), (shelf.kept[changed], old[changed])):
        assert newer(changed, one, other) == shelf.kept[changed], "of two hosts the later one counts"
    shelf.kept[changed] = shelf.kept[changed][:99]
    assert (await ShelfStore(shelf).read()).sequence == 4, "its writer was killed"
    shelf.kept[changed] = b'{"sequence": "seven"}'
    with pytest.raises(EngineError, match="cannot be read"):
        await ShelfStore(shelf).read()


async def test_files_come_first_and_without_them_the_others_are_shown_all_the_same(tmp_path: Path) -> None:
    shelf, project = Kept(), made(tmp_path, text=FILE)
    one = issued("c.test")
    shelf.kept[FILES[0]] = encode(Issuances(issued=(one,), wanted=(("c.test",), ("d.test",))))
    showing, certifying = await shown(project, shelf)
    assert showing.certificates[1:] == (one.certificate,)
    assert (showing.plain, showing.partial) == (("d.test",), False)
    (tmp_path / "one.pem").unlink()
    showing, certifying = await shown(project, shelf)
    assert (showing.certificates, showing.partial) == ((one.certificate,), True)
    assert certifying.authority
    assert await certifying.authority.wanted(["a.test", "c.test"]) == (("c.test",),), (
        "what the file is for is not known here"
    )


async def test_settings_alone(tmp_path: Path) -> None:
    project = Project(tmp_path, load(ACME, file="fairway.yaml"))
    assert (await shown(project, Kept()))[0].certificates == ()


async def shown(project: Project, shelf: Kept) -> tuple[Showing, Certifying]:
    parts = edge_parts(project, shelf)
    assert parts
    showing = await parts.tls.showing()
    assert showing
    return showing, parts.certifying(None)  # type: ignore[arg-type]
