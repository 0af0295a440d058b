"""What to ask for, and how many clients ask."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are of clients that run side by side; times are in seconds.

    keep_alive   clients that send all their requests on one connection
    one_shot     clients that open a connection for each request
    slow         keep-alive clients that ask for `slow_path`, which takes its time
    websockets   clients of `websocket_path`, which must echo
    streams      clients of `stream_path`, an event stream
    pause        between two requests of a client; the rate is about clients / (pause + latency)
    timeout      for the first and for each further byte of an answer, beyond the time that `slow_path` takes
    """

    url: str
    host: str = ""
    path: str = "/up"
    slow_path: str = "/slow?s=3"
    websocket_path: str = "/ws"
    stream_path: str = "/events"
    keep_alive: int = 16
    one_shot: int = 16
    slow: int = 2
    websockets: int = 1
    streams: int = 1
    pause: float = 0.05
    timeout: float = 10.0
    seconds: float = 0.0

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return parts.hostname or "127.0.0.1", parts.port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        """Whether it is asked in TLS; whose certificate it shows is not looked at."""
        return self.url.startswith("https:")

    @property
    def authority(self) -> str:
        return self.host or urlsplit(self.url).netloc
