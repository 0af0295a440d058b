"""What a schema cannot say: contradictions within the whole application."""

from __future__ import annotations

from collections.abc import Collection

from fairway.compose.checks.case import Case
from fairway.compose.checks.conflicts import check_conflicts
from fairway.compose.checks.dependencies import check_dependencies
from fairway.compose.checks.placement import check_placement
from fairway.compose.checks.references import check_references
from fairway.compose.checks.resources import check_resources
from fairway.compose.checks.secretive import check_secretive
from fairway.compose.checks.services import check_services
from fairway.compose.node import Node
from fairway.compose.problems import Problems
from fairway.model.app import App


def check(app: App, document: Node, profiles: Collection[str], problems: Problems, *, secret_prefix: str = "") -> None:
    """Tells every contradiction to `problems`; `document` is what `app` was made of. Variables that begin so are secrets."""
    case = Case(app, document, frozenset(profiles), problems, secret_prefix)
    check_services(case)
    check_references(case)
    check_dependencies(case)
    check_conflicts(case)
    check_resources(case)
    check_placement(case)
    check_secretive(case)
