"""Serve; or with ENV=UNIT, run the unit tests that are in the very same image."""

import os
import sys
import time
import unittest

from aiohttp import web

from identidock import faults
from identidock.parts import Cache, Painter
from identidock.web import application

PORT = 9090


def test() -> int:
    result = unittest.main(module=None, argv=["unittest", "discover"], exit=False).result
    print("Result: SUCCESS!" if result.wasSuccessful() else "Result: FAILURE!")
    return 0 if result.wasSuccessful() else 1


def serve() -> None:
    settings = os.environ
    fault = settings.get("BROKEN", "")
    faults.at_boot(fault)
    app = application(
        version=settings.get("VERSION", "dev"),
        painter=Painter(settings.get("PAINTER", "http://painter:8080")),
        cache=Cache(settings.get("CACHE", "redis://cache:6379")),
        fault=fault,
    )
    boot = float(settings.get("BOOT_SECONDS") or 0)
    time.sleep(max(0.0, boot - faults.age()))
    print(f"identidock {app['version']} listens on port {PORT}", flush=True)
    web.run_app(app, port=PORT, access_log=None, print=None, shutdown_timeout=8)


if __name__ == "__main__":
    sys.exit(test() if os.environ.get("ENV") == "UNIT" else serve())
