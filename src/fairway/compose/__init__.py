"""Compose text → App."""

from fairway.compose.dump import to_compose
from fairway.compose.load import file_variables, find, load, load_with_warnings
from fairway.compose.sources import Reader

__all__ = ["Reader", "file_variables", "find", "load", "load_with_warnings", "to_compose"]
