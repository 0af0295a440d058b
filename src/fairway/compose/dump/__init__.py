"""App → Compose data in long form."""

from fairway.compose.dump.app import to_compose

__all__ = ["to_compose"]
