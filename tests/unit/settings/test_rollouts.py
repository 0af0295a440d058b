"""What fairway.yaml says of strategies becomes phases, a judge and jobs; what cannot be is told with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.model.app import Dependency, Port, Service
from fairway.model.deploy import Deploy, UpdateConfig
from fairway.model.errors import InvalidFiles
from fairway.model.files import Mount
from fairway.model.judgement import JudgePolicy, Measure
from fairway.model.policy import HttpProbe, Job, Judging, Match, Mirror, Phase, Probe, PrometheusProbe, Rollout
from fairway.settings.policies import policies
from tests.unit.settings.parts import app, hints, settings, wrong

WEB = Service(name="web", deploy=Deploy(replicas=4))
HEAD = "services:\n  web:\n    {}\n    rollout:\n"
ROUTE = "route: {port: 80}"


def rollout(said: str, service: Service = WEB, *, route: str = ROUTE, **lines: int) -> Rollout:
    """`said` stands under `rollout:`, from line 5 on."""
    body = "".join(f"      {line}\n" for line in said.strip("\n").splitlines())
    places = {("services", "web", *key.split("__")): line for key, line in lines.items()}
    return policies(settings(HEAD.format(route) + body), app(service, lines=places))["web"].rollout


def phases(steps: str, replicas: int = 4, *, strategy: str = "canary") -> tuple[Phase, ...]:
    service = Service(name="web", deploy=Deploy(replicas=replicas))
    return rollout(f"strategy: {strategy}\nsteps: {steps}", service).steps


def cases() -> list[tuple[str, list[str]]]:
    blocks = (Path(__file__).parent / "rollouts.txt").read_text().strip().split("\n\n")[1:]
    found = []
    for block in blocks:
        lines = block.splitlines()
        said = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        found.append(("\n".join(line for line in lines if not line.startswith("> ")), said))
    return found


@pytest.mark.parametrize(("said", "expected"), cases())
def test_what_cannot_be_is_told_with_its_line(said: str, expected: list[str]) -> None:
    route = "ready: {}" if said.startswith("# worker") else ROUTE
    said = said.removeprefix("# worker\n")
    told = [line.replace("services.web.rollout.", "") for line in wrong(lambda: rollout(said, route=route))]
    assert told == expected
    assert all(hints(lambda: rollout(said, route=route)))


def test_every_step_becomes_a_phase() -> None:
    said = """
strategy: canary
steps:
  - {traffic: 1}
  - {traffic: 30%, hold: 2m, check: "python -m smoke"}
  - {match: {header: {X-Beta: "yes"}}, hold: approve}
  - {match: [{cookie: {beta: 1}}, {header: {x-any: }}, {cookie: {any: "*"}}], hold: [10m, approve]}
  - {users: 20%}
  - {mirror: 26%, methods: [GET, GET], hold: 5m}
  - {scale: 100%, traffic: 0, check: {command: [a, b], timeout: 5m}}
