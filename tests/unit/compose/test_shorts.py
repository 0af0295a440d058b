from __future__ import annotations

import pytest

from fairway.model.app import Attachment, Dependency, Device, Healthcheck, Ulimit
from fairway.model.deploy import RestartPolicy
from fairway.model.files import FileMount, Mount

from .parts import app, web, web_problems


@pytest.mark.parametrize(
    ("short", "mount"),
    [
        ("/cache", Mount(type="volume", target="/cache")),
        ("/cache/", Mount(type="volume", target="/cache")),
        ("data:/data", Mount(type="volume", source="data", target="/data")),
        ("data:/data:ro", Mount(type="volume", source="data", target="/data", read_only=True)),
        ("data:/data:nocopy,ro", Mount(type="volume", source="data", target="/data", nocopy=True, read_only=True)),
        ("data:/data:z", Mount(type="volume", source="data", target="/data", selinux="z")),
        ("./x:/x", Mount(type="bind", source="/project/x", target="/x")),
        (".:/x", Mount(type="bind", source="/project", target="/x")),
        ("../x:/x:rw", Mount(type="bind", source="/x", target="/x")),
        ("/a/../b:/x:Z", Mount(type="bind", source="/b", target="/x", selinux="Z")),
        ("~/x:/x", Mount(type="bind", source="/home/me/x", target="/x")),
        ("~:/x:cached", Mount(type="bind", source="/home/me", target="/x", consistency="cached")),
        ("/a:/x:rslave,ro", Mount(type="bind", source="/a", target="/x", propagation="rslave", read_only=True)),
        (r"C:\a:/x", Mount(type="bind", source=r"C:\a", target="/x")),
        ("{type: bind, source: x, target: /x}", Mount(type="bind", source="/project/x", target="/x")),
        (
            "{type: bind, source: ./x, target: /x, bind: {create_host_path: false, recursive: disabled}}",
            Mount(type="bind", source="/project/x", target="/x", create_host_path=False, recursive="disabled"),
        ),
        (
            "{type: volume, source: data, target: /x, volume: {nocopy: true, subpath: sub}}",
            Mount(type="volume", source="data", target="/x", nocopy=True, subpath="sub"),
        ),
        (
            "{type: tmpfs, target: /x, tmpfs: {size: 64m, mode: 01777}}",
            Mount(type="tmpfs", target="/x", size=64 * 1024**2, mode=0o1777),
        ),
        (
            "{type: image, source: alpine, target: /x, image: {subpath: etc}}",
            Mount(type="image", source="alpine", target="/x", subpath="etc"),
        ),
    ],
)
def test_volumes(short: str, mount: Mount) -> None:
    assert web(f"volumes: ['{short}']" if short[0] != "{" else f"volumes: [{short}]", "volumes: {data: }").volumes == (
        mount,
    )


@pytest.mark.parametrize(
    ("short", "fault"),
    [
        ("'a:/b:ro:x'", "volumes.0: `a:/b:ro:x` is not of the form source:target:options"),
        ("'a:'", "volumes.0: `a:` is not of the form source:target:options"),
        (
            "'./a:/b:U'",
            "volumes.0: `U` is no option of a mount: known are ro, rw, z, Z, nocopy, cached, delegated, consistent, "
            "or a propagation like rslave",
        ),
        ("{source: a, target: /b}", "volumes.0: `type` is missing"),
        ("{type: bind, target: /b}", "volumes.0: a mount of type bind needs a `source`"),
        ("{type: tmpfs, target: /b, source: x}", "volumes.0.source: a tmpfs has no `source`"),
        ("{type: volume}", "volumes.0: `target` is missing"),
        ("data", "volumes.0: the target `data` is no absolute path"),
        (
            "{type: bind, source: /a, target: /b, tmpfs: {size: 1}}",
            "volumes.0.tmpfs: `tmpfs` does not go with type bind",
        ),
    ],
)
def test_wrong_volumes(short: str, fault: str) -> None:
    assert web_problems(f"volumes: [{short}]") == [f"4: services.web.{fault}"]


def test_a_home_that_is_not_known_is_a_problem() -> None:
    assert web_problems("volumes: ['~/x:/x']", environment={}) == [
        "4: services.web.volumes.0: `~/x` needs HOME, and it is not set"
    ]


def test_tmpfs() -> None:
    assert web("tmpfs: /run").volumes == (Mount(type="tmpfs", target="/run"),)
    assert web("tmpfs: ['/a:size=1g,mode=755,uid=1000', /b]").volumes == (
        Mount(type="tmpfs", target="/b"),
        Mount(type="tmpfs", target="/a", size=1024**3, mode=0o755, options=("uid=1000",)),
    )


