from __future__ import annotations

from .parts import app, problems

LIB = """
services:
  db: {image: "db:$TAG", volumes: ["./data:/data", "store:/store"], build: .}
volumes: {store: }
"""


def test_an_included_application_has_its_own_directory_and_variables() -> None:
    text = "include: [../lib/compose.yaml]\nservices: {web: {image: 'web:$TAG', depends_on: [db]}}"
    files = {"/lib/compose.yaml": LIB, "/lib/.env": "TAG=lib", ".env": "OTHER=x"}
    found = app(text, files=files, environment={})
    assert found.services["db"].image == "db:lib"
    assert found.services["web"].image == "web:"
    assert [mount.source for mount in found.services["db"].volumes] == ["/lib/data", "store"]
    assert found.services["db"].build
    assert found.services["db"].build.context == "/lib"
    assert list(found.volumes) == ["store"]
    assert str(found.where("services", "db")) == "/lib/compose.yaml:3"
    assert (found.name, found.directory) == ("project", "/project")


def test_the_including_project_s_variables_win() -> None:
    text = "include: [../lib/compose.yaml]\nservices: {web: {image: web}}"
    files = {"/lib/compose.yaml": LIB, "/lib/.env": "TAG=lib", ".env": "TAG=mine"}
    assert app(text, files=files).services["db"].image == "db:mine"


def test_the_long_form() -> None:
    text = """
        include:
          - path: [../lib/compose.yaml, ./over.yaml]
            project_directory: /elsewhere
            env_file: [a.env, b.env]
        services: {web: {image: web}}
    """
    files = {
        "/lib/compose.yaml": LIB,
        "over.yaml": "services: {db: {user: me, environment: {X: $X}}}",
        "a.env": "TAG=a\nX=a",
        "b.env": "TAG=b",
        "/elsewhere/.env": "TAG=no",
    }
    db = app(text, files=files).services["db"]
    assert (db.image, db.user, db.environment) == ("db:b", "me", {"X": "a"})
    assert db.volumes[0].source == "/elsewhere/data"


def test_an_override_file_may_change_what_is_included() -> None:
    text = "include: [lib.yaml]\nservices: {web: {image: web}}"
    found = app(text, "services: {db: {user: me}}", files={"lib.yaml": "services: {db: {image: db}}"})
    assert (found.services["db"].image, found.services["db"].user) == ("db", "me")


def test_includes_of_includes_and_the_same_thing_twice() -> None:
    files = {
        "a.yaml": "include: [c.yaml]\nservices: {a: {image: a, networks: [n]}}",
        "b.yaml": "include: [c.yaml]\nservices: {b: {image: b}}",
        "c.yaml": "services: {c: {image: c}}\nnetworks: {n: {internal: true}}",
    }
    found = app("include: [a.yaml, b.yaml]", files=files)
    assert sorted(found.services) == ["a", "b", "c"]
    assert found.networks["n"].internal


def test_two_different_things_of_one_name_conflict() -> None:
    text = "include: [lib.yaml]\nservices:\n  web: {image: mine}\n"
    assert problems(text, files={"lib.yaml": "services:\n  web: {image: theirs}\n"}) == [
        "3: services.web: service `web` is also defined in /project/lib.yaml:2, which is included, and differs"
    ]


def test_circles_are_spelled_out() -> None:
    files = {"a.yaml": "include: [b.yaml]", "b.yaml": "include: [compose.yaml]"}
    assert problems("include: [a.yaml]\nservices: {web: {image: w}}", files=files) == [
        "b.yaml:1: include.0: a circle: /project/compose.yaml → /project/a.yaml → /project/b.yaml → "
        "/project/compose.yaml"
    ]


def test_what_is_missing_is_told_with_its_line() -> None:
    text = "services: {web: {image: w}}\ninclude:\n  - none.yaml\n  - {env_file: x}\n"
    assert problems(text) == [
        "3: include.0: there is no file /project/none.yaml",
        "4: include.1: `path` is missing",
    ]
    missing = "services: {web: {image: w}}\ninclude:\n  - {path: a.yaml, env_file: none.env}\n"
    assert problems(missing, files={"a.yaml": ""}) == ["3: include.0: there is no file /project/none.env"]
