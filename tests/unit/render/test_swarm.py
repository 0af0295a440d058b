from __future__ import annotations

import base64

import pytest

from fairway.model.app import App, Attachment, Healthcheck, Network, Port, Service, Ulimit
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Placement, Preference, Resources, RestartPolicy
from fairway.model.environment import Environment
from fairway.model.errors import EngineError
from fairway.model.files import FileMount, FileObject, Mount, Volume
from fairway.model.policy import Job, Ready, Route, ServicePolicy
from fairway.model.release import Release, Revision
from fairway.render import swarm, swarm_names
from fairway.render.swarm_files import files

SHOP = Environment("shop", "production")
IMAGE = ImageRef(reference="r.example/web:1", id="sha256:aa", digest="sha256:bb")
ROUTED = {"web": ServicePolicy(route=Route(hosts=("shop.example",), port=80))}


def release(service: Service, *, policies: dict[str, ServicePolicy] | None = None, **more: object) -> Release:
    app = App(
        name="shop",
        services={service.name: service},
        networks={"default": Network(key="default"), "back": Network(key="back", driver_opts={"encrypted": ""})},
        volumes={"data": Volume(key="data")},
        configs={"c": FileObject(name="c", content="")},
        secrets={"s": FileObject(name="s", file="s")},
    )
    return Release(
        number=3,
        environment=SHOP,
        app=app,
        images={service.name: IMAGE},
        revisions={service.name: Revision(service.name, 3, "d")},
        policies=policies or {},
        configs={"c": base64.b64encode(b"hello").decode()},
        secrets={"s": "v1"},
        **more,  # type: ignore[arg-type]
    )


def body(service: Service, **how: object) -> dict[str, object]:
    made = release(service, **how)  # type: ignore[arg-type]
    return swarm.service(made, made.revisions[service.name], 2, [])


def test_a_revision_is_one_service_that_bears_its_labels() -> None:
    made = body(Service(name="web", command=("serve",), deploy=Deploy(labels={"team": "a"})), policies=ROUTED)
    assert made["Name"] == "shop-production-web-r3"
    assert made["Mode"] == {"Replicated": {"Replicas": 2}}
    assert made["EndpointSpec"] == {"Mode": "dnsrr", "Ports": []}
    assert made["Labels"] == {
        "team": "a",
        "fairway.app": "shop",
        "fairway.environment": "production",
        "fairway.kind": "replica",
        "fairway.service": "web",
        "fairway.release": "3",
        "fairway.revision": "d",
        "fairway.network": "fairway",
    }
    task = made["TaskTemplate"]
    assert task["ContainerSpec"]["Image"] == "r.example/web@sha256:bb"  # type: ignore[index]
    assert task["ContainerSpec"]["Args"] == ["serve"]  # type: ignore[index]
    assert task["Networks"] == [  # type: ignore[index]
        {"Target": "shop-production_default", "Aliases": ["web"], "DriverOpts": {}},
        {"Target": "fairway"},
    ]


def test_what_has_no_route_stays_off_the_gateways_network() -> None:
    made = body(Service(name="web", networks={"back": Attachment(aliases=("db",))}))
    assert [one["Target"] for one in made["TaskTemplate"]["Networks"]] == ["shop-production_back"]  # type: ignore[index]
    assert made["Labels"]["fairway.network"] == "shop-production_back"  # type: ignore[index]
    asked = body(Service(name="web"), policies={"web": ServicePolicy(ready=Ready(http="/up"))})
    assert asked["Labels"]["fairway.network"] == "fairway"  # type: ignore[index]


