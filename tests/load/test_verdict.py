"""What is said of a run: the generator first, then each demand on each endpoint."""

import math

import pytest
from load.made import ITEMS, endpoint, loaded

from seatrial.load.limit import Knee, LimitStep, find
from seatrial.load.tally import Tally, pooled
from seatrial.load.verdict import LoadVerdict, judge
from seatrial.model.load import Demands, EndpointLoad
from seatrial.model.outcomes import ExitCode, Outcome
from seatrial.stats.quantiles import Answer

FAST = [{20.0: 50}] * 20
SLOW = [{20.0: 45, 400.0: 5}] * 20


def criteria(verdict: LoadVerdict) -> dict[str, Answer]:
    [found] = verdict.endpoints
    return {criterion.name: criterion.answer for criterion in found.criteria}


def test_a_healthy_run_passes() -> None:
    verdict = judge(loaded(endpoint(*FAST)))
    assert verdict.answer is Answer.PASS
    assert verdict.exit_code() is ExitCode.PASS
    assert criteria(verdict) == {"P99": Answer.PASS, "errors": Answer.PASS, "throughput": Answer.PASS}


def test_a_slow_run_fails_with_a_finding_that_counts() -> None:
    verdict = judge(loaded(endpoint(*SLOW)))
    [found] = verdict.endpoints[0].judgement.findings
    assert verdict.exit_code() is ExitCode.BLOCKED
    assert found.message == (
        "99 % of the requests must be answered within 200 ms but P99 was 400 ms "
        "(at least 400 ms; 100 of 1000 requests over the limit, 10 allowed)"
    )


def test_fast_errors_are_slower_than_any_answer() -> None:
    verdict = judge(loaded(endpoint(*[{2.0: 45}] * 20, failed=5)))
    assert criteria(verdict)["P99"] is Answer.FAIL
    assert criteria(verdict)["errors"] is Answer.FAIL
    assert "P99 was no answer at all" in verdict.endpoints[0].judgement.findings[0].message


def test_nothing_but_errors_shows_nothing_of_the_latency_and_fails() -> None:
    verdict = judge(loaded(endpoint(*[{}] * 20, failed=50)))
    assert verdict.answer is Answer.FAIL
    assert verdict.endpoints[0].judgement.outcome is Outcome.NOT_PROVED
    assert "none of 1000 requests was answered as expected (1000 answered 500)" in verdict.endpoints[0].judgement.reason


def test_too_few_requests_prove_nothing_however_fast() -> None:
    verdict = judge(loaded(endpoint(*[{5.0: 20}] * 20)))
    assert verdict.exit_code() is ExitCode.INCONCLUSIVE
    assert verdict.exit_code(inconclusive_passes=True) is ExitCode.PASS
    assert verdict.worth_another


def test_an_endpoint_that_was_never_asked_is_never_green() -> None:
    verdict = judge(loaded(endpoint(*FAST), EndpointLoad("GET /never never [anonymous]")))
    assert verdict.answer is Answer.INCONCLUSIVE
    assert "no request was made of it" in verdict.endpoints[1].judgement.reason


def test_a_run_without_endpoints_is_never_green() -> None:
    assert judge(loaded()).answer is Answer.INCONCLUSIVE


@pytest.mark.parametrize(
    ("generator", "said"),
    [
        ({"lag": {60.0: 1000}}, "late itself (60 ms at its P99, 25 allowed)"),
        ({"cpu": {"vm:1": 0.97}}, "vm:1 used 97% of its processor"),
        ({"settled": 990}, "10 of 1000 requests are not accounted for"),
        ({"workers": 4, "ended": 3}, "only 3 of 4 workers came to an end"),
        ({"problems": ("worker a was lost",)}, "worker a was lost"),
    ],
    ids=["lag", "cpu", "lost", "workers", "problems"],
)
@pytest.mark.parametrize("seconds", [FAST, SLOW], ids=["fast", "slow"])
def test_a_generator_that_is_not_to_be_believed_judges_nothing(
    generator: dict[str, object], said: str, seconds: list[dict[float, int]]
) -> None:
    verdict = judge(loaded(endpoint(*seconds), **generator))
    assert verdict.answer is Answer.INCONCLUSIVE
    assert not verdict.worth_another
    assert said in " ".join(verdict.doubts)


def test_other_quantiles_are_demanded_where_they_are_given() -> None:
    verdict = judge(loaded(endpoint(*FAST, demands=Demands(p95_ms=10, p50_ms=100))))
    assert criteria(verdict)["P95"] is Answer.FAIL
    assert criteria(verdict)["P50"] is Answer.PASS


