"""Ways to reach engines. This room comes before anything that imports aiohttp: see `_light`."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _light() -> Iterator[None]:
    """While it is imported, aiohttp reads all of the machine's certificate authorities: a fifth of the time of `fairway ps`.

    Nothing here uses them: engines answer on a socket, or have an authority of their own (`net.tls`). Its own default
    trusts nobody now.
    """

    def trusting_nobody(*_: Any, **__: Any) -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    original = ssl.create_default_context
    ssl.create_default_context = trusting_nobody
    try:
        yield
    finally:
        ssl.create_default_context = original


with _light():
    import aiohttp as aiohttp
