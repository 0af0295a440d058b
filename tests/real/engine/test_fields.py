"""What a Compose file says of a service is so inside the container."""

from __future__ import annotations

import pytest

from fairway.engines.docker.engine import DockerEngine
from fairway.model.app import App, Attachment, Device, Healthcheck, Location, Logging, Network, Service, Ulimit
from fairway.model.deploy import Deploy, Resources, RestartPolicy
from fairway.model.errors import Unsupported
from fairway.model.files import Mount, Volume
from fairway.net.client import Docker
from tests.real.engine.conftest import SLEEP, World

pytestmark = pytest.mark.anyio

EVERYTHING = Service(
    name="web",
    entrypoint=SLEEP[:2],
    command=SLEEP[2:],
    environment={"GRÖSSE": "süß $x"},
    labels={"über": "ja"},
    expose=("3000-3001",),
    volumes=(
        Mount(type="volume", source="data", target="/data"),
        Mount(type="tmpfs", target="/cache", size=1 << 20, mode=0o700),
        Mount(type="tmpfs", target="/scratch", options=("uid=1000",), mode=0o750),
        Mount(type="bind", source="/etc/hostname", target="/etc/the-host", read_only=True, create_host_path=False),
        Mount(type="volume", target="/anonymous"),
    ),
    networks={"front": Attachment(ipv4_address="10.99.7.77"), "six": Attachment()},
    healthcheck=Healthcheck(test=("CMD", "true"), interval=1, timeout=1, retries=2, start_period=1),
    deploy=Deploy(
        limits=Resources(cpus=0.5, memory=64 << 20, pids=50), reservations=Resources(cpus=0.25, memory=32 << 20)
    ),
    restart=RestartPolicy(condition="on-failure", max_attempts=2),
    hostname="box",
    domainname="example.com",
    user="1000:1000",
    group_add=("44",),
    working_dir="/data",
    stdin_open=True,
    init=True,
    stop_signal="SIGINT",
    stop_grace_period=2,
    cap_add=("NET_ADMIN",),
    cap_drop=("ALL",),
    security_opt=("no-new-privileges:true", "seccomp=unconfined"),
    read_only=True,
    ipc="private",
    cgroup="private",
    ulimits=(Ulimit(name="nofile", soft=100, hard=200),),
    sysctls={"net.core.somaxconn": "77"},
    devices=(Device(source="/dev/zero", target="/dev/nought", permissions="r"),),
    device_cgroup_rules=("c 1:3 r",),
    dns=("192.0.2.53",),
    dns_search=("example.com",),
    dns_opt=("ndots:3",),
    extra_hosts=("db:192.0.2.9", "six:2001:db8::9"),
    logging=Logging(driver="json-file", options={"max-size": "1m"}),
    shm_size=32 << 20,
    memswap_limit=64 << 20,
    oom_score_adj=100,
    cpuset="0",
)

NETWORKS = {
    "front": Network(key="front", ipam=({"subnet": "10.99.0.0/16"},), internal=True, labels={"a": "b"}),
    "six": Network(key="six", enable_ipv6=True),
}


async def test_everything_at_once(world: World, engine: DockerEngine, docker: Docker) -> None:
    engine.refuse(App(name="a", services={"web": EVERYTHING}, networks=NETWORKS))
    release = world.release(EVERYTHING, networks=NETWORKS, volumes={"data": Volume(key="data", labels={"l": "v"})})
    await engine.ensure(release, release.revisions["web"], 1, {})
    (replica,) = (await engine.observe()).replicas

    def inside(script: str) -> list[str]:
        return world.host.docker("exec", replica.name, "sh", "-c", script).stdout.strip().splitlines()

    assert replica.address == "10.99.7.77"
    assert inside("id -u; id -G; pwd; hostname") == ["1000", "1000 44", "/data", "box"]
    assert inside("grep 'open files' /proc/1/limits")[0].split()[3:5] == ["100", "200"]
    assert inside("cat /proc/sys/net/core/somaxconn") == ["77"]
    assert inside("touch /x 2>/dev/null || echo no") == ["no"]
    assert inside("stat -c '%a' /cache; stat -c '%a %u' /scratch") == ["700", "750 1000"]
    assert "32768" in inside("df -k /dev/shm | tail -1")[0]
    assert inside("head -c 3 /dev/nought | wc -c; test -s /etc/the-host && echo there") == ["3", "there"]
    assert world.host.docker("exec", replica.name, "printenv", "GRÖSSE").stdout == "süß $x\n"
    assert {"192.0.2.9\tdb", "2001:db8::9\tsix"} <= set(inside("cat /etc/hosts"))
    assert "options ndots:3" in inside("cat /etc/resolv.conf")
    assert inside("cat /proc/1/comm") in (["docker-init"], ["tini"])
    assert inside("grep -E 'NoNewPrivs|CapBnd' /proc/self/status | cut -f2") == ["0000000000001000", "1"]
    shown = await docker.get(f"containers/{replica.id}/json")
    assert shown["Config"]["Labels"]["über"] == "ja"
    assert shown["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert (shown["HostConfig"]["NanoCpus"], shown["HostConfig"]["CpuShares"]) == (500_000_000, 256)
    assert (shown["Config"]["StopSignal"], shown["Config"]["StopTimeout"]) == ("SIGINT", 2)
    networks = shown["NetworkSettings"]["Networks"]
    assert networks[f"{world.environment.key}_six"]["GlobalIPv6Address"].startswith("fd")
    assert {"3000/tcp", "3001/tcp"} <= set(shown["Config"]["ExposedPorts"])
    await engine.retire(release.revisions["web"], 0)
    left = [mount["Name"] for mount in shown["Mounts"] if mount["Destination"] == "/anonymous"]
    assert left[0] not in world.host.docker("volume", "ls", "-q").stdout, "an anonymous volume goes with its container"


async def test_what_this_engine_cannot_is_refused_all_at_once(engine: DockerEngine) -> None:
    service = Service(
        name="web", annotations={"a": "b"}, external_links=("x",), deploy=Deploy(endpoint_mode="vip", replicas=2)
    )
    line = Location("compose.yaml", 4)
    app = App(name="shop", services={"web": service}, locations={("services", "web"): line})
    with pytest.raises(Unsupported) as caught:
        engine.refuse(app)
    paths = {problem.path[2] for problem in caught.value.problems}
    assert {"external_links", "deploy"} <= paths <= {"annotations", "external_links", "deploy"}
    assert all(problem.where == line and problem.hint for problem in caught.value.problems)
