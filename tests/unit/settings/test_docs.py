from __future__ import annotations

from pathlib import Path

import jsonschema
import yaml

from fairway.settings import Settings, docs, load
from fairway.settings.shapes import keys, record

ROOT = Path(__file__).parents[3]


def test_the_example_has_every_key_and_loads() -> None:
    written = {
        ".".join(
            "NAME" if part in ("unit", "smoke", "staging", "production", "web-1", "local") else part for part in path
        )
        for path in load(docs.example(), file="fairway.yaml").locations
    }
    written = {path.replace("services.identidock", "services.NAME") for path in written}
    written |= {path.replace("services.dnmonster", "services.NAME") for path in written}
    wanted = {".".join(path) for path, _ in keys(record(Settings)) if path[2:4] != ("services", "NAME")}
    assert wanted - written == set()


def test_every_key_has_prose() -> None:
    said = docs.comments()
    silent = [
        (shape.cls.__name__, key)
        for _, shape in docs.sections()
        for key in shape.keys
        if not said.get((shape.cls, key))
    ]
    assert silent == []


def test_the_page_is_made_from_the_example() -> None:
    assert (ROOT / "docs" / "settings.md").read_text() == docs.page(), (
        "run fairway docs settings --form markdown > docs/settings.md"
    )


def test_the_schema_accepts_the_example_and_refuses_unknown_keys() -> None:
    validator = jsonschema.Draft202012Validator(docs.schema())
    validator.check_schema(docs.schema())
    document = yaml.safe_load(docs.example())
    assert list(validator.iter_errors(document)) == []
    document["services"]["identidock"]["rollout"]["steps"] = []
    assert [error.message for error in validator.iter_errors(document)] == [
        "Additional properties are not allowed ('steps' was unexpected)"
    ]
