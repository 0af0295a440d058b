"""All rules, in the order of their names; and the table of them."""

from __future__ import annotations

from fairway.security import containers, files, hosts, images, services
from fairway.security.rule import Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*containers.RULES, *services.RULES, *images.RULES, *hosts.RULES, *files.RULES),
        key=lambda rule: ("CDIHF".index(rule.id[3]), rule.id),
    )
)
BY_ID = {rule.id: rule for rule in RULES}
STRICT = ("FW-C001", "FW-C015", "FW-C016", "FW-C017", "FW-C019", "FW-D003")
"""What `hardening: strict` mends."""
