"""Every variant of the handler under every family: convicted or acquitted as expected, for the expected reason."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from faults.expected import EXPECTED, REASONS
from faults.matrix import broken, trial_of

from seatrial.host.run import Run
from seatrial.model import webhooks as faults
from seatrial.model.outcomes import Outcome
from seatrial.rules import whk

PAGE = Path(__file__).parents[2] / "docs" / "webhooks-trials.md"
SAMPLE = {
    ("check_then_act", "sqlite", faults.DEATH),
    ("specified", "sqlite", faults.DEATH),
    ("random_key", "sqlite", faults.CALLS),
    ("answers_first", "sqlite", faults.ACKNOWLEDGED),
    ("on_conflict_first", "embedded", faults.CALLS),
}
UNSTEADY = {("shared_session", "sqlite", faults.THREADS)}
"""Two threads in one session: between two gates they meet inside of it, or do not, as the machine likes."""
SCHEDULED = (faults.RACE, faults.THREADS, faults.PAIR, faults.ACKNOWLEDGED)
RULES = {
    faults.DUPLICATES: whk.applied_twice,
    faults.RACE: whk.race,
    faults.THREADS: whk.race,
    faults.PAIR: whk.race,
    faults.ACKNOWLEDGED: whk.acknowledged_before_durable,
}


def cells() -> Iterator[object]:
    for (variant, database), row in EXPECTED.items():
        for family in row:
            marks = [] if (variant, database, family) in SAMPLE else [pytest.mark.matrix]
            yield pytest.param(variant, database, family, marks=marks, id=f"{variant}-{database}-{family}")


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[str, str], Run]]:
    """One host for all families of a variant, which come one after the other: they share the clean delivery."""
    with ExitStack() as opened:
        runs: dict[tuple[str, str], Run] = {}

        def run(variant: str, database: str) -> Run:
            if (variant, database) not in runs:
                opened.close()
                runs.clear()
                runs[variant, database] = opened.enter_context(trial_of(variant, database))
            return runs[variant, database]

        yield run


@pytest.mark.parametrize(("variant", "database", "family"), list(cells()))
def test_a_variant_under_a_family(serve: Callable[[str, str], Run], variant: str, database: str, family: str) -> None:
    run = serve(variant, database)
    evidence = broken(run, family)
    assert not evidence.reason, evidence.reason
    assert (evidence.left, evidence.unheard) == (0, 0)
    convicted, tried = EXPECTED[variant, database][family]
    assert evidence.tried == tried
    if family in SCHEDULED:  # how many schedules meet is up to the machine where a lane waits outside of the database
        assert bool(evidence.convicted) == bool(convicted) or (variant, database, family) in UNSTEADY
    else:
        assert len(evidence.convicted) == convicted
    assert {one.verdict for one in evidence.convicted} <= REASONS[variant]
    rule = RULES.get(family, whk.event_lost)
    judgement = rule(evidence)
    certain = [one for one in evidence.convicted if not one.only_outbound]
    assert judgement.outcome is (Outcome.FAIL if certain else Outcome.PASS), judgement.reason
    calls = whk.outbound_repeated(evidence)
    assert calls.outcome is (Outcome.FAIL if any(one.only_outbound for one in evidence.convicted) else Outcome.PASS)


@pytest.mark.parametrize(
    ("variant", "family"),
    [
        ("check_then_act", faults.DEATH),
        pytest.param("one_transaction_no_unique", faults.RACE, marks=pytest.mark.matrix),
    ],
)
def test_a_conviction_can_be_replayed_by_its_id(variant: str, family: str) -> None:
    with trial_of(variant, "sqlite") as run:
        first = broken(run, family, enough=1)
        again = broken(run, family, only=first.convicted[0].id)
    assert again.tried == again.planned == 1
    assert again.convicted == first.convicted[:1]


def test_the_page_shows_the_matrix() -> None:
    text = PAGE.read_text()
    for (variant, database), row in EXPECTED.items():
        cells_ = " | ".join(f"{bad}/{all_}" if bad else "–" for bad, all_ in row.values())
        assert f"| `{variant}` | {'PostgreSQL' if database == 'embedded' else 'SQLite'} | {cells_} |" in text
