from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from fairway.model.app import BuildSpec, Service
from fairway.model.errors import BuildFailed, InvalidFiles, Refused
from fairway.model.events import Event, Note, Output, TaskEnded
from fairway.model.secret import DOTS
from fairway.pipeline.build import build
from tests.unit.pipeline.parts import CLEAN, DIRTY, MemoryBuilder, MemoryBuilds, app

pytestmark = pytest.mark.anyio
HERE = BuildSpec(context="/shop")


@pytest.fixture
def builds(tmp_path: Path) -> MemoryBuilds:
    return MemoryBuilds(tmp_path)


def ignore(event: Event) -> None:
    pass


async def test_images_are_named_after_application_and_service(builds: MemoryBuilds) -> None:
    made = await build(app(web=HERE), CLEAN, MemoryBuilder(), builds, emit=ignore, registry="r:5000/team")
    assert made.images["web"].reference == "r:5000/team/shop-web:0123456789ab"
    assert made.tags == ("0123456789ab", "v1.2-3-g0123456")
    assert builds.kept[CLEAN.tag] == made
    local = await build(app(web=HERE), CLEAN, MemoryBuilder(), MemoryBuilds(Path()), emit=ignore)
    assert local.images["web"].reference == "shop/web:0123456789ab"


async def test_an_image_name_of_the_file_holds_in_its_own_registry_only(builds: MemoryBuilds) -> None:
    web = Service(name="web", image="r:5000/team/front:7", build=HERE)
    made = await build(app(web=web), CLEAN, MemoryBuilder(), builds, emit=ignore, registry="r:5000/team")
    assert made.images["web"].reference == "r:5000/team/front:0123456789ab"
    other = await build(app(web=web), CLEAN, MemoryBuilder(), builds, emit=ignore, registry="elsewhere")
    assert other.images["web"].reference == "elsewhere/shop-web:0123456789ab"


async def test_labels_name_the_exact_source(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    commit = replace(CLEAN, source="https://example.com/shop.git")
    await build(app(web=HERE), commit, builder, builds, emit=ignore)
    assert builder.requests[0].labels == {
        "org.opencontainers.image.title": "shop-web",
        "org.opencontainers.image.revision": CLEAN.sha,
        "org.opencontainers.image.version": CLEAN.describe,
        "org.opencontainers.image.source": "https://example.com/shop.git",
        "org.opencontainers.image.created": "2026-11-21T03:00:00Z",
    }


async def test_nothing_is_ever_tagged_latest(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    await build(app(web=Service(name="web", image="web:latest", build=HERE)), CLEAN, builder, builds, emit=ignore)
    assert not [tag for tag in builder.there if tag.endswith((":latest", ":newest"))]
    with pytest.raises(InvalidFiles, match="web:latest does not say"):
        await build(app(web=replace(HERE, tags=("web:latest",))), CLEAN, builder, builds, emit=ignore)


async def test_a_dirty_tree_is_refused_with_its_changes(builds: MemoryBuilds) -> None:
    with pytest.raises(Refused) as caught:
        await build(app(web=HERE), DIRTY, MemoryBuilder(), builds, emit=ignore)
    assert "web/app.py" in caught.value.why
    assert "--dirty" in caught.value.hint


async def test_a_dirty_tree_may_be_built_with_its_tag_marked(builds: MemoryBuilds) -> None:
    made = await build(app(web=HERE), DIRTY, MemoryBuilder(), builds, emit=ignore, dirty=True)
    assert made.tags == ("0123456789ab-dirty-feedface",)
    assert made.images["web"].reference == "shop/web:0123456789ab-dirty-feedface"


async def test_the_same_call_does_the_same_thing(builds: MemoryBuilds) -> None:
    builder, events = MemoryBuilder(), []
    first = await build(app(web=HERE), CLEAN, builder, builds, emit=ignore)
    again = await build(app(web=HERE), CLEAN, builder, builds, emit=events.append)
    assert again == first
    assert len(builder.requests) == 1
    assert isinstance(events[0], Note)


async def test_images_that_are_gone_or_defined_otherwise_are_built_again(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    await build(app(web=HERE), CLEAN, builder, builds, emit=ignore)
    builder.there.clear()
    await build(app(web=HERE), CLEAN, builder, builds, emit=ignore)
    await build(app(web=replace(HERE, args={"X": "1"})), CLEAN, builder, builds, emit=ignore)
    assert len(builder.requests) == 3


async def test_one_build_serves_the_services_that_share_it(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder()
    made = await build(app(web=HERE, worker=HERE), CLEAN, builder, builds, emit=ignore)
    assert len(builder.requests) == 1
    assert made.images["web"].id == made.images["worker"].id
    assert made.images["worker"].reference == "shop/worker:0123456789ab"
    assert made.images["worker"].reference in builder.there


async def test_a_service_is_built_after_the_one_it_starts_from(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder(named={"web": ("shop-base", "debian:12")})
    spec = replace(HERE, additional_contexts={"assets": "service:assets"})
    base = replace(HERE, context="/shop/base")
    await build(app(web=spec, base=base, assets=replace(HERE, target="a")), CLEAN, builder, builds, emit=ignore)
    web = next(request.service.build for request in builder.requests if request.service.name == "web")
    assert web and web.additional_contexts == {
        "assets": "docker-image://shop/assets:0123456789ab",
        "shop-base": "docker-image://shop/base:0123456789ab",
    }


async def test_every_build_that_cannot_be_one_is_named_at_once(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder(missing={"web"})
    lost = replace(HERE, additional_contexts={"x": "service:nobody"})
    with pytest.raises(InvalidFiles) as caught:
        await build(app(web=HERE, worker=lost), CLEAN, builder, builds, emit=ignore)
    assert [str(problem.where) for problem in caught.value.problems] == ["compose.yaml:10", "compose.yaml:11"]
    assert not builder.requests


async def test_images_made_from_each_other_are_refused(builds: MemoryBuilds) -> None:
    builder = MemoryBuilder(named={"a": ("shop-b",), "b": ("shop-a",)})
    with pytest.raises(InvalidFiles, match="made from each other"):
        await build(app(a=HERE, b=replace(HERE, target="b")), CLEAN, builder, builds, emit=ignore)


async def test_a_failed_build_says_where_it_is_written_and_saves_nothing(builds: MemoryBuilds) -> None:
    events: list[Event] = []
    with pytest.raises(BuildFailed) as caught:
        await build(app(web=HERE), CLEAN, MemoryBuilder(broken={"web"}), builds, emit=events.append)
    assert str(caught.value.where) == "compose.yaml:10"
    assert not builds.kept
    assert [event.ok for event in events if isinstance(event, TaskEnded)] == [False]


async def test_what_a_build_prints_is_shown_without_its_secrets(builds: MemoryBuilds) -> None:
    events: list[Event] = []
    await build(
        app(web=HERE), CLEAN, MemoryBuilder(), builds, emit=events.append, secrets={"key": b"correct horse battery"}
    )
    assert [event.line for event in events if isinstance(event, Output)] == [f"with ['{DOTS}']"]