def test_secrets_and_configs() -> None:
    service = web(
        """
        secrets: [s, {source: s, target: t}, {source: s, target: /abs, uid: "1", gid: "2", mode: 0440}]
        configs: [c, {source: c, target: /etc/c, mode: "0400"}, {source: c, target: d, mode: 0o444}]
        """,
        "secrets: {s: {file: ./s}}\nconfigs: {c: {content: x}}",
    )
    assert service.secrets == (
        FileMount(source="s", target="/run/secrets/s"),
        FileMount(source="s", target="/run/secrets/t"),
        FileMount(source="s", target="/abs", uid="1", gid="2", mode=0o440),
    )
    assert service.configs == (
        FileMount(source="c", target="/c"),
        FileMount(source="c", target="/etc/c", mode=0o400),
        FileMount(source="c", target="/d", mode=0o444),
    )


def test_build() -> None:
    assert web("build: .").build.context == "/project"  # type: ignore[union-attr]
    build = web(
        """
        build:
          context: app
          dockerfile: ../Other
          args: [A=1, B]
          additional_contexts: [base=../base, "img=docker-image://alpine", other=service:db]
          ssh: [default, "key=/k"]
          secrets: [s, {source: s, target: t}]
          cache_from: [x]
          shm_size: 1g
          extra_hosts: ["a=1.2.3.4"]
          labels: [l=1]
          pull: "true"
          provenance: max
          no_cache_filter: a
        """,
        "  db: {image: db}\nsecrets: {s: {environment: S}}",
    ).build
    assert build is not None
    assert (build.context, build.dockerfile) == ("/project/app", "/project/Other")
    assert build.args == {"A": "1", "B": None}
    assert build.additional_contexts == {"base": "/base", "img": "docker-image://alpine", "other": "service:db"}
    assert build.ssh == ("default", "key=/k")
    assert [(one.source, one.target) for one in build.secrets] == [("s", "s"), ("s", "t")]
    assert (build.shm_size, build.extra_hosts, build.labels, build.pull) == (1024**3, ("a:1.2.3.4",), {"l": "1"}, True)
    assert build.extra == {"provenance": "max", "no_cache_filter": ["a"]}


@pytest.mark.parametrize(
    ("context", "absolute"),
    [
        ("https://github.com/a/b.git#main:dir", "https://github.com/a/b.git#main:dir"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("github.com/a/b", "github.com/a/b"),
        ("ssh://git@h/b", "ssh://git@h/b"),
        ("~/app", "/home/me/app"),
        ("/app/", "/app"),
        ("./a/../b", "/project/b"),
    ],
)
def test_contexts(context: str, absolute: str) -> None:
    assert web(f"build: {context}").build.context == absolute  # type: ignore[union-attr]


def test_a_dockerfile_of_a_remote_context_stays_relative() -> None:
    assert web("build: {context: 'https://h/r.git', dockerfile: sub/D}").build.dockerfile == "sub/D"  # type: ignore[union-attr]


def test_depends_on() -> None:
    more = "  db: {image: db}\n  cache: {image: cache}"
    assert web("depends_on: [db, cache]", more).depends_on == {
        "db": Dependency(service="db"),
        "cache": Dependency(service="cache"),
    }
    long = "depends_on: {db: {condition: service_healthy, restart: true, required: false}}"
    assert web(long, more).depends_on == {
        "db": Dependency(service="db", condition="service_healthy", restart=True, required=False)
    }
    assert web_problems("depends_on: {db: {restart: true}}", more) == [
        "4: services.web.depends_on.db: `condition` is missing "
        "(one of service_started, service_healthy, service_completed_successfully)"
    ]


@pytest.mark.parametrize(
    ("fields", "restart"),
    [
        ("links: ['db:database']", True),
        ("volumes_from: ['db:ro']", False),
        ("network_mode: service:db", True),
        ("ipc: service:db", True),
        ("pid: service:db", True),
    ],
)
def test_implied_dependencies(fields: str, restart: bool) -> None:
    assert web(fields, "  db: {image: db}").depends_on == {"db": Dependency(service="db", restart=restart)}


def test_networks() -> None:
    top = "networks: {a: , b: {}}"
    assert web("", top).networks == {"default": Attachment()}
    assert web("networks: [a, b]", top).networks == {"a": Attachment(), "b": Attachment()}
    assert web("networks: {a: , b: {aliases: [x], ipv4_address: 10.0.0.2, priority: 5}}", top).networks == {
        "a": Attachment(),
        "b": Attachment(aliases=("x",), ipv4_address="10.0.0.2", priority=5),
    }
    assert web("network_mode: none", top).networks == {}
    assert "default" in app("services: {web: {image: a}}").networks
    assert "default" not in app("services: {web: {image: a, network_mode: host}}").networks


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("a 'b c' \"d e\"", ("a", "b c", "d e")),
        ("[a, 'b c']", ("a", "b c")),
        ("a\\ b", ("a b",)),
        ("sh -c 'echo $$HOME; ls'", ("sh", "-c", "echo $HOME; ls")),
        ("", None),
        ("''", ()),
        ("[]", ()),
    ],
)
def test_commands(written: str, words: tuple[str, ...] | None) -> None:
    service = web(f"command: {written}\nentrypoint: {written}")
    assert (service.command, service.entrypoint) == (words, words)


