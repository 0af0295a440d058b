"""The images made from one commit, by digest, with the evidence of their tests."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class ImageRef(Struct, frozen=True, kw_only=True):
    """One image. `reference` is what people read (`repository:tag`); `id` and `digest` say which bytes.

    `id` is the engine's content address of the image (`sha256:…`); `digest` is the manifest's in a registry, empty where
    the image was never in one. `fingerprint` is that of its layers and configuration without the labels that name a commit:
    two builds of the same content share it.
    """

    reference: str
    id: str = ""
    digest: str = ""
    fingerprint: str = ""
    ports: tuple[int, ...] = ()
    """The TCP ports that it says it listens on."""
    user: str | None = None
    """Who its processes are, as it says itself: nothing is root. None where that is not known."""
    volumes: tuple[str, ...] = ()
    """The paths that are volumes in every container of it."""

    @property
    def repository(self) -> str:
        name, _, _ = self.reference.partition("@")
        head, slash, tail = name.rpartition("/")
        return f"{head}{slash}{tail.partition(':')[0]}"

    @property
    def pinned(self) -> str:
        """What to run: never a tag alone."""
        return f"{self.repository}@{self.digest}" if self.digest else self.id

    @property
    def content(self) -> str:
        """What identifies what runs, wherever it came from, and whichever commit it was built of."""
        return self.fingerprint or self.id or self.digest


class Commit(Struct, frozen=True, kw_only=True):
    """The source of a build. `created` is the commit's own time (ISO 8601, UTC); `source` the remote's URL without credentials."""

    sha: str
    describe: str
    branch: str = ""
    source: str = ""
    created: str = ""
    dirty: bool = False
    changes: tuple[str, ...] = ()
    """Paths that differ from the commit (at most 20 of them)."""
    tree: str = ""
    """A digest of the changed content: two different dirty trees never share a tag."""
    tags: tuple[str, ...] = ()
    """The Git tags that point at it."""

    @property
    def short(self) -> str:
        return self.sha[:12]

    @property
    def tag(self) -> str:
        return f"{self.short}-dirty-{self.tree[:8]}" if self.dirty else self.short


class Provenance(Struct, frozen=True, kw_only=True):
    """What an image was made with. `bases` maps each image that its Dockerfile names to a digest; empty: nobody knows it.

    `versions` are those of the programs that built it, by their names.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    bases: Mapping[str, str] = field(default_factory=dict)


class Evidence(Struct, frozen=True, kw_only=True):
    """What one test stage showed about these very images. `started` is ISO 8601 UTC; `output` names the kept log."""

    stage: str
    passed: bool
    exit_code: int | None = None
    started: str = ""
    seconds: float = 0.0
    output: str = ""
    output_sha256: str = ""
    reason: str = ""


class Build(Struct, frozen=True, kw_only=True):
    """`images` maps each service that has `build:` to what was made of it."""

    commit: Commit
    created: str
    images: Mapping[str, ImageRef]
    evidence: tuple[Evidence, ...] = ()
    tags: tuple[str, ...] = ()
    pushed: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def passed(self, stages: tuple[str, ...]) -> bool:
        latest = {item.stage: item.passed for item in self.evidence}
        return all(latest.get(stage, False) for stage in stages)
