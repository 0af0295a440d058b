from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from fairway.model.app import Service
from fairway.model.deploy import Deploy
from fairway.settings import Settings, docs, load
from fairway.settings.policies import policies
from fairway.settings.shapes import keys, record
from tests.unit.settings.parts import app

ROOT = Path(__file__).parents[3]


CHOSEN = {"unit", "smoke", "staging", "production", "review", "demo", "trial", "qa", "web-1", "local"}
CHOSEN |= {"identidock", "dnmonster", "orders"}


def test_the_example_has_every_key_and_loads() -> None:
    paths = load(docs.example(), file="fairway.yaml").locations
    named = (tuple("NAME" if part in CHOSEN else part for part in path if not part.isdecimal()) for path in paths)
    written = {".".join(_anywhere(path)) for path in named}
    wanted = {".".join(_anywhere(path)) for path, _ in keys(record(Settings)) if path[2:4] != ("services", "NAME")}
    assert wanted - written == {"services.NAME.rollout.after_keep.timeout"}, "where a command stands alone"


def _anywhere(path: tuple[str, ...]) -> tuple[str, ...]:
    """What can be said at the top and in an environment is in one of them: no store has all of its keys."""
    return path[2:] if path[:3] == ("environments", "NAME", "secrets") else path


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_example_has_no_problems_with_its_application(environment: str) -> None:
    services = (Service(name=name, deploy=Deploy(replicas=4)) for name in ("identidock", "dnmonster", "orders"))
    found = policies(load(docs.example(), file="fairway.yaml"), app(*services), environment)
    assert [phase.scale for phase in found["identidock"].rollout.steps] == [1, 1, 1, 2, 2]
    assert (found["dnmonster"].rollout.surge, found["dnmonster"].rollout.max_unavailable) == (1, 1)


def test_a_comment_is_said_once() -> None:
    said = list(docs.comments().values())
    assert len(said) == len(set(said))


def test_a_key_has_one_default() -> None:
    """What two mappings of one shape say of a key would be told of both."""
    assert [key for key, said in docs.comments().items() if said.count("The default is") > 1] == []


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
    document["services"]["identidock"]["rollout"]["probe"] = []
    assert [error.message for error in validator.iter_errors(document)] == [
        "Additional properties are not allowed ('probe' was unexpected)"
    ]
