"""What happens while something is done, as data. The CLI, or a server, renders it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fairway.model.errors import FairwayError
from fairway.model.judgement import Opinion
from fairway.model.steps import Step, Trial


@dataclass(frozen=True, slots=True)
class StepStarted:
    step: Step


@dataclass(frozen=True, slots=True)
class StepEnded:
    step: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class StepFailed:
    step: Step
    error: FairwayError


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """Something that takes time and is no step of a rollout: a build, a test stage, a push. `key` tells tasks apart."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class TaskEnded:
    key: str
    ok: bool
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A line that something else printed."""

    key: str
    line: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know. `level`: info, warning."""

    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True)
class Judged:
    """The judge has looked again, `seconds` after the trial began."""

    trial: Trial
    opinion: Opinion
    seconds: float


Event = StepStarted | StepEnded | StepFailed | TaskStarted | TaskEnded | Output | Note | Judged
Emit = Callable[[Event], None]