"""
    assert rollout(said) == Rollout(
        strategy="canary",
        steps=(
            Phase(traffic=1, scale=1),
            Phase(traffic=30, scale=2, hold=120, check=Job(command=("python", "-m", "smoke"))),
            Phase(match=(Match(header="x-beta", value="yes"),), scale=1, approve=True),
            Phase(
                match=(Match(cookie="beta", value="1"), Match(header="x-any"), Match(cookie="any")),
                hold=600,
                approve=True,
            ),
            Phase(traffic=20, sticky=True, scale=1),
            Phase(mirror=Mirror(percent=26, methods=("GET",)), scale=2, hold=300),
            Phase(scale=4, check=Job(command=("a", "b"), timeout=300)),
        ),
    )


def test_strategies_stand_for_steps() -> None:
    assert rollout("strategy: canary") == Rollout(
        strategy="canary",
        steps=(
            Phase(traffic=5, scale=1, hold=60),
            Phase(traffic=25, scale=1, hold=60),
            Phase(traffic=50, scale=2, hold=60),
        ),
    )
    assert [phase.hold for phase in rollout("strategy: canary\njudge: {}").steps] == [0, 0, 0], "the judge decides"
    assert rollout("strategy: blue-green") == Rollout(strategy="blue-green", steps=(Phase(scale=4),), keep=600)
    assert rollout("strategy: shadow") == Rollout(
        strategy="shadow", steps=(Phase(mirror=Mirror(percent=100, methods=("GET", "HEAD")), scale=4, hold=300),)
    )


@pytest.mark.parametrize("strategy", ["canary", "blue-green", "ab", "shadow"])
def test_every_strategy_takes_any_steps(strategy: str) -> None:
    assert phases("[{scale: all, check: x}, {users: 10, hold: approve}]", strategy=strategy) == (
        Phase(scale=4, check=Job(command=("x",))),
        Phase(traffic=10, sticky=True, scale=1, approve=True),
    )


@pytest.mark.parametrize("last", ["{traffic: 100}", "{traffic: 100%, scale: 100%}", "{users: 100, scale: all}"])
def test_all_traffic_on_all_replicas_comes_in_any_case(last: str) -> None:
    assert phases(f"[{{traffic: 10}}, {last}]") == (Phase(traffic=10, scale=1),)


@pytest.mark.parametrize("more", ["hold: 1s", "check: x", "hold: approve", "mirror: 1%", "match: {header: {a: b}}"])
def test_a_last_step_that_does_more_stays(more: str) -> None:
    assert len(phases(f"[{{traffic: 100, {more}}}]")) == 1


def test_traffic_may_fall() -> None:
    assert [phase.traffic for phase in phases("[{traffic: 50}, {traffic: 5}, {users: 20}, {mirror: 5}]")] == [
        50,
        5,
        20,
        0,
    ]


@pytest.mark.parametrize(
    ("step", "replicas", "scale"),
    [
        ("{traffic: 0}", 4, 1),
        ("{traffic: 0.01}", 100, 1),
        ("{traffic: 25}", 4, 1),
        ("{traffic: 26}", 4, 2),
        ("{traffic: 7}", 100, 7),
        ("{traffic: 1.1}", 1000, 11),
        ("{traffic: 100, hold: 1s}", 3, 3),
        ("{mirror: 50}", 3, 2),
        ("{mirror: 50, traffic: 50}", 4, 3),
        ("{match: {cookie: {a: b}}}", 9, 1),
        ("{mirror: 100, scale: 1}", 9, 1),
        ("{traffic: 1, scale: 50%}", 5, 3),
        ("{traffic: 1, scale: 7}", 5, 5),
    ],
)
def test_a_step_has_as_few_replicas_as_can_do_its_work_unless_it_says_how_many(
    step: str, replicas: int, scale: int
) -> None:
    assert [phase.scale for phase in phases(f"[{step}]", replicas)] == [scale]


def test_a_service_without_replicas_has_nothing_to_go_through() -> None:
    assert rollout("strategy: canary\njudge: {}", Service(name="web", deploy=Deploy(replicas=0))).steps == ()


def test_workers_go_by_share_of_their_replicas() -> None:
    def worker(said: str, replicas: int = 20) -> list[tuple[int, float]]:
        service = Service(name="web", deploy=Deploy(replicas=replicas))
        return [(phase.scale, phase.hold) for phase in rollout(said, service, route="ready: {}").steps]

    assert worker("strategy: canary") == [(1, 60), (5, 60), (10, 60)]
    assert worker("strategy: canary", replicas=2) == [(1, 60)]
    said = "strategy: canary\nsteps: [{scale: 10%, hold: 1m}, {scale: 7, check: x}, {scale: 100%}]"
    assert worker(said) == [(2, 60), (7, 0)]


def test_jobs_keep_preview_and_what_becomes_of_a_failure() -> None:
    said = """
strategy: blue-green
before: {command: ./migrate expand, timeout: 10m}
after_keep: [./migrate, contract]
on_fail: hold
keep: 30m
preview: next.example.com
"""
    assert rollout(said) == Rollout(
        strategy="blue-green",
        steps=(Phase(scale=4),),
        keep=1800,
        before=Job(command=("./migrate", "expand")),
        after_keep=Job(command=("./migrate", "contract")),
        on_fail="hold",
        preview="next.example.com",
    )


def test_jobs_need_no_route_and_no_strategy() -> None:
    said = "before: a\nafter_keep: b\non_fail: hold\nkeep: 0"
    for text in (said, f"strategy: recreate\n{said}"):
        found = rollout(text, route="ready: {}")
        assert (found.before, found.after_keep, found.on_fail) == (Job(command=("a",)), Job(command=("b",)), "hold")


def test_the_old_one_stays_warm_after_a_rolling_too() -> None:
    assert (rollout("keep: 5m\nsurge: 1").keep, rollout("strategy: blue-green\nkeep: 0").keep) == (300, 0)


def test_the_judge_is_what_the_file_says() -> None:
    said = """
strategy: canary
judge:
  compare: [latency, errors, latency]
  alpha: 5%
  ratio: 1.5
  tolerance: 3
  quantile: 0.9
  slo: {errors: 1%, latency: 300ms}
  min_events: 50
  every: 500ms
  max_hold: 1h
  no_data: abort
