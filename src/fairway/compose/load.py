"""Compose files → App: the way through this room, top to bottom."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from fairway.compose.checks import check
from fairway.compose.extends import Extender
from fairway.compose.include import include
from fairway.compose.interpolate import InterpolationError, substitute
from fairway.compose.merge import merge, settled
from fairway.compose.node import Node, plain, walk
from fairway.compose.normalise.fields import Fields
from fairway.compose.normalise.networks import network
from fairway.compose.normalise.resources import file_object, volume
from fairway.compose.normalise.service import service
from fairway.compose.problems import Problems
from fairway.compose.profiles import enabled
from fairway.compose.sources import Project, Reader
from fairway.model.app import App, Location, Network
from fairway.model.errors import Problem

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
BASE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
OVERRIDE_NAMES = tuple(name.replace("compose.y", "compose.override.y") for name in BASE_NAMES)


def find(directory: str, exists: Callable[[str], bool]) -> list[str]:
    """The files that are meant where none are named: the first default name that exists, and its override file."""
    paths = ([posixpath.join(directory, name) for name in names] for names in (BASE_NAMES, OVERRIDE_NAMES))
    base, override = (next(filter(exists, names), None) for names in paths)
    return [path for path in (base, override) if path] if base else []


def load(
    files: Sequence[str],
    *,
    reader: Reader,
    directory: str,
    environment: Mapping[str, str],
    project: str | None = None,
    profiles: Collection[str] = (),
    env_files: Sequence[str] | None = None,
) -> App:
    """The application that `files` (absolute paths, later over earlier) describe.

    `directory` is where relative paths start (absolute); `environment` wins over `env_files` (default: `.env` in
    `directory`, where there is one). `project` names the application; else COMPOSE_PROJECT_NAME, `name:`, or the
    directory does. Services whose profiles are not among `profiles` (default: COMPOSE_PROFILES) are left out.
    Raises InvalidFiles with every problem.
    """
    return load_with_warnings(
        files,
        reader=reader,
        directory=directory,
        environment=environment,
        project=project,
        profiles=profiles,
        env_files=env_files,
    )[0]


def load_with_warnings(
    files: Sequence[str],
    *,
    reader: Reader,
    directory: str,
    environment: Mapping[str, str],
    project: str | None = None,
    profiles: Collection[str] = (),
    env_files: Sequence[str] | None = None,
    secret_prefix: str = "",
) -> tuple[App, tuple[Problem, ...]]:
    """As `load`, with what is odd but no error: variables that are not set, fields that mean nothing any more.

    No value is filled in with a variable that begins with `secret_prefix`.
    """
    problems = Problems()
    surroundings = Project(reader, problems, directory, environment)
    variables = _variables(surroundings, env_files)
    surroundings = replace(surroundings, variables=variables)
    name = _project_name(files, surroundings, project)
    surroundings = replace(surroundings, variables={**variables, "COMPOSE_PROJECT_NAME": name})
    document = settled(_document(files, surroundings, tuple(files)))
    active = profiles or [one for one in variables.get("COMPOSE_PROFILES", "").split(",") if one]
    app = _app(document, name, surroundings)
    check(app, document, active, problems, secret_prefix=secret_prefix)
    problems.raise_if_any()
    return enabled(app, active), tuple(problems.warnings)


def _document(files: Sequence[str], project: Project, chain: tuple[str, ...]) -> Node:
    """The files with what they extend and include, merged."""
    whole = Node({}, Location(files[0] if files else project.directory))
    for file in files:
        for document in project.documents(file):
            extended = Extender(project).resolve(document, file)
            whole = merge(whole, include(extended, project, _document, chain))
    return whole


def file_variables(
    directory: str, *, reader: Reader, environment: Mapping[str, str], env_files: Sequence[str] | None = None
) -> Mapping[str, str]:
    """What the `env_files` say (default: `.env` in `directory`), and `environment` over it. Raises InvalidFiles."""
    problems = Problems()
    found = _variables(Project(reader, problems, directory, environment), env_files)
    problems.raise_if_any()
    return found


def _variables(project: Project, env_files: Sequence[str] | None) -> dict[str, str]:
    """The variables for interpolation: the environment over the files, the later file over the earlier."""
    default = posixpath.join(project.directory, ".env")
    if env_files is None:
        env_files = [default] if project.reader.exists(default) else []
    found: dict[str, str] = {}
    for file in env_files:
        found |= {key: value for key, value in project.env_file(file).items() if value is not None}
    return found | dict(project.variables)


def _project_name(files: Sequence[str], project: Project, given: str | None) -> str:
    name, at = given or project.variables.get("COMPOSE_PROJECT_NAME"), None
    if not name:
        name, at = _written_name(files, project)
    if name and not _NAME.fullmatch(name):
        hint = "use lowercase letters, digits, `-` and `_`, and begin with a letter or a digit"
        project.problems.add(f"`{name}` is no valid name of a project", at, ("name",), hint)
    if name:
        return name
    base = posixpath.basename(project.directory.rstrip("/")).lower()
    derived = re.sub(r"[^a-z0-9_-]", "", base).lstrip("_-")
    if not derived:
        where = Location(files[0] if files else project.directory)
        project.problems.add("the project has no name", where, ("name",), "write `name: …` at the top of the file")
    return derived


def _written_name(files: Sequence[str], project: Project) -> tuple[str, Location | None]:
    """`name:` of the last file that has one. It is looked for before everything else, because files may interpolate it."""
    for document in reversed([one for file in files for one in project.parsed(file)]):
        node = document.get("name")
        if node and isinstance(node.value, str):
            try:
                return substitute(node.value, project.variables), node.at
            except InterpolationError:
                return "", node.at  # told when the whole document is interpolated
    return "", None


def _app(document: Node, name: str, project: Project) -> App:
    def entries(section: str) -> dict[str, Fields]:
        return dict(Fields(document, (), project.problems).entries(section))

    services = {key: service(fields, key, project) for key, fields in entries("services").items()}
    networks = {key: network(fields, key) for key, fields in entries("networks").items()}
    if "default" not in networks and any("default" in one.networks for one in services.values()):
        networks["default"] = Network(key="default")
    return App(
        name=name,
        services=services,
        networks=networks,
        volumes={key: volume(fields, key) for key, fields in entries("volumes").items()},
        configs={key: file_object(fields, key, "config") for key, fields in entries("configs").items()},
        secrets={key: file_object(fields, key, "secret") for key, fields in entries("secrets").items()},
        extensions={
            key: plain(node)
            for key, node in document.entries.items()
            if key.startswith("x-") or key in ("models", "jobs")
        },
        directory=project.directory,
        locations={path: node.at for path, node in walk(document) if path},
    )
