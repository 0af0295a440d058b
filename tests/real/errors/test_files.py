"""Mistakes in the files: each problem with its file and line, all of them at once, and nothing is built or touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.real.errors.shop import COMPOSE, Shop

INIT = "    init: true\n"
ONE = "error: 1 problem in the files of this project\n  "

CASES: dict[str, tuple[Callable[[Shop], None], str]] = {
    "bad YAML": (
        lambda shop: shop.write("compose.yaml", "services:\n  web:\n    image: [x\n  b: c\n"),
        "compose.yaml:3: not valid YAML: ",
    ),
    "a tab": (
        lambda shop: shop.write("compose.yaml", "services:\n  web:\n\timage: x\n"),
        "compose.yaml:3: not valid YAML: a tab in the indentation\n      → indent with spaces\n",
    ),
    "bad YAML in fairway.yaml": (lambda shop: shop.write("fairway.yaml", "app: [\n"), "fairway.yaml:1: this is not YAML: "),
    "no text in fairway.yaml": (
        lambda shop: shop.write("fairway.yaml", b"\xff"),
        "fairway.yaml: is not UTF-8 text\n",
    ),
    "nothing in fairway.yaml": (
        lambda shop: shop.write("fairway.yaml", ""),
        "fairway.yaml: there is nothing in this file\n      → fairway init writes one\n",
    ),
    "an unknown field": (
        lambda shop: shop.edit("compose.yaml", INIT, f"{INIT}    evironment: {{A: b}}\n"),
        "compose.yaml:5: services.web.evironment: unknown field `evironment`\n      → did you mean `environment`?\n",
    ),
    "an unknown key": (
        lambda shop: shop.edit("fairway.yaml", "ready:", "redy:"),
        "fairway.yaml:9: services.web.redy: no such key\n      → did you mean `ready`?\n",
    ),
    "a variable that is required": (
        lambda shop: shop.edit("compose.yaml", "${VERSION:-v1}", "${WHICH:?say which one}"),
        "compose.yaml:6: services.web.environment.VERSION: the required variable WHICH is not set: say which one\n",
    ),
    "a circle": (
        lambda shop: shop.edit(
            "compose.yaml",
            INIT,
            f"{INIT}    depends_on: [a]\n  a: {{image: x, depends_on: [b]}}\n  b: {{image: x, depends_on: [web]}}\n  c:\n    build: web\n",
        ),
        "compose.yaml:5: services.web.depends_on.a: a circle: web → a → b → web\n",
    ),
    "no env_file": (
        lambda shop: shop.edit("compose.yaml", INIT, f"{INIT}    env_file: missing.env\n"),
        "compose.yaml:5: services.web.env_file.0: there is no file ",
    ),
    "no overlay": (
        lambda shop: shop.edit("fairway.yaml", "    hosts:", "    compose: [over.yaml]\n    hosts:"),
        "fairway.yaml:4: environments.production.compose: there is no file over.yaml\n",
    ),
    "no file of variables": (
        lambda shop: shop.edit("fairway.yaml", "    hosts:", "    env_file: production.env\n    hosts:"),
        "fairway.yaml:4: environments.production.env_file: there is no file production.env\n",
    ),
    "no build context": (
        lambda shop: shop.edit("compose.yaml", "build: web", "build: nowhere"),
        "compose.yaml:3: services.web.build: web cannot be built: its build context is no directory ",
    ),
    "no config": (
        lambda shop: shop.edit("compose.yaml", COMPOSE, f"{COMPOSE}    configs: [c]\nconfigs: {{c: {{file: ./none.conf}}}}\n"),
        "compose.yaml:14: configs.c.file: there is no file ",
    ),
    "what the engine cannot honour": (
        lambda shop: shop.edit("compose.yaml", COMPOSE, f"{COMPOSE}    configs: [c]\nconfigs: {{c: {{external: true}}}}\n"),
        "compose.yaml:14: configs.c.external: not possible on one Docker host: Docker without Swarm keeps no configs\n"
        "      → use `file` or `content`\n",
    ),
    "a secret that is nowhere": (
        lambda shop: shop.edit("compose.yaml", COMPOSE, f"{COMPOSE}    secrets: [s]\nsecrets: {{s: {{external: true}}}}\n"),
        "compose.yaml:14: secrets.s.external: there is no secret s in secrets/production.age\n"
        "      → `fairway secrets set s`\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mistake(running: Shop, case: str) -> None:
    spoil, said = CASES[case]
    spoil(running)
    running.commit()
    done = running.fairway("ship")
    done.expect(2, f"\n  {said}")
    assert done.err.startswith("error: ")
    assert "Building" not in done.text


def test_no_compose_file(running: Shop) -> None:
    running.compose.unlink()
    running.fairway("ship").expect(2, "error: there is no compose.yaml beside fairway.yaml\n  → write one")


def test_several_mistakes_in_several_files_are_told_at_once(running: Shop) -> None:
    running.edit(
        "compose.yaml", INIT, f"{INIT}    evironment: {{A: b}}\n    depends_on: [nobody]\n    env_file: no.env\n"
    )
    running.edit("compose.yaml", "${VERSION:-v1}", "${WHICH:?}")
    running.edit("fairway.yaml", "    hosts:", "    compose: [over.yaml, none.yaml]\n    hosts:")
    running.write("over.yaml", "services:\n  web:\n    ports: [99999]\n    memory: 3\n")
    running.commit()
    done = running.fairway("ship")
    done.expect(
        2,
        "error: 7 problems in the files of this project\n",
        "\n  compose.yaml:5: services.web.evironment: unknown field",
        "\n  compose.yaml:6: services.web.depends_on.nobody: there is no service `nobody`\n",
        "\n  compose.yaml:7: services.web.env_file.0: there is no file ",
        "\n  compose.yaml:9: services.web.environment.VERSION: the required variable WHICH is not set",
        "\n  over.yaml:3: services.web.ports.0",
        "\n  over.yaml:4: services.web.memory: unknown field",
        "\n  fairway.yaml:4: environments.production.compose: there is no file none.yaml\n",
    )
    checked = running.fairway("check")
    checked.expect(2, "error: production: over.yaml:4: services.web.memory", "production: 7 to mend")


def test_every_missing_secret_is_told_at_once(running: Shop) -> None:
    running.edit(
        "compose.yaml",
        COMPOSE,
        f"{COMPOSE}    secrets: [a, b, c]\n"
        "secrets:\n  a: {file: ./none}\n  b: {environment: NOT_SET_ANYWHERE}\n  c: {file: ./web}\n",
    )
    running.commit()
    running.fairway("ship").expect(
        2,
        "error: 3 problems in the files of this project\n",
        "\n  compose.yaml:15: secrets.a.file: there is no file ",
        "\n  compose.yaml:16: secrets.b.environment: the variable NOT_SET_ANYWHERE is not set\n"
        "      → export NOT_SET_ANYWHERE=…\n",
        "\n  compose.yaml:17: secrets.c.file: ",
        "cannot be read: Is a directory\n",
    )


def test_a_dockerfile_with_a_mistake(running: Shop) -> None:
    running.edit("web/Dockerfile", "CMD", "RUN echo at work; exit 3\nCMD")
    running.commit()
    running.fairway("ship").expect(
        1,
        "error: web/Dockerfile:3: web could not be built: it failed at RUN echo at work; exit 3\n  why: at work\n",
        "exit code: 3",
    )
    running.edit("web/Dockerfile", "RUN echo at work; exit 3", "COPI serve /x")
    running.commit()
    running.fairway("ship").expect(
        1,
        "error: web/Dockerfile:3: web could not be built",
        "unknown instruction: COPI",
        "The Dockerfile has a mistake",
    )
    running.edit("web/Dockerfile", "COPI serve /x", "COPY absent /x")
    running.commit()
    running.fairway("ship").expect(1, "error: web/Dockerfile:3: web could not be built", "not in .dockerignore?")
