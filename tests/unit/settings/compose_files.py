"""Compose files as people write them."""

from __future__ import annotations

FILES = {
    "one service that publishes port 80": """
services:
  web: {build: ., ports: ["80:8000"]}
""",
    "a web application with its database and cache": """
services:
  web:
    build: {context: ., target: production}
    ports: ["8080:3000"]
    depends_on: [db, cache]
    healthcheck: {test: curl -f http://localhost:3000/up, interval: 5s}
    deploy: {replicas: 2, update_config: {parallelism: 1, order: start-first}}
  worker: {build: ., command: work}
  db:
    image: postgres:16
    volumes: [data:/var/lib/postgresql/data]
    ports: ["5432:5432"]
  cache: {image: "redis:7"}
volumes: {data: {}}
""",
    "workers only": """
services:
  worker: {build: .}
  queue: {image: rabbitmq:3, ports: ["5672"]}
""",
    "images only": """
services:
  proxy: {image: nginx:1.27, ports: ["80:80", "443:443"], container_name: proxy}
  api: {image: example/api:1, expose: [8080]}
""",
    "several that answer HTTP": """
services:
  "1.0": {image: example/one, ports: ["8080:8080"]}
  "null": {image: example/null, ports: ["80-90:8080"]}
  "on": {build: ., expose: ["9000/tcp", "53/udp"]}
""",
    "a front and what it depends on": """
services:
  front: {build: front, expose: [9090], depends_on: [painter]}
  painter: {build: painter, expose: [8080]}
""",
    "in the network of the host": """
services:
  web: {image: example/web, network_mode: host}
  agent: {image: example/agent, network_mode: none, expose: [8000]}
""",
}
