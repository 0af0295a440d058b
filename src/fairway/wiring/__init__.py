"""Settings → concrete adapters: the only room that names them. What a quick command does not need is imported where it is used."""

from fairway.wiring.checkout import FILE, Project, project
from fairway.wiring.connection import Connection, connection
from fairway.wiring.evidence import keygen

__all__ = ["FILE", "Connection", "Project", "connection", "keygen", "project"]
