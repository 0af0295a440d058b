"""`judge.probe` → what Fairway asks of both versions itself."""

from __future__ import annotations

from fairway.model.policy import HttpProbe, Job, Judging, Probe, PrometheusProbe
from fairway.settings.rollout_model import HttpProbeSettings, JobSettings, JudgeSettings, ProbeSettings
from fairway.settings.said import Said

FAILED = 0.1
"""The share of failed probes that is too much whatever the old version does, where the file does not say. Probes are few, so
a share as small as that of users' errors would take them too long to vouch for."""
ENDS = 60.0
"""Seconds that a job may take, where it does not say."""
SELDOM = 30.0
"""Seconds from one job to the next, where the file does not say: each is two containers."""

_ONE = "one of http, job and prometheus"


def probe(said: Said, service: str, judge: JudgeSettings, judging: Judging) -> Probe | None:
    """What is asked; what cannot be is added to the problems. `judging` is the judge without it."""
    path = (service, "rollout", "judge")
    written = judge.probe
    if written is None:
        if judge.slo.probe is not None:
            said.wrong(
                "there is no probe that could fail", *path, "slo", "probe", hint="add `probe: {http: /selftest}`"
            )
        return None
    forms = [form for form in ProbeSettings.FORMS if getattr(written, form) is not None]
    if not forms:
        hint = "`{http: /selftest}` asks each replica; `{job: ./selftest}` runs a command"
        said.wrong(f"a probe says {_ONE}", *path, "probe", hint=hint)
    for form in forms[1:]:
        said.wrong(f"a probe says {_ONE}, not {len(forms)} of them", *path, "probe", form, hint="drop all but one")
    if len(forms) != 1:
        return None
    found = Probe(
        http=_http(written.http) if written.http else None,
        job=_job(written.job) if written.job else None,
        prometheus=_prometheus(written),
        every=written.every or (max(judging.every, SELDOM) if written.job else judging.every),
    )
    if found.every > judging.max_hold:
        what = f"the probe is every {found.every:g} s, and the judge waits for {judging.max_hold:g} s"
        said.wrong(what, *path, "probe", hint="say a shorter `every` in it, or a longer `max_hold` of the judge")
    return found


def _http(said: HttpProbeSettings) -> HttpProbe:
    found = HttpProbe(path=said.path, status=said.status)
    return found if said.timeout is None else HttpProbe(path=said.path, status=said.status, timeout=said.timeout)


def _job(said: JobSettings) -> Job:
    return Job(command=said.command, timeout=ENDS if said.timeout is None else said.timeout)


def _prometheus(said: ProbeSettings) -> PrometheusProbe | None:
    asked = said.prometheus
    return PrometheusProbe(url=asked.url, good=asked.good, bad=asked.bad) if asked else None
