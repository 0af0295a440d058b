from __future__ import annotations

from .parts import app, problems


def test_a_service_takes_another_of_its_file_as_its_base() -> None:
    text = """
        services:
          base: {image: busybox, user: root, environment: {TZ: utc, PORT: 80}, cap_add: [A]}
          common: {extends: base, labels: [a=b]}
          cli: {extends: {service: common}, environment: [PORT=8080], cap_add: [A, B], command: run}
    """
    cli = app(text).services["cli"]
    assert (cli.image, cli.user, cli.labels, cli.cap_add) == ("busybox", "root", {"a": "b"}, ("A", "B"))
    assert cli.environment == {"TZ": "utc", "PORT": "8080"}
    assert "extends" not in cli.extra


def test_the_volume_example_of_the_specification() -> None:
    text = """
        services:
          common: {image: busybox, volumes: ["common-volume:/var/lib/backup/data:rw"]}
          cli: {extends: {service: common}, volumes: ["cli-volume:/var/lib/backup/data:ro"]}
        volumes: {common-volume: , cli-volume: }
    """
    (mount,) = app(text).services["cli"].volumes
    assert (mount.source, mount.target, mount.read_only) == ("cli-volume", "/var/lib/backup/data", True)


def test_a_base_in_another_file_keeps_its_own_directory() -> None:
    text = "services: {web: {extends: {file: ../lib/common.yaml, service: base}, volumes: ['./own:/own']}}"
    common = """
        services:
          base: {extends: {file: deeper/root.yaml, service: root}, build: ./src, env_file: a.env}
    """
    root = "services: {root: {image: root, volumes: ['./data:/data']}}"
    files = {"/lib/common.yaml": common, "/lib/deeper/root.yaml": root, "/lib/a.env": "A=1"}
    web = app(text, files=files).services["web"]
    assert web.build
    assert web.build.context == "/lib/src"
    assert [mount.source for mount in web.volumes] == ["/lib/deeper/data", "/project/own"]
    assert (web.image, web.environment) == ("root", {"A": "1"})


def test_places_survive() -> None:
    text = "services:\n  web:\n    extends: {file: common.yaml, service: base}\n    user: me\n"
    found = app(text, files={"common.yaml": "services:\n  base:\n    image: x\n"})
    assert str(found.where("services", "web", "image")) == "/project/common.yaml:3"
    assert str(found.where("services", "web", "user")) == "/project/compose.yaml:4"


def test_reset_and_override_work_on_a_base() -> None:
    text = """
        services:
          base: {image: a, ports: ["80:80"], environment: {A: 1}}
          web: {extends: base, ports: !reset [], environment: !override {B: 2}}
    """
    web = app(text).services["web"]
    assert (web.ports, web.environment) == ((), {"B": "2"})


def test_a_reset_beside_extends_also_undoes_the_file_below() -> None:
    below = "services: {web: {image: a, ports: ['80:80']}, base: {image: b}}"
    above = "services: {base: {user: me}, web: {extends: base, ports: !reset []}}"
    web = app(below, above).services["web"]
    assert (web.ports, web.user) == ((), "me")


def test_a_base_may_be_reset() -> None:
    below = "services: {base: {image: b, user: me}, web: {image: a, extends: base}}"
    assert app(below, "services: {web: {user: !reset null}}").services["web"].user is None


def test_circles_are_spelled_out() -> None:
    text = """
services:
  a: {image: a, extends: b}
  b: {image: b, extends: c}
  c: {image: c, extends: a}
"""
    found = problems(text)
    assert "5: services.c.extends: a circle: a → b → c → a" in found
    assert all("a circle" in one for one in found)


def test_a_circle_over_files() -> None:
    files = {"b.yaml": "services:\n  b:\n    extends: {file: compose.yaml, service: a}\n"}
    found = problems("services:\n  a:\n    image: a\n    extends: {file: b.yaml, service: b}\n", files=files)
    assert (
        "b.yaml:3: services.b.extends: a circle: a (/project/compose.yaml) → b (/project/b.yaml) → "
        "a (/project/compose.yaml)"
    ) in found


def test_what_is_missing_is_told_with_its_line() -> None:
    text = "services:\n  web:\n    image: a\n    extends: %s\n  base: {image: b}\n"
    assert problems(text % "bsae") == ["4: services.web.extends: there is no service `bsae` (did you mean `base`?)"]
    assert problems(text % "{service: x, file: none.yaml}") == [
        "4: services.web.extends: there is no file /project/none.yaml"
    ]
    assert problems(text % "{service: x, file: other.yaml}", files={"other.yaml": "services: {y: {image: y}}"}) == [
        "4: services.web.extends: there is no service `x` in /project/other.yaml"
    ]
    assert problems(text % "{file: other.yaml}", files={"other.yaml": ""}) == [
        "4: services.web.extends: `service` is missing"
    ]


def test_faults_of_the_other_file_are_told_once() -> None:
    text = """
services:
  a: {image: a, extends: {file: other.yaml, service: base}}
  b: {image: b, extends: {file: other.yaml, service: base}}
"""
    assert problems(text, files={"other.yaml": "services:\n  base:\n    imagee: x\n"}) == [
        "other.yaml:3: services.base.imagee: unknown field `imagee` (did you mean `image`?)"
    ]


def test_a_file_without_services_has_no_base() -> None:
    for empty in ("", "volumes: {v: }", "services: {}"):
        assert problems(
            "services: {web: {extends: {file: other.yaml, service: base}}}", files={"other.yaml": empty}
        ) == ["1: services.web.extends: there is no service `base` in /project/other.yaml"]


def test_what_a_broken_base_may_have_had_is_not_missed() -> None:
    text = """
services:
  a: {extends: b}
  b: {extends: nowhere}
  c: {extends: a}
"""
    assert problems(text) == ["4: services.b.extends: there is no service `nowhere`"]