"""
    assert rollout(said).judge == Judging(
        policy=JudgePolicy(
            compare=(Measure.LATENCY, Measure.ERRORS),
            alpha=0.05,
            ratio=1.5,
            tolerance=3,
            quantile=0.9,
            limit_errors=0.01,
            limit_latency=300,
            min_events=50,
        ),
        every=0.5,
        max_hold=3600,
        no_data="abort",
    )
    assert rollout("strategy: canary\njudge: {}").judge == Judging(policy=JudgePolicy(limit_errors=0.01))
    assert rollout("strategy: canary\njudge: {compare: [latency]}").judge == Judging(
        policy=JudgePolicy(compare=(Measure.LATENCY,))
    )
    assert rollout("strategy: canary\njudge: {compare: [], slo: {errors: 1%}}").judge == Judging(
        policy=JudgePolicy(compare=(), limit_errors=0.01)
    )
    assert rollout("strategy: canary").judge is None


PROBED = (Measure.ERRORS, Measure.PROBE)


@pytest.mark.parametrize(
    ("said", "probe"),
    [
        ("{http: /selftest}", Probe(http=HttpProbe(path="/selftest"))),
        (
            "{http: {path: /a, status: 204, timeout: 2s}, every: 1m}",
            Probe(http=HttpProbe(path="/a", status=204, timeout=2), every=60),
        ),
        ("{job: ./selftest -q}", Probe(job=Job(command=("./selftest", "-q"), timeout=60), every=30)),
        ("{job: {command: [a], timeout: 5m}, every: 10s}", Probe(job=Job(command=("a",), timeout=300), every=10)),
        (
            "{prometheus: {url: 'http://p:9090', good: 'a{r=\"{revision}\"}', bad: 'b{r=\"{revision}\"}'}}",
            Probe(prometheus=PrometheusProbe(url="http://p:9090", good='a{r="{revision}"}', bad='b{r="{revision}"}')),
        ),
    ],
)
def test_a_probe_is_compared_and_has_a_limit(said: str, probe: Probe) -> None:
    judge = rollout(f"strategy: canary\njudge: {{probe: {said}}}").judge
    assert judge == Judging(policy=JudgePolicy(compare=PROBED, limit_errors=0.01, limit_probe=0.1), probe=probe)


def test_a_probe_alone_may_be_compared_even_where_no_step_has_requests() -> None:
    found = rollout("strategy: blue-green\njudge: {compare: [], slo: {probe: 2%}, every: 1s, probe: {http: /x}}").judge
    assert found == Judging(
        policy=JudgePolicy(compare=(Measure.PROBE,), limit_probe=0.02),
        probe=Probe(http=HttpProbe(path="/x"), every=1),
        every=1,
    )
    assert rollout("monitor: 1m\njudge: {compare: [], probe: {http: /x}}").judge is not None


PROBES = """\
services: {web: {route: {port: 80}, rollout: {strategy: canary, judge: {probe: {http: {path: /a, status: 204}, every: 9s}}}}}
environments:
  status: {services: {web: {rollout: {judge: {probe: {http: {path: /b}}}}}}}
  job: {services: {web: {rollout: {judge: {probe: {job: ./selftest}}}}}}
