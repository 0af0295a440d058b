"""What an audit is told of a Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairway.builders.recipe import read, recipe
from fairway.model.app import BuildSpec, Location
from fairway.model.security_facts import Base, Line, Recipe


def of(text: str, **options: object) -> Recipe:
    return recipe(text, "Dockerfile", **{"args": {}, **options})  # type: ignore[arg-type]


def test_bases_with_their_lines_and_no_stages() -> None:
    found = of(
        "ARG TAG=12\n# one\nFROM debian:$TAG AS build\nFROM scratch\nFROM build\nFROM --platform=linux/arm64 redis\n"
    )
    assert found.bases == (Base("debian:12", 3), Base("redis", 6))
    assert of("ARG TAG=12\nFROM debian:${TAG}", args={"TAG": "13"}).bases == (Base("debian:13", 2),)


@pytest.mark.parametrize(
    ("text", "user", "line"),
    [
        ("FROM a\nRUN x", None, 0),
        ("FROM a\nUSER app\nRUN x", "app", 2),
        ("FROM a\nUSER app\nRUN x\nUSER root", "root", 4),
        ("FROM a AS base\nUSER app\nFROM base\nRUN x", "app", 2),
        ("FROM a AS base\nUSER app\nFROM b\nRUN x", None, 0),
        ("FROM a\nARG WHO=900\nUSER ${WHO}:0", "900:0", 3),
        ("FROM a\nuser app", "app", 2),
        ("", None, 0),
    ],
)
def test_who_the_image_runs_as(text: str, user: str | None, line: int) -> None:
    assert (of(text).user, of(text).user_line) == (user, line)


def test_the_target_is_the_image() -> None:
    text = "FROM a AS dev\nUSER root\nRUN chmod 777 /x\nFROM a AS live\nUSER app\nRUN y"
    assert of(text).user == "app"
    assert of(text, target="dev").user == "root"
    assert of(text).runs == (Line(3, "chmod 777 /x", final=False), Line(6, "y"))
    assert of(text, target="dev").runs == (Line(3, "chmod 777 /x"), Line(6, "y", final=False))
    assert (of(text).last, of(text, target="dev").last) == (6, 3)


def test_a_command_over_several_lines_is_one() -> None:
    found = of("FROM a\nRUN apt-get update \\\n  # why\n  && apt-get install -y \\\n  x\nRUN y")
    assert found.runs == (Line(2, "apt-get update && apt-get install -y x"), Line(6, "y"))


def test_names_of_variables_and_none_of_their_values() -> None:
    found = of('ARG TOKEN\nFROM a\nENV A=1 PASSWORD="very secret" B=x\nENV OLD very secret\nARG KEY=s3cret')
    assert [line.said for line in found.variables] == ["TOKEN", "A", "PASSWORD", "B", "OLD", "KEY"]
    assert "cret" not in repr(found)


def test_what_is_loaded_without_a_checksum() -> None:
    found = of(
        "FROM a\nADD https://x/y /z\nADD --checksum=sha256:1 https://x/v /z\nADD --chown=1 local http://x/w /z\n"
        'ADD ["https://x/json", "/z"]\nCOPY https /z\nADD git@github.com:a/b.git /z'
    )
    assert [(line.line, line.said) for line in found.adds] == [
        (2, "https://x/y"),
        (4, "http://x/w"),
        (5, "https://x/json"),
        (7, "git@github.com:a/b.git"),
    ]


def test_the_whole_context() -> None:
    text = "FROM a\nCOPY . /app\nCOPY --from=b . /x\nCOPY src ./\nCOPY --chown=app ./ ./"
    assert [line.line for line in of(text).copies] == [2, 5]
    assert of(text, ignores=True).copies == ()


def test_a_dockerignore_counts_where_it_says_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nCOPY . /app\n")
    where = Location("compose.yaml", 9)

    def copies() -> int:
        found = read("web", BuildSpec(context=str(tmp_path)), where)
        assert found is not None
        return len(found.copies)

    assert copies() == 1
    (tmp_path / ".dockerignore").write_text("\n")
    assert copies() == 1
    (tmp_path / "Dockerfile.dockerignore").write_text(".git\n")
    assert copies() == 0


def test_one_in_the_compose_file_is_at_its_line(tmp_path: Path) -> None:
    found = read("web", BuildSpec(context=str(tmp_path), dockerfile_inline="FROM a\n"), Location("compose.yaml", 9))
    assert found is not None
    assert found.at(1) == Location("compose.yaml", 9)


def test_none_that_can_be_read(tmp_path: Path) -> None:
    where = Location("compose.yaml")
    assert read("web", BuildSpec(context=str(tmp_path / "no")), where) is None
    assert read("web", BuildSpec(context="https://example.com/repository.git"), where) is None
