"""Which keys of a rollout have a meaning with which strategy."""

from __future__ import annotations

from collections.abc import Iterator

from fairway.settings.rollout_model import RolloutSettings
from fairway.settings.types import STEPPED

BATCHES = ("surge", "max_unavailable", "pause", "monitor")
_GONE = "the old replicas are gone before new ones start"
_STEPS = "say `strategy: canary`, blue-green, ab or shadow"

FOREIGN = {
    "recreate": ("surge", "max_unavailable", "pause", "steps", "judge", "keep", "preview"),
    "rolling": ("steps", "preview"),
    **dict.fromkeys(STEPPED, BATCHES),
}
"""Keys that mean nothing with a strategy."""


def misfits(said: RolloutSettings, strategy: str, why: str = "") -> Iterator[tuple[str, str, str]]:
    """Each key that is said and means nothing with `strategy`: the key, what is wrong, and what to do.

    `why` is why the strategy is this one, where nobody has named it.
    """
    for key in FOREIGN[strategy]:
        value = getattr(said, key)
        if value is None or (key == "keep" and not value):
            continue
        verb = "mean" if key == "steps" else "means"
        yield key, f"`{key}` {verb} nothing where {why or f'the strategy is {strategy}'}", _remedy(key, strategy)


def _remedy(key: str, strategy: str) -> str:
    if strategy in STEPPED:
        return "`scale` in a step says how many start; `strategy: rolling` has batches"
    if key in BATCHES:
        return "`strategy: rolling` has batches"
    if key in ("steps", "preview"):
        return _STEPS
    return f"{_GONE}: say `strategy: rolling`, or drop it"


def left_out(before: str, now: str) -> tuple[str, ...]:
    """Keys of the whole file that do not go over to an environment which names another strategy."""
    judged = ("judge",) if before in STEPPED and now == "rolling" else ()
    return tuple(dict.fromkeys(("steps", *judged, *FOREIGN[now])))
