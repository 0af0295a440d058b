from __future__ import annotations

import pytest

from fairway.builders.explain import build_failed, push_failed
from fairway.builders.progress import Progress
from fairway.builders.workplace import Recipe
from fairway.model.app import Location
from fairway.model.errors import BuildFailed, EngineUnreachable, RegistryError

BUILDKIT = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:8c6d8f3047b76bb79a46bee28933e178e9ad19400a347d58dbda83a614c93f54
#1 transferring dockerfile: 207B done
#1 DONE 0.0s

#4 [base 1/2] FROM docker.io/library/debian:bookworm-slim
#4 CACHED

#5 [stage-1 1/1] RUN echo foo; exit 3
#5 0.287 bar
#5 0.290 foo
#5 ERROR: executor failed running [/bin/sh -c echo foo; exit 3]: exit code: 3
------
 > [stage-1 1/1] RUN echo foo; exit 3:
------
executor failed running [/bin/sh -c echo foo; exit 3]: exit code: 3
"""

LEGACY = """\
Sending build context to Docker daemon  3.631kB
Step 1/2 : FROM debian:bookworm-slim
 ---> 77c93f55e302
Step 2/2 : RUN echo foo; exit 3
 ---> Running in e70a50a1be27
foo
The command '/bin/sh -c echo foo; exit 3' returned a non-zero code: 3
"""

DOCKERFILE = "FROM debian:bookworm-slim\n\nRUN echo foo; \\\n  exit 3\n"


def read(text: str) -> tuple[Progress, list[str]]:
    progress = Progress()
    return progress, [shown for line in text.splitlines() if (shown := progress.feed(line))]


def failed(text: str) -> object:
    recipe = Recipe("/app/Dockerfile", DOCKERFILE, None)
    return build_failed("web", read(text)[0], recipe, address="unix:///x", code=1)


def test_a_person_sees_steps_and_what_they_print() -> None:
    _, shown = read(BUILDKIT)
    assert shown[:4] == [
        "[base 1/2] FROM docker.io/library/debian:bookworm-slim",
        "[base 1/2] FROM docker.io/library/debian:bookworm-slim (cached)",
        "[stage-1 1/1] RUN echo foo; exit 3",
        "bar",
    ]


def test_a_failed_step_is_named_with_its_line_and_its_last_words() -> None:
    for text in (BUILDKIT, LEGACY):
        error = failed(text)
        assert isinstance(error, BuildFailed)
        assert error.where == Location("/app/Dockerfile", 3)
        assert "foo" in error.why
        assert "RUN echo foo; exit 3" in error.what


def test_a_full_disk_is_said_to_be_one() -> None:
    error = failed("write /var/lib/docker/tmp/x: no space left on device\n")
    assert isinstance(error, BuildFailed)
    assert "disk is full" in error.what


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "No engine answers"),
        ("failed to dial gRPC: cannot connect to the Docker daemon. dial unix /x: no such file", "No engine answers"),
        ("error during connect: Get http://x/v1.41/version: dial tcp: i/o timeout", "No engine answers"),
        ("Got permission denied while trying to connect to the Docker daemon socket at unix:///x", "may not talk"),
        ("failed to dial gRPC: dial unix /x: connect: permission denied", "may not talk"),
    ],
)
def test_an_engine_that_does_not_answer_is_no_failed_build(said: str, what: str) -> None:
    error = failed(said)
    assert isinstance(error, EngineUnreachable)
    assert what in error.what


def test_a_step_that_cannot_connect_somewhere_is_a_failed_build() -> None:
    assert isinstance(failed(BUILDKIT.replace("0.290 foo", "0.290 connect: permission denied")), BuildFailed)


def test_each_way_a_push_fails_has_its_own_words() -> None:
    for said, what in {
        "no basic auth credentials": "refuses the password",
        "unauthorized: authentication required": "refuses the password",
        "denied: requested access to the resource is denied": "does not let this user push",
        'Get "https://r:5000/v2/": dial tcp 10.0.0.1:5000: connect: connection refused': "does not answer",
        'Get "https://r:5000/v2/": x509: certificate signed by unknown authority': "certificate",
        "http: server gave HTTP response to HTTPS client": "plain HTTP",
        "name unknown: repository not known": "does not know",
    }.items():
        error = push_failed("r:5000/team/web:1", said, "unix:///x")
        assert isinstance(error, RegistryError)
        assert what in error.what
        assert error.hint
        assert "r:5000" in error.what
