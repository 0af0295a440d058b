"""From a commit to a registry, on real parts: Git, an engine, a registry."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.builders.docker import DockerBuilder
from fairway.builders.git import GitSource
from fairway.builders.store import FileBuilds
from fairway.engines.docker.testbed import DockerTestBeds
from fairway.model.app import App, BuildSpec, Dependency, Healthcheck, Service
from fairway.model.build import Build
from fairway.model.errors import Refused, TestFailed
from fairway.model.events import Event, Output
from fairway.model.files import FileMount, FileObject
from fairway.model.stage import HttpCheck, Stage
from fairway.net.client import Docker
from fairway.net.docker import connect
from fairway.pipeline.build import build
from fairway.pipeline.push import push
from fairway.pipeline.test import run_tests
from fairway.registry.credentials import DockerConfig
from fairway.registry.http import HttpRegistry
from tests.lab.host import Host
from tests.lab.registry import Registry
from tests.real.pipeline.conftest import SERVE

pytestmark = pytest.mark.anyio
SECRET = b"planted-sesame-4711"
UNIT = Stage(
    name="unit",
    service="web",
    command=("sh", "-c", "echo mode $MODE; cat /run/secrets/key; echo; echo 'Result: SUCCESS!'"),
    environment={"MODE": "UNIT"},
    passes_on="last-line",
)
SMOKE = Stage(name="smoke", up=True, http=HttpCheck(service="web", port=80, contains="I am"))
BASE = "FROM debian:bookworm-slim\nRUN echo shared > /shared\n"
WEB = """\
FROM base
COPY serve.pl /serve.pl
RUN --mount=type=secret,id=key test "$(cat /run/secrets/key)" = planted-sesame-4711 && cat /run/secrets/key
CMD ["perl", "/serve.pl"]
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    made = tmp_path / "shop"
    for name, recipe in (("base", BASE), ("web", WEB)):
        (made / name).mkdir(parents=True)
        (made / name / "Dockerfile").write_text(recipe)
    (made / "web" / "serve.pl").write_text(SERVE)
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "first"]):
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        subprocess.run(["git", "-C", made, *who, *arguments], check=True)
    return made


def shop(checkout: Path) -> App:
    mount = FileMount(source="key", target="/run/secrets/key")
    web = Service(
        name="web",
        build=BuildSpec(context=str(checkout / "web"), additional_contexts={"base": "service:base"}, secrets=(mount,)),
        secrets=(mount,),
        depends_on={"db": Dependency(service="db", condition="service_healthy")},
    )
    db = Service(
        name="db",
        image="debian:bookworm-slim",
        command=("sleep", "99"),
        healthcheck=Healthcheck(test=("CMD", "true"), interval=0.3),
    )
    base = Service(name="base", build=BuildSpec(context=str(checkout / "base")), command=("sleep", "99"))
    services = {service.name: service for service in (web, db, base)}
    return App(name="story", services=services, secrets={"key": FileObject(name="key", environment="KEY")})


@pytest.fixture
async def docker(docker_host: Host) -> AsyncIterator[Docker]:
    async with connect(docker_host.url) as client:
        yield client
    for name in docker_host.docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split():
        if "story-" in name:
            docker_host.docker("image", "rm", name)


def everything_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_commit_becomes_images_that_are_tested_and_then_pushed(
    checkout: Path,
    builder: DockerBuilder,
    docker: Docker,
    docker_host: Host,
    helper: str,
    registry: Registry,
    environ: dict[str, str],
) -> None:
    app, builds, events = shop(checkout), FileBuilds(checkout), []  # type: ignore[var-annotated]
    emit = events.append
    commit = await GitSource(checkout).commit()
    prefix = f"{registry.address}/team"

    async def built() -> Build:
        return await build(app, commit, builder, builds, emit=emit, registry=prefix, secrets={"key": SECRET})

    made = await built()
    assert made.images["web"].reference == f"{prefix}/story-web:{commit.short}"
    with pytest.raises(Refused):
        await push(made, builder, builds, required=("unit", "smoke"), registry=prefix, emit=emit)

    beds = DockerTestBeds(docker, image=helper)
    tested = await run_tests(app, made, (UNIT, SMOKE), beds, builds, secrets={"key": SECRET}, emit=emit)
    assert tested.passed(("unit", "smoke"))
    assert "mode UNIT" in builds.log(commit.tag, "unit").read_text()

    pushed = await push(tested, builder, builds, required=("unit", "smoke"), registry=prefix, emit=emit)
    asked = HttpRegistry(config=DockerConfig(environ), insecure=[registry.address])
    assert await asked.tags(f"{prefix}/story-web") == (commit.short, "newest")
    assert await asked.digest(f"{prefix}/story-web:newest") == pushed.images["web"].digest
    assert await built() == pushed

    labels = json.loads(docker_host.docker("image", "inspect", made.images["web"].id).stdout)[0]["Config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == commit.sha
    shown = "\n".join(event.line for event in events if isinstance(event, Output))
    assert "••••" in shown
    assert SECRET.decode() not in shown
    assert SECRET not in everything_below(checkout / ".fairway")
    assert not (await GitSource(checkout).commit()).dirty


async def test_a_failing_stage_leaves_its_evidence_and_nothing_is_pushed(
    checkout: Path, builder: DockerBuilder, docker: Docker, helper: str
) -> None:
    app, builds = shop(checkout), FileBuilds(checkout)
    commit = await GitSource(checkout).commit()
    made = await build(app, commit, builder, builds, emit=ignore, secrets={"key": SECRET})
    broken = replace(UNIT, command=("sh", "-c", "echo AssertionError; exit 1"), passes_on="exit")
    beds = DockerTestBeds(docker, image=helper)
    with pytest.raises(TestFailed, match="unit did not pass: exit status 1") as caught:
        await run_tests(app, made, (broken,), beds, builds, secrets={"key": SECRET}, emit=ignore)
    assert "AssertionError" in caught.value.why
    kept = FileBuilds(checkout).load(commit.tag)
    assert kept and not kept.passed(("unit",))
    with pytest.raises(Refused):
        await push(kept, builder, builds, required=("unit",), registry=None, emit=ignore)


def ignore(event: Event) -> None:
    pass


def test_records_are_private_and_a_damaged_one_is_none(tmp_path: Path) -> None:
    builds = FileBuilds(tmp_path)
    log = builds.log("abc", "unit/../x")
    assert log.parent == tmp_path / ".fairway" / "logs" / "abc"
    assert log.stat().st_mode & 0o777 == 0o600
    record = tmp_path / ".fairway" / "builds" / "abc.json"
    record.parent.mkdir()
    record.write_text('{"commit":')
    assert builds.load("abc") is None
    assert builds.load("none") is None
    assert builds.all() == ()
