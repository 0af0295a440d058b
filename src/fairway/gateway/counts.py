"""What Envoy is asked for the judge, and its answer as numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote

import msgspec

from fairway.model.judgement import Scrape

_TOTAL = "upstream_rq_total"
_ERRORS = "upstream_rq_5xx"
_DROPPED = "upstream_rq_pending_overflow"
_NAMES = "upstream_rq_(total|[1-5]xx|pending_overflow|time)"


class _Bucket(msgspec.Struct):
    upper_bound: float
    cumulative: int


class _Histogram(msgspec.Struct):
    name: str
    buckets: list[_Bucket] = []


class _Stat(msgspec.Struct):
    """A number, or, in one of them, all the histograms."""

    name: str = ""
    value: int = 0
    histograms: list[_Histogram] = []


class _Stats(msgspec.Struct):
    stats: list[_Stat]


def script(clusters: Collection[str]) -> str:
    """Prints the counts of these clusters; ends with curl's exit status.

    Envoy gathers the times of its workers after it has answered, so it is asked twice, with a moment for busy workers
    between: what the second answer says of times is as new as the first one, and what it says of counts is newer by that.
    """
    names = "|".join(re.escape(name) for name in sorted(clusters))
    wanted = quote(rf"^cluster\.({names})\.{_NAMES}$", safe="")
    return f"ask '/stats?filter=%5E%24' >/dev/null && sleep 0.05 && ask '/stats?format=json&histogram_buckets=cumulative&filter={wanted}'"


def read(output: str, clusters: Collection[str]) -> Mapping[str, Scrape]:
    """By cluster; those that Envoy does not know are left out. Raises msgspec.MsgspecError."""
    counters: dict[str, dict[str, int]] = {}
    times: dict[str, dict[float, int]] = {}
    for stat in msgspec.json.decode(output, type=_Stats).stats:
        for histogram in stat.histograms:
            times[_of(histogram.name)[0]] = {one.upper_bound: one.cumulative for one in histogram.buckets}
        if stat.name:
            cluster, name = _of(stat.name)
            counters.setdefault(cluster, {})[name] = stat.value
    known = (cluster for cluster in clusters if _TOTAL in counters.get(cluster, {}))
    return {cluster: Scrape(_answers(counters[cluster]), times.get(cluster, {})) for cluster in known}


def _of(name: str) -> tuple[str, str]:
    """The cluster and the name within it."""
    cluster, _, name = name.removeprefix("cluster.").rpartition(".")
    return cluster, name


def _answers(counters: Mapping[str, int]) -> Mapping[str, int]:
    """Envoy counts a copy that it dropped itself, over its limits, as an error of the revision, which never saw it."""
    dropped = counters.get(_DROPPED, 0)
    kept = {name: count for name, count in counters.items() if name != _DROPPED}
    return {**kept, _ERRORS: max(kept.get(_ERRORS, 0) - dropped, 0)} if dropped else kept
