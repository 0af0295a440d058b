"""Canonical nodes → the frozen nouns of `fairway.model.app`."""
