"""The strategies as users write them, at a pace that suits a test, and an application to roll out with them."""

from __future__ import annotations

from tests.real.deploy.site import SETTINGS, Site, commit

JUDGE = "judge: {compare: [errors, latency], slo: {errors: 1%%}, every: 500ms, max_hold: 15s, no_data: pass}"

STRATEGIES = {
    "recreate": "strategy: recreate, monitor: %(watch)s",
    "rolling": f"surge: 1, monitor: %(watch)s, {JUDGE}",
    "blue-green": "strategy: blue-green, keep: 1h, steps: [{scale: 100%%, check: %(check)s, hold: %(watch)s}]",
    "canary": f"strategy: canary, {JUDGE}, steps: [{{traffic: 20}}, {{traffic: 50, check: %(check)s, hold: 2s}}]",
    "ab": f"strategy: ab, {JUDGE}, steps: [{{users: 50%%, check: %(check)s}}]",
    "shadow": f"strategy: shadow, {JUDGE}, steps: [{{mirror: 100%%, methods: [GET], check: %(check)s}}]",
}
"""What stands in `rollout: {…}`."""

CHECK = '\'python3 -c "import os, urllib.request as u; u.urlopen(os.environ[\\"FAIRWAY_PREVIEW_URL\\"] + \\"/up\\")"\''
FAILING = "'sh -c \"echo not good enough; exit 3\"'"


def write(site: Site, strategy: str, *, check: str = CHECK, watch: str = "1s") -> None:
    """A strategy from the table into fairway.yaml."""
    write_rollout(site, STRATEGIES[strategy] % {"check": check, "watch": watch})


def write_rollout(site: Site, rollout: str) -> None:
    """What stands in `rollout` of the service web, beside its drain's time."""
    settings = site.settings(SETTINGS)
    settings = settings.replace("{drain_timeout: 5s}", f"{{drain_timeout: 5s, {rollout}}}")
    (site.directory / "fairway.yaml").write_text(settings.replace("deadline: 20s", f"deadline: {site.patience + 2}s"))
    commit(site.directory)