"""


@pytest.mark.parametrize(
    ("name", "probe"),
    [
        ("status", Probe(http=HttpProbe(path="/b", status=204), every=9)),
        ("job", Probe(job=Job(command=("./selftest",), timeout=60), every=9)),
    ],
)
def test_an_environment_has_another_probe(name: str, probe: Probe) -> None:
    judge = policies(settings(PROBES), app(WEB), name)["web"].rollout.judge
    assert judge and judge.probe == probe


@pytest.mark.parametrize(
    "said",
    ["surge: 1\nmonitor: 1m", "surge: 50%\npause: 10s", "monitor: 1m"],
)
def test_watched_batches_may_be_judged(said: str) -> None:
    limit = "{slo: {errors: 1%}}" if "surge" not in said else "{}"
    assert rollout(f"{said}\njudge: {limit}").judge is not None


def test_batches_of_the_compose_file_may_be_judged() -> None:
    update = UpdateConfig(parallelism=1, monitor=5)
    judged = rollout("judge: {}", replace(WEB, deploy=Deploy(replicas=4, update_config=update))).judge
    assert judged == Judging(policy=JudgePolicy(limit_errors=0.01))


def test_steps_have_no_batches_whatever_the_compose_file_says() -> None:
    update = UpdateConfig(parallelism=1, delay=2, monitor=5, order="start-first")
    found = rollout("strategy: blue-green", replace(WEB, deploy=Deploy(replicas=4, update_config=update)))
    assert (found.surge, found.pause, found.monitor) == (None, 0, 0)


@pytest.mark.parametrize(("action", "on_fail"), [("rollback", "rollback"), ("pause", "hold"), ("continue", "rollback")])
def test_the_compose_file_says_what_becomes_of_a_failure_where_it_says_so(action: str, on_fail: str) -> None:
    service = replace(WEB, deploy=Deploy(update_config=UpdateConfig(failure_action=action)))
    assert rollout("{}", service, deploy__update_config__failure_action=9).on_fail == on_fail
    assert rollout("{}", service).on_fail == "rollback", "the default of the specification is nobody's wish"
    written = {"deploy__update_config__failure_action": 9}
    assert rollout("on_fail: rollback", service, **written).on_fail == "rollback"
    assert rollout("on_fail: hold", service, **written).on_fail == "hold"


@pytest.mark.parametrize(
    ("written", "replicas", "found"),
    [("1", 4, 1), ("0", 4, 0), ("25%", 4, 1), ("25%", 3, 0), ("0%", 3, 0), ("100%", 3, 2), ("9", 3, 2), ("1", 0, 0)],
)
def test_how_many_may_be_missing(written: str, replicas: int, found: int) -> None:
    service = Service(name="web", deploy=Deploy(replicas=replicas))
    assert rollout(f"max_unavailable: {written}", service).max_unavailable == found


HARD = Service(name="web", ports=(Port(target=80, published=8080),))
DATA = Service(name="web", volumes=(Mount(type="volume", source="d", target="/d"),))


@pytest.mark.parametrize("strategy", ["canary", "blue-green", "shadow"])
def test_what_cannot_run_twice_has_no_steps(strategy: str) -> None:
    assert wrong(lambda: rollout(f"strategy: {strategy}", HARD, ports=7)) == [
        f"5 services.web.rollout.strategy: {strategy} needs two at once, and it publishes port 8080/tcp of the host (compose.yaml:7)"
    ]


@pytest.mark.parametrize(
    "key", ["steps: [{traffic: 1}]", "judge: {}", "keep: 1m", "preview: a.b", "max_unavailable: 1"]
)
def test_what_is_recreated_has_nothing_of_that(key: str) -> None:
    name = key.partition(":")[0]
    (line,) = wrong(lambda: rollout(key, DATA, volumes__0=7))
    assert line.startswith(f"5 services.web.rollout.{name}: `{name}` mean")
    assert line.endswith("nothing where it is recreated: it writes to /d (compose.yaml:7)")


def test_a_named_strategy_overrules_the_doubt_about_a_volume() -> None:
    assert rollout("strategy: canary", DATA).strategy == "canary"


def test_what_ends_by_itself_has_no_steps() -> None:
    waits = Dependency(service="web", condition="service_completed_successfully")
    other = Service(name="api", depends_on={"web": waits})
    application = app(WEB, other, lines={("services", "api", "depends_on", "web"): 12})
    text = "services: {web: {rollout: {strategy: canary}}}"
    assert wrong(lambda: policies(settings(text), application)) == [
        "1 services.web.rollout.strategy: canary leads what goes on running, and api (compose.yaml:12) waits until this has ended"
    ]


def test_what_is_stopped_first_has_no_steps() -> None:
    service = replace(WEB, deploy=Deploy(update_config=UpdateConfig(order="stop-first")))
    written = {"deploy__update_config__order": 9}
    assert wrong(lambda: rollout("steps: [{scale: 1}]", service, route="ready: {}", **written)) == [
        "5 services.web.rollout.steps: `steps` mean nothing where it is recreated: the order is stop-first (compose.yaml:9)"
    ]
    assert wrong(lambda: rollout("steps: [{traffic: 1}]", service, **written)) == [
        "5 services.web.rollout.steps: `steps` belong to a strategy, and none is named"
    ]


HOSTS = """\
services:
  web:
    route: {host: a.example.com, port: 1}
    rollout: {strategy: canary, preview: PREVIEW}
  api:
    route: {hosts: [b.example.com, "*.example.com"], path: /api, port: 1}
    rollout:
      strategy: canary
      preview: next.example.com
