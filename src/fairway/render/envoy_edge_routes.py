"""Routes that the gateway answers itself: the way to TLS, and what certificate authorities ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fairway.model.edge import EdgeRoutes

Json = dict[str, Any]

CHALLENGES = "/.well-known/acme-challenge/"
USUAL = 443
"""The port that no address needs to name."""


def challenges(edges: Iterable[EdgeRoutes]) -> list[Json]:
    """Routes for every host, whoever has it."""
    asked = {token: text for edge in edges for token, text in edge.challenges.items()}
    return [
        {
            "name": "challenge",
            "match": {"path": f"{CHALLENGES}{token}"},
            "direct_response": {"status": 200, "body": {"inline_string": asked[token]}},
        }
        for token in sorted(asked)
    ]


def redirect(edge: EdgeRoutes | None, host: str, name: str, path: Json) -> Iterator[Json]:
    """The route that sends plain HTTP to `host` below `path` to TLS, but for an authority that asks; none where that is not wanted."""
    if edge is None or not edge.redirect or host in edge.plain:
        return
    plain = {"name": "x-forwarded-proto", "string_match": {"exact": "http"}}
    asked = {"name": ":path", "string_match": {"prefix": CHALLENGES}, "invert_match": True}
    to: Json = {"https_redirect": True, "response_code": "PERMANENT_REDIRECT"}
    if edge.redirect != USUAL:
        to["port_redirect"] = edge.redirect
    yield {"name": f"{name}.https", "match": {**path, "headers": [plain, asked]}, "redirect": to}
