"""A Prometheus, asked over its HTTP API for what an application has counted: ports.Metrics."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import httpx2

from fairway.model.errors import MetricsError

TIMEOUT = 10.0


class Prometheus:
    """Asked from the machine that deploys. `timeout` in seconds, for each query."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout

    async def values(self, url: str, queries: Sequence[str]) -> list[float]:
        async with httpx2.AsyncClient(timeout=self._timeout) as client:
            return list(await asyncio.gather(*(self._value(client, url, query) for query in queries)))

    async def _value(self, client: httpx2.AsyncClient, url: str, query: str) -> float:
        try:
            answer = await client.get(f"{url.rstrip('/')}/api/v1/query", params={"query": query})
            said = answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise MetricsError(f"no Prometheus answers at {url}", where=url, why=why) from error
        except ValueError as error:
            what = f"what answers at {url} is no Prometheus: status {answer.status_code}"
            raise MetricsError(what, where=url, why=answer.text[:200]) from error
        if not isinstance(said, dict) or said.get("status") != "success":
            why = str(said.get("error", answer.status_code))[:200] if isinstance(said, dict) else answer.text[:200]
            raise MetricsError(f"the Prometheus at {url} refuses `{query}`", where=url, why=why)
        return _number(url, query, said.get("data"))


def _number(url: str, query: str, data: Any) -> float:
    """Of a scalar, or of a vector with one sample. No sample is no 0: a query may be mistyped, or a target down."""
    samples = _samples(data)
    if len(samples) != 1:
        count = f"{len(samples)} numbers" if samples else "no number"
        hint = "sum(…) makes one of several; `or vector(0)` makes 0 of none"
        raise MetricsError(f"`{query}` gives {count}, not one", where=url, hint=hint)
    try:
        value = float(samples[0][1])
    except (TypeError, ValueError, IndexError, KeyError):
        value = math.nan
    if not math.isfinite(value):
        raise MetricsError(f"`{query}` gives no number", where=url, why=str(samples[0])[:200])
    return value


def _samples(data: Any) -> list[Any]:
    if not isinstance(data, dict):
        return []
    result = data.get("result") or []
    if data.get("resultType") == "scalar":
        return [result]
    found = result if data.get("resultType") == "vector" and isinstance(result, list) else []
    return [one.get("value") for one in found if isinstance(one, dict)]
