"""Multiset semantics by many random runs against the plainest model there is, and what `accept` adds."""

import random
from collections import Counter

import pytest
from verdict.builders import RUFF, check, known, lint, new, route, tool

from seatrial.model.errors import ConfigurationError
from seatrial.model.findings import Finding, Place
from seatrial.model.outcomes import Level, Outcome, ToolState
from seatrial.verdict.baseline import Baseline, Entry, Finished, Stale, accept, apply, prune, settle

TEXTS = ("eval(a)", "eval(b)", "exec(c)")
PATHS = ("app/a.py", "app/b.py")


def some(chance: random.Random) -> list:
    return [
        lint(
            chance.randrange(1, 99), chance.choice(TEXTS), path=chance.choice(PATHS), subject=f"f{chance.randrange(3)}"
        )
        for _ in range(chance.randrange(9))
    ]


def counted(findings) -> Counter:
    return Counter(finding.fingerprint for finding in findings)


@pytest.mark.parametrize("seed", range(150))
def test_findings_and_entries_are_multisets(seed):
    chance = random.Random(seed)
    before, after = some(chance), some(chance)
    baseline = known(before)
    applied = apply(baseline, after, RUFF)

    assert counted(before) == Counter(
        {
            print_: sum(e.count for e in baseline.entries.values() if e.fingerprint == print_)
            for print_ in counted(before)
        }
    )
    assert counted(after) - counted(before) == counted(new(applied))
    surplus = Counter()
    for one in applied.stale:
        surplus[one.entry.fingerprint] += one.surplus
    assert counted(before) - counted(after) == surplus
    # Order in, order out.
    assert after == [judged.finding for judged in applied.judged]

    pruned = prune(baseline, applied.stale)
    assert all(entry.count <= baseline.entries[key].count for key, entry in pruned.entries.items())
    again = apply(pruned, after, RUFF)
    assert (counted(new(applied)), []) == (counted(new(again)), again.stale)

    full = accept(pruned, again.judged, RUFF, all=True, reason="later")
    last = apply(full, after, RUFF)
    assert ([], [], len(after)) == (new(last), last.stale, full.total)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_findings_does_not_matter(seed):
    chance = random.Random(seed)
    baseline, after = known(some(chance)), some(chance)
    shuffled = chance.sample(after, len(after))
    one, other = apply(baseline, after, RUFF), apply(baseline, shuffled, RUFF)
    assert counted(new(one)) == counted(new(other))
    assert one.stale == other.stale


@pytest.mark.parametrize("seed", range(50))
def test_whatever_is_handed_to_prune_it_never_grows(seed):
    chance = random.Random(seed)
    first, other = known(some(chance)), known(some(chance))
    stale = apply(other, some(chance), RUFF, renames={"app/b.py": "app/a.py"}).stale
    pruned = prune(first, stale)
    assert pruned.total <= first.total
    assert pruned == prune(pruned, []) == settle(first, stale, ci=False).baseline


def test_a_move_takes_no_more_along_than_there_is():
    baseline = known([lint(1)])
    entry = next(iter(baseline.entries.values()))
    moved = Entry.of(lint(1, path="app/new.py"), count=5, reason="r")
    assert prune(baseline, [Stale(entry, 5, moved)]).total == 1
    assert prune(baseline, [Stale(entry, -1), Stale(moved, 1)]) == baseline


def test_three_equal_findings_need_a_count_of_three():
    baseline = known([lint(1), lint(2), lint(3)])
    assert [entry.count for entry in baseline.entries.values()] == [3]
    assert new(apply(baseline, [lint(1), lint(2), lint(3)], RUFF)) == []
    assert len(new(apply(baseline, [lint(line) for line in range(4)], RUFF))) == 1
    assert [one.surplus for one in apply(baseline, [lint(1)], RUFF).stale] == [2]
    assert "2 of 3 no longer found" in apply(baseline, [lint(1)], RUFF).stale[0].report().message


