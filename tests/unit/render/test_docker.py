"""What a service becomes on Docker."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.app import App, Attachment, Device, Healthcheck, Logging, Network, Port, Service, Ulimit
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources, RestartPolicy
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.files import FileMount, Mount, Volume
from fairway.model.policy import Route, ServicePolicy
from fairway.model.release import Release, Revision
from fairway.render import names
from fairway.render.docker import Place, Rendered, container, peers
from fairway.render.docker_files import file_set
from fairway.render.docker_mounts import FilesVolume
from fairway.render.docker_networks import aliases, network, reached
from fairway.render.docker_once import once

ENVIRONMENT = Environment("shop", "prod")
IMAGE = ImageRef(reference="reg/web:1", id="sha256:aa", digest="sha256:bb")


def release(*services: Service, **app: Any) -> Release:
    release_fields = {key: app.pop(key) for key in ("configs", "secrets") if key in app}
    return Release(
        number=7,
        environment=ENVIRONMENT,
        app=App(name="shop", services={service.name: service for service in services}, **app),
        images={service.name: IMAGE for service in services},
        revisions={service.name: Revision(service.name, 7, "d1") for service in services},
        **release_fields,
    )


def rendered(service: Service, place: Place | None = None, **app: Any) -> Rendered:
    whole = release(service, **app)
    return container(whole, whole.revisions[service.name], place or Place(index=1))


def host(service: Service, place: Place | None = None, **app: Any) -> dict[str, Any]:
    return dict(rendered(service, place, **app).body["HostConfig"])


def test_a_plain_service_says_next_to_nothing() -> None:
    made = rendered(Service(name="web"))
    assert made.name == "shop-prod-web-r7-1"
    assert made.body["Image"] == "reg/web@sha256:bb"
    assert made.body["HostConfig"] == {
        "Privileged": False,
        "ReadonlyRootfs": False,
        "NetworkMode": "shop-prod_default",
        "RestartPolicy": {"Name": "no"},
    }
    assert made.body["Labels"] == {
        "fairway.app": "shop",
        "fairway.environment": "prod",
        "fairway.kind": "replica",
        "fairway.service": "web",
        "fairway.release": "7",
        "fairway.revision": "d1",
        "fairway.index": "1",
        "fairway.network": "shop-prod_default",
    }
    assert names.revision(made.body["Labels"]) == Revision("web", 7, "d1")


def test_the_image_is_pinned_by_id_where_no_registry_has_it() -> None:
    local = ImageRef(reference="web:1", id="sha256:aa")
    whole = release(Service(name="web"))
    images = {"web": local}
    from msgspec.structs import replace

    made = container(replace(whole, images=images), whole.revisions["web"], Place(index=1))
    assert made.body["Image"] == "sha256:aa"


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (None, {"Name": "no"}),
        (RestartPolicy(), {"Name": "no"}),
        (RestartPolicy(condition="any"), {"Name": "always"}),
        (RestartPolicy(condition="any", stays_stopped=True), {"Name": "unless-stopped"}),
        (RestartPolicy(condition="on-failure", max_attempts=3), {"Name": "on-failure", "MaximumRetryCount": 3}),
    ],
)
def test_restart_policies(policy: RestartPolicy | None, said: dict[str, Any]) -> None:
    assert host(Service(name="web", restart=policy))["RestartPolicy"] == said
    assert host(Service(name="web", deploy=Deploy(restart_policy=policy)))["RestartPolicy"] == said


def test_deploys_restart_policy_comes_first() -> None:
    both = Service(
        name="web",
        restart=RestartPolicy(condition="any"),
        deploy=Deploy(restart_policy=RestartPolicy(condition="none")),
    )
    assert host(both)["RestartPolicy"] == {"Name": "no"}


def test_units_are_dockers() -> None:
    service = Service(
        name="web",
        stop_grace_period=1.5,
        healthcheck=Healthcheck(test=("CMD", "true"), interval=0.5, timeout=2, retries=3, start_period=60),
        deploy=Deploy(limits=Resources(cpus=0.5, memory=1 << 20, pids=9), reservations=Resources(cpus=0.25, memory=99)),
    )
    body = rendered(service).body
    assert body["StopTimeout"] == 2
    assert body["Healthcheck"] == {
        "Test": ["CMD", "true"],
        "Interval": 500_000_000,
        "Timeout": 2_000_000_000,
        "Retries": 3,
        "StartPeriod": 60_000_000_000,
    }
    limits = body["HostConfig"]
    assert (limits["NanoCpus"], limits["Memory"], limits["PidsLimit"]) == (500_000_000, 1 << 20, 9)
    assert (limits["CpuShares"], limits["MemoryReservation"]) == (256, 99)


def test_empty_is_not_unset() -> None:
    body = rendered(Service(name="web", entrypoint=(), init=False, mem_swappiness=0)).body
    assert body["Entrypoint"] == []
    assert body["HostConfig"]["Init"] is False
    assert body["HostConfig"]["MemorySwappiness"] == 0
    assert rendered(Service(name="web", healthcheck=Healthcheck(disable=True))).body["Healthcheck"] == {
        "Test": ["NONE"]
    }


def test_ports() -> None:
    service = Service(
        name="web",
        ports=(
            Port(target=80, published=8080, host_ip="127.0.0.1"),
            Port(target=80),
            Port(target=53, protocol="udp", published=1000, published_to=1009),
        ),
        expose=("3000-3001", "9/udp"),
    )
    body = rendered(service).body
    assert body["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": ""}],
        "53/udp": [{"HostIp": "", "HostPort": "1000-1009"}],
    }
    assert set(body["ExposedPorts"]) == {"80/tcp", "53/udp", "3000/tcp", "3001/tcp", "9/udp"}


def test_networks_by_priority_and_the_first_of_the_applications_own_is_the_gateways() -> None:
    service = Service(
        name="web",
        networks={"a": Attachment(), "ext": Attachment(priority=9), "b": Attachment(priority=5, aliases=("www",))},
    )
    networks = {"ext": Network(key="ext", name="shared", external=True)}
    made = rendered(service, Place(index=2, addresses={"b": "10.0.0.9", "a": "10.1.0.9"}), networks=networks)
    assert made.body["HostConfig"]["NetworkMode"] == "shared"
    assert made.body["NetworkingConfig"]["EndpointsConfig"] == {"shared": {"Aliases": ["web"]}}
    assert made.more_networks == (
        ("shop-prod_b", {"Aliases": ["web", "www"], "IPAMConfig": {"IPv4Address": "10.0.0.9"}}),
        ("shop-prod_a", {"Aliases": ["web"], "IPAMConfig": {"IPv4Address": "10.1.0.9"}}),
    )
    assert made.body["Labels"][names.NETWORK] == "shop-prod_b"


def test_links_and_switched_off_names() -> None:
    db = Service(name="db", networks={"n": Attachment(use_service_name_alias=False)})
    web = Service(name="web", networks={"n": Attachment()}, links=("db:database", "db"))
    app = release(db, web).app
    assert aliases(app, db, "n") == ["database"]
    assert reached(ENVIRONMENT, app, Service(name="x", network_mode="host")) == "host"
    assert reached(ENVIRONMENT, app, Service(name="x", network_mode="none")) == ""


def test_shared_namespaces_name_containers() -> None:
    service = Service(
        name="web", network_mode="service:db", ipc="service:db", pid="host", volumes_from=("cache:ro", "container:old")
    )
    assert peers(service) == ("db", "cache")
    made = host(service, Place(index=1, peers={"db": "c1", "cache": "c2"}))
    assert (made["NetworkMode"], made["IpcMode"], made["PidMode"]) == ("container:c1", "container:c1", "host")
    assert made["VolumesFrom"] == ["c2:ro", "old"]


def test_mounts() -> None:
    service = Service(
        name="web",
        volumes=(
            Mount(type="volume", source="data", target="/data", nocopy=True),
            Mount(type="volume", source="ext", target="/ext", read_only=True),
            Mount(type="volume", target="/anonymous", labels={"a": "b"}),
            Mount(type="bind", source="/host", target="/h", read_only=True, propagation="rshared", selinux="z"),
            Mount(type="bind", source="/must", target="/m", create_host_path=False),
            Mount(type="tmpfs", target="/tmp", size=64, mode=0o1777),
            Mount(type="tmpfs", target="/run", size=64, mode=0o755, options=("uid=1000", "exec")),
        ),
    )
    volumes = {"data": Volume(key="data"), "ext": Volume(key="ext", name="theirs", external=True)}
    made = host(service, volumes=volumes)
    assert made["Binds"] == ["/host:/h:ro,rshared,z"]
    assert made["Tmpfs"] == {"/run": "uid=1000,exec,size=64,mode=755"}
    assert [(mount["Type"], mount.get("Source"), mount["Target"], mount["ReadOnly"]) for mount in made["Mounts"]] == [
        ("volume", "shop-prod_data", "/data", False),
        ("volume", "theirs", "/ext", True),
        ("volume", None, "/anonymous", False),
        ("bind", "/must", "/m", False),
        ("tmpfs", None, "/tmp", False),
    ]
    assert made["Mounts"][4]["TmpfsOptions"] == {"SizeBytes": 64, "Mode": 0o1777}


def test_devices_and_limits_of_them() -> None:
    service = Service(
        name="web",
        devices=(
            Device(source="/dev/kvm", target="/dev/kvm"),
            Device(source="nvidia.com/gpu=0", target="nvidia.com/gpu=0"),
        ),
        gpus=({"count": -1}, {"device_ids": ["GPU-1"], "driver": "nvidia", "capabilities": ["gpu", "utility"]}),
        blkio_config={
            "weight": 300,
            "device_read_bps": [{"path": "/dev/sda", "rate": "12mb"}],
            "device_write_iops": [{"path": "/dev/sda", "rate": 9}],
        },
        ulimits=(Ulimit(name="nofile", soft=1, hard=2),),
        security_opt=("systempaths=unconfined", "label:disable"),
        logging=Logging(options={"max-size": "1m"}),
    )
    made = host(service)
    assert [device["PathOnHost"] for device in made["Devices"]] == ["/dev/kvm"]
    assert [(wanted["Driver"], wanted.get("Count")) for wanted in made["DeviceRequests"]] == [
        ("", -1),
        ("nvidia", 0),
        ("cdi", None),
    ]
    assert made["BlkioDeviceReadBps"] == [{"Path": "/dev/sda", "Rate": 12 << 20}]
    assert made["BlkioDeviceWriteIOps"] == [{"Path": "/dev/sda", "Rate": 9}]
    assert (made["MaskedPaths"], made["ReadonlyPaths"], made["SecurityOpt"]) == ([], [], ["label:disable"])
    assert made["LogConfig"] == {"Type": "", "Config": {"max-size": "1m"}}


SECRET = FileMount(source="key", target="/run/secrets/key", uid="5", mode=0o400)


def test_files_are_mounted_and_their_volume_with_them() -> None:
    service = Service(name="web", configs=(FileMount(source="conf", target="/c"),), secrets=(SECRET,))
    whole = release(service, configs={"conf": base64.b64encode(b"c").decode()}, secrets={"key": "v1"})
    contents = file_set(whole, service, {"key": b"hidden"})
    assert contents
    assert [(f.name, f.target, f.uid, f.mode, f.content) for f in contents.files] == [
        ("0", "/c", 0, 0o444, b"c"),
        ("1", "/run/secrets/key", 5, 0o400, b"hidden"),
    ]
    assert "hidden" not in repr(contents)
    made = container(whole, whole.revisions["web"], Place(index=1, files=FilesVolume("vol", "/path", contents)))
    assert made.body["Labels"][names.FILES] == "vol"
    assert [(mount["Source"], mount["Target"]) for mount in made.body["HostConfig"]["Mounts"]] == [
        ("vol", "/run/.fairway"),
        ("/path/0", "/c"),
        ("/path/1", "/run/secrets/key"),
    ]
    assert "hidden" not in str(made.body)


@given(st.binary(), st.binary())
def test_the_digest_of_files_knows_versions_and_not_values(one: bytes, other: bytes) -> None:
    service = Service(name="web", secrets=(SECRET,))
    first, second = release(service, secrets={"key": "v1"}), release(service, secrets={"key": "v2"})

    def digest(whole: Release, value: bytes) -> str:
        contents = file_set(whole, service, {"key": value})
        assert contents
        return contents.digest

    assert digest(first, one) == digest(first, other) != digest(second, one)


def test_a_secret_that_the_release_does_not_know() -> None:
    with pytest.raises(EngineError, match="no secret 'key'"):
        file_set(release(Service(name="web")), Service(name="web", secrets=(SECRET,)), {})


def test_where_a_holder_bears_the_names_replicas_bear_none() -> None:
    whole = release(Service(name="web", networks={"n": Attachment(ipv4_address="10.0.0.2", aliases=("www",))}))
    route = Route(hosts=(), port=80, names=(80,))
    for names_, aliases_ in ((route.names, None), ((), ["web", "www"])):
        policies = {"web": ServicePolicy(route=replace(route, names=names_))}
        made = container(replace(whole, policies=policies), whole.revisions["web"], Place(index=1))
        assert made.body["NetworkingConfig"]["EndpointsConfig"]["shop-prod_n"].get("Aliases") == aliases_


def test_a_one_off_container_is_in_nobodys_way() -> None:
    service = Service(
        name="web",
        container_name="mine",
        mac_address="02:42:ac:11:00:02",
        environment={"A": "1", "B": "2"},
        ports=(Port(target=80, published=80),),
        networks={"n": Attachment(ipv4_address="10.0.0.2", aliases=("www",))},
        restart=RestartPolicy(condition="any"),
        healthcheck=Healthcheck(test=("CMD", "true")),
    )
    whole = release(service)
    made = once(
        whole, whole.revisions["web"], Place(index=0), name="x", command=("sh",), environment={"B": "3"}, tty=True
    )
    assert made.name == "x"
    assert made.body["Cmd"] == ["sh"]
    assert made.body["Env"] == ["A=1", "B=3"]
    assert made.body["Labels"][names.KIND] == "once"
    assert made.body["NetworkingConfig"] == {"EndpointsConfig": {"shop-prod_n": {}}}
    assert made.body["HostConfig"]["AutoRemove"] is True
    assert not {"PortBindings", "RestartPolicy"} & set(made.body["HostConfig"])
    assert "MacAddress" not in made.body


def test_a_network_with_the_users_own_addresses() -> None:
    ipam = ({"subnet": "10.9.0.0/24", "aux_addresses": {"a": "10.9.0.9"}},)
    body = network(ENVIRONMENT, Network(key="n", name="mine", ipam=ipam, labels={"a": "b"}), [{"subnet": "x"}])
    assert body["Name"] == "mine"
    assert body["IPAM"]["Config"] == [{"Subnet": "10.9.0.0/24", "AuxiliaryAddresses": {"a": "10.9.0.9"}}]
    assert body["Labels"]["a"] == "b"
    assert body["Labels"]["fairway.kind"] == "network"
