"""Envoy in front of the replicas."""

from __future__ import annotations

import fairway.net  # noqa: F401
