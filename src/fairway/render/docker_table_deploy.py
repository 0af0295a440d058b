"""The rows of docker_table.py for `deploy`."""

from __future__ import annotations

from fairway.render.docker_row import Row

SWARM = "use engine: swarm, or remove it"

DEPLOY = (
    Row(
        "services.deploy.mode",
        "replicated; global is one replica on each host that will do",
        "jobs",
        hint="use a service that others wait for",
    ),
    Row("services.deploy.replicas", "that many containers"),
    Row("services.deploy.labels", "the containers' labels: Docker has no object for a service"),
    Row("services.deploy.endpoint_mode", "dnsrr: a name stands for all replicas", "vip", hint=SWARM),
    Row("services.deploy.resources.limits.cpus", "NanoCpus"),
    Row("services.deploy.resources.limits.memory", "Memory"),
    Row("services.deploy.resources.limits.pids", "PidsLimit"),
    Row("services.deploy.resources.limits", "limits of the container"),
    Row("services.deploy.resources.reservations", "reservations"),
    Row("services.deploy.resources.reservations.cpus", "CpuShares: its part when the CPUs are contended"),
    Row("services.deploy.resources.reservations.memory", "MemoryReservation"),
    Row("services.deploy.resources.reservations.devices", "DeviceRequests"),
    Row("services.deploy.resources.reservations.generic_resources", refused="needs a scheduler", hint=SWARM),
    Row("services.deploy.resources", "see below"),
    Row("services.deploy.restart_policy.condition", "none, on-failure, any"),
    Row(
        "services.deploy.restart_policy.max_attempts",
        "with on-failure",
        "with any: Docker does not count there",
        hint="use condition: on-failure",
    ),
    Row(
        "services.deploy.restart_policy.delay",
        refused="Docker chooses the pauses itself: from 0.1 s, twice as long each time",
        hint=SWARM,
    ),
    Row("services.deploy.restart_policy.window", refused="for Docker, 10 seconds of running are a success", hint=SWARM),
    Row("services.deploy.restart_policy", "RestartPolicy"),
    Row(
        "services.deploy.placement",
        "on which of several hosts",
        "there is one host",
        hint="name several `hosts` in fairway.yaml, or remove it",
    ),
    Row("services.deploy.update_config", "the rollout, where fairway.yaml names no strategy with steps"),
    Row(
        "services.deploy.update_config.failure_action",
        "rollback; pause is `on_fail: hold`: the old version serves, and the new replicas stay to be looked at; continue goes on "
        "without as many replicas as max_failure_ratio allows to fail, and leads back where more do: users come first",
        "continue, where max_failure_ratio allows no replica to fail: a release that fails is led back",
        hint="say max_failure_ratio, or rollback or pause, or remove it",
    ),
    Row(
        "services.deploy.update_config.max_failure_ratio",
        "so many of the new replicas, rounded down, may not become ready, or die while they are watched: they get no requests. One at "
        "least has to be well at each step; "
        "not in a strategy with steps",
    ),
    Row(
        "services.deploy.rollback_config",
        "the way back, where replicas have to be started for it; those that are there take over at once",
    ),
    Row("services.deploy.rollback_config.parallelism", "how many start at a time; without it, all"),
    Row(
        "services.deploy.rollback_config.delay",
        "between two batches of `fairway rollback`; none where a release has failed: users would have it for longer",
    ),
    Row("services.deploy.rollback_config.monitor", "as delay: how long each batch is watched"),
    Row(
        "services.deploy.rollback_config.order",
        "as update_config.order: a routed service starts the old version first, and what cannot run twice stops the new one",
    ),
    Row(
        "services.deploy.rollback_config.failure_action",
        "continue: the way back goes on with what is ready, be it one replica; pause: where more fail than max_failure_ratio "
        "allows, the way back has failed (exit status 4; with `fairway rollback`, what served goes on)",
    ),
    Row("services.deploy.rollback_config.max_failure_ratio", "so many of the old replicas may fail on the way back"),
    Row("services.deploy", "see below"),
)
