"""Rules about what is in images, and how they are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from msgspec.structs import replace

from fairway.model.app import Service
from fairway.model.security import Severity
from fairway.model.security_facts import ImageFacts, Line, Recipe
from fairway.model.users import is_root
from fairway.security.names import pinned, unversioned
from fairway.security.rule import Case, Find, Found, Look, Rule, at, each_service

SHOWN = 4
"""So many files are named, the others counted."""
LONGEST = 60
"""Characters of a command that are told."""
PIPED = re.compile(r"\b(?P<tool>curl|wget)\b[^|;&]*\|\s*(sudo\s+)?(/\S+/)?(ba|da|z|k)?sh\b")
UNVERIFIED = re.compile(
    r"\bcurl\b[^|;&]*\s(?P<flag>-[A-Za-z]*k[A-Za-z]*|--insecure)(?=\s|$)"
    r"|(?P<option>--no-check-certificate|--allow-unauthenticated|--force-yes|--trusted-host|--no-gpg-check|--nogpgcheck"
    r"|--allow-untrusted|trusted=yes|NODE_TLS_REJECT_UNAUTHORIZED=0|strict-ssl\s+false|http\.sslVerify=?\s*false|GIT_SSL_NO_VERIFY)"
)
LOOSENED = re.compile(r"chmod\s+(-\S+\s+)*(0?[0-7]?77[67]|[2467][0-7]{3}|[augo]*\+\w*s\w*|a\+\w*w\w*|o\+\w*w\w*)\s+\S+")
KEYS = (("api", "key"), ("private", "key"), ("access", "key"))
SUDO = re.compile(r"\b(install|add)\b[^|;&]*\ssudo\b|>\s*/etc/sudoers\S*")
STALE = 180
"""Days after which an image lacks months of its distribution's security updates."""


def _of_image(look: Callable[[Case, Service, ImageFacts], Iterable[Found]]) -> Find:
    def found(case: Case, service: Service) -> Iterator[Found]:
        image = case.images.get(service.name)
        if image:
            yield from look(case, service, image)

    return each_service(found)


def _place(service: Service) -> str:
    return "build" if service.build else "image"


def _setuid(case: Case, service: Service, image: ImageFacts) -> Iterator[Found]:
    """Without new privileges, the bits do nothing."""
    if image.setuid:
        harmless = any(
            option.startswith("no-new-priv") and not option.endswith("false") for option in service.security_opt
        )
        count = f"{len(image.setuid)} setuid or setgid files" if len(image.setuid) > 1 else "a setuid or setgid file"
        severity = Severity.LOW if harmless and not service.privileged else Severity.MEDIUM
        yield at(case, service, f"has {count}: {_some(image.setuid)}", _place(service), severity=severity)


def _keys(case: Case, service: Service, image: ImageFacts) -> Iterator[Found]:
    if image.keys:
        yield at(case, service, f"has keys or passwords in its image: {_some(image.keys)}", _place(service))


def _stale(case: Case, service: Service, image: ImageFacts) -> Iterator[Found]:
    days = (case.today - image.created).days if image.created else 0
    if days > STALE:
        mend = "`fairway ship` after a change; its base is pulled with `build: {pull: true}`" if service.build else ""
        yield at(case, service, f"runs an image that was made {days} days ago", _place(service), mend=mend)


def _some(paths: tuple[str, ...]) -> str:
    more = len(paths) - SHOWN
    return ", ".join(paths) if more < 2 else f"{', '.join(paths[:SHOWN])} and {more} more"


def _of_recipe(look: Callable[[Case, Service, Recipe], Iterable[Found]]) -> Find:
    """Each Dockerfile once, however many services are built of it."""

    def find(case: Case) -> Iterator[Found]:
        seen: set[str] = set()
        for service in case.app.services.values():
            recipe = case.recipes.get(service.name)
            for found in look(case, service, recipe) if recipe else ():
                if str(found.where) not in seen:
                    seen.add(str(found.where))
                    yield found

    return find


def _lines(what: str, lines: Callable[[Recipe], Iterable[Line]]) -> Find:
    def look(case: Case, service: Service, recipe: Recipe) -> Iterator[Found]:
        for line in lines(recipe):
            yield Found(
                what=f"{service.name} {what.format(line.said)}", where=recipe.at(line.line), service=service.name
            )

    return _of_recipe(look)


def _runs(pattern: re.Pattern[str], what: str, *, final: bool) -> Find:
    """A named group of the pattern is told, and no more: a command line may hold a password. `final`: other stages do not count."""

    def look(recipe: Recipe) -> Iterator[Line]:
        for line in recipe.runs:
            if (line.final or not final) and (found := pattern.search(line.said)):
                told = next(filter(None, found.groupdict().values()), found[0])
                yield replace(line, said=told[:LONGEST])

    return _lines(what, look)


def _bases(wrong: Callable[[str], bool], what: str) -> Find:
    return _lines(what, lambda recipe: [Line(base.line, base.image) for base in recipe.bases if wrong(base.image)])


def _user(case: Case, service: Service, recipe: Recipe) -> Iterator[Found]:
    """Of the image that was built, its own word counts: its base may have a user."""
    image = case.images.get(service.name)
    if service.user is not None or (recipe.user is None and image and not is_root(image.user)):
        return
    if recipe.user is None:
        yield Found(what=f"{service.name} has no USER", where=recipe.at(recipe.last), service=service.name)
    elif is_root(recipe.user):
        yield Found(what=f"{service.name} ends as root", where=recipe.at(recipe.user_line), service=service.name)


