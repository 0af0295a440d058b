from __future__ import annotations

import json

import pytest

from fairway.cli.stats import _print, size, text
from fairway.model.usage import Usage

WEB = Usage(
    service="web",
    replica="shop-web-r1-1",
    host="h1",
    cpu=1.5,
    memory=50 << 20,
    limit=200 << 20,
    received=1 << 30,
    sent=12,
    read=0,
    written=1536,
    pids=3,
)
LOST = Usage(service="web", replica="shop-web-r1-2", host="h2", state="lost")
NEW = Usage(service="web", replica="shop-web-r1-3", host="h1")


def test_a_line_for_each_replica() -> None:
    lines = [line.split("  ") for line in text([WEB, LOST, NEW]).splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert cells[1:] == [
        ["shop-web-r1-1", "h1", "150.0 %", "50.0 MiB", "200.0 MiB", "25.0 %", "1.0 GiB", "12 B", "0 B", "1.5 KiB", "3"],
        ["shop-web-r1-2", "h2", "lost"],
        ["shop-web-r1-3", "h1", *["?"] * 9],
    ]


def test_nothing_runs() -> None:
    assert text([]) == "nothing runs here"


@pytest.mark.parametrize(("count", "said"), [(None, "?"), (0, "0 B"), (1023, "1023 B"), (1 << 41, "2.0 TiB")])
def test_sizes(count: int | None, said: str) -> None:
    assert size(count) == said


def test_watched_json_is_one_list_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    _print([WEB, LOST], watch=True, json=True)
    _print([WEB], watch=True, json=True)
    first, second = capsys.readouterr().out.splitlines()
    assert [one["state"] for one in json.loads(first)] == ["running", "lost"]
    assert json.loads(second)[0]["cpu"] == 1.5


def test_nothing_is_redrawn_where_nobody_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    _print([WEB], watch=True, json=False)
    assert "\033" not in capsys.readouterr().out
