"""Secrets on their way to where everybody sees them."""

from __future__ import annotations

import secrets
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose import load_with_warnings
from fairway.compose.suspicion import suspicion
from fairway.model.errors import InvalidFiles
from tests.unit.compose.parts import DIRECTORY, FILE, Memory, load_all, problems, shown

TOP = "secrets:\n  db-password: {external: true}\n  word: {environment: THE_WORD}\n  file: {file: ./it}\n"


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("POSTGRES_PASSWORD", "x", "its name says so"),
        ("API_KEY", "abc-def", "its name says so"),
        ("token2", "abc", "its name says so"),
        ("DATABASE_URL", "postgres://shop:sesame@db/shop", "it has a password in an address"),
        ("KEY_MATERIAL", "-----BEGIN RSA PRIVATE KEY-----\nxx", "it holds a private key"),
        ("WHATEVER", "ghp_0123456789abcdef", "it is a token"),
        ("WHATEVER", "9f86d081884c7d659a2feaa0c55ad015", "it looks random"),
        ("WHATEVER", "kJ8f+2LmQz0xW7vRt5YbNc3aDs9g", "it looks random"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/db", ""),
        ("POSTGRES_PASSWORD", "/run/secrets/db", ""),
        ("USE_TOKEN", "true", ""),
        ("TOKEN", "", ""),
        ("TOKEN_TTL", "1h", ""),
        ("PASSWORD_MIN_LENGTH", "12", ""),
        ("DATABASE_URL", "postgres://shop@db/shop", ""),
        ("GIT_COMMIT", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", ""),
        ("TENANT", "0b0f7b2e-1c6f-4d0e-9f8e-2b7a7a3d5c11", ""),
        ("GREETING", "hello-to-everybody-out-there", ""),
        ("PATHS", "/usr/bin:/usr/local/bin", ""),
    ],
)
def test_what_looks_like_a_secret(name: str, value: str, why: str) -> None:
    assert suspicion(name, value) == why


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_value_is_told(name: str, value: str) -> None:
    assert len(value) < 4 or value not in suspicion(name, f"{value}9f86d081884c7d659a2feaa0c55ad015")


def test_random_values_are_found_whatever_the_name() -> None:
    letters = string.ascii_letters + string.digits
    values = ["".join(secrets.choice(letters) for _ in range(32)) for _ in range(300)]
    assert sum(not suspicion("X", value) for value in values) < 10
    assert all(suspicion("X", secrets.token_hex(32)) for _ in range(300))


def test_a_warning_has_its_place_and_what_to_do() -> None:
    text = """\
    services:
      web:
        image: web
        build: {context: ., args: {NPM_TOKEN: abc}}
        environment:
          LEVEL: debug
          DB_PASSWORD: sesame
    """
    told = [shown(problem) for problem in load_all(text)[1]]
    assert [one.partition(" (declare")[0] for one in told] == [
        "7: services.web.environment.DB_PASSWORD: DB_PASSWORD looks like a secret (its name says so): "
        "whoever may inspect the container, or read the ledger, sees it",
        "4: services.web.build.args.NPM_TOKEN: NPM_TOKEN looks like a secret (its name says so): "
        "whoever has the image finds it in its history",
    ]
    assert "sesame" not in str(told)


def test_a_variable_that_holds_a_secret_fills_in_no_value() -> None:
    text = f"""\
services:
  web:
    image: web
    command: --password=${{DB_PASSWORD}}
    environment:
      A: pre-${{THE_WORD:-none}}
      B: ${{LEVEL:-debug}}
      db_password:
configs:
  c: {{environment: THE_WORD}}
  d: {{content: "is $THE_WORD"}}
{TOP}"""
    told = problems(text, environment={"DB_PASSWORD": "sesame", "THE_WORD": "sesame", "db_password": "sesame"})
    assert [one.partition(": its value")[0] for one in told] == [
        "4: services.web.command: `${DB_PASSWORD}` is the secret 'db-password'",
        "6: services.web.environment.A: `${THE_WORD}` is the secret 'word'",
        "8: services.web.environment.db_password: `${db_password}` is the secret 'db-password'",
        "10: configs.c.environment: THE_WORD is the secret 'word', and a config is kept in clear",
        "11: configs.d.content: `${THE_WORD}` is the secret 'word'",
    ]
    assert "sesame" not in str(told)


def test_files_of_variables_are_looked_at_and_secrets_themselves_are_free() -> None:
    text = f"services:\n  web: {{image: web, env_file: [web.env]}}\n{TOP}  more: {{file: '${{WORD}}'}}\n"
    told = problems(text, files={"web.env": "A=$THE_WORD\n"}, environment={"WORD": "x"})
    assert [one.partition(": its value")[0] for one in told] == [
        "2: services.web.env_file.0: `${THE_WORD}` is the secret 'word'"
    ]
    load_all(text, files={"web.env": "A=b\n", ".env": "A=$THE_WORD\n"}, environment={"WORD": "x"})


def test_variables_with_the_stores_prefix_are_secrets() -> None:
    reader = Memory({"compose.yaml": "services: {web: {image: web, hostname: '${SHOP_A}'}}\n"})
    with pytest.raises(InvalidFiles, match=r"`\$\{SHOP_A\}` is a secret, as its beginning says"):
        load_with_warnings(
            [FILE], reader=reader, directory=DIRECTORY, environment={"SHOP_A": "x"}, secret_prefix="SHOP_"
        )
