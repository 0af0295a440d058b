from __future__ import annotations

import pytest

from fairway.model.deploy import Deploy, Placement, Preference, Resources, RestartPolicy, UpdateConfig

from .parts import web, web_problems


def test_everything_in_deploy() -> None:
    service = web(
        """
        deploy:
          mode: replicated
          replicas: 3
          labels: [a=b]
          endpoint_mode: dnsrr
          resources:
            limits: {cpus: '0.50', memory: 50M, pids: 100}
            reservations:
              cpus: 0.25
              memory: 20mb
              devices: [{capabilities: [gpu], count: 2, driver: nvidia}, {capabilities: [tpu], device_ids: ["1"]}]
              generic_resources: [{discrete_resource_spec: {kind: SSD, value: 1}}]
          restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 2m}
          update_config: {parallelism: 0, delay: 10s, failure_action: rollback, monitor: 1m, max_failure_ratio: 0.1}
          rollback_config: {order: start-first}
          placement: {constraints: [node.role==worker], preferences: [{spread: node.labels.zone}], max_replicas_per_node: 2}
        """
    )
    assert service.deploy == Deploy(
        replicas=3,
        labels={"a": "b"},
        endpoint_mode="dnsrr",
        limits=Resources(cpus=0.5, memory=50 * 1024**2, pids=100),
        reservations=Resources(
            cpus=0.25,
            memory=20 * 1024**2,
            devices=(
                {"driver": "nvidia", "count": 2, "capabilities": ["gpu"]},
                {"device_ids": ["1"], "capabilities": ["tpu"]},
            ),
            generic=({"discrete_resource_spec": {"kind": "SSD", "value": 1}},),
        ),
        restart_policy=RestartPolicy(condition="on-failure", delay=5.0, max_attempts=3, window=120.0),
        update_config=UpdateConfig(
            parallelism=0, delay=10.0, failure_action="rollback", monitor=60.0, max_failure_ratio=0.1
        ),
        rollback_config=UpdateConfig(order="start-first"),
        placement=Placement(
            constraints=("node.role==worker",),
            preferences=(Preference(spread="node.labels.zone"),),
            max_replicas_per_node=2,
        ),
    )


def test_the_older_fields_mean_the_same() -> None:
    older = web("mem_limit: 1g\ncpus: 0.5\npids_limit: 10\nmem_reservation: 512m\nscale: 2").deploy
    assert older.replicas == 2
    assert older.limits == Resources(cpus=0.5, memory=1024**3, pids=10)
    assert older.reservations == Resources(memory=512 * 1024**2)
    assert web("pids_limit: -1\ncpus: 0\nmem_limit: 0").deploy == Deploy()
    assert web("mem_limit: 1g\ndeploy: {resources: {limits: {memory: 1024m}}}").deploy.limits.memory == 1024**3


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            "scale: 2\ndeploy: {replicas: 3}",
            "4: services.web.scale: `scale` is 2 and `deploy.replicas` is 3 (leave one of them out)",
        ),
        (
            "mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}",
            "4: services.web.mem_limit: `mem_limit` and `deploy.resources.limits.memory` say different things "
            "(leave one of them out)",
        ),
        (
            "deploy: {mode: global, replicas: 2}",
            "4: services.web.deploy.mode: `replicas` does not go with mode global, which runs one on each host",
        ),
        (
            "deploy: {mode: globl}",
            "4: services.web.deploy.mode: `globl` is not `replicated`, `global`, `replicated-job` or `global-job`",
        ),
        ("scale: -1", "4: services.web.scale: the number of replicas is negative"),
        ("deploy: {replicas: many}", "4: services.web.deploy.replicas: `many` is no whole number"),
        (
            "deploy: {update_config: {order: start}}",
            "4: services.web.deploy.update_config.order: `start` is not `start-first` or `stop-first`",
        ),
        (
            "deploy: {update_config: {failure_action: abort}}",
            "4: services.web.deploy.update_config.failure_action: `abort` is not `continue`, `rollback` or `pause`",
        ),
        (
            "deploy: {update_config: {max_failure_ratio: 2}}",
            "4: services.web.deploy.update_config.max_failure_ratio: `max_failure_ratio` is not between 0 and 1",
        ),
        (
            "deploy: {resources: {limits: {memory: lots}}}",
            "4: services.web.deploy.resources.limits.memory: `lots` is no size: write it like 512m or 1gb",
        ),
        (
            "deploy: {resources: {reservations: {devices: [{count: 1}]}}}",
            "4: services.web.deploy.resources.reservations.devices.0: `capabilities` is missing",
        ),
        (
            "deploy: {resources: {reservations: {devices: [{capabilities: [gpu], count: 1, device_ids: [a]}]}}}",
            "4: services.web.deploy.resources.reservations.devices.0.count: "
            "`count` and `device_ids` exclude each other",
        ),
        ("mem_limit: -5", "4: services.web.mem_limit: `-5` is no size: write it like 512m or 1gb"),
        ("memswap_limit: 1g", "4: services.web.memswap_limit: needs a memory limit beside it"),
        (
            "mem_limit: 2g\nmemswap_limit: 1g",
            "5: services.web.memswap_limit: is memory and swap together, and less than the memory limit",
        ),
    ],
)
def test_contradictions(fields: str, fault: str) -> None:
    assert web_problems(fields) == [fault]