def _arguments(case: Case, service: Service) -> Iterator[Found]:
    """Those in the Dockerfile, and those that the Compose file gives it a value for."""
    for name, value in service.build.args.items() if service.build else ():
        if value and secretive(name):
            yield at(case, service, f"is built with {name} as an argument", "build", "args", name)


def _secrets(recipe: Recipe) -> list[Line]:
    return [line for line in recipe.variables if secretive(line.said)]


def secretive(name: str) -> bool:
    """Whether a variable's name is that of a secret: DB_PASSWORD, but no PASSWORD_FILE and no TOKEN_URL."""
    words = name.lower().replace("-", "_").split("_")
    known = {"password", "passwd", "passphrase", "secret", "token", "apikey", "credentials"}
    if words[-1] in ("file", "path", "url", "name", "host", "length", "ttl", "id"):
        return False
    return bool(known & set(words)) or any(pair in KEYS for pair in pairwise(words))


def _both(look: Look, find: Find) -> Find:
    services = each_service(look)
    return lambda case: (*services(case), *find(case))


RULES = (
    Rule(
        id="FW-I001",
        title="An image has setuid programs",
        severity=Severity.MEDIUM,
        why="each makes root of whoever starts it, unless no program may gain privileges; hardly any service needs one",
        mend="in the Dockerfile, last of all as root: `RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +`",
        find=_of_image(_setuid),
    ),
    Rule(
        id="FW-I002",
        title="There are keys or passwords in an image",
        severity=Severity.HIGH,
        why="who can pull the image has them, and a later layer that deletes them does not take them out",
        mend="keep them out with .dockerignore, and give them as `secrets`, of the service or of its `build`; then change them",
        find=_of_image(_keys),
    ),
    Rule(
        id="FW-I003",
        title="An image is old",
        severity=Severity.LOW,
        why=f"it lacks more than {STALE} days of security updates",
        mend="in the service: a newer `image`",
        find=_of_image(_stale),
    ),
    Rule(
        id="FW-D001",
        title="A base image has no version",
        severity=Severity.MEDIUM,
        why="the next build starts from something else, and nobody can tell from what this one did",
        mend="in the Dockerfile: `FROM NAME:VERSION@sha256:…`",
        find=_bases(unversioned, "is built on {}, whatever that is by then"),
    ),
    Rule(
        id="FW-D002",
        title="A base image is not pinned",
        severity=Severity.LOW,
        why="its tag can be moved to other contents, which the next build then takes",
        mend="in the Dockerfile: add `@sha256:…`, as `docker image inspect` tells it, and renew it with your dependencies",
        find=_bases(lambda image: not pinned(image) and not unversioned(image), "is built on {}, which can be moved"),
    ),
    Rule(
        id="FW-D003",
        title="An image runs as root",
        severity=Severity.HIGH,
        why="root in a container is root of the host's kernel: one hole in the kernel or the engine, and it is root of the host",
        mend="in the Dockerfile, after what has to be done as root: `RUN useradd --system --uid 900 app` and `USER app`",
        find=_of_recipe(_user),
    ),
    Rule(
        id="FW-D004",
        title="A build loads a file from an address",
        severity=Severity.MEDIUM,
        why="whatever is there at the time gets into the image: nothing checks it",
        mend="in the Dockerfile: `ADD --checksum=sha256:… URL`, or `RUN curl` and `sha256sum --check`",
        find=_lines("loads {}", lambda recipe: recipe.adds),
    ),
    Rule(
        id="FW-D005",
        title="A secret is an argument or a variable of a build",
        severity=Severity.HIGH,
        why="its value is in the image's history or environment, for everybody who can pull it",
        mend="in the service: `build: {secrets: […]}`, and in the Dockerfile `RUN --mount=type=secret,id=NAME …`",
        find=_both(_arguments, _lines("has {} in its Dockerfile", _secrets)),
    ),
    Rule(
        id="FW-D006",
        title="A build runs what it has just loaded",
        severity=Severity.MEDIUM,
        why="whoever has that server, or the way to it, is root in the build and in the image",
        mend="in the Dockerfile: load a version, check it (`sha256sum --check`), then run it; or install a package",
        find=_runs(PIPED, "runs in a shell what {} has just loaded", final=False),
    ),
    Rule(
        id="FW-D007",
        title="A build does not check what it loads",
        severity=Severity.HIGH,
        why="anybody on the way can put something else in its place",
        mend="in the Dockerfile: remove the option; add the authority's certificate or the archive's key instead",
        find=_runs(UNVERIFIED, "says `{}`", final=False),
    ),
    Rule(
        id="FW-D008",
        title="A build makes files writable for all, or setuid",
        severity=Severity.MEDIUM,
        why="any process in the container can then change what others run, or become their owner",
        mend="in the Dockerfile: `COPY --chown=USER`, or `chmod` with what the one user needs",
        find=_runs(LOOSENED, "says `{}`", final=True),
    ),
    Rule(
        id="FW-D009",
        title="An image has sudo",
        severity=Severity.LOW,
        why="it makes root of a user that was made so as not to be root",
        mend="in the Dockerfile: do what needs root before `USER`, and leave sudo out",
        find=_runs(SUDO, "says `{}`", final=True),
    ),
    Rule(
        id="FW-D010",
        title="All that lies beside the Dockerfile gets into the image",
        severity=Severity.LOW,
        why=".git with its history, .env and keys are copied, too, as nothing keeps them out",
        mend="beside the Dockerfile: a .dockerignore with `.git`, `.env*` and `*.pem`; or copy what is needed by its name",
        find=_lines("says `{}`", lambda recipe: [line for line in recipe.copies if line.final]),
    ),
)
