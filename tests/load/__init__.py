"""A load generator that classifies every failure and never retries: the witness of "without one failed request".

    with Load("http://10.0.0.11:80", host="shop.example.com") as load:
        ...  # deploy
    assert load.report.failed == 0, load.report.summary()

By hand: python -m tests.load http://10.0.0.11:80 --host shop.example.com --seconds 10
"""

from __future__ import annotations

from tests.load.load import Load
from tests.load.report import Report

__all__ = ["Load", "Report"]
