"""`secrets:` in fairway.yaml: which store counts where, and what does not go together."""

from __future__ import annotations

import pytest

from fairway.model.app import Service
from fairway.model.errors import InvalidFiles
from fairway.settings import load
from fairway.settings.policies import policies
from tests.unit.settings.parts import app

ENVIRONMENTS = "environments: {staging: {}, production: {}}\n"


def wrong(text: str) -> list[str]:
    with pytest.raises(InvalidFiles) as caught:
        load(text, file="fairway.yaml")
    return [f"{problem.where}: {'.'.join(problem.path)}: {problem.what}" for problem in caught.value.problems]


def test_an_environment_says_something_else() -> None:
    said = load(
        """\
secrets: {store: age, file: all.age, storage: memory}
environments:
  staging: {secrets: {file: staging.age}}
  production: {secrets: {store: vault, path: shop}}
  review: {secrets: {storage: disk}}
""",
        file="f",
    )
    told = {name: said.secrets_of(name) for name in said.environments}
    assert {name: (one.store, one.file, one.storage) for name, one in told.items()} == {
        "staging": ("age", "staging.age", "memory"),
        "production": ("vault", None, "memory"),
        "review": ("age", "all.age", "disk"),
    }
    assert load(ENVIRONMENTS, file="f").secrets_of("staging").store == "age"


def test_where_hosts_keep_them_is_a_services_word_before_the_environments() -> None:
    said = load(
        """\
environments: {staging: {}, production: {secrets: {storage: memory}}}
services: {db: {secrets: {storage: disk}}}
""",
        file="f",
    )
    shop = app(Service(name="web"), Service(name="db"))
    found = {name: policies(said, shop, name) for name in ("staging", "production")}
    assert {name: one["web"].storage for name, one in found.items()} == {"staging": "disk", "production": "memory"}
    assert found["production"]["db"].storage == "disk"


def test_what_does_not_go_together() -> None:
    text = """\
secrets: {store: age, prefix: X_, command: ls}
environments:
  a: {secrets: {directory: d}}
  b: {secrets: {store: vault}}
  c: {secrets: {store: command, command: [pass, show, it]}}
  d: {secrets: {store: vault, path: shop, field: value}}
  e: {secrets: {store: files, directory: 'd/{name}'}}
  f: {secrets: {store: vault, path: p, auth: {role_id: r}}}
  g: {secrets: {store: vault, path: p, auth: {token_file: t, role_id: r}}}
  h: {secrets: {store: vault, path: p, auth: {wrapped: true}}}
  i: {secrets: {store: keychain}}
"""
    assert wrong(text) == [
        "fairway.yaml:1: secrets.command: `command` goes with `store: command`, and this is age",
        "fairway.yaml:1: secrets.command: all secrets would be the same",
        "fairway.yaml:1: secrets.prefix: `prefix` goes with `store: environment`, and this is age",
        "fairway.yaml:3: environments.a.secrets.directory: `directory` goes with `store: files`, and this is age",
        "fairway.yaml:4: environments.b.secrets: `store: vault` needs `path`",
        "fairway.yaml:5: environments.c.secrets.command: all secrets would be the same",
        "fairway.yaml:6: environments.d.secrets.field: all secrets would be the same",
        "fairway.yaml:7: environments.e.secrets.directory: `{name}` means nothing in `directory`",
        "fairway.yaml:8: environments.f.secrets.auth: AppRole needs `role_id` and `secret_id_file`",
        "fairway.yaml:9: environments.g.secrets.auth: there is a token or an AppRole, not both",
        "fairway.yaml:10: environments.h.secrets.auth.wrapped: what is wrapped comes from a file",
        "fairway.yaml:11: environments.i.secrets.store: must be one of age, environment, files, command, vault, not `keychain`",
    ]
