"""Whatever is in the file, it is read, or its problems are told: nothing else ever happens."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import example as instance
from hypothesis import given
from hypothesis import settings as run
from hypothesis import strategies as some

from fairway.model.app import App, Location, Service
from fairway.model.deploy import Deploy
from fairway.model.errors import InvalidFiles
from fairway.model.policy import ServicePolicy
from fairway.settings import Settings, load
from fairway.settings.docs import example
from fairway.settings.fitting import FOREIGN
from fairway.settings.policies import policies
from fairway.settings.shapes import keys, record
from tests.unit.settings.applications import applications

EXAMPLES = run(max_examples=int(os.environ.get("FAIRWAY_EXAMPLES", "150")), deadline=None)
WORDS = sorted({path[-1] for path, _ in keys(record(Settings))} - {"NAME"})
VALUES = [
    "web", "unix:///x", "tcp://h:1", "30s", "25%", "all", "rolling", "canary", "/up", "A=b", "*", "", "yes", "it's",
    "last-line", "x" * 70, "\x1b[31m", "a\nb", "!!int 3", "1e999", "é", "\ud800", "-", "&", "docker", "a.b/c",
    "approve", "blue-green", "10%", "0.01", "hold", "errors", "GET", "7", "1e-3", "next.example.com",
    "9" * 5000, "-1", "1.5", "0x1f", "~", "[]", "{}", "[a, {b: c}]", "*anchor", "!tag x", "!!int ''", "!!float x",
]  # fmt: skip
leaves = some.none() | some.booleans() | some.integers() | some.floats() | some.text() | some.sampled_from(VALUES)
names = some.sampled_from(WORDS) | some.sampled_from(VALUES) | some.text(max_size=5)
trees = some.recursive(
    leaves, lambda inner: some.lists(inner, max_size=3) | some.dictionaries(names, inner, max_size=5), max_leaves=20
)
maps = some.dictionaries(some.sampled_from(WORDS), trees, max_size=6)


def read(text: str) -> Settings | None:
    """The settings, if they are right; what is said of a wrong file must be worth saying."""
    try:
        return load(text, file="fairway.yaml")
    except InvalidFiles as error:
        assert error.problems
        for problem in error.problems:
            assert problem.what
            assert isinstance(problem.where, Location)
            assert problem.where.file == "fairway.yaml"
            assert problem.where.line <= max(len(text.splitlines()), 1)
    return None


@EXAMPLES
@given(some.text())
@instance("a: !<tag:yaml.org,2002:int> x")
@instance("%TAG ! tag:x,2000:\n---\n!y z")
@instance("!!python/object/apply:os.system ['true']")
def test_any_text(text: str) -> None:
    read(text)


@EXAMPLES
@given(some.text(alphabet="ab:-[]{}&*!|>'\"#%@,?~<\n\t \\0\ufeff\x85\u2028", max_size=60))
def test_any_text_of_yamls_own_characters(text: str) -> None:
    read(text)


@EXAMPLES
@given(maps)
def test_any_document_of_known_words(document: dict[str, Any]) -> None:
    read(json.dumps(document))


@EXAMPLES
@given(some.data())
def test_a_good_file_with_one_value_changed(data: some.DataObject) -> None:
    lines = example().splitlines()
    at = data.draw(some.integers(0, len(lines) - 1))
    head, colon, _ = lines[at].partition(":")
    lines[at] = f"{head}{colon} {data.draw(leaves.map(json.dumps) | some.sampled_from(VALUES))}"
    read("\n".join(lines))


@EXAMPLES
@given(some.data())
def test_a_good_file_with_lines_gone_doubled_swapped_or_cut(data: some.DataObject) -> None:
    lines = example().splitlines()
    places = some.integers(0, len(lines) - 1)
    for _ in range(data.draw(some.integers(1, 4))):
        at, other = data.draw(places) % len(lines), data.draw(places) % len(lines)
        match data.draw(some.sampled_from(["drop", "double", "swap", "cut", "indent"])):
            case "drop" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(other, lines[at])
            case "swap":
                lines[at], lines[other] = lines[other], lines[at]
            case "cut":
                lines[at] = lines[at][: data.draw(some.integers(0, max(len(lines[at]), 1)))]
            case "indent":
                lines[at] = f"  {lines[at]}"
    read("\n".join(lines))


hosts = some.sampled_from(["a.example.com", "*", "*.b.example.com"])
times = some.sampled_from(["0", "1s", "5m"])
routes = some.fixed_dictionaries(
    {}, optional={"host": hosts, "port": some.integers(1, 65535), "path": some.sampled_from(["/", "/a"])}
)
readies = some.fixed_dictionaries({}, optional={"http": some.just("/up"), "port": some.just(80), "min_ready": times})
strategies = some.sampled_from(["rolling", "recreate", "canary", "blue-green", "ab", "shadow"])
shares = some.sampled_from([1, 25, 99.5, 100, "10%", "100%"])
amounts = some.sampled_from([1, 2, "50%", "100%", "all"])
commands = some.sampled_from(["x", ["x", "y"], {"command": "x", "timeout": "1m"}])
conditions = some.sampled_from(
    [{"header": {"X-A": None}}, {"cookie": {"a": 1}}, {"header": {"a": "*"}, "cookie": {}}, {}]
)
steps = some.fixed_dictionaries(
    {},
    optional={
        "traffic": shares,
        "users": shares,
        "match": conditions | some.lists(conditions, max_size=2),
        "mirror": shares,
        "methods": some.sampled_from(["GET", ["GET", "POST"], []]),
        "scale": amounts,
        "hold": some.sampled_from([0, "1m", "approve", ["1m", "approve"], ["approve"]]),
        "check": commands,
    },
)
judges = some.fixed_dictionaries(
    {},
    optional={
        "compare": some.sampled_from(["errors", ["errors", "latency"], []]),
        "alpha": some.sampled_from(["1%", 0.01]),
        "tolerance": some.sampled_from([1, 2.5]),
        "slo": some.sampled_from([{}, {"errors": "1%"}, {"latency": "1s"}]),
        "every": some.sampled_from(["5s", "1h"]),
        "max_hold": some.sampled_from(["1m", "1d"]),
        "no_data": some.sampled_from(["hold", "pass", "abort"]),
    },
)
rollouts = some.fixed_dictionaries(
    {},
    optional={
        "strategy": strategies,
        "steps": steps | some.lists(steps, max_size=3) | some.none(),
        "judge": judges | some.none(),
        "preview": some.sampled_from(["a.example.com", "next.example.com"]),
        "keep": times,
        "before": commands,
        "after_keep": commands,
        "on_fail": some.sampled_from(["rollback", "hold"]),
        "surge": amounts,
        "max_unavailable": some.sampled_from([0, 1, "25%", "100%"]),
        "pause": times,
        "monitor": times,
    },
)
said = some.fixed_dictionaries({}, optional={"route": routes, "ready": readies, "rollout": rollouts})


@EXAMPLES
@given(applications, some.data())
def test_any_settings_with_any_application(app: App, data: some.DataObject) -> None:
    known = some.sampled_from([*app.services, "stranger"])
    services, here = (data.draw(some.dictionaries(known, said, max_size=3)) for _ in range(2))
    settings = read(json.dumps({"services": services, "environments": {"e": {"services": here}}}))
    if settings is None:
        return
    try:
        found = policies(settings, app, "e")
    except InvalidFiles as error:
        assert all(problem.what and problem.where and problem.path for problem in error.problems)
        return
    assert found.keys() == app.services.keys()
    for name, policy in found.items():
        overruled = settings.services.get(name) or settings.environments["e"].services.get(name)
        assert policy.rollout.strategy == "rolling" or policy.rollout.why or overruled
        sound(policy, app.services[name].deploy.replicas)


@EXAMPLES
@given(strategies, rollouts, some.booleans(), some.integers(0, 9))
def test_any_rollout_of_a_service_that_can_run_twice(
    strategy: str, rollout: dict[str, Any], routed: bool, replicas: int
) -> None:
    rollout = {key: value for key, value in rollout.items() if key not in FOREIGN[strategy]} | {"strategy": strategy}
    service = {"route": {"host": "a.example.com", "port": 80}} if routed else {}
    settings = read(json.dumps({"services": {"web": service | {"rollout": rollout}}, "environments": {"e": {}}}))
    if settings is None:
        return
    app = App(name="shop", services={"web": Service(name="web", deploy=Deploy(replicas=replicas))})
    try:
        sound(policies(settings, app, "e")["web"], replicas)
    except InvalidFiles as error:
        assert all(problem.what and problem.where and problem.path and problem.hint for problem in error.problems)


def sound(policy: ServicePolicy, replicas: int) -> None:
    """What strategies and engines may rely on."""
    rollout = policy.rollout
    stepped = rollout.strategy not in ("rolling", "recreate")
    assert stepped or not (rollout.steps or rollout.preview)
    assert not (stepped and (rollout.surge or rollout.pause or rollout.monitor or rollout.max_unavailable))
    assert policy.route or not (rollout.judge or rollout.keep or rollout.preview)
    assert 0 <= rollout.max_unavailable <= max(0, replicas - 1)
    for phase in rollout.steps:
        assert phase.scale <= replicas
        assert phase.scale * 100 >= replicas * phase.traffic
        assert policy.route or not phase.served
        assert all((match.header is None) != (match.cookie is None) for match in phase.match)
