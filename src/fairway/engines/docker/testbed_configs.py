"""What the configs of an application hold, for a test of it: read here, for nothing of it is in a release yet."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from fairway.model.app import App
from fairway.model.errors import EngineError
from fairway.model.files import FileObject


def configs(app: App) -> dict[str, str]:
    """The contents, base64, of every config that a service uses."""
    used = {mount.source for service in app.services.values() for mount in service.configs}
    return {key: base64.b64encode(_content(key, config)).decode() for key, config in app.configs.items() if key in used}


def _content(key: str, config: FileObject) -> bytes:
    if config.content is not None:
        return config.content.encode()
    if config.environment is not None and (value := os.environ.get(config.environment)) is not None:
        return value.encode()
    try:
        if config.file is not None:
            return Path(config.file).read_bytes()
    except OSError as error:
        raise EngineError(f"The config {key} cannot be read", where=config.file, why=str(error)) from error
    raise EngineError(f"The config {key} has no content here", hint="Give it `content`, `file` or `environment`.")
