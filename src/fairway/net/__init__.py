"""Ways to reach engines. This room comes before anything that imports aiohttp: see `_light`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def _light() -> Iterator[None]:
    """While it is imported, aiohttp reads all of the machine's certificate authorities, twice: a fifth of the time of `fairway ps`.

    Nothing here uses them: engines answer on a socket, or have an authority of their own (`net.tls`). Its own default
    trusts nobody now.
    """
    before = {name: os.environ.get(name) for name in _AUTHORITIES}
    os.environ.update(dict.fromkeys(_AUTHORITIES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _light():
    import aiohttp as aiohttp