def test_details_tell_findings_without_a_line_apart():
    finished = Finished.of([check("CKE001", "GET / i [anonymous]")])
    one, two = (route("GET / i [anonymous]", rule="CKE001", detail=name) for name in ("session", "lang"))
    applied = apply(known([one], finished), [two], finished)
    assert (len(new(applied)), len(applied.stale)) == (1, 1)


def test_nothing_known_means_all_new():
    assert len(new(apply(Baseline(), [lint(1), lint(2)], RUFF))) == 2


def test_a_tool_that_is_off_or_broken_proves_nothing():
    baseline = known([lint(1)])
    for run in (tool(state=ToolState.BROKEN), tool(level="off"), tool("mypy", ToolState.OK)):
        assert apply(baseline, [], Finished.of([], [run])).stale == []
    assert len(apply(baseline, [], Finished.of([], [tool(state=ToolState.OK)])).stale) == 1


class TestAccept:
    FINDINGS = (lint(1), lint(2, "exec(b)", rule="ruff:S102"), route())
    FINISHED = Finished.of([check("HDR001", FINDINGS[2].subject)], [tool()])

    def accepted(self, **options):
        judged = apply(Baseline(), self.FINDINGS, self.FINISHED).judged
        return sorted(e.rule for e in accept(Baseline(), judged, self.FINISHED, **options).entries.values())

    def test_by_rule_by_tool_or_all(self):
        assert self.accepted(rule="HDR001", reason="r") == ["HDR001"]
        assert self.accepted(rule="ruff:S102", reason="r") == ["ruff:S102"]
        assert self.accepted(rule="ruff", reason="r") == ["ruff:S102", "ruff:S307"]
        assert self.accepted(all=True, reason="r") == ["HDR001", "ruff:S102", "ruff:S307"]

    def test_ourselves_are_no_tool(self):
        assert self.accepted(rule="seatrial", reason="r") == []

    @pytest.mark.parametrize("options", [{}, {"rule": "HDR001", "all": True}])
    def test_exactly_one_of_rule_and_all(self, options):
        with pytest.raises(ConfigurationError, match="either --rule CODE or --all"):
            self.accepted(reason="r", **options)

    def test_adds_to_what_is_there_and_keeps_both_reasons(self):
        baseline = known([lint(1)])
        judged = apply(baseline, [lint(1), lint(2), lint(3)], RUFF).judged
        entry = next(iter(accept(baseline, judged, RUFF, all=True, reason="sprint\n 12").entries.values()))
        assert (entry.count, entry.reason) == (3, "legacy; sprint 12")

    def test_known_findings_are_not_counted_twice(self):
        baseline = known([lint(1)])
        judged = apply(baseline, [lint(1)], RUFF).judged
        assert baseline == accept(baseline, judged, RUFF, all=True, reason="again")

    def test_a_check_that_did_not_prove_cannot_give_debt(self):
        finished = Finished.of([check("HDR001", self.FINDINGS[2].subject, Outcome.NOT_PROVED)], [tool()])
        judged = apply(Baseline(), self.FINDINGS, finished).judged
        kept = accept(Baseline(), judged, finished, rule="ruff", reason="r")
        assert kept.total == 2

    def test_level_is_no_part_of_it(self):
        entry = Entry.of(lint(level=Level.INFO), count=1, reason="r")
        assert entry == Entry.of(lint(level=Level.BLOCK), count=1, reason="r")


def test_a_password_in_a_line_is_not_written_down_again() -> None:
    line = Place("app/config.py", 3, 'PASSWORD = "hunter2-of-production"')
    finding = Finding("bandit:B105", "hardcoded", Level.BLOCK, "app/config.py", "a password", place=line, tool="bandit")
    entry = Entry.of(finding, count=1, reason="to be moved")
    assert "hunter2" not in entry.excerpt
    assert entry.fingerprint == finding.fingerprint
