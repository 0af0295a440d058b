"""The strategies as users write them, at a pace that suits a test, and an application to roll out with them."""

from __future__ import annotations

from pathlib import Path

from tests.lab.host import Host
from tests.real.deploy.site import SETTINGS, Site, commit, make_site

JUDGE = "judge: {compare: [errors, latency], slo: {errors: 1%%}, every: 500ms, max_hold: 30s, no_data: abort}"

STRATEGIES = {
    "recreate": "strategy: recreate, monitor: 12s",
    "rolling": f"surge: 1, monitor: 12s, {JUDGE}",
    "blue-green": "strategy: blue-green, keep: 1h, steps: [{scale: 100%%, check: %(check)s, hold: 12s}]",
    "canary": f"strategy: canary, {JUDGE}, steps: [{{traffic: 20}}, {{traffic: 50, check: %(check)s, hold: 2s}}]",
    "ab": f"strategy: ab, {JUDGE}, steps: [{{users: 50%%, check: %(check)s}}]",
    "shadow": f"strategy: shadow, {JUDGE}, steps: [{{mirror: 100%%, methods: [GET], check: %(check)s}}]",
}
"""What stands in `rollout: {…}`. Where nothing is compared, what crashes late is watched for long enough to see it."""

CHECK = "'python3 -c \"import os, urllib.request as u; u.urlopen(os.environ[\\\"FAIRWAY_PREVIEW_URL\\\"] + \\\"/up\\\")\"'"
FAILING = "'sh -c \"echo not good enough; exit 3\"'"


def write(site: Site, strategy: str, *, check: str = CHECK, more: str = "") -> None:
    """The strategy into fairway.yaml; what stays to be committed is committed."""
    rollout = STRATEGIES[strategy] % {"check": check}
    settings = SETTINGS % {"app": site.app, "url": site.host.url, "port": 8080}
    rollout = f"{{drain_timeout: 5s, {rollout}{f', {more}' if more else ''}}}"
    (site.directory / "fairway.yaml").write_text(settings.replace("{drain_timeout: 5s}", rollout))
    commit(site.directory)


def make(directory: Path, host: Host) -> Site:
    return make_site(directory / "site", host)
