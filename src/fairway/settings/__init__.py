"""fairway.yaml: the path to production, and nothing that Compose can say."""

from fairway.settings.loader import load
from fairway.settings.model import Settings

__all__ = ["Settings", "load"]