def test_a_command_with_an_open_quote() -> None:
    assert web_problems("command: echo 'x") == [
        "4: services.web.command: cannot be split into words: no closing quotation"
    ]


@pytest.mark.parametrize(
    ("written", "check"),
    [
        ("{test: curl -f x || exit 1}", Healthcheck(test=("CMD-SHELL", "curl -f x || exit 1"))),
        ("{test: [CMD, a, b]}", Healthcheck(test=("CMD", "a", "b"))),
        ("{test: [NONE]}", Healthcheck(disable=True)),
        ("{disable: true}", Healthcheck(disable=True)),
        (
            "{interval: 1m30s, timeout: 500ms, start_period: 1h, start_interval: 2s, retries: 3}",
            Healthcheck(interval=90.0, timeout=0.5, start_period=3600.0, start_interval=2.0, retries=3),
        ),
    ],
)
def test_healthchecks(written: str, check: Healthcheck) -> None:
    assert web(f"healthcheck: {written}").healthcheck == check


def test_wrong_healthchecks() -> None:
    assert web_problems("healthcheck: {test: [curl, x], interval: 5, timeout: 5x}") == [
        "4: services.web.healthcheck.interval: expected a string, got the number 5 (write `5s`)",
        "4: services.web.healthcheck.test: `test` begins with `curl` (begin a list with CMD, CMD-SHELL or NONE)",
        "4: services.web.healthcheck.timeout: `5x` is no duration: write it like 1m30s or 500ms",
    ]


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("no", RestartPolicy(condition="none")),
        ("always", RestartPolicy(condition="any")),
        ("unless-stopped", RestartPolicy(condition="any", stays_stopped=True)),
        ("on-failure", RestartPolicy(condition="on-failure")),
        ("on-failure:3", RestartPolicy(condition="on-failure", max_attempts=3)),
    ],
)
def test_restart(written: str, policy: RestartPolicy) -> None:
    assert web(f"restart: {written}").restart == policy


def test_a_wrong_restart() -> None:
    assert web_problems("restart: allways") == [
        "4: services.web.restart: `allways` is not one of no, always, unless-stopped, on-failure, on-failure:3"
    ]


def test_ulimits_devices_gpus_and_hosts() -> None:
    service = web(
        """
        ulimits: {nproc: 10, nofile: {soft: 20, hard: -1}}
        devices: [/dev/a, "/dev/b:/dev/c", "/dev/d:/dev/e:r", vendor.com/device=gpu, {source: /dev/f}]
        gpus: all
        extra_hosts: ["a=1.2.3.4", "b:::1", "c=[::2]", "a=1.2.3.5"]
        expose: [80, "90-91/udp"]
        sysctls: [net.core.somaxconn=1024]
        annotations: [a=b]
        dns: 8.8.8.8
        """
    )
    assert service.ulimits == (Ulimit(name="nproc", soft=10, hard=10), Ulimit(name="nofile", soft=20, hard=-1))
    assert service.devices == (
        Device(source="/dev/a", target="/dev/a"),
        Device(source="/dev/b", target="/dev/c"),
        Device(source="/dev/d", target="/dev/e", permissions="r"),
        Device(source="vendor.com/device=gpu", target="vendor.com/device=gpu"),
        Device(source="/dev/f", target="/dev/f"),
    )
    assert service.gpus == ({"count": -1, "capabilities": ["gpu"]},)
    assert service.extra_hosts == ("a:1.2.3.4", "a:1.2.3.5", "b:::1", "c:::2")
    assert (service.expose, service.dns) == (("80", "90-91/udp"), ("8.8.8.8",))
    assert (service.sysctls, service.annotations) == ({"net.core.somaxconn": "1024"}, {"a": "b"})


def test_fields_without_an_attribute_are_kept_as_written() -> None:
    service = web("x-mine: {a: [1, 2.5, null]}\nattach: false\npost_start: [{command: echo hi}]\ncpu_count: 2")
    assert service.extra == {
        "x-mine": {"a": [1, 2.5, None]},
        "attach": False,
        "post_start": [{"command": "echo hi"}],
        "cpu_count": 2,
    }


def test_a_fault_in_a_list_is_told_at_its_element() -> None:
    text = """
environment:
  - A=1
  - =2
extra_hosts:
  - ok=1.2.3.4
  - bad
env_file:
  - path: a.env
    required: false
  - ""
build:
  args:
    - X=1
    - =3
"""
    assert web_problems(text) == [
        "7: services.web.environment.1: `=2` has no name before `=`",
        "10: services.web.extra_hosts.1: `bad` is not of the form host=address",
        "14: services.web.env_file.1: the path is empty",
        "18: services.web.build.args.1: `=3` has no name before `=`",
    ]
