"""Configs that are templates: what goes in, what never comes out, and where it is wrong."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose.template import TemplateError, facts, render
from fairway.flows.ingredients import configs_of, secret_keys
from fairway.model import marked
from fairway.model.app import App
from fairway.model.errors import FairwayError, InvalidFiles
from fairway.model.files import FileObject
from tests.unit.compose.parts import app

SECRETS = {"tok", "TOK"}


def wrong(text: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(text, {"A": "a"}, SECRETS)
    return caught.value


def test_values_and_facts() -> None:
    shop = app("name: shop\nservices: {web: {image: web, environment: {X: '1'}, deploy: {replicas: 3}, ports: [80]}}\n")
    told = facts(shop, "production", {"LEVEL": "debug"})
    text = "{{ LEVEL }} {{ values.LEVEL }} {{ app }} {{ environment }} {{ services.web.replicas }} {{ services.web.ports[0] }}"
    assert render(f"{text} {{{{ services.web.environment.X }}}}\n", told, ()) == "debug debug shop production 3 80 1\n"


@given(st.binary(max_size=40))
def test_a_secret_is_written_as_it_was_asked_for(value: bytes) -> None:
    text = "{{ secret('tok') }}|{{ secret('tok') | b64encode }}|{{ 'x' ~ secret('tok') | trim | urlencode }}"
    made = render(text, {}, SECRETS)
    assert marked.names(made) == {"tok"}
    parts = [value, base64.b64encode(value), b"x" + quote_from_bytes(value.strip(), safe="").encode()]
    assert marked.filled(made, {"tok": value}) == b"|".join(parts)
    assert marked.filled(made, {"other": value}) is None
    assert marked.masked(made) == "••••|••••|x••••"


def test_a_secret_as_json() -> None:
    made = render("{{ secret('tok') | tojson }}", {}, SECRETS)
    assert json.loads(marked.filled(made, {"tok": b'a"b\n'}) or b"") == 'a"b\n'
    with pytest.raises(FairwayError, match="'tok' is no text") as caught:
        marked.filled(made, {"tok": b"\xff"})
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    [
        "{{ secret('tok') | upper }}",
        "{{ ('x' ~ secret('TOK')) | upper }}",
        "{{ ('x' ~ secret('TOK')) | urlencode }}",
        "{{ ('x' ~ secret('TOK')) | b64encode }}",
        "{{ ('x' ~ secret('TOK')) | tojson }}",
        "{{ ('x' ~ secret('TOK')) | reverse }}",
        "{{ secret('tok') | length }}",
        "{{ secret('tok') | default('x') }}",
        "{{ [secret('tok')] }}",
        "{{ '%s' | format(secret('tok')) }}",
        "{% if secret('tok') %}x{% endif %}",
        "{% if secret('tok') == 'a' %}x{% endif %}",
        "a\0b",
        "\0tok:\0",
    ],
)
def test_nothing_else_can_be_done_with_a_secret(text: str) -> None:
    assert "a secret can only be put out" in str(wrong(text))
    assert "b64encode" in wrong(text).hint


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("a\n{{ B }}", "'B' is undefined", 2),
        ("\n\n{% for %}", "Expected an expression, got 'end of statement block'", 3),
        ("{{ secret('nix') }}", "there is no secret 'nix'", 1),
        ("\n{{ 1 / 0 }}", "division by zero", 2),
        ("{{ ''.__class__ }}", "unsafe", 1),
        ("{{ secret.__globals__ }}", "unsafe", 1),
        ("{{ secret('tok')._places }}", "unsafe", 1),
        ("{% include 'x' %}", "no loader", 1),
        ("{% for x in range(10 ** 9) %}{% endfor %}", "Range too big", 1),
    ],
)
def test_what_is_wrong_has_its_line(text: str, what: str, line: int) -> None:
    error = wrong(text)
    assert what in str(error)
    assert error.line == line


def test_problems_are_those_of_the_templates_own_file() -> None:
    shop = App(
        name="shop",
        services={},
        configs={
            "a": FileObject(name="a", file="/p/a.j2", template_driver="jinja"),
            "b": FileObject(name="b", content="x\n{{ nix }}", template_driver="jinja"),
            "c": FileObject(name="c", content="{{ not a template"),
        },
        secrets={"tok": FileObject(name="tok", external=True)},
    )
    with pytest.raises(InvalidFiles) as caught:
        configs_of(shop, {}, lambda path: b"\n\n{{ secret('nix') }}", {})
    assert [str(problem) for problem in caught.value.problems] == [
        "/p/a.j2:3: configs.a: there is no secret 'nix'",
        "shop: configs.b: line 2 of the template: 'nix' is undefined",
    ]
    made = configs_of(shop, {}, lambda path: b"{{ secret('tok') }}", {"nix": "1"})
    assert secret_keys(shop, made) == {"tok"}
    assert base64.b64decode(made["c"]) == b"{{ not a template"
