from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model import marked
from fairway.model.app import App, Dependency, Location, Network, Service
from fairway.model.build import ImageRef
from fairway.model.deploy import Deploy, Resources
from fairway.model.files import FileMount, FileObject, Mount, Volume
from fairway.model.fleet import Fleet, Replica, State
from fairway.model.policy import Ready, Rollout, Route, ServicePolicy
from fairway.model.release import Record, Release, Revision
from fairway.rollout.propose import Ingredients, again, nothing, propose, revision_digest
from tests.unit.rollout.parts import ENVIRONMENT, Spec, ingredients
from tests.unit.rollout.strategies import apps, thorough

EMPTY = Fleet(environment=ENVIRONMENT)
RICH = Service(
    name="web",
    image="web:1",
    environment={"A": "1", "B": "2"},
    labels={"x": "1", "y": "2"},
    configs=(FileMount(source="conf", target="/etc/conf"),),
    secrets=(FileMount(source="key", target="/run/secrets/key"),),
    volumes=(Mount(type="volume", source="data", target="/data"),),
    depends_on={"db": Dependency(service="db")},
)


def shop(**services: Service) -> Ingredients:
    return Ingredients(
        environment=ENVIRONMENT,
        app=App(
            name="shop",
            services=services,
            networks={"default": Network(key="default")},
            volumes={"data": Volume(key="data")},
        ),
        images={name: ImageRef(reference=f"{name}:1", id=f"sha256:{name}") for name in services},
        policies={name: ServicePolicy() for name in services},
        configs={"conf": "Y29uZg=="},
        secrets={"key": "v1"},
    )


SHOP = shop(web=RICH, db=Service(name="db"))


def with_web(found: Ingredients, **changes: object) -> Ingredients:
    services = {**found.app.services, "web": replace(found.app.services["web"], **changes)}  # type: ignore[arg-type]
    return replace(found, app=replace(found.app, services=services))


def promoted(*releases: Release) -> tuple[Record, ...]:
    return tuple(Record(release=release, outcome="promoted") for release in releases)


def running(*revisions: Revision) -> Fleet:
    replicas = (
        Replica(id=r.name, name=f"{r.name}-1", revision=r, index=1, host="one", state=State.RUNNING) for r in revisions
    )
    return Fleet(environment=ENVIRONMENT, replicas=tuple(replicas))


def test_the_first_release_is_number_one_and_makes_every_revision() -> None:
    release = propose(SHOP, (), EMPTY)
    assert release.number == 1
    assert {revision.name for revision in release.revisions.values()} == {"web-r1", "db-r1"}


def test_the_same_again_is_the_release_that_is_known() -> None:
    first = propose(SHOP, (), EMPTY)
    assert propose(replace(SHOP, created="later", by="another"), promoted(first), EMPTY) is first


def test_the_same_as_what_is_under_way_goes_on_with_it() -> None:
    first = propose(SHOP, (), EMPTY)
    second = propose(with_web(SHOP, environment={}), promoted(first), EMPTY)
    assert propose(with_web(SHOP, environment={}), (*promoted(first), Record(release=second)), EMPTY) is second


def test_the_same_as_what_failed_is_a_release_of_its_own() -> None:
    first = propose(SHOP, (), EMPTY)
    assert propose(SHOP, (Record(release=first, outcome="failed"),), EMPTY).number == 2


def test_a_changed_variable_makes_a_new_revision_of_that_service_alone() -> None:
    first = propose(SHOP, (), EMPTY)
    second = propose(with_web(SHOP, environment={"A": "1", "B": "3"}), promoted(first), EMPTY)
    assert second.number == 2
    assert {revision.name for revision in second.revisions.values()} == {"web-r2", "db-r1"}


