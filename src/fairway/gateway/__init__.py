"""Envoy in front of the replicas. aiodocker is imported after `net` has been."""

from __future__ import annotations

import fairway.net  # noqa: F401
