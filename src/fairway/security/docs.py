"""docs/security.md: what is said about safety, and the table of rules, which is made of them."""

from __future__ import annotations

from importlib.resources import files

from fairway.security.rules import RULES

KINDS = {
    "C": "Containers: what the Compose files say of services",
    "D": "Dockerfiles",
    "I": "Images: what is in them",
    "H": "Hosts",
    "F": "Files on this machine",
}


def page() -> str:
    text = files("fairway.data").joinpath("security.md").read_text(encoding="utf-8")
    return text.replace("<!-- rules -->", table())


def table() -> str:
    """A table for each kind of rule."""
    parts = []
    for letter, title in KINDS.items():
        rows = [
            f"| {rule.id} | {rule.severity} | {rule.title} | {rule.why} | {_cell(rule.mend)} |"
            for rule in RULES
            if rule.id[3] == letter
        ]
        head = ["| rule | severity | finding | why | what mends it |", "| --- | --- | --- | --- | --- |"]
        parts.append("\n".join([f"### {title}", "", *head, *rows]))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
