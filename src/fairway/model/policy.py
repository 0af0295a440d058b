"""What fairway.yaml says about one service: how users reach it, when it is ready, how a new revision takes over."""

from __future__ import annotations

from msgspec import Struct, field

from fairway.model.hardening import Hardening
from fairway.model.judgement import JudgePolicy


class Route(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Requests for any of `hosts` (`*` means any) under `path` go to `port` of the service's replicas. Times in seconds.

    Without `hosts` no user reaches it. In a fleet, other services reach the TCP ports `names` of it by its name, on every host.
    """

    hosts: tuple[str, ...]
    port: int
    path: str = "/"
    timeout: float = 0.0
    """The longest a request may take; 0 is no limit."""
    retries: int = 2
    """How often a request that never reached a replica is tried on another one."""
    names: tuple[int, ...] = ()


class Ready(Struct, frozen=True, kw_only=True):
    """`http` is asked on the route's port; else the healthcheck decides; else `min_ready` seconds of running do."""

    http: str | None = None
    port: int | None = None
    status: int | None = None
    """The exact status that means ready; any 2xx or 3xx where it is None."""
    min_ready: float = 0.0
    deadline: float = 120.0


class Job(Struct, frozen=True, kw_only=True):
    """A command, run once in a container of the service's image. It has succeeded when it ends with exit status 0 in time."""

    command: tuple[str, ...]
    timeout: float = 600.0


class Match(Struct, frozen=True, kw_only=True):
    """Requests with this header, or with this cookie: one of the two is set. `value` None: whatever its value is."""

    header: str | None = None
    """In small letters."""
    cookie: str | None = None
    value: str | None = None


class Mirror(Struct, frozen=True, kw_only=True):
    """Copies of requests for the new revision; what it answers to them is thrown away."""

    percent: float = 100.0
    methods: tuple[str, ...] = ("GET", "HEAD")


class Phase(Struct, frozen=True, kw_only=True):
    """One entry of `rollout.steps`: all that the new revision is given, beside the old one, which keeps every replica.

    A phase is left when its replicas are ready, `check` has passed, `hold` is over, `approve` was answered, and the judge
    does not object.
    """

    traffic: float = 0.0
    """Percent of the requests."""
    sticky: bool = False
    """`traffic` is a share of the users instead: each keeps to one revision, and a share that grows takes nobody back."""
    match: tuple[Match, ...] = ()
    """Requests that go to the new revision whatever `traffic` says: those with any of these."""
    mirror: Mirror | None = None
    scale: int = 1
    """Replicas of the new revision: at least its share of the traffic."""
    hold: float = 0.0
    """Seconds."""
    approve: bool = False
    check: Job | None = None

    @property
    def served(self) -> bool:
        """Whether the new revision gets requests in it, mirrored ones included: then there is something to judge."""
        return bool(self.traffic or self.match or self.mirror)


class HttpProbe(Struct, frozen=True, kw_only=True):
    """A GET of each replica: good is this status, or any 2xx where it is None. `timeout` in seconds."""

    path: str
    status: int | None = None
    timeout: float = 5.0


class PrometheusProbe(Struct, frozen=True, kw_only=True):
    """Two queries to a Prometheus, in each of which `{revision}` stands for the revision's name; their values only grow."""

    url: str
    good: str
    bad: str


class Probe(Struct, frozen=True, kw_only=True):
    """What Fairway itself asks of both revisions, `every` so many seconds. One of the three is set."""

    http: HttpProbe | None = None
    job: Job | None = None
    prometheus: PrometheusProbe | None = None
    every: float = 5.0


class Judging(Struct, frozen=True, kw_only=True):
    """The judge looks `every` so many seconds. Without a verdict after `max_hold` seconds, `no_data` says what then.

    `no_data`: hold (an operator decides), pass, abort. With `probe`, `policy` compares probes, too.
    """

    policy: JudgePolicy = field(default_factory=JudgePolicy)
    probe: Probe | None = None
    every: float = 5.0
    max_hold: float = 1800.0
    no_data: str = "hold"


class WayBack(Struct, frozen=True, kw_only=True):
    """How a revision comes back where its replicas have to be started: as Compose's `rollback_config` says, if it does.

    `pause` and `monitor` only where somebody has asked for the way back: no user waits in a version that has failed.
    """

    surge: int | None = None
    pause: float = 0.0
    monitor: float = 0.0
    recreate: bool | None = None
    """Whether what runs goes first; None: as on the way there."""
    spare: int = 0


class Rollout(Struct, frozen=True, kw_only=True):
    """`surge`: how many new replicas start at a time; None starts all of them before anything old goes. Times in seconds."""

    strategy: str = "rolling"
    steps: tuple[Phase, ...] = ()
    """What the new revision goes through before it takes over; not at the first deployment, and not on the way back."""
    judge: Judging | None = None
    keep: float = 0.0
    """How long the old revision stays warm, without traffic, once the new one serves: going back to it is instant."""
    before: Job | None = None
    """Once a release, before any replica of the new revision starts."""
    after_keep: Job | None = None
    """Once a release, when nothing of the old revision is left."""
    on_fail: str = "rollback"
    """`rollback`, or `hold`: users are led back, and the new replicas stay to be looked at."""
    preview: str | None = None
    """A host name on which the new revision alone answers, as long as it does not serve everybody."""
    max_unavailable: int = 0
    """How many replicas fewer than wanted may serve on the way."""
    surge: int | None = None
    pause: float = 0.0
    """Between two batches."""
    monitor: float = 0.0
    """How long a batch is watched, with traffic, before the next one: a replica that dies in it fails the release."""
    spare: int = 0
    """How many of the new replicas may fail: the release goes on without them. One at least never may."""
    back: WayBack = WayBack()
    drain_timeout: float | None = None
    """The longest that streams and WebSockets may go on in a replica that is to stop; None is the service's grace period."""
    deadline: float = 600.0
    why: str = ""
    """Why this strategy was chosen where the files did not name it: shown in the plan."""

    def recreates(self, *, back: bool) -> bool:
        """Whether what runs makes way before its successor starts; `back`: on the way back to this revision."""
        there = self.strategy == "recreate"
        return there if not back or self.back.recreate is None else self.back.recreate


class ServicePolicy(Struct, frozen=True, kw_only=True):
    route: Route | None = None
    ready: Ready = Ready()
    rollout: Rollout = Rollout()
    hardening: Hardening = Hardening()
    storage: str = "disk"
    """Where a host keeps the values of its secrets: `disk`, or `memory`, which forgets them."""
