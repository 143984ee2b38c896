"""MIG on evidence that the specimens do not show, and squawk on SQL of our own."""

import sys
from dataclasses import replace

import pytest

from seatrial.model.errors import BrokenError
from seatrial.model.migrations import Drift, Hazard, History, Revision
from seatrial.model.outcomes import Outcome
from seatrial.rules import mig
from seatrial.target.child import in_child
from seatrial.trials.migrations import linted
from seatrial.trials.revisions import as_script, difference

SOUND = History(
    folder="migrations",
    heads=("0002",),
    count=2,
    built=True,
    revisions=(Revision("0002", "migrations/versions/0002.py", 9, "SELECT 1;", hazards=(), tried=True),),
    compared=True,
)


def test_a_sound_history_passes_everything() -> None:
    assert {rule(SOUND).outcome for rule in mig.OF_A_HISTORY} == {Outcome.PASS}


def test_an_app_without_migrations_is_not_judged() -> None:
    assert {rule(History()).outcome for rule in mig.OF_A_HISTORY} == {Outcome.SKIPPED}


def test_a_history_that_cannot_be_read_is_not_proved() -> None:
    assert {rule(replace(SOUND, reason="it is torn")).outcome for rule in mig.OF_A_HISTORY} == {Outcome.NOT_PROVED}


def test_without_squawk_nothing_is_said_of_locks() -> None:
    silent = mig.unsafe_migration(replace(SOUND, unlinted="squawk is not installed: pip install 'seatrial[migrate]'"))
    assert (silent.outcome, "pip install" in silent.reason) == (Outcome.NOT_PROVED, True)


def test_nothing_new_is_nothing_unsafe() -> None:
    old = replace(SOUND, revisions=())
    assert mig.unsafe_migration(old).outcome is Outcome.PASS
    assert mig.irreversible(old).outcome is Outcome.PASS


def test_each_hazard_and_each_difference_is_a_finding_of_its_own() -> None:
    hazards = (Hazard("adding-not-nullable-field", "locks", "add it nullable", "ALTER TABLE a"),) * 1
    revision = replace(SOUND.revisions[0], hazards=(*hazards, replace(hazards[0], statement="ALTER TABLE b")))
    found = mig.unsafe_migration(replace(SOUND, revisions=(revision,))).findings
    assert len({finding.fingerprint for finding in found}) == 2
    assert {finding.subject for finding in found} == {"migration 0002"}
    drift = (Drift("add_index", "item.ix"), Drift("remove_index", "item.ix"))
    assert len({f.fingerprint for f in mig.model_drift(replace(SOUND, drift=drift)).findings}) == 2


def test_squawk_reads_what_was_sent_and_no_matter_of_taste() -> None:
    def judged(sql: str) -> set[str]:
        [revision] = linted(replace(SOUND, revisions=(Revision("1", "1.py", 1, sql),))).revisions
        return {hazard.code for hazard in revision.hazards or ()}

    in_transaction = "BEGIN;\nCREATE INDEX i ON item (name);\nCOMMIT;"
    assert judged(in_transaction) == {"require-concurrent-index-creation"}
    assert judged("CREATE INDEX CONCURRENTLY i ON item (name);") == set()
    assert (
        judged("BEGIN;\nCREATE TABLE item (id serial, name varchar(4));\nCREATE INDEX i ON item (name);\nCOMMIT;")
        == set()
    )
    assert judged("BEGIN;\nALTER TABLE item DROP COLUMN name;\nCOMMIT;") == {"ban-drop-column"}


def test_sql_that_squawk_cannot_read_is_not_called_clean() -> None:
    [revision] = linted(replace(SOUND, revisions=(Revision("1", "1.py", 1, "CREATE INDEX ON;"),))).revisions
    assert revision.hazards is None


def test_transactions_are_told_around_the_statements() -> None:
    sent = [("CREATE TABLE a (x int)", True), ("CREATE INDEX CONCURRENTLY i ON a (x)", False), ("DROP TABLE b", True)]
    assert as_script(sent).splitlines() == [
        "BEGIN;",
        "CREATE TABLE a (x int);",
        "COMMIT;",
        "CREATE INDEX CONCURRENTLY i ON a (x);",
        "BEGIN;",
        "DROP TABLE b;",
        "COMMIT;",
    ]
    assert (
        as_script([("INSERT INTO a VALUES (%(x)s::INTEGER)", True)]).splitlines()[1] == "INSERT INTO a VALUES (NULL);"
    )


def test_differences_are_told_in_words() -> None:
    said = difference({"column a.x": 1, "column a.y": 1}, {"column a.x": 2, "index i": 1})
    assert said == "column a.y is gone, index i is left, column a.x is another"


def test_a_child_brings_its_result_or_a_sentence() -> None:
    assert in_child(lambda: 6 * 7) == 42
    with pytest.raises(BrokenError, match="ValueError: invalid literal"):
        in_child(lambda: int("no"))
    with pytest.raises(BrokenError, match="SystemExit: 3"):
        in_child(lambda: sys.exit(3))
