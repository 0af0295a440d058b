"""fairway init: a first fairway.yaml for a Compose application."""

from __future__ import annotations

from fairway import wiring
from fairway.cli.common import Common, Flag, Options, show
from fairway.model.errors import FairwayError, InvalidFiles, UsageError
from fairway.settings import Settings, load
from fairway.settings.model import EnvironmentSettings
from fairway.settings.policies import policies
from fairway.settings.propose import propose

NEXT = """\
wrote {file}: read it, its comments say what was guessed
next: fairway check              are the files right, and can the host honour them?
      fairway ship production    build, test and deploy what is committed"""


def init(
    *,
    registry: str | None = None,
    host: str | None = None,
    force: Flag = False,
    output: Flag = False,
    options: Options = Common(),  # noqa: B008
) -> None:
    """Write a fairway.yaml from the compose.yaml beside it.

    Parameters
    ----------
    registry:
        Where images are pushed, such as registry.example.com/team; not needed on one host.
    host:
        The Docker engine of production: unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST.
    force:
        Overwrite the fairway.yaml that is there.
    output:
        Print it, and write nothing.
    """
    directory = options.directory.resolve()
    file = directory / wiring.FILE
    if file.exists() and not (force or output):
        raise UsageError(
            f"{file} is there already", hint="--force overwrites it, --output prints what would be written"
        )
    nothing_said = Settings(environments={"production": EnvironmentSettings()}, file=wiring.FILE)
    app = wiring.Project(directory, nothing_said).app("production")
    text = propose(app, registry=registry, hosts={"production": host} if host else None)
    try:
        policies(load(text, file=wiring.FILE), app, "production")
    except InvalidFiles as error:
        raise InvalidFiles(error.problems, "what was given does not make a good fairway.yaml") from None
    if output:
        show(text.rstrip())
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FairwayError(f"{file} cannot be written", why=str(error)) from error
    show(NEXT.format(file=file))
