"""fairway check: whether the files are right, and whether the hosts can honour them."""

from __future__ import annotations

from msgspec import Struct

from fairway import wiring
from fairway.cli.common import Common, Flag, Json, Options, show, show_json
from fairway.cli.common import environment as chosen
from fairway.cli.errors import near
from fairway.model.errors import Exit, FairwayError, InvalidFiles, Problem, UsageError
from fairway.wiring.evidence import rules
from fairway.wiring.secret_doubts import doubts


class Finding(Struct, frozen=True):
    environment: str
    level: str
    what: str
    where: str = ""
    hint: str = ""


async def check(
    environment: str | None = None,
    *,
    offline: Flag = False,
    security: Flag = False,
    fail_on: str | None = None,
    sarif: str | None = None,
    json: Json = False,
    options: Options = Common(),  # noqa: B008
) -> int:
    """Check fairway.yaml and the Compose files of each environment, and that its hosts answer and can honour them.

    Parameters
    ----------
    environment:
        Only this one; all of them where none is named.
    offline:
        Look at the files alone.
    security:
        Look at how safe it is instead: files, images and hosts. `fairway docs security` lists the rules.
    fail_on:
        With --security: end with 6 where something is found that is at least so severe: critical, high, medium, low, info.
    sarif:
        With --security: write the findings as SARIF 2.1.0 to this file; - for standard output.
    json:
        Print JSON.
    """
    project = wiring.project(options.directory)
    names = [chosen(project.settings, environment)] if environment else list(project.settings.environments)
    if security:
        from fairway.cli.check_security import check_security  # what it imports is of no use to a quick check

        return await check_security(project, names, offline=offline, json=json, fail_on=fail_on, sarif=sarif)
    if fail_on or sarif:
        raise UsageError(f"--{'fail-on' if fail_on else 'sarif'} goes with --security")
    findings = [finding for name in names for finding in await _look(project, name, offline)]
    if json:
        show_json(findings)
    else:
        show(_text(findings, names))
    return Exit.USAGE if any(finding.level == "error" for finding in findings) else Exit.DONE


async def _look(project: wiring.Project, name: str, offline: bool) -> list[Finding]:
    try:
        app, warnings = project.app_with_warnings(name)
        policies = project.policies(name, app)
        warnings += (*project.edge_warnings(name, policies), *doubts(project, name, app, policies))
        configs = project.configs(name, app)
        rules(project, name)
    except InvalidFiles as error:
        return [_finding(name, "error", problem) for problem in error.problems]
    found = [_finding(name, "warning", problem) for problem in warnings]
    if offline:
        return found
    try:
        async with wiring.connection(project, name) as here:
            here.target(by="", doing="check").engine.refuse(app)
            await here.secrets(app, configs)
    except InvalidFiles as error:
        found += [_finding(name, "error", problem) for problem in error.problems]
    except FairwayError as error:
        found.append(
            Finding(
                name,
                "error",
                f"{error.what}: {error.why}" if error.why else error.what,
                "" if str(error.where) in error.what else str(near(error.where) or ""),
                error.hint,
            )
        )
    return found


def _finding(name: str, level: str, problem: Problem) -> Finding:
    path = f"{'.'.join(problem.path)}: " if problem.path else ""
    return Finding(name, level, f"{path}{problem.what}", str(near(problem.where) or ""), problem.hint)


def _text(findings: list[Finding], names: list[str]) -> str:
    lines = []
    for finding in dict.fromkeys(findings):
        lines.append(
            f"{finding.level}: {finding.environment}: {f'{finding.where}: ' if finding.where else ''}{finding.what}"
        )
        if finding.hint:
            lines.append(f"    → {finding.hint}")
    errors = sum(finding.level == "error" for finding in findings)
    lines.append(f"{', '.join(names)}: {f'{errors} to mend' if errors else 'all is well'}")
    return "\n".join(lines)