def test_all_that_swarm_knows_is_carried_over() -> None:
    service = Service(
        name="web",
        entrypoint=("/init",),
        environment={"A": "1"},
        user="1000",
        init=True,
        read_only=True,
        stop_signal="SIGINT",
        stop_grace_period=2.5,
        healthcheck=Healthcheck(test=("CMD", "true"), interval=3.0),
        extra_hosts=("db:10.0.0.9",),
        dns=("10.0.0.2",),
        sysctls={"net.core.somaxconn": "1024"},
        cap_add=("NET_ADMIN",),
        cap_drop=("ALL",),
        security_opt=("no-new-privileges",),
        ulimits=(Ulimit(name="nofile", soft=1, hard=2),),
        ports=(Port(target=80, published=8080, mode="host"),),
        platform="linux/arm64/v8",
        volumes=(Mount(type="volume", source="data", target="/data"), Mount(type="tmpfs", target="/tmp", size=9)),
        deploy=Deploy(
            limits=Resources(cpus=0.5, memory=64, pids=9),
            reservations=Resources(cpus=0.25, generic=({"discrete_resource_spec": {"kind": "gpu", "value": 2}},)),
            restart_policy=RestartPolicy(condition="on-failure", delay=1.5, max_attempts=4, window=6),
            placement=Placement(
                constraints=("node.role==worker",),
                preferences=(Preference(spread="node.labels.z"),),
                max_replicas_per_node=2,
            ),
        ),
    )
    made = body(service)
    task = made["TaskTemplate"]
    assert isinstance(task, dict)
    container = task["ContainerSpec"]
    assert container["Command"] == ["/init"]
    assert container["Env"] == ["A=1"]
    assert (container["User"], container["Init"], container["ReadOnly"]) == ("1000", True, True)
    assert (container["StopSignal"], container["StopGracePeriod"]) == ("SIGINT", 2_500_000_000)
    assert container["HealthCheck"] == {"Test": ["CMD", "true"], "Interval": 3_000_000_000}
    assert container["Hosts"] == ["10.0.0.9 db"]
    assert container["DNSConfig"] == {"Nameservers": ["10.0.0.2"]}
    assert container["Sysctls"] == {"net.core.somaxconn": "1024"}
    assert (container["CapabilityAdd"], container["CapabilityDrop"]) == (["CAP_NET_ADMIN"], ["ALL"])
    assert container["Privileges"] == {"NoNewPrivileges": True}
    assert container["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]
    assert [mount["Source"] for mount in container["Mounts"] if "Source" in mount] == ["shop-production_data"]
    assert container["Mounts"][1]["TmpfsOptions"] == {"SizeBytes": 9}
    assert task["Resources"] == {
        "Limits": {"NanoCPUs": 500_000_000, "MemoryBytes": 64, "Pids": 9},
        "Reservations": {
            "NanoCPUs": 250_000_000,
            "GenericResources": [{"DiscreteResourceSpec": {"Kind": "gpu", "Value": 2}}],
        },
    }
    assert task["RestartPolicy"] == {
        "Condition": "on-failure", "Delay": 1_500_000_000, "MaxAttempts": 4, "Window": 6_000_000_000,
    }  # fmt: skip
    assert task["Placement"] == {
        "Constraints": ["node.role==worker"],
        "Preferences": [{"Spread": {"SpreadDescriptor": "node.labels.z"}}],
        "MaxReplicas": 2,
        "Platforms": [{"OS": "linux", "Architecture": "arm64"}],
    }
    assert made["EndpointSpec"] == {
        "Mode": "dnsrr",
        "Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}],
    }


@pytest.mark.parametrize(
    ("service", "awaited", "condition"),
    [
        (Service(name="web"), False, "any"),
        (Service(name="web"), True, "none"),
        (Service(name="web", restart=RestartPolicy(condition="none")), False, "none"),
        (Service(name="web", restart=RestartPolicy(condition="any")), True, "on-failure"),
    ],
)
def test_what_is_lost_comes_back_unless_it_is_to_end(service: Service, awaited: bool, condition: str) -> None:
    made = release(service)
    told = swarm.service(made, made.revisions["web"], 1, [], awaited=awaited)
    assert told["TaskTemplate"]["RestartPolicy"]["Condition"] == condition


def test_global_is_global() -> None:
    assert body(Service(name="web", deploy=Deploy(mode="global")))["Mode"] == {"Global": {}}


def test_configs_and_secrets_are_named_by_their_content_and_their_version() -> None:
    service = Service(
        name="web",
        configs=(FileMount(source="c", target="/etc/c"),),
        secrets=(FileMount(source="s", target="/run/secrets/s", mode=0o400, uid="7"),),
    )
    first = files(release(service), service, {"s": b"hidden"})
    again = files(release(service), service, {})
    assert [one.name for one in first] == [one.name for one in again]
    assert [one.content for one in first] == [b"hello", b"hidden"]
    assert [one.content for one in again] == [b"hello", None]
    assert all("hidden" not in one.name for one in first)
    told = first[1].reference("id1")
    assert told == {
        "File": {"Name": "/run/secrets/s", "UID": "7", "GID": "0", "Mode": 0o400},
        "SecretID": "id1",
        "SecretName": first[1].name,
    }


def test_what_swarm_does_not_take_is_said_with_its_size() -> None:
    service = Service(name="web", secrets=(FileMount(source="s", target="/s"),))
    with pytest.raises(EngineError) as caught:
        files(release(service), service, {"s": b"x" * (501 * 1024)})
    assert "at most 500 KB" in caught.value.why


def test_a_job_is_a_service_of_one_task_that_ends() -> None:
    made = release(Service(name="web", healthcheck=Healthcheck(test=("CMD", "true")), environment={"A": "1"}))
    told = swarm.job(made, made.revisions["web"], [], name="migrate", job=Job(command=("go",)), environment={"B": "2"})
    assert told["Mode"] == {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}}
    container = told["TaskTemplate"]["ContainerSpec"]
    assert (container["Args"], container["Env"]) == (["go"], ["A=1", "B=2"])
    assert container["HealthCheck"] == {"Test": ["NONE"]}
    assert told["TaskTemplate"]["Networks"] == [{"Target": "shop-production_default"}]


def test_a_network_is_an_overlay_whose_addresses_swarm_chooses() -> None:
    made = swarm.network(SHOP, release(Service(name="web")).app, "back")
    assert (made["Driver"], made["Name"]) == ("overlay", "shop-production_back")
    assert made["Options"] == {"encrypted": ""}
    assert "Config" not in made["IPAM"]


def test_long_names_are_cut_and_stay_different() -> None:
    one, two = (swarm_names.service(SHOP, Revision("x" * 70, number, "d")) for number in (1, 2))
    assert len(one) <= 63 and len(two) <= 63
    assert one != two
