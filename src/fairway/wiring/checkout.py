"""A directory with a fairway.yaml, and the application that it is about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from fairway.model.app import App
from fairway.model.environment import Environment
from fairway.model.errors import InvalidFiles, Problem, UsageError
from fairway.model.files import JINJA
from fairway.model.policy import ServicePolicy
from fairway.settings import Settings, load
from fairway.settings.model import EnvironmentSettings

FILE = "fairway.yaml"


class Project(Struct, frozen=True):
    """A directory with a fairway.yaml, and what it says."""

    directory: Path
    settings: Settings

    def app(self, environment: str | None = None) -> App:
        """The application as Compose has it, with the overlays and values of the environment. Raises InvalidFiles."""
        return self.app_with_warnings(environment)[0]

    def app_with_warnings(self, environment: str | None = None) -> tuple[App, tuple[Problem, ...]]:
        from fairway import compose

        said = self.settings.environments[environment] if environment else EnvironmentSettings()
        files = compose.find(str(self.directory), os.path.exists)
        if not files:
            raise UsageError(
                f"there is no compose.yaml beside {self.settings.file}",
                hint="write one: it says what the application is",
            )
        missing = self._missing(environment or "", said)
        try:
            loaded = compose.load_with_warnings(
                [*files, *self._there(said.compose)],
                reader=Disk(),
                directory=str(self.directory),
                environment=self.variables(environment) if environment else os.environ,
                project=self.settings.app,
                profiles=said.profiles,
                env_files=self._there(said.env_file) if said.env_file else None,
                secret_prefix=self._secret_prefix(environment),
            )
        except InvalidFiles as error:
            raise InvalidFiles([*missing, *error.problems]) from None
        if missing:
            raise InvalidFiles(missing)
        return loaded

    def _secret_prefix(self, environment: str | None) -> str:
        """How the variables begin that are secrets, where the environment keeps them in variables."""
        said = self.settings.secrets_of(environment) if environment else None
        prefix = said.prefix or "" if said and said.store == "environment" else ""
        return prefix.replace("{environment}", environment or "").replace("{app}", self.settings.app or "")

    def _there(self, files: Iterable[str]) -> list[str]:
        return [str(self.directory / file) for file in files if (self.directory / file).exists()]

    def _missing(self, environment: str, said: EnvironmentSettings) -> list[Problem]:
        """The files that the environment names and that are not there: fairway.yaml is where to look."""
        named = [("compose", file) for file in said.compose] + [("env_file", file) for file in said.env_file]
        paths = [(("environments", environment, key), file) for key, file in named if not self._there([file])]
        return [Problem(f"there is no file {file}", self.settings.where(*path), path) for path, file in paths]

    def variables(self, environment: str) -> Mapping[str, str]:
        """What `${…}`, and configs and secrets from the environment, are filled in with: the settings' values over this process's."""
        return {**os.environ, **self.settings.environments[environment].values}

    def configs(self, environment: str, app: App) -> Mapping[str, str]:
        """The contents of the application's configs (base64), templates rendered. Raises InvalidFiles."""
        from fairway.flows.ingredients import configs_of

        told = (
            self._told(environment, app) if any(one.template_driver == JINJA for one in app.configs.values()) else None
        )
        return configs_of(app, self.variables(environment), lambda path: Path(path).read_bytes(), told)

    def _told(self, environment: str, app: App) -> Mapping[str, Any]:
        """What templates know: the values of the environment's files, and nothing of this process's own environment."""
        from fairway import compose
        from fairway.compose.template import facts

        said = self.settings.environments[environment]
        values = compose.file_variables(
            str(self.directory),
            reader=Disk(),
            environment=said.values,
            env_files=self._there(said.env_file) if said.env_file else None,
        )
        return facts(app, environment, values)

    def policies(self, environment: str, app: App) -> Mapping[str, ServicePolicy]:
        """Raises InvalidFiles."""
        from fairway.settings.policies import policies

        return policies(self.settings, app, environment)

    def edge_warnings(self, environment: str, policies: Mapping[str, ServicePolicy]) -> tuple[Problem, ...]:
        """What is doubtful about the certificates for users. Raises InvalidFiles where they cannot be used, or a host has none."""
        from fairway.wiring.edge import look

        found = look(self, environment, policies)
        if found.problems:
            raise InvalidFiles(found.problems)
        return found.warnings

    def document(self, environment: str | None = None, app: App | None = None) -> dict[str, Any]:
        """The normalised application, or what became of it (`app`), as Compose data."""
        from fairway.compose.dump import to_compose

        return to_compose(app or self.app(environment))

    def environment(self, name: str) -> Environment:
        return Environment(self.settings.app or self.app(name).name, name)


class Disk:
    """compose.Reader on this machine's files."""

    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    def exists(self, path: str) -> bool:
        return Path(path).exists()


def project(start: Path) -> Project:
    """The project that `start` lies in. Raises UsageError where there is none, InvalidFiles."""
    start = start.resolve()
    for directory in (start, *start.parents):
        file = directory / FILE
        if file.is_file():
            return Project(directory, load(_text(file), file=_shown(file)))
    raise UsageError(f"there is no {FILE} in {start} or above it", hint="`fairway init` writes one from a compose.yaml")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidFiles([Problem("is not UTF-8 text", _shown(file))]) from None
    except OSError as error:
        raise InvalidFiles([Problem(f"cannot be read: {error.strerror}", _shown(file))]) from None


def _shown(file: Path) -> str:
    """Relative to where the user stands, where that is shorter."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
