"""The other parts of the application, as this one sees them."""

import aiohttp
import redis.asyncio
from redis.exceptions import RedisError

PATIENCE = 2  # seconds
KEPT = 3600  # seconds


class Unavailable(Exception):
    """A part did not answer as it should."""


class Painter:
    """The image service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session: aiohttp.ClientSession | None = None

    async def paint(self, digest: str, size: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        try:
            async with self._session.get(f"{self.url}/monster/{digest}", params={"size": size}) as answer:
                answer.raise_for_status()
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"the painter at {self.url}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        if self._session:
            await self._session.close()


class Cache:
    """Pictures in Redis; `get` and `put` raise Unavailable."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = redis.asyncio.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)

    async def get(self, key: str) -> bytes | None:
        """The picture, or None if it is not there."""
        try:
            return await self._redis.get(key)
        except (RedisError, OSError) as error:
            raise Unavailable(f"the cache at {self.url}: {error or type(error).__name__}") from error

    async def put(self, key: str, picture: bytes) -> None:
        try:
            await self._redis.set(key, picture, ex=KEPT)
        except (RedisError, OSError) as error:
            raise Unavailable(f"the cache at {self.url}: {error or type(error).__name__}") from error

    async def close(self) -> None:
        await self._redis.close()
