"""What runs revisions."""

from __future__ import annotations

import fairway.net  # noqa: F401
