from __future__ import annotations

import pytest

from fairway.compose import find, load
from fairway.model.errors import Exit, InvalidFiles

from .parts import DIRECTORY, FILE, Memory, app, problems

TEXT = "services: {web: {image: w}}"


@pytest.mark.parametrize(
    ("top", "environment", "argument", "name"),
    [
        ("", {}, None, "project"),
        ("name: top\n", {}, None, "top"),
        ("name: $N-x\n", {"N": "n"}, None, "n-x"),
        ("name: top\n", {"COMPOSE_PROJECT_NAME": "env"}, None, "env"),
        ("name: top\n", {"COMPOSE_PROJECT_NAME": "env"}, "arg", "arg"),
    ],
)
def test_the_project_s_name(top: str, environment: dict[str, str], argument: str | None, name: str) -> None:
    assert app(top + TEXT, environment=environment, project=argument).name == name


def test_the_last_file_names_the_project() -> None:
    assert app("name: one\n" + TEXT, "name: two").name == "two"


def test_a_directory_s_name_is_made_valid() -> None:
    reader = Memory({"/srv/My App.v2/compose.yaml": TEXT})
    found = load(["/srv/My App.v2/compose.yaml"], reader=reader, directory="/srv/My App.v2", environment={})
    assert found.name == "myappv2"
    assert found.directory == "/srv/My App.v2"


def test_names_that_are_not_valid() -> None:
    hint = "use lowercase letters, digits, `-` and `_`, and begin with a letter or a digit"
    assert problems("name: My App\n" + TEXT) == [f"1: name: `My App` is no valid name of a project ({hint})"]
    with pytest.raises(InvalidFiles, match="the project has no name"):
        load(["/c.yaml"], reader=Memory({"/c.yaml": TEXT}), directory="/", environment={})


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ([], []),
        (["compose.yaml"], ["compose.yaml"]),
        (["compose.yml", "docker-compose.yml"], ["compose.yml"]),
        (["docker-compose.yml", "docker-compose.override.yml"], ["docker-compose.yml", "docker-compose.override.yml"]),
        (["compose.yaml", "compose.override.yml"], ["compose.yaml", "compose.override.yml"]),
        (["compose.override.yaml"], []),
    ],
)
def test_default_files(there: list[str], found: list[str]) -> None:
    assert find("/p", {f"/p/{name}" for name in there}.__contains__) == [f"/p/{name}" for name in found]


def test_a_missing_file_is_a_problem() -> None:
    with pytest.raises(InvalidFiles) as raised:
        load([FILE], reader=Memory({}), directory=DIRECTORY, environment={})
    assert [problem.what for problem in raised.value.problems] == [f"there is no file {FILE}"]
    assert raised.value.exit == Exit.USAGE


def test_a_file_that_cannot_be_read_is_a_problem() -> None:
    class Broken(Memory):
        def read(self, path: str) -> str:
            raise PermissionError(13, "Permission denied", path)

    with pytest.raises(InvalidFiles) as raised:
        load([FILE], reader=Broken({}), directory=DIRECTORY, environment={})
    assert [problem.what for problem in raised.value.problems] == [f"cannot read {FILE}: Permission denied"]


def test_extensions_and_what_fairway_has_no_noun_for_are_kept() -> None:
    found = app("x-a: {b: 1}\nmodels: {m: {model: ai/x}}\nservices: {web: {image: w, models: [m]}}")
    assert found.extensions == {"x-a": {"b": 1}, "models": {"m": {"model": "ai/x"}}}


def test_networks_and_volumes() -> None:
    found = app(
        """
        services: {web: {image: w}}
        networks:
          default: {driver: bridge, driver_opts: {mtu: 1400}, enable_ipv6: true}
          back:
            internal: true
            ipam:
              driver: default
              config: [{subnet: 10.5.0.0/16, gateway: 10.5.0.1, aux_addresses: {a: 10.5.0.5}}]
              options: {x: "y"}
        volumes:
          data: {name: real, driver: local, driver_opts: {type: none, o: bind, device: ./data}, labels: [a=b]}
        """
    )
    assert found.networks["default"].driver_opts == {"mtu": "1400"}
    assert found.networks["default"].enable_ipv6 is True
    assert found.networks["back"].ipam == (
        {"subnet": "10.5.0.0/16", "gateway": "10.5.0.1", "aux_addresses": {"a": "10.5.0.5"}},
    )
    assert found.networks["back"].ipam_options == {"x": "y"}
    volume = found.volumes["data"]
    assert (volume.name, volume.labels) == ("real", {"a": "b"})
    assert volume.driver_opts == {"type": "none", "o": "bind", "device": "/project/data"}


def test_a_file_that_is_no_text_is_told_where_it_is_named() -> None:
    class Binary(Memory):
        def read(self, path: str) -> str:
            if path.endswith(".bin"):
                return b"\xff".decode()
            return super().read(path)

    text = "include: [lib.bin]\nservices:\n  web: {image: w, env_file: vars.bin}\n"
    with pytest.raises(InvalidFiles) as raised:
        load([FILE], reader=Binary({"compose.yaml": text}), directory=DIRECTORY, environment={})
    assert [str(problem) for problem in raised.value.problems] == [
        f"{FILE}:1: include.0: {DIRECTORY}/lib.bin is no text in UTF-8",
        f"{FILE}:3: services.web.env_file.0: {DIRECTORY}/vars.bin is no text in UTF-8",
    ]


def test_an_empty_file_is_told_by_its_name() -> None:
    with pytest.raises(InvalidFiles) as raised:
        load([FILE], reader=Memory({"compose.yaml": ""}), directory=DIRECTORY, environment={})
    assert [str(problem) for problem in raised.value.problems] == [f"{FILE}: services: there are no services"]
