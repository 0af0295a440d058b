from __future__ import annotations

import pytest
from msgspec.structs import replace

from fairway.builders.arguments import Files, arguments, refusals, secret_id
from fairway.builders.client import Client, Kind
from fairway.model.app import BuildSpec, Service
from fairway.model.files import FileMount
from fairway.ports.making import BuildRequest

FILES = Files(dockerfile="/w/Dockerfile", secrets={"key": "/m/secret-0"}, iidfile="/m/iid")
SPEC = BuildSpec(
    context="/shop",
    target="run",
    args={"A": "1", "FROM_ENVIRONMENT": None},
    additional_contexts={"base": "docker-image://shop/base:1"},
    labels={"mine": "1"},
    cache_from=("type=registry,ref=r/cache",),
    cache_to=("type=inline",),
    platforms=("linux/amd64",),
    ssh=("default",),
    network="none",
    extra_hosts=("db:10.0.0.1",),
    no_cache=True,
    pull=True,
    extra={"x-note": "nothing", "provenance": False},
)


def asked(kind: Kind, spec: BuildSpec = SPEC) -> list[str]:
    request = BuildRequest(Service(name="web", build=spec), ("shop/web:1",), {"ours": "2"}, {"key": b"sesame"})
    return arguments(request, Client("/usr/bin/docker", kind), FILES)


def refused(kind: Kind, spec: BuildSpec, **service: str) -> list[str]:
    return list(refusals(Service(name="web", build=spec, **service), spec, Client("docker", kind)))  # type: ignore[arg-type]


def test_buildx_is_told_everything() -> None:
    argv = " ".join(asked(Kind.BUILDX))
    assert argv == (
        "buildx build --load --progress=plain --iidfile /m/iid --file /w/Dockerfile --tag shop/web:1"
        " --label mine=1 --label ours=2 --build-arg A=1 --build-arg FROM_ENVIRONMENT"
        " --secret id=key,src=/m/secret-0 --ssh default --add-host db:10.0.0.1 --cache-from type=registry,ref=r/cache"
        " --target run --platform linux/amd64 --network none --no-cache --pull"
        " --build-context base=docker-image://shop/base:1 --cache-to type=inline --provenance=false /shop"
    )
    assert not refused(Kind.BUILDX, SPEC)


def test_an_older_client_gets_no_word_that_it_does_not_know() -> None:
    argv = asked(Kind.BUILDKIT)
    assert argv[0] == "build"
    assert not {"--build-context", "--cache-to", "--load"} & set(argv)
    assert "BUILDKIT_INLINE_CACHE=1" in argv
    assert refused(Kind.BUILDKIT, SPEC) == ["provenance"]


@pytest.mark.parametrize("kind", list(Kind))
def test_no_secret_is_ever_an_argument(kind: Kind) -> None:
    assert not [word for word in asked(kind) if "sesame" in word]


def test_what_a_builder_would_ignore_is_named() -> None:
    spec = replace(
        SPEC,
        secrets=(FileMount(source="key", target="key"),),
        platforms=("linux/amd64", "linux/arm64"),
        privileged=True,
        cache_from=("type=gha",),
        additional_contexts={"far": "https://example.com/x.git"},
        extra={"isolation": "hyperv"},
    )
    assert refused(Kind.BUILDKIT, spec) == [
        "several platforms",
        "privileged",
        "cache_from of another type than registry",
        "additional_contexts from a remote place",
        "isolation",
    ]
    assert {"secrets", "ssh", "platforms", "cache_to"} <= set(refused(Kind.LEGACY, spec))
    assert refused(Kind.BUILDKIT, replace(SPEC, extra={}, shm_size=1)) == ["shm_size"]


def test_a_secret_is_known_by_its_target() -> None:
    assert secret_id(FileMount(source="key", target="/run/secrets/key")) == "key"
    assert secret_id(FileMount(source="key", target="token")) == "token"
