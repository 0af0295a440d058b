from __future__ import annotations

from pathlib import Path

import pytest

from fairway.net.sshkeys import _named, identities


def test_keys_that_are_there_are_named(tmp_path: Path) -> None:
    key = tmp_path / "a key"
    key.touch()
    said = f"user me\nidentityfile {key}\nidentityfile {tmp_path}/none\nidentitiesonly no\n"
    assert _named(said) == (key,)


@pytest.mark.anyio
async def test_nobody_is_connected_to_for_it() -> None:
    assert all(path.is_file() for path in await identities("ssh://me@host.invalid:2222"))
