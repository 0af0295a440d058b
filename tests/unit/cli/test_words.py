"""Steps in words."""

from __future__ import annotations

import pytest

from fairway.cli.words import describe
from fairway.model.judgement import JudgePolicy
from fairway.model.policy import Job, Judging, Match, Mirror
from fairway.model.release import Revision
from fairway.model.routes import Steering
from fairway.model.steps import AwaitExit, AwaitReady, Drain, Ensure, Hold, Retire, RunOnce, Shift, Step, Trial, Want

OLD, NEW, API = Revision("web", 1, "a"), Revision("web", 2, "b"), Revision("api", 2, "c")
COMPARED = Trial(new=NEW, old=OLD, judging=Judging())
LIMITED = Trial(new=NEW, old=OLD, judging=Judging(policy=JudgePolicy(compare=(), limit_errors=0.01)))
STEERED = Steering(
    revision="web-r2",
    match=(Match(header="x-beta"), Match(cookie="beta", value="1")),
    mirror=Mirror(percent=25, methods=("GET",)),
    preview="next.example.com",
    sticky="web-r2",
)

WORDS: list[tuple[Step, str]] = [
    (Ensure((Want(NEW, 2), Want(API, 1))), "start web-r2 ×2, api-r2 ×1"),
    (AwaitReady((Want(NEW, 2),)), "wait until ready: web-r2 ×2"),
    (AwaitExit((Want(API, 1),)), "wait until ended: api-r2"),
    (Shift({"web": {"web-r2": 2}}), "move traffic: web to web-r2 100 %"),
    (
        Shift({"web": {"web-r1": 9950, "web-r2": 50}, "api": {"api-r2": 1}}),
        "move traffic: api to api-r2 100 %; web to web-r1 99.5 %, web-r2 0.5 %",
    ),
    (Shift({}), "move traffic: nothing is routed any more"),
    (Shift({"web": {}}), "move traffic: web to nobody"),
    (
        Shift({"web": {"web-r1": 8000, "web-r2": 2000}}, {"web": STEERED}, others=True),
        "move traffic: web to web-r1 80 %, web-r2 20 %; requests with header x-beta or cookie beta=1 to web-r2; "
        "each user keeps to one revision; copies of 25 % (GET) to web-r2; http://next.example.com to web-r2",
    ),
    (Hold(30, (Want(NEW, 2),), "monitor"), "monitor: watch web-r2 for 30s"),
    (Hold(0, (Want(NEW, 2),), "phase", phase=1), "phase 1: watch web-r2"),
    (
        Hold(60, (Want(NEW, 2),), "phase", approve=True, trials=(COMPARED,), phase=2),
        "phase 2: watch web-r2 for 1m, and until somebody approves, and until the judge passes web-r2 against web-r1",
    ),
    (
        Hold(60, (Want(NEW, 2),), "monitor", trials=(LIMITED,)),
        "monitor: watch web-r2 for 1m, and until the judge passes web-r2 by its limits",
    ),
    (
        RunOnce(name="before-web-r2", revision=NEW, job=Job(command=("./migrate", "expand"))),
        "run before-web-r2: ./migrate expand",
    ),
    (Drain((Want(OLD, 1), Want(API, 0))), "drain web-r1 down to 1, api-r2"),
    (Retire((Want(OLD, 0),)), "stop and remove web-r1"),
]


@pytest.mark.parametrize(("step", "words"), WORDS, ids=[words[:30] for _, words in WORDS])
def test_a_step_is_one_line(step: Step, words: str) -> None:
    assert describe(step) == words


def test_every_kind_of_step_has_words() -> None:
    assert {type(step) for step, _ in WORDS} == set(Step.__args__)
