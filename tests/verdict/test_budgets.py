"""Budgets fall by themselves and rise only with a reason."""

import pytest

from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import Budget, Exchange, Kind, Statement
from seatrial.model.inventory import Inventory, Route
from seatrial.verdict.budgets import Budgets, accept, load, lower, measure, record, save, settle, short, stale

ITEMS = Route("GET", "/items/", "items.index")
OTHER = Route("POST", "/items/", "items.create")
SUBJECT = ITEMS.subject("owner")


def exchange(select=2, dml=0, rows=5, *, route=ITEMS, status=200, variant="plain", failure=""):
    statements = [Statement("SELECT", f"{n:016x}", Kind.SELECT, rows if n == 0 else 0) for n in range(select)]
    statements += [Statement("UPDATE", "ffffffffffffffff", Kind.DML, 1) for _ in range(dml)]
    statements += [Statement("SAVEPOINT", "eeeeeeeeeeeeeeee", Kind.TRANSACTION)]
    return Exchange(route, "owner", "/", status, statements=tuple(statements), variant=variant, failure=failure)


def numbers(budgets, subject=SUBJECT):
    budget = budgets.of(subject)
    return budget.select, budget.dml, budget.rows


def test_record_counts_statements_by_fingerprint():
    budget = record(Budgets(), [exchange(1, 2, 7)]).of(SUBJECT)
    assert (budget.select, budget.dml, budget.rows) == (1, 2, 7)
    assert budget.statements == (("0000000000000000", 1), ("ffffffffffffffff", 2))


def test_the_dearest_of_several_exchanges_counts():
    assert numbers(record(Budgets(), [exchange(4), exchange(2, 1)])) == (4, 1, 5)


def test_record_adds_and_lowers_but_never_raises():
    budgets = record(Budgets(), [exchange(4)])
    again = record(budgets, [exchange(9), exchange(1, route=OTHER)])
    assert numbers(again) == (4, 0, 5)
    assert numbers(again, OTHER.subject("owner")) == (1, 0, 5)
    assert numbers(record(again, [exchange(3)])) == (3, 0, 5)


class TestLower:
    BUDGETS = record(Budgets(), [exchange(4, 1, 10)])

    def test_falls(self):
        lowered = lower(self.BUDGETS, [exchange(3, 1, 8)])
        assert (numbers(lowered.budgets), lowered.subjects) == ((3, 1, 8), (SUBJECT,))

    @pytest.mark.parametrize(
        "seen",
        [
            [exchange(4, 1, 10)],
            [exchange(3, 2, 10)],
            [exchange(3, 1, 11)],
            [exchange(0, 0, 0)],
            [exchange(1, status=500)],
            [exchange(1), exchange(1, status=500)],
            [exchange(1, failure="timed out")],
            [exchange(1, variant="oversized")],
            [exchange(1, route=OTHER)],
            [],
        ],
        ids=["same", "dml-over", "rows-over", "blind", "500", "one-500", "no-answer", "malformed", "other", "nothing"],
    )
    def test_does_not_fall(self, seen):
        lowered = lower(self.BUDGETS, seen)
        assert (lowered.budgets, lowered.subjects) == (self.BUDGETS, ())

    def test_a_budget_of_nothing_stays_nothing(self):
        free = record(Budgets(), [exchange(0, 0, 0)])
        assert numbers(lower(free, [exchange(0, 0, 0)]).budgets) == (0, 0, 0)


class TestAccept:
    BUDGETS = record(Budgets(), [exchange(1)])

    def test_raises_with_a_reason(self):
        budgets = accept(self.BUDGETS, [exchange(3)], [SUBJECT], reason="new column")
        assert (numbers(budgets), budgets.reasons[SUBJECT]) == ((3, 0, 5), "new column")

    def test_without_a_reason_it_is_exit_2(self):
        with pytest.raises(ConfigurationError, match="reason"):
            accept(self.BUDGETS, [exchange(3)], [SUBJECT], reason=" ")

    def test_what_was_not_measured_is_named_all_at_once(self):
        with pytest.raises(ConfigurationError) as error:
            accept(self.BUDGETS, [exchange(3, status=500)], [SUBJECT, "GET /x x [owner]"], reason="r")
        assert len(error.value.mistakes) == 2

    def test_only_the_subjects_named(self):
        seen = [exchange(3), exchange(2, route=OTHER)]
        assert numbers(accept(self.BUDGETS, seen, [OTHER.subject("owner")], reason="r")) == (1, 0, 5)