def test_a_server_that_does_not_keep_up_fails() -> None:
    load = endpoint(*FAST)
    behind = EndpointLoad(load.subject, load.demands, load.seconds, {}, in_time=800)
    assert criteria(judge(loaded(behind)))["throughput"] is Answer.FAIL


def test_one_failure_among_few_is_no_verdict() -> None:
    seconds = [{5.0: 1}] * 19
    load = endpoint(*seconds)
    one = EndpointLoad(ITEMS, load.demands, {**load.seconds, 20: endpoint({}, failed=1).seconds[0]}, {"reset": 1}, 19)
    assert criteria(judge(loaded(one)))["errors"] is Answer.INCONCLUSIVE


def test_batches_are_pooled_second_by_second() -> None:
    first, then = loaded(endpoint({5.0: 10}, {5.0: 10})), loaded(endpoint({7.0: 10}, failed=1))
    both = pooled(first, then)
    [found] = both.endpoints
    assert list(found.seconds) == [0, 1, 2]
    assert (found.offered, found.failed, dict(found.reasons)) == (31, 1, {"answered 500": 1})
    assert (both.generator.arrivals, both.batches, both.duration_s) == (31, 2, 40.0)


def test_what_workers_send_adds_up() -> None:
    workers, total = [Tally(), Tally()], Tally()
    for worker in workers:
        for _ in range(3):
            worker.late(1.5)
            worker.answered(ITEMS, 0, 12.34, 10.0, in_time=True)
            worker.settled += 1
        worker.failed(ITEMS, 1, "reset")
        total.merge(worker.take())
        total.merge(worker.take())  # nothing new since
    second = total.endpoints[ITEMS].seconds[0]
    assert (dict(second.latency), dict(second.service)) == ({12.4: 6}, {10.0: 6})
    assert (total.arrivals, total.settled, total.endpoints[ITEMS].reasons["reset"]) == (6, 6, 2)


def server_that_keeps(capacity: float) -> object:
    tried: list[float] = []

    def batch(rate: float) -> LoadVerdict:
        tried.append(rate)
        return judge(loaded(endpoint(*(FAST if rate <= capacity else SLOW))))

    batch.tried = tried  # type: ignore[attr-defined]
    return batch


def test_the_knee_is_closed_in_on_from_both_sides() -> None:
    batch = server_that_keeps(123)
    knee, shown = find(10, batch, seconds=20)  # type: ignore[arg-type]
    assert knee.kept is not None
    assert knee.broke is not None
    assert knee.kept <= 123 < knee.broke <= 1.15 * knee.kept
    assert shown.answer is Answer.PASS
    assert f"between {knee.kept:g} requests per second" in knee.sentence


def test_a_limit_that_is_broken_at_once_and_one_that_the_generator_cannot_reach() -> None:
    knee, _ = find(200, server_that_keeps(123), seconds=20)  # type: ignore[arg-type]
    assert "already broken at 200" in knee.sentence
    late = judge(loaded(endpoint(*FAST), lag={90.0: 1000}))
    knee, _ = find(10, lambda rate: late if rate > 30 else judge(loaded(endpoint(*FAST))), seconds=20)
    assert (knee.kept, knee.broke) == (22.5, None)
    assert "was not reached (the generator was late" in knee.sentence
    assert Knee((LimitStep(5, Answer.INCONCLUSIVE, math.inf, 0),)).sentence.startswith("no rate could be judged")


def test_rates_with_too_few_requests_are_no_ground_to_begin_lower() -> None:
    batch = server_that_keeps(123)
    asked: list[float] = []

    def sparse(rate: float) -> LoadVerdict:
        asked.append(rate)
        return judge(loaded(endpoint(*FAST[:1]))) if rate < judged_from else batch(rate)

    judged_from = 110.0
    knee, shown = find(40, sparse, seconds=20)
    assert knee.kept is not None
    assert knee.kept <= 123 < (knee.broke or 0)
    assert shown.answer is Answer.PASS
    assert len(asked) == len(set(asked))
    judged_from = 130.0
    knee, _ = find(40, sparse, seconds=20)
    assert knee.kept is None
    assert knee.unjudged is not None
    assert knee.unjudged < 130 <= (knee.broke or 0) <= 1.15 * knee.unjudged
    assert "up to" in knee.sentence
    assert "raise --duration" in knee.sentence
