from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.model.app import BuildSpec
from fairway.model.build import Build, ImageRef
from fairway.model.errors import InvalidFiles, Refused, TestFailed
from fairway.model.stage import HttpCheck, Stage
from fairway.pipeline.push import push
from fairway.pipeline.test import run_tests
from tests.unit.pipeline.parts import CLEAN, DIRTY, MemoryBeds, MemoryBuilder, MemoryBuilds, app

pytestmark = pytest.mark.anyio
APP = app(web=BuildSpec(context="/shop"))
BUILD = Build(
    commit=CLEAN,
    created="2026-11-21T03:00:01Z",
    images={"web": ImageRef(reference="r/shop-web:0123456789ab", id="sha256:aa")},
    tags=("0123456789ab", "v1.2"),
)
UNIT = Stage(name="unit", service="web", command=("python", "-m", "unittest"), environment={"ENV": "UNIT"})
SMOKE = Stage(name="smoke", up=True, http=HttpCheck(service="web", port=80, path="/a", contains="PNG"))


@pytest.fixture
def builds(tmp_path: Path) -> MemoryBuilds:
    return MemoryBuilds(tmp_path)


async def outcome(beds: MemoryBeds, builds: MemoryBuilds, *stages: Stage) -> Build:
    return await run_tests(APP, BUILD, stages, beds, builds, secrets={"key": b"correct horse"}, emit=lambda event: None)


async def test_a_stage_runs_the_very_image_with_another_command_and_environment(builds: MemoryBuilds) -> None:
    beds = MemoryBeds()
    made = await outcome(beds, builds, UNIT)
    assert beds.used == [BUILD.images]
    assert beds.ran == [("web", ("python", "-m", "unittest"), {"ENV": "UNIT"})]
    assert not beds.brought_up
    assert made.passed(("unit",))
    assert builds.kept[CLEAN.tag] == made


async def test_output_is_kept_with_its_digest_and_without_secrets(builds: MemoryBuilds) -> None:
    beds = MemoryBeds(says={"python -m unittest": ("one\nthe correct horse\n", 0)})
    evidence = (await outcome(beds, builds, UNIT)).evidence[0]
    kept = builds.log(CLEAN.tag, "unit").read_bytes()
    assert kept.decode() == "one\nthe ••••\n"
    assert hashlib.sha256(kept).hexdigest() == evidence.output_sha256


async def test_the_reason_of_a_failure_shows_no_secret(builds: MemoryBuilds) -> None:
    beds = MemoryBeds(says={"python -m unittest": ("correct horse\n", 0)})
    with pytest.raises(TestFailed) as caught:
        await outcome(beds, builds, replace(UNIT, passes_on="last-line"))
    assert "correct horse" not in f"{caught.value.what} {caught.value.why} {builds.kept}"


async def test_every_stage_leaves_evidence_even_when_one_fails(builds: MemoryBuilds) -> None:
    beds = MemoryBeds(says={"python -m unittest": ("AssertionError\n", 1)}, status={80: (200, "a PNG")})
    with pytest.raises(TestFailed) as caught:
        await outcome(beds, builds, UNIT, SMOKE)
    kept = builds.kept[CLEAN.tag]
    assert [(e.stage, e.passed, e.exit_code) for e in kept.evidence] == [("unit", False, 1), ("smoke", True, None)]
    assert "exit status 1" in caught.value.what
    assert "AssertionError" in caught.value.why
    assert not beds.open_now


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("ok\nResult: SUCCESS!\n", True),
        ("ok\nResult: SUCCESS!\n\n", True),
        ("Result: SUCCESS!\nbye\n", False),
        ("no Result: SUCCESS!\n", False),
        ("Result: SUCCESS! not\n", False),
        ("", False),
    ],
)
async def test_a_line_passes_only_at_the_end_and_alone(builds: MemoryBuilds, said: str, passes: bool) -> None:
    beds = MemoryBeds(says={"python -m unittest": (said, 3)})
    stage = replace(UNIT, passes_on="last-line")
    if passes:
        assert (await outcome(beds, builds, stage)).evidence[0].exit_code == 3
    else:
        with pytest.raises(TestFailed, match="last line"):
            await outcome(beds, builds, stage)


@pytest.mark.parametrize(
    ("answer", "reason"), [((500, "PNG"), "answered 500, not 200"), ((200, "hello"), "does not contain 'PNG'")]
)
async def test_an_answer_has_to_have_the_status_and_the_content(
    builds: MemoryBuilds, answer: tuple[int, str], reason: str
) -> None:
    with pytest.raises(TestFailed, match=reason):
        await outcome(MemoryBeds(status={80: answer}), builds, SMOKE)


async def test_a_stage_without_its_service_is_refused_before_anything_runs(builds: MemoryBuilds) -> None:
    beds = MemoryBeds()
    lost = replace(SMOKE, name="lost", http=HttpCheck(service="wbe", port=80))
    with pytest.raises(InvalidFiles, match=r"test\.lost: there is no service wbe"):
        await outcome(beds, builds, UNIT, lost)
    assert not beds.used


async def test_an_application_that_is_not_healthy_fails_the_stage_with_its_logs(builds: MemoryBuilds) -> None:
    beds = MemoryBeds(healthy=False)
    with pytest.raises(TestFailed) as caught:
        await outcome(beds, builds, SMOKE)
    assert "web is unhealthy" in caught.value.what
    assert "could not connect to redis" in caught.value.why
    assert not beds.open_now


async def test_a_stage_that_takes_too_long_fails(builds: MemoryBuilds) -> None:
    beds = MemoryBeds(status={80: (None, "")})
    with pytest.raises(TestFailed, match="it took longer"):
        await outcome(beds, builds, replace(SMOKE, timeout=0.05))
    assert not beds.open_now


async def test_only_what_has_passed_is_pushed(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    with pytest.raises(Refused, match="has not passed unit, smoke"):
        await push(BUILD, builder, builds, required=("unit", "smoke"), registry="r", emit=lambda event: None)
    assert not builder.pushed
    assert not builder.there


async def test_newest_moves_last(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    passed = await outcome(MemoryBeds(), builds, UNIT)
    pushed = await push(passed, builder, builds, required=("unit",), registry="r", emit=lambda event: None)
    assert builder.pushed == [f"r/shop-web:{tag}" for tag in ("0123456789ab", "v1.2", "newest")]
    assert pushed.pushed
    assert pushed.images["web"].digest.startswith("sha256:")
    assert pushed.images["web"].content == BUILD.images["web"].content


async def test_a_dirty_tree_is_never_the_newest(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    dirty = replace(BUILD, commit=DIRTY, tags=(DIRTY.tag,))
    await push(dirty, builder, builds, required=(), registry="r", emit=lambda event: None)
    assert builder.pushed == [f"r/shop-web:{DIRTY.tag}"]


async def test_without_a_registry_only_the_engine_learns_which_is_newest(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    made = await push(BUILD, builder, builds, required=(), registry=None, emit=lambda event: None)
    assert not builder.pushed
    assert not made.pushed
    assert list(builder.there) == ["r/shop-web:newest"]
