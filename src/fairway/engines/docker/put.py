"""Files of a container, running or not."""

from __future__ import annotations

import aiodocker


async def put(docker: aiodocker.Docker, container: str, path: str, tar: bytes) -> None:
    """Unpack a tar file at `path`."""
    headers = {"Content-Type": "application/x-tar"}
    async with docker._query(
        f"containers/{container}/archive", "PUT", params={"path": path}, data=tar, headers=headers
    ):
        pass


async def exists(docker: aiodocker.Docker, container: str, path: str) -> bool:
    """Whether there is such a file; cheap beside reading it. (aiodocker cannot: it wants a body with every error.)"""
    url = f"{docker.docker_host}/{docker.api_version}/containers/{container}/archive"
    async with docker.session.head(url, params={"path": path}) as answer:
        return answer.status == 200