class TestStale:
    BUDGETS = record(Budgets(), [exchange(), exchange(route=OTHER)])

    def test_a_route_that_no_longer_exists(self):
        assert [OTHER.subject("owner")] == stale(self.BUDGETS, Inventory((ITEMS,)))
        assert stale(self.BUDGETS, Inventory((ITEMS, OTHER))) == []

    def test_a_skipped_route_still_exists(self):
        skipped = Route("POST", "/items/", "items.create", skipped="/items/")
        assert stale(self.BUDGETS, Inventory((ITEMS, skipped))) == []

    def test_dropped_locally_reported_in_ci(self):
        inventory = Inventory((ITEMS,))
        local = settle(self.BUDGETS, inventory, ci=False)
        assert (list(local.budgets.entries), local.pruned, local.stale) == ([SUBJECT], 1, [])
        in_ci = settle(self.BUDGETS, inventory, ci=True)
        assert (in_ci.budgets, in_ci.pruned) == (self.BUDGETS, 0)
        assert [("budget", OTHER.subject("owner"))] == [(one.kind, one.subject) for one in in_ci.stale]
        assert "`seatrial baseline prune`" in in_ci.stale[0].message


class TestFile:
    def test_round_trip(self, tmp_path):
        path = tmp_path / "budgets.tsv"
        budgets = accept(
            record(Budgets(), [exchange(), exchange(route=OTHER)]), [exchange(9)], [SUBJECT], reason="a\tb"
        )
        assert save(path, budgets)
        read = load(path)
        assert (budgets.entries, budgets.reasons) == (read.entries, read.reasons)
        assert not save(path, read)

    def test_what_it_looks_like(self, tmp_path):
        path = tmp_path / "budgets.tsv"
        save(path, record(Budgets(), [exchange(1, 2, 7), exchange(0, 0, 0, route=OTHER)]))
        lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert [
            f"{SUBJECT}\t1\t2\t7\t0000000000000000x1 ffffffffffffffffx2\t-",
            "POST /items/ items.create [owner]\t0\t0\t0\t-\t-",
        ] == lines

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("a\t1\t2", "3 columns"),
            ("a\tx\t0\t0\t-\t-", "select is `x`"),
            ("a\t1\t0\t-3\t-\t-", "rows is `-3`"),
            ("a\t1\t0\t0\tnonsense\t-", "`nonsense` is not"),
            ("a\t1\t0\t0\t-\t-\na\t2\t0\t0\t-\t-", "same subject as line 2"),
            ("-\t1\t0\t0\t-\t-", "no subject"),
        ],
    )
    def test_damage(self, tmp_path, line, says):
        path = tmp_path / "budgets.tsv"
        path.write_text(f"# budgets_version: 1\n{line}\n")
        with pytest.raises(ConfigurationError, match=says):
            load(path)

    def test_an_unknown_version(self, tmp_path):
        path = tmp_path / "budgets.tsv"
        path.write_text("# budgets_version: 7\n")
        with pytest.raises(ConfigurationError, match="budgets_version 7 is not known"):
            load(path)

    def test_missing_is_empty(self, tmp_path):
        assert Budgets() == load(tmp_path / "none.tsv")


def test_short_keeps_hashes_and_hashes_the_rest():
    assert short("0123456789abcdef") == "0123456789abcdef"
    assert short("SELECT * FROM a") != short("SELECT * FROM b")
    assert len(short("SELECT * FROM a")) == 12


def test_measure_of_nothing_is_nothing():
    assert measure([]) == {}
    assert isinstance(measure([exchange()])[SUBJECT], Budget)
