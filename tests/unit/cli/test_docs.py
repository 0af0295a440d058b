from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairway.cli.docs import MEANINGS, docs, errors, topics
from fairway.model.errors import Exit, UsageError
from fairway.security.docs import page

ROOT = Path(__file__).parents[3]


def test_every_topic_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    docs()
    assert capsys.readouterr().out.splitlines() == [f"fairway docs {topic}" for topic in topics()]
    for topic in topics():
        docs(topic)
        assert len(capsys.readouterr().out) > 500


def test_an_unknown_topic_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        docs("setings")
    assert "settings" in caught.value.hint


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    docs("settings", form="schema")
    assert json.loads(capsys.readouterr().out)["title"] == "fairway.yaml"


def test_every_exit_status_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_the_page_of_errors_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / "errors.md").read_text() == errors(), "run fairway docs errors > docs/errors.md"


def test_the_page_of_security_is_made_from_the_rules() -> None:
    assert (ROOT / "docs" / "security.md").read_text() == page().rstrip() + "\n", (
        "run fairway docs security > docs/security.md"
    )
