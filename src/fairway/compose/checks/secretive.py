"""Secrets that are about to go where everybody sees them: into environments, labels, arguments of builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairway.compose.checks.case import Case
from fairway.compose.suspicion import normal, suspicion
from fairway.model.app import Path

SEEN = "whoever may inspect the container, or read the ledger, sees it"
INSTEAD = "declare it under `secrets`, and let the program read /run/secrets/NAME; many images take NAME_FILE"
OF_BUILD = "whoever has the image finds it in its history"
OF_BUILD_INSTEAD = "declare it under `secrets`, name it in `build.secrets`, and use RUN --mount=type=secret"


def check_secretive(case: Case) -> None:
    for name, value, path in _variables(case):
        if why := suspicion(name, value):
            built = "build" in path
            what = f"{name} looks like a secret ({why}): {OF_BUILD if built else SEEN}"
            case.warn(what, *path, hint=OF_BUILD_INSTEAD if built else INSTEAD)
    secrets = _names(case)
    for use in case.problems.uses:
        found = secrets.get(normal(use.variable), "") or _prefixed(case, use.variable)
        if found and use.path[:1] != ("secrets",):
            what = f"`${{{use.variable}}}` is {found}: its value would be seen by everybody who sees this one"
            case.problems.add(what, use.at, use.path, INSTEAD)
    for key, config in case.app.configs.items():
        if config.environment and (found := secrets.get(normal(config.environment), "")):
            case.tell(f"{config.environment} is {found}, and a config is kept in clear", "configs", key, "environment")


def _variables(case: Case) -> Iterator[tuple[str, str, Path]]:
    for service in case.active:
        path = ("services", service.name)
        for name, value in service.environment.items():
            yield name, value, (*path, "environment", name)
        for name, given in (service.build.args if service.build else {}).items():
            yield name, given or "", (*path, "build", "args", name)


def _names(case: Case) -> Mapping[str, str]:
    """What a variable of this (normal) name holds."""
    found: dict[str, str] = {}
    for key, secret in case.app.secrets.items():
        names = (secret.environment,) if secret.environment else (key, secret.name) if secret.external else ()
        found |= {normal(name): f"the secret {key!r}" for name in names}
    return found


def _prefixed(case: Case, variable: str) -> str:
    """The environment keeps its secrets in variables that begin so."""
    prefix = case.secret_prefix
    return "a secret, as its beginning says" if prefix and variable.startswith(prefix) else ""
