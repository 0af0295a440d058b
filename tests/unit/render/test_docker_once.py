"""A job's container: as a replica's, but in nobody's way, and to be found again."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.model.app import App, Attachment, Healthcheck, Network, Port, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import RestartPolicy
from fairway.model.environment import Environment
from fairway.model.policy import Job
from fairway.model.release import Release, Revision
from fairway.render import names
from fairway.render.docker import Place, Rendered
from fairway.render.docker_once import definition, job

SERVICE = Service(
    name="web",
    container_name="mine",
    command=("serve",),
    entrypoint=("/start",),
    environment={"A": "1", "B": "2"},
    labels={"mine": "yes", "fairway.kind": "forged"},
    ports=(Port(target=80, published=80),),
    networks={"n": Attachment(ipv4_address="10.0.0.2", aliases=("www",))},
    restart=RestartPolicy(condition="any"),
    healthcheck=Healthcheck(test=("CMD", "true")),
    tty=True,
    stdin_open=True,
)
MIGRATE = Job(command=("migrate", "--all"))
REVISION = Revision("web", 3, "d1")


def made(service: Service = SERVICE) -> Rendered:
    release = Release(
        number=4,
        environment=Environment("shop", "prod"),
        app=App(name="shop", services={"web": service}, networks={"n": Network(key="n")}),
        images={"web": ImageRef(reference="web:1", id="sha256:1")},
        revisions={"web": REVISION},
    )
    return job(release, REVISION, Place(index=0), name="before-web", job=MIGRATE, environment={"B": "3"})


def test_a_job_is_in_nobodys_way() -> None:
    body = made().body
    assert (body["Entrypoint"], body["Cmd"], body["Env"]) == (["/start"], ["migrate", "--all"], ["A=1", "B=3"])
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"shop-prod_n": {}}}
    assert body["Healthcheck"] == {"Test": ["NONE"]}
    assert (body["Tty"], body["OpenStdin"]) == (False, False)
    assert not {"PortBindings", "RestartPolicy", "AutoRemove"} & set(body["HostConfig"])


def test_a_job_is_known_by_its_release_and_its_name() -> None:
    rendered = made()
    assert rendered.name == "shop-prod-before-web-r4"
    labels = rendered.body["Labels"]
    assert names.of_jobs(Environment("shop", "prod"), 4).items() <= labels.items()
    assert (labels[names.JOB], labels["mine"], labels[names.KIND]) == ("before-web", "yes", "job")
    assert not {names.INDEX, names.NETWORK} & set(labels)


@pytest.mark.parametrize(
    ("revision", "told", "environment"),
    [
        (replace(REVISION, digest="d2"), MIGRATE, {}),
        (replace(REVISION, service="db"), MIGRATE, {}),
        (REVISION, Job(command=("migrate",)), {}),
        (REVISION, Job(command=("migrate --all",)), {}),
        (REVISION, MIGRATE, {"A": "1"}),
    ],
)
def test_a_job_that_does_something_else_is_another_one(
    revision: Revision, told: Job, environment: dict[str, str]
) -> None:
    assert definition(revision, told, environment) != definition(REVISION, MIGRATE, {})


def test_a_job_that_may_take_longer_is_the_same() -> None:
    patient = replace(MIGRATE, timeout=9000.0)
    one = definition(REVISION, MIGRATE, {"A": "1", "B": "2"})
    assert definition(REVISION, patient, {"B": "2", "A": "1"}) == one
