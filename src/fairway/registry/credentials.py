"""Passwords of registries, where `docker login` has put them: its configuration file, or a credential helper."""

from __future__ import annotations

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fairway.model.errors import RegistryError

HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"
TOKEN_USER = "<token>"  # noqa: S105
HELPER_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """`token` is an identity token, for which a registry's token server gives others; else user and password."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


class DockerConfig:
    """~/.docker/config.json, or config.json in $DOCKER_CONFIG; read anew each time, for a login may happen meanwhile."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = dict(os.environ if environ is None else environ)

    @property
    def path(self) -> Path:
        folder = self._environ.get("DOCKER_CONFIG")
        return (
            Path(folder) if folder else Path(self._environ.get("HOME", "~")).expanduser() / ".docker"
        ) / "config.json"

    @property
    def has_passwords(self) -> bool:
        """Whether passwords stand in the file itself, for whoever can read it."""
        return any(entry.get("auth") or entry.get("password") for entry in (self._read().get("auths") or {}).values())

    def find(self, host: str) -> Credentials | None:
        """None where there are none. Raises RegistryError for a file that cannot be read and a helper that fails."""
        config = self._read()
        name = HUB_KEY if host == HUB else host
        helper = (config.get("credHelpers") or {}).get(name) or (config.get("credHelpers") or {}).get(host)
        if helper := helper or config.get("credsStore"):
            return self._ask(str(helper), name)
        auths = config.get("auths") or {}
        entry = next((entry for key, entry in auths.items() if key == name or _host(key) == host), None)
        return _entry(entry, self.path) if entry else None

    def for_engine(self, host: str) -> dict[str, str] | None:
        """{username, password}, as an engine wants them for a pull."""
        found = self.find(host)
        if found is None:
            return None
        if found.token:
            return {"username": TOKEN_USER, "identitytoken": found.token}
        return {"username": found.user, "password": found.password}

    def _read(self) -> dict[str, Any]:
        try:
            read = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise RegistryError(
                "Docker's configuration cannot be read", where=str(self.path), why=str(error)
            ) from error
        return read if isinstance(read, dict) else {}

    def _ask(self, helper: str, name: str) -> Credentials | None:
        program = f"docker-credential-{helper}"
        try:
            done = subprocess.run(
                [program, "get"],
                input=name,
                capture_output=True,
                text=True,
                check=False,
                timeout=HELPER_TIMEOUT,
                env=self._environ,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _helper_failed(program, str(error), self.path) from error
        if done.returncode:
            if "not found" in done.stdout + done.stderr:
                return None
            raise _helper_failed(program, done.stderr or done.stdout, self.path)
        try:
            said = json.loads(done.stdout)
            user, secret = str(said["Username"]), str(said["Secret"])
        except (ValueError, KeyError, TypeError) as error:
            raise _helper_failed(program, "its answer makes no sense", self.path) from error
        return Credentials(token=secret) if user == TOKEN_USER else Credentials(user, secret)


def _entry(entry: Mapping[str, str], path: Path) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials(token=entry["identitytoken"])
    if entry.get("auth"):
        try:
            user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RegistryError("A password in Docker's configuration cannot be read", where=str(path)) from error
        return Credentials(user, password.rstrip("\0"))
    return Credentials(entry["username"], entry.get("password", "")) if entry.get("username") else None


def _host(key: str) -> str:
    """Of a key as old logins wrote it: with scheme and path."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _helper_failed(program: str, why: str, path: Path) -> RegistryError:
    return RegistryError(
        f"{program} does not give a password", where=str(path), why=why, hint="docker login, or correct credHelpers."
    )
