"""Keys about evidence that have to agree with each other."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.model.app import Path
from fairway.model.errors import Problem
from fairway.settings.model import EnvironmentSettings, Settings
from fairway.settings.reader import did_you_mean
from fairway.settings.where import problem, written_below

SOURCES = ("key", "environment", "command")


def required(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    require, where = environment.require, (*path, "require")
    stages = written_below(settings, "test")
    for stage in require.tests or ():
        if stage not in stages:
            hint = did_you_mean(stage, stages) or "write it under test:"
            yield problem(settings, _tests(settings, where), f"there is no test stage `{stage}`", hint)
    if (given := require.approvals) and given.count > len(given.keys):
        what = f"{given.count} people cannot approve with {len(given.keys)} keys"
        yield problem(settings, (*where, "approvals"), what, "list a key of each who may")


def _tests(settings: Settings, where: Path) -> Path:
    """Where the stages are written: they may stand alone."""
    inner = (*where, "tests")
    return where if settings.locations.get(inner) == settings.locations.get(where) else inner


def promotion(settings: Settings, path: Path, environment: EnvironmentSettings) -> Iterator[Problem]:
    said = environment.promoted_from
    if said is None:
        return
    where = (*path, "require", "promoted_from") if environment.require.promoted_from else (*path, "promote_from")
    if environment.promote_from not in (None, said.environment):
        yield problem(settings, where, f"`promote_from` says {environment.promote_from}", "say it once")
    others = [name for name in written_below(settings, "environments") if name != path[-1]]
    if said.environment not in (*others, path[-1]):
        what = f"there is no environment `{said.environment}`"
        yield problem(settings, where, what, did_you_mean(said.environment, others))
        return
    chain, source = [path[-1]], said.environment
    while source and source not in chain:
        chain.append(source)
        before = settings.environments.get(source)
        source = before.promoted_from.environment if before and before.promoted_from else ""
    if source == path[-1]:
        yield problem(settings, where, f"environments promote in a circle: {' ← '.join([*chain, source])}")


def signing(settings: Settings) -> Iterator[Problem]:
    path = ("sign",)
    written = written_below(settings, *path)
    if path in settings.locations and not set(written) & set(SOURCES):
        yield problem(
            settings, path, "nobody is said to sign", "say `key: FILE`, `environment: VARIABLE`, or `command:`"
        )
    for key, other in (("public", "command"), ("identity", "key")):
        if key in written and other not in written:
            yield problem(settings, (*path, key), f"`{key}` goes with `{other}`")
    if "command" in written and "public" not in written:
        hint = "name the file with the public key: each signature is checked before anybody relies on it"
        yield problem(settings, path, "`command` needs `public`", hint)
