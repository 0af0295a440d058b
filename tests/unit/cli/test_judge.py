"""The judge's evidence as pictures, to be compared and looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fairway.cli.judge import HALF, picture, short
from fairway.model.judgement import Against, Counts, JudgePolicy, Measure, Opinion, Question, Reading, Ruling
from tests.unit.rollout.judging import ALL, BROKEN, ERRORS, HEALTHY, POLICIES, TICKS, Tick, judge


def drawn(opinion: Opinion) -> str:
    return "\n".join(picture("web", opinion))


def test_a_version_that_is_going_to_be_called_worse() -> None:
    assert drawn(judge(ERRORS, [BROKEN] * 3)) == (
        "judge of web: no verdict yet (150 requests to the new, 1,350 to the old)\n"
        "              new   against           worse                fine    E-value\n"
        "  errors  20.00 %     0.44 % old     ▕··██████████│············▏  49 of 100, worse"
    )


def test_a_version_that_is_worse() -> None:
    assert drawn(judge(ERRORS, [BROKEN] * 8)) == (
        "judge of web: worse: lead back (400 requests to the new, 3,600 to the old)\n"
        "              new   against           worse                fine    E-value\n"
        "  errors  20.00 %     0.44 % old     ▕████████████│············▏  8.82e+04 of 100, worse\n"
        "  errors: 20 %, more than 1.2 times the old revision's 0.444 % (400 requests in 8 ticks)"
    )


def test_a_version_that_is_fine() -> None:
    assert drawn(judge(ERRORS, [HEALTHY] * 40)) == (
        "judge of web: fine: go on (2,000 requests to the new, 18,000 to the old)\n"
        "              new   against           worse                fine    E-value\n"
        "  errors   0.00 %     0.44 % old     ▕············│████████████▏  3.02e+05 of 100, fine\n"
        "  errors: 0 %, less than 2 times the old revision's 0.444 % (2,000 requests in 40 ticks)"
    )


def test_every_question_has_its_line() -> None:
    new = Counts(50, 1, {10.0: 20, 100.0: 48, 300.0: 50})
    old = Counts(450, 9, {10.0: 200, 100.0: 440, 300.0: 450})
    assert drawn(judge(ALL, [(new, old)] * 9)) == (
        "judge of web: no verdict yet (450 requests to the new, 4,050 to the old)\n"
        "              new   against           worse                fine    E-value\n"
        "  errors   2.00 %     2.00 % old     ▕············│██··········▏  3.76 of 400, fine\n"
        "  slow     4.00 %     2.22 % old     ▕············│············▏  nothing yet\n"
        "  errors   2.00 %     1.00 % limit   ▕············│············▏  nothing yet\n"
        "  slow     0.00 %     5.00 % limit   ▕············│████████████▏  2.1e+05 of 400, fine"
    )


def test_probes_are_counted_apart() -> None:
    policy = JudgePolicy(compare=(Measure.PROBE,), limit_probe=0.1)
    assert drawn(judge(policy, [(Counts(probes=2), Counts(9, 1, probes=4, failed=1))] * 9)) == (
        "judge of web: no verdict yet (0 requests to the new, 81 to the old)\n"
        "  probes: 18 of the new, 36 of the old\n"
        "              new   against           worse                fine    E-value\n"
        "  probe    0.00 %    25.00 % old     ▕············│████████····▏  49 of 200, fine\n"
        "  probe    0.00 %    10.00 % limit   ▕············│██··········▏  2.83 of 200, fine"
    )


def test_without_data_it_says_so() -> None:
    assert drawn(judge(ERRORS, [(None, None)] * 3)) == (
        "judge of web: no verdict yet (0 requests to the new, 0 to the old)\n"
        "              new   against           worse                fine    E-value\n"
        "  errors        –          – old     ▕············│············▏  nothing yet\n"
        "  missing: data: none in 3 ticks"
    )


def test_what_a_verdict_lacks_is_told_but_not_what_the_bars_say() -> None:
    lines = picture("web", judge(ERRORS, [(Counts(5, 1), Counts(45, 1))]))
    assert [line for line in lines if "missing" in line] == ["  missing: 15 more requests to the new revision"]


def test_in_short_the_worst_question_comes_first() -> None:
    assert (
        short("web", judge(ERRORS, [BROKEN] * 3)) == "web: errors 20.00 % against 0.44 % ▕·█████│······▏ no verdict yet"
    )
    fine = Reading(Question(Measure.ERRORS, Against.OLD), 0.1, 400.0, 400.0, 0.001, 0.001)
    waiting = replace(fine, question=Question(Measure.LATENCY, Against.OLD), fine=2.0)
    worse = replace(fine, question=Question(Measure.LATENCY, Against.LIMIT), worse=300.0, new=0.5)
    opinion = Opinion(Ruling.HOLD, "", (), (fine, waiting), Counts(), Counts())
    assert short("web", opinion).startswith("web: slow 0.10 %")
    assert short("web", replace(opinion, readings=(fine, waiting, worse))).startswith("web: slow 50.00 %")


def test_without_a_question_there_is_nothing_to_draw() -> None:
    opinion = Opinion(Ruling.HOLD, "", ("something to judge by",), (), Counts(), Counts())
    assert picture("web", opinion)[1:] == ["  missing: something to judge by"]
    assert short("web", opinion) == "web: no verdict yet"


@given(POLICIES, TICKS)
def test_a_bar_is_full_just_where_the_evidence_is_enough_and_all_fit_a_terminal(
    policy: object, ticks: list[Tick]
) -> None:
    opinion = judge(policy, ticks)  # type: ignore[arg-type]
    lines = picture("identidock", opinion)
    assert all(len(line) < 100 for line in lines)
    assert len(short("identidock", opinion)) < 80
    bars = [line for line in lines if "▕" in line]
    for reading, bar in zip(opinion.readings, bars, strict=True):
        worse, fine = bar.partition("▕")[2].partition("▏")[0].split("│")
        assert (worse == "█" * HALF) == (reading.worse >= reading.needed)
        assert (fine == "█" * HALF) == (reading.fine >= reading.needed)


@given(st.floats(0, 1e300), st.floats(0, 1e300), st.floats(1, 1e6), st.integers(0, 10**9))
def test_no_figure_makes_a_line_too_long(worse: float, fine: float, needed: float, requests: int) -> None:
    reading = Reading(Question(Measure.LATENCY, Against.LIMIT), worse, fine, needed, 1.0, 1.0)
    opinion = Opinion(Ruling.ABORT, "why " * 60, (), (reading,), Counts(requests), Counts(requests))
    assert all(len(line) < 100 for line in picture("identidock", opinion))
