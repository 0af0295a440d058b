"""Files into a container, running or not."""

from __future__ import annotations

import aiodocker


async def put(docker: aiodocker.Docker, container: str, path: str, tar: bytes) -> None:
    """Unpack a tar file at `path`."""
    headers = {"Content-Type": "application/x-tar"}
    async with docker._query(
        f"containers/{container}/archive", "PUT", params={"path": path}, data=tar, headers=headers
    ):
        pass
