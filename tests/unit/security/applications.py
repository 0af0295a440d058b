"""Applications to audit: their files as they lie here, and facts about images, hosts and keys as adapters would tell them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from fairway import compose
from fairway.builders import recipe
from fairway.model.app import App, Location
from fairway.model.policy import ServicePolicy
from fairway.model.security_facts import FileFacts, HostSecurity, ImageFacts, Recipe, Stranger
from fairway.security.rule import Case
from fairway.wiring.audit import maintained
from fairway.wiring.checkout import Disk

HERE = Path(__file__).parent
TODAY = date(2026, 11, 1)


def load(directory: Path) -> App:
    return compose.load([str(directory / "compose.yaml")], reader=Disk(), directory=str(directory), environment={})


def recipes(app: App) -> Mapping[str, Recipe]:
    found = {
        name: recipe.read(name, service.build, Location("compose.yaml"))
        for name, service in app.services.items()
        if service.build
    }
    return {name: one for name, one in found.items() if one}


def case(
    directory: Path,
    *,
    images: Mapping[str, ImageFacts] | None = None,
    hosts: Mapping[str, HostSecurity] | None = None,
    files: tuple[FileFacts, ...] = (),
    policies: Mapping[str, ServicePolicy] | None = None,
    today: date = TODAY,
) -> Case:
    app = load(directory)
    return Case(
        app=app,
        known=maintained(),
        today=today,
        policies=policies or {},
        images=images or {},
        recipes=recipes(app),
        hosts=hosts or {},
        files=files,
    )


def file(kind: str, path: str, mode: int) -> FileFacts:
    return FileFacts(kind=kind, path=path, mode=mode, where=Location("fairway.yaml", 7))


BAD_HOST = HostSecurity(
    engine="24.0.7",
    build="311b9ff",
    runc="1.1.9",
    kernel="5.4.1",
    os="Something Linux 3",
    options={"cgroupns": ""},
    open_apis=("http://0.0.0.0:2375",),
    insecure=("registry.example.com:5000",),
    live_restore=False,
    icc=True,
    unlimited=("memory", "processes"),
    socket_mode=0o666,
    strangers=(
        Stranger(name="portainer", socket=True),
        Stranger(name="blog", open_ports=("80/tcp", "443/tcp")),
        Stranger(name="quiet"),
    ),
)
GOOD_HOST = HostSecurity(
    engine="29.1.0",
    build="d4a1b21",
    runc="1.3.4",
    kernel="6.1.0-40-amd64",
    os="Debian GNU/Linux 12 (bookworm)",
    options={"seccomp": "builtin", "apparmor": "", "userns": ""},
    icc=False,
    socket_mode=0o660,
)
LATER = date(2028, 1, 1)
"""When what is known of versions is old."""


def bad() -> Case:
    new = LATER.replace(day=1)
    return case(
        HERE / "bad",
        today=LATER,
        images={
            "evil": ImageFacts(reference="evil", user="", healthcheck=True, created=new, setuid=(), keys=()),
            "sloppy": ImageFacts(
                reference="sloppy",
                ports=("22/tcp",),
                created=new,
                setuid=("/usr/bin/a", "/usr/bin/b", "/usr/bin/c", "/usr/bin/d", "/usr/bin/e", "/usr/bin/f"),
                keys=("/root/.ssh/id_rsa",),
            ),
            "old": ImageFacts(reference="redis:7.0", created=date(2027, 1, 1), setuid=(), keys=()),
        },
        hosts={"web-1": BAD_HOST},
        files=(
            file("tls-key", "key.pem", 0o644),
            file("ssh-key", "/home/me/.ssh/id_ed25519", 0o640),
            file("secret", "password.txt", 0o604),
            file("project", "fairway.yaml", 0o666),
            file("docker-config", "/home/me/.docker/config.json", 0o644),
        ),
    )


def good() -> Case:
    image = ImageFacts(reference="web", user="900", healthcheck=True, created=TODAY, setuid=(), keys=())
    return case(
        HERE / "good",
        images={"web": image, "cache": ImageFacts(reference="redis:7.4", user="", created=TODAY, setuid=(), keys=())},
        hosts={"web-1": GOOD_HOST},
        files=(
            file("tls-key", "key.pem", 0o600),
            file("ssh-key", "/home/me/.ssh/id_ed25519", 0o400),
            file("secret", "password.txt", 0o600),
            file("project", "fairway.yaml", 0o664),
            file("docker-config", "/home/me/.docker/config.json", 0o600),
        ),
    )
