"""What happens while something is done, as data. The CLI, or a server, renders it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from fairway.model.errors import FairwayError
from fairway.model.judgement import Opinion
from fairway.model.steps import Step, Trial


class StepStarted(Struct, frozen=True):
    step: Step


class StepEnded(Struct, frozen=True):
    step: Step
    seconds: float


class StepFailed(Struct, frozen=True):
    step: Step
    error: FairwayError


class TaskStarted(Struct, frozen=True):
    """Something that takes time and is no step of a rollout: a build, a test stage, a push. `key` tells tasks apart."""

    key: str
    title: str


class TaskEnded(Struct, frozen=True):
    key: str
    ok: bool
    seconds: float
    detail: str = ""


class Output(Struct, frozen=True):
    """A line that something else printed."""

    key: str
    line: str


class Note(Struct, frozen=True):
    """Something that a person should know. `level`: info, warning."""

    text: str
    level: str = "info"


class Judged(Struct, frozen=True):
    """The judge has looked again, `seconds` after the trial began."""

    trial: Trial
    opinion: Opinion
    seconds: float


Event = StepStarted | StepEnded | StepFailed | TaskStarted | TaskEnded | Output | Note | Judged
Emit = Callable[[Event], None]
