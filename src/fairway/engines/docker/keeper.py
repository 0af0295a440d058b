"""The keeper: a container that does nothing but mount the ledger's volume, so that no prune can take it."""

from __future__ import annotations

import json
from typing import Any

import aiodocker
from aiodocker.exceptions import DockerError

from fairway.engines.docker.errors import explained
from fairway.engines.docker.observed import inspect
from fairway.engines.docker.small import confined
from fairway.engines.docker.volumes import show
from fairway.render import names

LEDGER = "/ledger"
LABELS = {names.KIND: names.Kind.KEEPER.value}


async def there(docker: aiodocker.Docker) -> bool:
    """Whether this host has a ledger at all."""
    return await show(docker, names.LEDGER) is not None


async def ensure(docker: aiodocker.Docker, image: str, host: str) -> None:
    """The keeper exists and runs, and so does the volume. `image` has `sleep`."""
    found = await inspect(docker, names.KEEPER)
    with explained(host, "The keeper of the ledger could not be started"):
        if found is None:
            await _create(docker, image)
        if found is None or not found["State"]["Running"]:
            await docker.containers.container(names.KEEPER).start()


async def _create(docker: aiodocker.Docker, image: str) -> None:
    volume = {"Name": names.LEDGER, "Labels": LABELS}
    await docker._query_json("volumes/create", "POST", data=json.dumps(volume))
    mount: dict[str, Any] = {"Type": "volume", "Source": names.LEDGER, "Target": LEDGER}
    restart = {"Name": "always"}
    body = confined(image, ["sleep", "infinity"], LABELS, Mounts=[mount], RestartPolicy=restart)
    try:
        await docker._query_json("containers/create", "POST", params={"name": names.KEEPER}, data=json.dumps(body))
    except DockerError as error:
        if error.status != 409:  # another deployer was faster
            raise
