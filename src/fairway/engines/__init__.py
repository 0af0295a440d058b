"""What runs revisions. aiodocker is imported after `net` has been."""

from __future__ import annotations

import fairway.net  # noqa: F401