def test_a_revision_that_still_runs_is_used_again() -> None:
    first = propose(SHOP, (), EMPTY)
    second = propose(with_web(SHOP, environment={}), promoted(first), EMPTY)
    fleet = running(first.revisions["web"], second.revisions["web"], first.revisions["db"])
    third = propose(with_web(SHOP, working_dir="/x"), promoted(first, second), fleet)
    assert third.revisions["web"].name == "web-r3"
    assert again(first, promoted(first, second), fleet, created="", by="", reason="").revisions == first.revisions


def test_a_number_never_comes_twice_even_where_the_ledger_was_lost() -> None:
    assert propose(SHOP, (), running(Revision("web", 7, "unknown"))).number == 8


def test_replicas_routes_and_rollouts_do_not_make_a_container_anew() -> None:
    first = propose(SHOP, (), EMPTY)
    policy = ServicePolicy(route=Route(hosts=("*",), port=80), ready=Ready(http="/up"), rollout=Rollout(surge=1))
    changed = replace(with_web(SHOP, deploy=Deploy(replicas=5), pull_policy="always"), policies={"web": policy})
    second = propose(changed, promoted(first), EMPTY)
    assert second.number == 2
    assert second.revisions == first.revisions


def test_a_way_of_rolling_out_alone_is_no_new_release() -> None:
    first = propose(SHOP, (), EMPTY)
    assert (
        propose(replace(SHOP, policies={"web": ServicePolicy(rollout=Rollout(surge=1))}), promoted(first), EMPTY)
        is first
    )


def test_what_a_container_is_made_of_changes_its_revision() -> None:
    old = revision_digest(SHOP, "web")
    different = [
        with_web(SHOP, command=("x",)),
        with_web(SHOP, user="1"),
        with_web(SHOP, deploy=Deploy(limits=Resources(memory=1))),
        replace(SHOP, configs={"conf": "other"}),
        replace(SHOP, secrets={"key": "v2"}),
        replace(SHOP, images={**SHOP.images, "web": ImageRef(reference="web:1", id="sha256:other")}),
        replace(SHOP, app=replace(SHOP.app, volumes={"data": Volume(key="data", driver="nfs")})),
    ]
    digests = {revision_digest(one, "web") for one in different}
    assert len(digests) == len(different)
    assert old not in digests
    assert all(revision_digest(one, "db") == revision_digest(SHOP, "db") for one in different)


def test_an_image_is_the_same_after_its_push_and_under_another_tag() -> None:
    pushed = ImageRef(reference="web:other", id="sha256:web", digest="sha256:manifest")
    assert revision_digest(replace(SHOP, images={**SHOP.images, "web": pushed}), "web") == revision_digest(SHOP, "web")


def test_a_rollback_brings_back_images_configuration_secret_versions_and_routes() -> None:
    first = propose(SHOP, (), EMPTY)
    changed = replace(
        with_web(SHOP, environment={}),
        images={name: ImageRef(reference=f"{name}:2", id=f"sha256:{name}2") for name in SHOP.images},
        configs={"conf": "bmV3"},
        secrets={"key": "v2"},
        policies={"web": ServicePolicy(route=Route(hosts=("new",), port=1))},
    )
    second = propose(changed, promoted(first), running(*first.revisions.values()))
    back = again(
        first, promoted(first, second), running(*second.revisions.values()), created="t", by="b", reason="rollback to 1"
    )
    assert back.number == 3
    assert (back.app, back.images, back.configs, back.secrets) == (
        first.app,
        first.images,
        first.configs,
        first.secrets,
    )
    assert back.policies == first.policies
    assert back.digest == first.digest
    assert {s: r.digest for s, r in back.revisions.items()} == {s: r.digest for s, r in first.revisions.items()}
    assert (back.created, back.by, back.reason) == ("t", "b", "rollback to 1")


def test_a_rollback_to_what_serves_is_what_serves() -> None:
    first = propose(SHOP, (), EMPTY)
    assert again(first, promoted(first), EMPTY, created="t", by="b", reason="rollback to 1") is first


