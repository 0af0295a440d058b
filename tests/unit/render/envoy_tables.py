"""Routing tables for the tests of what is made from them: by hand, and by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.model.environment import Environment
from fairway.model.policy import Match, Mirror, Ready, Route
from fairway.model.routes import Backend, Endpoint, RoutedService, RoutingTable, Steering

PATHS = ("/", "/api", "/api/v2", "/apis", "/shop/")


def endpoint(number: int, *, draining: bool = False) -> Endpoint:
    return Endpoint(f"10.0.0.{number}", 8000, draining)


def backend(revision: str, *endpoints: Endpoint, weight: int = 100) -> Backend:
    return Backend(revision=revision, digest=f"sha256:{revision:0<64}", endpoints=endpoints, weight=weight)


def routed(
    service: str,
    *backends: Backend,
    hosts: tuple[str, ...] = ("shop.test",),
    path: str = "/",
    ready: Ready | None = None,
    steering: Steering | None = None,
) -> RoutedService:
    route = Route(hosts=hosts, port=8000, path=path)
    return RoutedService(service=service, route=route, backends=backends, ready=ready or Ready(), steering=steering)


def table(*services: RoutedService, app: str = "shop") -> RoutingTable:
    return RoutingTable(environment=Environment(app, "production"), services=services)


_endpoints = st.lists(
    st.builds(endpoint, st.integers(1, 9), draining=st.booleans()), max_size=4, unique_by=lambda e: e.address
).map(tuple)
_readies = st.sampled_from([Ready(), Ready(http="/up"), Ready(http="/up", port=9000, status=204)])
_matches = st.builds(
    Match, header=st.sampled_from(("x-beta", "x.y")), value=st.sampled_from((None, "yes", ".*"))
) | st.builds(Match, cookie=st.sampled_from(("beta", "b.t")), value=st.sampled_from((None, "1", "a|b")))
_mirrors = st.builds(
    Mirror, percent=st.sampled_from((0.0, 0.5, 100.0)), methods=st.sampled_from((("GET",), ("GET", "HEAD", "POST")))
)


def steerings(revisions: list[str], preview: str) -> st.SearchStrategy[Steering]:
    """Of one of these revisions, or of one that is no backend."""
    return st.builds(
        Steering,
        revision=st.sampled_from([*revisions, "gone-r9"]),
        match=st.lists(_matches, max_size=2).map(tuple),
        mirror=st.none() | _mirrors,
        preview=st.sampled_from(("", preview)),
        sticky=st.sampled_from(("", "web-r7")),
    )


_steered = st.none() | steerings(["r1", "r2", "r3", "r4", "r5"], "preview")


@st.composite
def _services(draw: st.DrawFn, name: str, hosts: tuple[str, ...], path: str) -> RoutedService:
    releases = draw(st.lists(st.integers(1, 5), max_size=3, unique=True))
    backends = [
        backend(f"{name}-r{release}", *draw(_endpoints), weight=draw(st.sampled_from((0, 1, 5, 50, 100))))
        for release in releases
    ]
    steering = draw(_steered)
    if steering:
        preview = f"preview.{hosts[0].lower()}" if steering.preview else ""
        steering = replace(steering, revision=f"{name}-{steering.revision}", preview=preview)
    return routed(name, *backends, hosts=hosts, path=path, ready=draw(_readies), steering=steering)


@st.composite
def tables(draw: st.DrawFn, app: str = "shop", *, anywhere: bool = True) -> RoutingTable:
    """A table whose services claim no place twice, some of them steered; hosts are the application's own, and any (`*`) if `anywhere`."""
    hosts = (f"a.{app}.test", f"B.{app}.test", *(("*",) if anywhere else ()))
    paths = draw(st.lists(st.sampled_from(PATHS), unique=True, max_size=4))
    chosen = st.lists(st.sampled_from(hosts), min_size=1, unique=True).map(tuple)
    return table(*(draw(_services(f"s{i}", draw(chosen), path)) for i, path in enumerate(paths)), app=app)
