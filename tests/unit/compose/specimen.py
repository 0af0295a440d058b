"""A valid file that uses nearly every field, and ways to spoil it."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import strategies as st

TEXT = r"""
name: specimen
x-common: &common {logging: {driver: json-file, options: {max-size: 10m}}}
services:
  web:
    <<: *common
    image: web:${TAG:-1}
    build:
      context: ./web
      dockerfile: Other
      target: prod
      args: [A=1, B]
      additional_contexts: {base: ../base}
      labels: {l: "1"}
      secrets: [token]
      ssh: [default]
      cache_from: [a]
      platforms: [linux/amd64]
      tags: [t]
      network: host
      extra_hosts: {h: 1.2.3.4}
      shm_size: 1g
      ulimits: {nofile: 5}
      provenance: true
    command: run --all "two words" $$HOME
    entrypoint: [/entry, "$$x"]
    environment: {A: 1, B: "x$$y", C: 1.5, D: true}
    env_file: [{path: a.env, required: false}]
    labels: [a=b, c]
    annotations: {n: m}
    ports: ["8080:80", "127.0.0.1:9000-9001:9000-9001/udp", {target: 443, published: "8443", mode: host}, "7000-7010:70"]
    expose: [80, "90/udp"]
    volumes:
      - data:/data:ro
      - ./conf:/conf:z
      - /cache
      - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 0755}}
      - {type: volume, source: data, target: /sub, volume: {nocopy: true, subpath: s}}
      - {type: bind, source: /a, target: /b, bind: {propagation: rslave, create_host_path: false}}
    tmpfs: ["/run:size=1m,uid=1000", /tmp]
    networks: {front: {aliases: [w], priority: 5, ipv4_address: 10.5.0.9}, back: }
    depends_on: {db: {condition: service_healthy, restart: true}}
    healthcheck: {test: curl localhost, interval: 1m30s, timeout: 500ms, retries: 3, start_period: 1s}
    deploy:
      mode: replicated
      replicas: 3
      labels: {d: e}
      resources:
        limits: {cpus: "0.5", memory: 512M, pids: 100}
        reservations: {cpus: "0.1", memory: 64M, devices: [{capabilities: [gpu], count: all, options: [o=p]}]}
      restart_policy: {condition: on-failure, delay: 5s, max_attempts: 0, window: 1m}
      update_config: {parallelism: 0, delay: 10s, order: start-first, failure_action: rollback, max_failure_ratio: 0.1}
      rollback_config: {monitor: 1s}
      placement: {constraints: [node.role==b], preferences: [{spread: node.labels.zone}], max_replicas_per_node: 0}
      endpoint_mode: vip
    restart: on-failure:3
    secrets: [token, {source: token, target: other, mode: 0440, uid: "1"}]
    configs: [{source: conf, target: /etc/x, mode: 0}]
    hostname: h
    user: me
    group_add: [mail, 5]
    working_dir: /w
    init: false
    tty: true
    stop_signal: SIGINT
    stop_grace_period: 1m0.5s
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    security_opt: [no-new-privileges]
    read_only: true
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}
    sysctls: {net.core.somaxconn: 1024}
    devices: ["/dev/a:/dev/b:r", vendor.com/d=gpu]
    gpus: [{driver: nvidia, count: 1, options: {q: 1}}]
    dns: 8.8.8.8
    dns_search: [a, b]
    extra_hosts: ["a=1.2.3.4", "b=::1"]
    shm_size: 64m
    memswap_limit: 1g
    mem_swappiness: 0
    cpu_shares: 0
    cpu_rt_runtime: 400ms
    oom_score_adj: -5
    blkio_config: {weight: 300, device_read_bps: [{path: /dev/sda, rate: 12mb}]}
    storage_opt: {size: 1G}
    post_start: [{command: [a, b], user: root}]
    develop: {watch: [{path: ./x, action: rebuild}]}
    x-own: {a: [1, null, "$$"]}
  db:
    image: db
    container_name: the-db
    mem_limit: 1g
    pids_limit: 5
    links: ["cache:c"]
    networks: [back]
    volumes: ["data:/var"]
  cache:
    image: cache
    network_mode: none
    profiles: [extra, other]
    restart: unless-stopped
  tool: {extends: {service: cache}, profiles: [tool], pid: "service:db"}
networks:
  front: {driver: bridge, ipam: {config: [{subnet: 10.5.0.0/16}], options: {a: b}}, labels: [x=y], attachable: true}
  back: {internal: true, enable_ipv6: false}
  outer: {external: true, name: real}
volumes:
  data: {driver: local, driver_opts: {o: bind, type: none, device: ./data}}
  there: {external: true}
secrets:
  token: {file: ./token}
  other: {environment: TOKEN, name: named}
configs:
  conf: {content: "a=$$b"}
models:
  m: {model: ai/x}
"""

DATA: dict[str, Any] = yaml.safe_load(TEXT.replace("mode: 0755", "mode: '0755'"))

_SHORT = """
a web db data 80 80:80 1-3:1-3 a:b:c ./x ~/x /x 1g 10s true $ ${X} ${X:?no} $$ service:db service:web on-failure:x -1
1e999 :: [::1]:1:1 default NONE all tcp = =x a=b * é 0o7 ' host none
"""
words = st.one_of(st.sampled_from(["", "x y", "\n", *_SHORT.split()]), st.text(max_size=8))
scalars = st.one_of(
    words, st.none(), st.booleans(), st.integers(), st.integers(-2, 70000), st.floats(), st.just(10**30)
)


def _keys(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set(data) | {key for value in data.values() for key in _keys(value)}
    return {key for value in data for key in _keys(value)} if isinstance(data, list) else set()


keys = st.one_of(st.sampled_from(sorted(_keys(DATA) | {"include", "extends", "external", "x-y", "jobs"})), words)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=12,
)
documents = st.one_of(
    st.dictionaries(keys, trees, max_size=5),
    st.fixed_dictionaries({"services": st.dictionaries(words, st.dictionaries(keys, trees, max_size=6), max_size=3)}),
)


@st.composite
def mutations(draw: st.DrawFn) -> dict[str, Any]:
    """The specimen with one to four changes anywhere in it."""
    data = copy.deepcopy(DATA)
    for _ in range(draw(st.integers(1, 4))):
        _mutate(draw, data)
    return data


def _mutate(draw: st.DrawFn, data: Any) -> None:
    parents = [one for one in _containers(data) if one]
    if not parents:
        return
    parent = draw(st.sampled_from(parents))
    place = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
    how = draw(st.sampled_from(["replace", "replace", "remove", "rename", "add"]))
    if how == "remove":
        del parent[place]
    elif how == "rename" and isinstance(parent, dict):
        parent[draw(keys)] = parent.pop(place)
    elif how == "add" and isinstance(parent, dict):
        parent[draw(keys)] = draw(trees)
    elif how == "add":
        parent.append(draw(trees))
    else:
        parent[place] = draw(trees)


def _containers(data: Any) -> list[Any]:
    if not isinstance(data, dict | list):
        return []
    return [
        data,
        *(found for child in (data.values() if isinstance(data, dict) else data) for found in _containers(child)),
    ]
