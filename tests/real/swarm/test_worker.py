"""A node that is no manager, and that nobody reaches but through the managers, has the only gateway."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator

import pytest

from fairway.net.docker import connect
from fairway.net.hostimage import ensure_host_image
from tests.lab import Host, Lab, Registry, Swarm
from tests.load.load import Load
from tests.real.deploy.site import COMPOSE, HTTP_PORT, SETTINGS, Site, make_site
from tests.real.engines import thorough

pytestmark = [thorough, pytest.mark.timeout(600)]
BASE = "debian:bookworm-slim"
LOAD = {"keep_alive": 4, "one_shot": 4, "slow": 0, "websockets": 0, "streams": 0}


@pytest.fixture(scope="module")
def own(lab: Lab) -> Iterator[Swarm]:
    made = lab.swarm(1, workers=1)
    yield made
    for host in made.hosts:
        host.destroy()


@pytest.fixture(scope="module")
def worker(own: Swarm) -> Host:
    own.manager.docker("node", "update", "--label-add", "fairway.edge=true", own.hosts[1].name)
    return own.hosts[1]


@pytest.fixture(scope="module")
def image(own: Swarm, registry: Registry) -> str:
    """The gateway's, which the worker pulls."""
    return pushed(own.hosts[0], asyncio.run(gateway_image(own.hosts[0])), registry)


def pushed(host: Host, image: str, registry: Registry) -> str:
    name = f"{registry.address}/{image}"
    host.docker("tag", image, name)
    host.docker("push", "--quiet", name)
    return name


async def gateway_image(host: Host) -> str:
    async with connect(host.url) as docker:
        return await ensure_host_image(docker)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, own: Swarm, worker: Host, registry: Registry, image: str) -> Site:
    """`worker` runs on the worker alone, `web` where Swarm wants."""
    settings = SETTINGS.replace("gateway: {http: %(port)d}", f"gateway: {{http: %(port)d, image: '{image}'}}")
    settings = settings.replace("services:", f"registry: {registry.address}\nservices:", 1)
    there = f'placement: {{constraints: ["node.hostname=={worker.name}"]}}, resources:'
    compose = COMPOSE.replace("deploy: {resources: {limits: {memory: 32M", f"deploy: {{{there} {{limits: {{memory: 32M")
    compose = compose.replace(BASE, pushed(own.hosts[0], BASE, registry))
    directory = tmp_path_factory.mktemp("worker") / "site"
    made = make_site(directory, own.hosts[0], compose, settings, engine="swarm", hosts=own.hosts[:1])
    made.fairway("ship", "production", VERSION="v1", REPLICAS="3")
    return made


def users(site: Site, worker: Host) -> Load:
    return Load(f"http://{worker.address}:{HTTP_PORT}", host=f"{site.app}.test", **LOAD)


def test_a_table_is_confirmed_by_the_gateway_that_only_a_courier_reaches(site: Site, worker: Host) -> None:
    listening = site.host.docker("ps", "--format", "{{.Names}}").stdout
    assert "fairway-courier" in listening
    assert "fairway-gateway." not in listening
    with users(site, worker) as load:
        site.fairway("deploy", "production", VERSION="v2")
    assert load.report.failed == 0, load.report.summary()
    assert set(load.report.versions) == {"v1", "v2"}
    status = site.json("status", "production")
    assert (status["release"], status["converged"], status["problems"]) == (2, True, [])
    print(load.report.summary())


def test_a_table_that_it_does_not_confirm_is_none(site: Site, worker: Host) -> None:
    """It is stuck: whoever deploys is told which one, and the release before serves."""
    [gateway] = worker.docker(
        "ps", "-q", "--filter", "label=com.docker.swarm.service.name=fairway-gateway"
    ).stdout.split()
    worker.docker("pause", gateway)
    try:
        failed = site.fairway("deploy", "production", VERSION="v3", check=False)
    finally:
        worker.docker("unpause", gateway)
    assert failed.returncode in (1, 3, 4), failed.stdout + failed.stderr
    assert worker.name in failed.stderr
    site.fairway("deploy", "production", VERSION="v4")
    with users(site, worker) as load:
        time.sleep(2)
    assert (load.report.failed, set(load.report.versions)) == (0, {"v4"}), load.report.summary()


def test_ps_and_logs_reach_it_and_what_does_not_says_so(site: Site, worker: Host) -> None:
    replicas = site.json("ps", "production")
    (there,) = [one for one in replicas if one["revision"]["service"] == "worker"]
    assert there["host"] == worker.name
    assert "working" in site.fairway("logs", "production", "worker").stdout
    refused = site.fairway("exec", "production", there["name"], "--", "true", check=False)
    assert refused.returncode == 1
    assert f"fairway.yaml has no host for the node {worker.name}" in refused.stderr
    assert f"add {worker.name} to `hosts`" in refused.stderr
    (usage,) = [one for one in site.json("stats", "production") if one["replica"] == there["name"]]
    assert (usage["state"], usage["host"]) == ("unseen", worker.name)
    assert f"no host for the node {worker.name}" in site.fairway("stats", "production").stdout
    listed = json.loads(site.fairway("hosts", "production", "--json", check=False).stdout)["hosts"]
    assert {one["name"] for one in listed} == {host.name for host in (site.host, worker)}


def test_a_job_and_a_rollback_need_no_way_to_it(site: Site, worker: Host) -> None:
    done = site.fairway("run", "production", "worker", "--", "hostname")
    assert re.search(r"\S", done.stdout)
    with users(site, worker) as load:
        site.fairway("rollback", "production")
    assert load.report.failed == 0, load.report.summary()


def test_an_image_that_is_in_no_registry_is_refused_for_it(site: Site, worker: Host) -> None:
    path = site.directory / "fairway.yaml"
    text = path.read_text()
    try:
        path.write_text(re.sub(r"registry: .*\n", "", text))
        failed = site.fairway("ship", "production", "--dirty", VERSION="v9", check=False)
    finally:
        path.write_text(text)
    assert failed.returncode, failed.stdout
    assert f"cannot be brought to {worker.name}" in failed.stderr, failed.stderr
