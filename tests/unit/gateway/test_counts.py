"""Envoy's answer → scrapes."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest

from fairway.gateway import counts
from fairway.model.judgement import Scrape

A, B = "shop-production.web-r1.aa", "shop-production.web-r2.bb"


def said(counters: dict[str, int], times: dict[str, dict[int, int]] | None = None) -> str:
    """As Envoy writes it."""
    histograms = [
        {"name": f"cluster.{name}.upstream_rq_time", "buckets": [bucket(*item) for item in found.items()]}
        for name, found in (times or {}).items()
    ]
    stats: list[Any] = [{"name": f"cluster.{name}", "value": value} for name, value in counters.items()]
    return json.dumps({"stats": [*stats, {"histograms": histograms}]})


def bucket(bound: int, count: int) -> dict[str, int]:
    return {"upper_bound": bound, "interval": 0, "cumulative": count}


def test_counters_and_times_are_by_cluster() -> None:
    output = said(
        {f"{A}.upstream_rq_total": 3, f"{A}.upstream_rq_2xx": 3, f"{B}.upstream_rq_total": 0},
        {A: {1: 2, 3_600_000: 3}, B: {1: 0, 3_600_000: 0}},
    )
    assert counts.read(output, [A, B]) == {
        A: Scrape({"upstream_rq_total": 3, "upstream_rq_2xx": 3}, {1: 2, 3_600_000: 3}),
        B: Scrape({"upstream_rq_total": 0}, {1: 0, 3_600_000: 0}),
    }


def test_what_envoy_does_not_know_is_left_out() -> None:
    assert counts.read(said({f"{A}.upstream_rq_total": 1}), [A, B]) == {A: Scrape({"upstream_rq_total": 1})}
    assert counts.read('{"stats":[]}', [A]) == {}


def test_copies_that_envoy_dropped_are_no_errors() -> None:
    found = {"upstream_rq_total": 5, "upstream_rq_5xx": 9, "upstream_rq_pending_overflow": 7}
    [scrape] = counts.read(said({f"{A}.{name}": count for name, count in found.items()}), [A]).values()
    assert scrape.counters == {"upstream_rq_total": 5, "upstream_rq_5xx": 2}


@pytest.mark.parametrize("output", ["", "Invalid regex", '{"stats": 1}'])
def test_what_is_no_answer_is_refused(output: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        counts.read(output, [A])


def test_names_are_asked_for_as_they_are() -> None:
    asked = unquote(counts.script(["a.b-c", "d(e"]).partition("&filter=")[2].rstrip("'"))
    assert re.fullmatch(asked, "cluster.a.b-c.upstream_rq_total")
    assert re.fullmatch(asked, "cluster.d(e.upstream_rq_5xx")
    for other in (
        "cluster.aXb-c.upstream_rq_total",
        "cluster.a.b-c.upstream_rq_active",
        "cluster.x.a.b-c.upstream_rq_2xx",
    ):
        assert not re.fullmatch(asked, other)
    assert "'" not in counts.script(["a'; rm -rf /"]).partition("&filter=")[2][:-1]