def test_before_the_first_release_there_was_nothing() -> None:
    before = nothing(propose(SHOP, (), EMPTY))
    assert before.number == 0
    assert not before.revisions
    assert not before.app.services


@given(st.permutations(["A", "B", "C"]), st.permutations(["web", "db"]))
def test_digests_do_not_depend_on_the_order_in_which_things_were_written(names: list[str], services: list[str]) -> None:
    plain = with_web(SHOP, environment={"A": "A", "B": "B", "C": "C"})
    mixed = with_web(SHOP, environment={name: name for name in names})
    mixed = replace(mixed, app=replace(mixed.app, services={name: mixed.app.services[name] for name in services}))
    assert propose(mixed, (), EMPTY).digest == propose(plain, (), EMPTY).digest


def test_digests_do_not_depend_on_where_things_were_written() -> None:
    located = replace(SHOP.app, locations={("services", "web"): Location("other.yaml", 9)}, directory="/elsewhere")
    assert propose(replace(SHOP, app=located), (), EMPTY).digest == propose(SHOP, (), EMPTY).digest


@thorough
@given(apps(), st.integers(0, 5))
def test_scaling_never_makes_a_revision(specs: dict[str, Spec], replicas: int) -> None:
    first = propose(ingredients(specs), (), EMPTY)
    scaled = {name: replace(spec, replicas=replicas) for name, spec in specs.items()}
    second = propose(ingredients(scaled), promoted(first), EMPTY)
    assert second.revisions == first.revisions
    assert (second is first) == (scaled == specs)


@thorough
@given(apps(), apps())
def test_services_that_did_not_change_share_their_revision(old: dict[str, Spec], new: dict[str, Spec]) -> None:
    first = propose(ingredients(old), (), EMPTY)
    second = propose(ingredients(new), promoted(first), EMPTY)
    for name in old.keys() & new.keys():
        assert (second.revisions[name] == first.revisions[name]) == (old[name].version == new[name].version)
    assert {revision.service for revision in second.revisions.values()} == set(new)


def test_a_commit_that_changes_nothing_of_a_service_keeps_its_revision_and_its_image() -> None:
    def of_commit(name: str, replicas: int) -> Ingredients:
        found = with_web(SHOP, deploy=Deploy(replicas=replicas))
        same = ImageRef(reference=f"web:{name}", id=f"sha256:{name}", fingerprint="sha256:same")
        return replace(found, images={**found.images, "web": same})

    first = propose(of_commit("a", 1), (), EMPTY)
    second = propose(of_commit("b", 3), promoted(first), EMPTY)
    assert second.number == 2
    assert second.revisions == first.revisions
    assert second.images["web"].id == "sha256:a"
    assert propose(of_commit("c", 3), promoted(first, second), EMPTY) == second


def test_a_template_changes_with_the_secrets_that_have_a_place_in_it() -> None:
    """And with nothing else of them: other services have the same revision as before."""
    template = FileObject(name="conf", file="c", template_driver="jinja")
    text = base64.b64encode(f"token {marked.place('token')}".encode()).decode()
    made = replace(
        SHOP, app=replace(SHOP.app, configs={"conf": template}), configs={"conf": text}, secrets={"token": "v1"}
    )
    other = replace(made, secrets={"token": "v2"})
    assert revision_digest(made, "web") != revision_digest(other, "web")
    assert revision_digest(made, "db") == revision_digest(other, "db")
    plain = replace(made, app=replace(made.app, configs={"conf": replace(template, template_driver=None)}))
    again = replace(plain, secrets={"token": "v2"})
    assert revision_digest(plain, "web") == revision_digest(again, "web"), "what looks like a place is none"


def test_where_hosts_keep_secrets_is_part_of_a_revision_that_has_some() -> None:
    memory = replace(SHOP, policies={name: ServicePolicy(storage="memory") for name in SHOP.app.services})
    assert revision_digest(memory, "web") != revision_digest(SHOP, "web")
    assert revision_digest(memory, "db") == revision_digest(SHOP, "db")
