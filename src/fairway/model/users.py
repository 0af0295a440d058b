"""Who the processes of a container are: `user`, `user:group`, names or numbers, as Compose and images have it."""

from __future__ import annotations

ROOT = ("", "0", "root")


def is_root(user: str) -> bool:
    """Nothing said is root, too."""
    name = user.partition(":")[0].strip()
    return name in ROOT or (name.isdecimal() and int(name) == 0)


def numbers(user: str) -> tuple[str, str]:
    """The numbers of the user and of the group, each where it is one, else nothing: a name means something inside the image only."""
    name, _, group = user.partition(":")
    return name if name.isdecimal() else "", group if group.isdecimal() else ""
