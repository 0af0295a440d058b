"""What a schema cannot say."""

from __future__ import annotations

from collections.abc import Collection

from fairway.compose.node import Node
from fairway.compose.problems import Problems
from fairway.model.app import App


def check(app: App, document: Node, profiles: Collection[str], problems: Problems) -> None:
    """Tells every contradiction of the whole application."""
