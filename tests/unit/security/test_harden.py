"""`hardening: strict`: what it adds, what it leaves, and that it does so once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.model.app import App, Device, Location, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources
from fairway.model.files import FileMount, Mount
from fairway.model.hardening import Hardened, Hardening
from fairway.model.policy import ServicePolicy
from fairway.security.harden import NOBODY, ROOTS_OWN, SIZE, Whole, harden

STRICT = Hardening(strict=True)
ROOT = ImageRef(reference="web:1", user="")
DATA = Mount(type="volume", source="data", target="/data")
TMPFS = tuple(Mount(type="tmpfs", target=path, size=SIZE, mode=0o1777) for path in ("/tmp", "/run"))
OURS = tuple(replace(mount, options=("uid=65532", "gid=65532")) for mount in TMPFS)


def app(*services: Service, written: tuple[str, ...] = ()) -> App:
    """`written` are paths below the first service, with dots."""
    paths = [("services", services[0].name, *path.split(".")) for path in written]
    return App(
        name="shop",
        services={service.name: service for service in services},
        locations={path: Location("compose.yaml", 3) for path in paths},
    )


def hardened(
    service: Service, image: ImageRef = ROOT, wanted: Hardening = STRICT, written: tuple[str, ...] = ()
) -> tuple[Service, Hardened]:
    whole = harden(app(service, written=written), {"web": image}, {"web": ServicePolicy(hardening=wanted)})
    return whole.app.services["web"], whole.told[0]


def test_a_service_of_which_nothing_is_said_gets_all_of_it() -> None:
    service, told = hardened(Service(name="web"))
    assert service == Service(
        name="web",
        user=NOBODY,
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        read_only=True,
        volumes=OURS,
        deploy=Deploy(limits=Resources(pids=512)),
    )
    assert told.added == (
        "no program in it gains privileges",
        "it runs as 65532:65532",
        "its capabilities: none",
        "its root is read-only",
        "/tmp, /run in memory, 64 MiB each",
        "at most 512 processes",
    )
    assert told.left == ()


def test_nothing_is_done_where_nobody_asks() -> None:
    plain = app(Service(name="web"))
    assert harden(plain, {"web": ROOT}, {"web": ServicePolicy()}) == Whole(plain)
    assert harden(plain, {"web": ROOT}, {}) == Whole(plain)


def test_a_memory_limit_is_nobodys_guess() -> None:
    assert hardened(Service(name="web"))[0].deploy.limits.memory is None


@pytest.mark.parametrize(
    ("service", "written", "left"),
    [
        (Service(name="web", user="root"), ("user",), "it runs as root: `user: root` is written"),
        (Service(name="web"), ("read_only",), "its root is writable: `read_only: false` is written"),
        (Service(name="web"), ("pids_limit",), "it has no limit of processes: none is written"),
        (
            Service(name="web"),
            ("deploy.resources.limits.pids",),
            "it has no limit of processes: none is written",
        ),
        (
            Service(name="web", cap_drop=("NET_RAW",)),
            ("cap_drop",),
            "its capabilities: `cap_drop: [NET_RAW]` is written",
        ),
        (
            Service(name="web", security_opt=("no-new-privileges:false",)),
            ("security_opt",),
            "`no-new-privileges:false` is written",
        ),
    ],
)
def test_what_is_written_wins_and_is_told(service: Service, written: tuple[str, ...], left: str) -> None:
    made, told = hardened(service, written=written)
    assert told.left == (left,)
    for path in written:
        name = path.partition(".")[0].replace("pids_limit", "deploy")
        assert getattr(made, name) == getattr(service, name)


def test_what_is_safe_already_is_not_told() -> None:
    safe = Service(
        name="web",
        user="1000",
        cap_drop=("ALL",),
        security_opt=("no-new-privileges",),
        read_only=True,
        deploy=Deploy(limits=Resources(pids=10)),
    )
    assert hardened(safe, written=("read_only", "cap_drop")) == (safe, Hardened(service="web"))


def test_a_privileged_service_keeps_its_rights() -> None:
    service, told = hardened(Service(name="web", privileged=True))
    assert (service.cap_drop, service.security_opt, service.user) == ((), (), None)
    assert service.read_only
    assert told.left == ("it is privileged, as written: it keeps all rights",)


@pytest.mark.parametrize("user", ["1000", "www", "0x", "1000:0", "rootless"])
def test_the_user_of_an_image_stays(user: str) -> None:
    service, _ = hardened(Service(name="web"), replace(ROOT, user=user))
    assert (service.user, service.cap_add) == (None, ())


@pytest.mark.parametrize(
    ("service", "image", "why"),
    [
        (Service(name="web", volumes=(DATA,)), ROOT, "it writes to /data, which may be root's"),
        (Service(name="web", volumes_from=("db",)), ROOT, "it has volumes of others"),
        (Service(name="web"), replace(ROOT, volumes=("/var/lib/db",)), "its image has a volume at /var/lib/db"),
        (Service(name="web", devices=(Device(source="/dev/kvm", target="/dev/kvm"),)), ROOT, "it has devices"),
        (Service(name="web", network_mode="host"), ROOT, "it is in the host's network"),
    ],
)
def test_root_stays_root_where_another_user_might_fail_and_keeps_what_gives_root_up(
    service: Service, image: ImageRef, why: str
) -> None:
    made, told = hardened(service, image)
    assert made.user is None
    assert (made.cap_drop, made.cap_add) == (("ALL",), ROOTS_OWN)
    assert told.left[0].startswith(f"it runs as root: {why}")
    assert "name a `user` that can" in told.left[0]


def test_a_volume_that_is_only_read_is_no_hindrance() -> None:
    assert hardened(Service(name="web", volumes=(replace(DATA, read_only=True),)))[0].user == NOBODY


def test_an_image_that_is_not_known_is_not_given_a_user() -> None:
    made, told = hardened(Service(name="web"), ImageRef(reference="web:1"))
    assert (made.user, made.cap_add) == (None, ROOTS_OWN)
    assert told.left == ()


def test_the_exceptions_of_a_service() -> None:
    wanted = Hardening(
        strict=True, capabilities=("CAP_NET_RAW", "CHOWN"), writable=("/var/cache/nginx", "/tmp"), user="33:33"
    )
    made, _ = hardened(Service(name="web", cap_add=("NET_RAW",), volumes=(DATA,)), wanted=wanted)
    assert made.user == "33:33"
    assert made.cap_add == ("NET_RAW", "CHOWN")
    assert [mount.target for mount in made.volumes] == ["/data", "/tmp", "/run", "/var/cache/nginx"]


def test_an_exception_says_more_than_the_image() -> None:
    assert hardened(Service(name="web"), replace(ROOT, user="www"), replace(STRICT, user="33"))[0].user == "33"


def test_writable_paths_go_with_a_root_that_was_read_only_before() -> None:
    made, _ = hardened(
        Service(name="web", read_only=True), wanted=replace(STRICT, writable=("/cache",)), written=("read_only",)
    )
    assert [mount.target for mount in made.volumes] == ["/cache"]


@pytest.mark.parametrize(
    ("user", "options"),
    [("", ()), ("www", ()), ("33", ("uid=33",)), ("33:www", ("uid=33",)), ("33:34", ("uid=33", "gid=34"))],
)
def test_what_is_in_memory_belongs_to_who_needs_it(user: str, options: tuple[str, ...]) -> None:
    made, _ = hardened(Service(name="web", network_mode="host"), replace(ROOT, user=user))
    assert {mount.options for mount in made.volumes} == {options}


def test_a_mount_that_is_there_is_not_covered() -> None:
    mine = Mount(type="tmpfs", target="/tmp", options=("exec",))
    made, _ = hardened(Service(name="web", volumes=(mine, replace(DATA, target="/run/"))))
    assert made.volumes == (mine, replace(DATA, target="/run/"))


def test_files_that_only_root_could_read_become_the_new_users() -> None:
    secrets = (
        FileMount(source="a", target="/run/secrets/a"),
        FileMount(source="b", target="/run/secrets/b", mode=0o400),
        FileMount(source="c", target="/run/secrets/c", mode=0o400, uid="7"),
    )
    made, _ = hardened(Service(name="web", secrets=secrets))
    assert [mount.uid for mount in made.secrets] == [None, "65532", "7"]
    kept, _ = hardened(Service(name="web", secrets=secrets), replace(ROOT, user="www"))
    assert kept.secrets == secrets


SERVICES = some.builds(
    Service,
    name=some.just("web"),
    user=some.sampled_from([None, "root", "0:0", "1000", "www"]),
    privileged=some.booleans(),
    read_only=some.booleans(),
    network_mode=some.sampled_from([None, "host", "none"]),
    cap_add=some.sampled_from([(), ("CHOWN",), ("ALL",), ("cap_net_raw",)]),
    cap_drop=some.sampled_from([(), ("ALL",), ("NET_RAW",), ("all",)]),
    security_opt=some.sampled_from([(), ("no-new-privileges",), ("no-new-privileges:false",), ("seccomp=unconfined",)]),
    volumes=some.sampled_from([(), (DATA,), TMPFS[:1]]),
    deploy=some.builds(Deploy, limits=some.builds(Resources, pids=some.sampled_from([None, 5]))),
)
WANTED = some.builds(
    Hardening,
    strict=some.just(True),
    capabilities=some.sampled_from([(), ("CHOWN",), ("NET_ADMIN", "CAP_NET_RAW")]),
    writable=some.sampled_from([(), ("/tmp",), ("/cache", "/x")]),
    user=some.sampled_from([None, "33", "www:www"]),
)
IMAGES = some.sampled_from([ImageRef(reference="a"), ROOT, replace(ROOT, user="www"), replace(ROOT, volumes=("/v",))])
WRITTEN = some.sets(some.sampled_from(["read_only", "pids_limit"])).map(tuple)


@given(service=SERVICES, wanted=WANTED, image=IMAGES, written=WRITTEN)
def test_twice_is_once(service: Service, wanted: Hardening, image: ImageRef, written: tuple[str, ...]) -> None:
    once = harden(app(service, written=written), {"web": image}, {"web": ServicePolicy(hardening=wanted)})
    twice = harden(once.app, {"web": image}, {"web": ServicePolicy(hardening=wanted)})
    assert twice.app == once.app
    assert twice.told[0].added == ()


@given(service=SERVICES, wanted=WANTED, image=IMAGES, written=WRITTEN)
def test_nothing_is_ever_looser_than_it_was(
    service: Service, wanted: Hardening, image: ImageRef, written: tuple[str, ...]
) -> None:
    made, _ = hardened(service, image, wanted, written)
    assert made.read_only >= service.read_only
    assert set(made.cap_drop) >= set(service.cap_drop)
    assert made.security_opt[: len(service.security_opt)] == service.security_opt
    assert made.volumes[: len(service.volumes)] == service.volumes
    assert service.user in (None, made.user)
    assert service.deploy.limits.pids in (None, made.deploy.limits.pids)
    if set(made.cap_add) - set(service.cap_add):
        assert "ALL" in {name.upper() for name in made.cap_drop}
