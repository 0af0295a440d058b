"""For how long, in all, nobody could tell something."""

from __future__ import annotations

import time


class Blindness:
    def __init__(self) -> None:
        self._past = 0.0
        self._since: float | None = None
        self._seen = 0.0

    @property
    def seconds(self) -> float:
        return self._past + (time.monotonic() - self._since if self._since is not None else 0.0)

    def begin(self, since: float | None = None) -> None:
        """Nothing is seen, `since` this time of this machine's monotonic clock, or since something was seen last."""
        if self._since is None:
            self._since = max(time.monotonic() if since is None else since, self._seen)

    def end(self) -> None:
        self._past, self._since, self._seen = self.seconds, None, time.monotonic()