"""


@pytest.mark.parametrize(
    ("preview", "problem"),
    [
        ("a.example.com", "4 services.web.rollout.preview: a.example.com is the route of web already"),
        ("b.example.com", "4 services.web.rollout.preview: b.example.com is the route of api already"),
        ("next.example.com", "9 services.api.rollout.preview: next.example.com is the preview of web already"),
    ],
)
def test_a_preview_has_a_host_of_its_own(preview: str, problem: str) -> None:
    application = app(WEB, Service(name="api"))
    assert wrong(lambda: policies(settings(HOSTS.replace("PREVIEW", preview)), application)) == [problem]
    assert policies(settings(HOSTS.replace("PREVIEW", "other.example.com")), application)


BOTH = """\
services:
  web:
    route: {port: 80}
    rollout:
      strategy: canary
      steps: [{traffic: 10}]
      judge: {alpha: 0.05, slo: {errors: 1%}}
      keep: 1m
      preview: a.b
      before: {command: x, timeout: 1m}
environments:
  production: {services: {web: {rollout: {judge: {slo: {latency: 1s}}, before: y}}}}
  steps:
    services:
      web:
        rollout:
          steps:
            - {traffic: 20, scale: 2}
            - {traffic: 60, scale: 2}
  one:
    services:
      web:
        rollout:
          steps:
            traffic: 60
            scale: 2
  rolling: {services: {web: {rollout: {strategy: rolling, surge: 1}}}}
  recreate: {services: {web: {rollout: {strategy: recreate}}}}
  blue-green: {services: {web: {rollout: {strategy: blue-green, judge: {compare: []}, steps: [{traffic: 1}]}}}}
"""


def test_an_environment_says_what_differs_in_it() -> None:
    def there(name: str) -> Rollout:
        return policies(settings(BOTH), app(WEB), name)["web"].rollout

    production = there("production")
    assert production.judge == Judging(policy=JudgePolicy(alpha=0.05, limit_errors=0.01, limit_latency=1000))
    assert production.before == Job(command=("y",), timeout=60)
    assert production.steps == (Phase(traffic=10, scale=1),)
    before = Job(command=("x",), timeout=60)
    assert there("rolling") == Rollout(surge=1, keep=60, before=before)
    assert there("recreate") == Rollout(strategy="recreate", before=before)
    green = there("blue-green")
    assert (green.steps, green.keep, green.preview) == ((Phase(traffic=1, scale=1),), 60, "a.b")
    assert green.judge == Judging(policy=JudgePolicy(compare=(), alpha=0.05, limit_errors=0.01))


@pytest.mark.parametrize(("name", "place"), [("steps", "19 environments.steps"), ("one", "26 environments.one")])
def test_a_step_of_an_environment_is_told_where_it_stands(name: str, place: str) -> None:
    (line,) = wrong(lambda: policies(settings(BOTH), app(WEB), name))
    number = ".1" if name == "steps" else ""
    assert line.startswith(f"{place}.services.web.rollout.steps{number}.scale: 60% of the traffic of 4 replicas")


def test_a_strategy_of_the_whole_file_meets_the_keys_of_an_environment() -> None:
    text = """\
services: {web: {route: {port: 80}, rollout: {strategy: rolling}}}
environments:
  e:
    services: {web: {rollout: {steps: [{traffic: 1}]}}}
"""
    assert wrong(lambda: policies(settings(text), app(WEB), "e")) == [
        "4 environments.e.services.web.rollout.steps: `steps` mean nothing where the strategy is rolling"
    ]


shares = some.integers(0, 10_000).map(lambda share: share / 100)
positive = some.integers(1, 10_000).map(lambda share: f"{share / 100}%")
amounts = some.integers(1, 30) | some.integers(1, 100).map(lambda share: f"{share}%")
steps = some.fixed_dictionaries(
    {"traffic": shares}, optional={"mirror": positive, "match": some.just({"header": {"A": "b"}}), "scale": amounts}
) | some.fixed_dictionaries({"users": positive}, optional={"scale": amounts})


@given(some.lists(steps, min_size=1, max_size=5), some.integers(0, 25))
def test_traffic_never_exceeds_the_replicas_of_a_step(written: list[dict[str, Any]], replicas: int) -> None:
    said = json.dumps({"strategy": "canary", "steps": written})
    try:
        found = rollout(said, Service(name="web", deploy=Deploy(replicas=replicas)))
    except InvalidFiles as error:
        assert all("scale" in problem.path or "users" in problem.path for problem in error.problems)
        return
    assert len(found.steps) >= (len(written) - 1 if replicas else 0)
    for phase in found.steps:
        assert 1 <= phase.scale <= replicas
        assert phase.scale * 100 >= replicas * phase.traffic - 1e-6
