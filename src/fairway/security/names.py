"""What the name of an image says about what it is."""

from __future__ import annotations


def pinned(reference: str) -> bool:
    """Whether it names contents."""
    return "@sha256:" in reference


def unversioned(reference: str) -> bool:
    """Whether it names no version: `redis`, `redis:latest`."""
    if pinned(reference):
        return False
    _, colon, tag = reference.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"
