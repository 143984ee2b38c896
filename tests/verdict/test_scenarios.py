"""The scenario table of the gates chapter, as far as baseline and verdict decide it."""

import subprocess
from types import MappingProxyType

import pytest
from verdict.builders import RUFF, check, known, lint, new, route, tool

from seatrial.model.errors import BrokenError, ConfigurationError
from seatrial.model.findings import Place
from seatrial.model.outcomes import ExitCode, Level, Outcome, ToolState
from seatrial.model.result import Result
from seatrial.verdict import baseline as baselines
from seatrial.verdict.baseline import Baseline, Finished, accept, apply, prune, settle
from seatrial.verdict.renames import renames
from seatrial.verdict.verdict import decide, relevel

BROKEN = Finished.of([], [tool(state=ToolState.BROKEN)])


def exit_code(applied, *, ci=True, tools=None):
    result = Result(
        findings=applied.judged,
        tools=tools or [tool()],
        stale=settle(Baseline(), applied.stale, ci=ci).stale,
    )
    return decide(result, strict_proof=False)


def test_a_function_inserted_above_and_a_new_indent_change_nothing():
    baseline = known([lint(10, "    eval( user_input )")])
    applied = apply(baseline, [lint(25, "        eval( user_input ) \n")], RUFF)
    assert (new(applied), applied.stale) == ([], [])
    assert exit_code(applied) is ExitCode.PASS


def test_a_copied_line_is_one_new_finding_and_the_later_one():
    baseline = known([lint(10)])
    applied = apply(baseline, [lint(30), lint(10)], RUFF)
    assert [finding.place.line for finding in new(applied)] == [30]
    assert exit_code(applied) is ExitCode.BLOCKED


def test_a_swap_is_one_new_and_one_fixed():
    baseline = known([lint(10, "eval(a)")])
    applied = apply(baseline, [lint(10, "eval(b)")], RUFF)
    assert (len(new(applied)), len(applied.stale)) == (1, 1)
    assert exit_code(applied) is ExitCode.BLOCKED


def test_another_level_or_message_is_not_new():
    baseline = known([lint(10, level=Level.WARN)])
    applied = apply(baseline, [lint(10, level=Level.BLOCK, message="reworded")], RUFF)
    assert (new(applied), applied.stale) == ([], [])


def test_a_fixed_finding_is_pruned_locally_and_stale_in_ci():
    baseline = known([lint(10), lint(20, "eval(b)")])
    applied = apply(baseline, [lint(10)], RUFF)

    local = settle(baseline, applied.stale, ci=False)
    assert (local.pruned, local.stale, local.baseline.total) == (1, [], 1)

    in_ci = settle(baseline, applied.stale, ci=True)
    assert (0, baseline) == (in_ci.pruned, in_ci.baseline)
    assert "`seatrial baseline prune`" in in_ci.stale[0].message
    assert exit_code(applied) is ExitCode.STALE


def test_prune_never_grows_while_new_findings_exist():
    baseline = known([lint(10), lint(20)])
    applied = apply(baseline, [lint(10), lint(40, "exec(x)"), lint(50, "exec(x)")], RUFF)
    pruned = prune(baseline, applied.stale)
    assert pruned.total == 1
    assert set(pruned.entries) <= set(baseline.entries)
    assert len(new(applied)) == 2
    assert len(new(apply(pruned, [lint(10), lint(40, "exec(x)"), lint(50, "exec(x)")], RUFF))) == 2


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
def test_accept_without_a_reason_is_exit_2_and_changes_nothing(reason, tmp_path):
    path = tmp_path / "baseline.tsv"
    baseline = known([lint(10)])
    baselines.save(path, baseline)
    before = path.read_bytes()
    applied = apply(baseline, [lint(10), lint(20)], RUFF)
    with pytest.raises(ConfigurationError, match="reason") as error:
        baselines.save(path, accept(baseline, applied.judged, RUFF, all=True, reason=reason))
    assert error.value.exit_code is ExitCode.CONFIGURATION
    assert before == path.read_bytes()


def test_a_crash_fixes_nothing_and_leaves_the_file_byte_identical(tmp_path):
    path = tmp_path / "baseline.tsv"
    baselines.save(path, known([lint(line, f"eval({line})") for line in range(128)]))
    before, baseline = path.read_bytes(), baselines.load(path)

    # What mypy prints before it gives up: three lines instead of 128.
    applied = apply(baseline, [lint(1, "x = ("), lint(2, "eval(2)"), lint(3, "y")], BROKEN)
    settled = settle(baseline, applied.stale, ci=False)

    assert (applied.stale, settled.pruned) == ([], 0)
    assert not baselines.save(path, settled.baseline)
    assert before == path.read_bytes()
    assert exit_code(applied, tools=[tool(state=ToolState.BROKEN)]) is ExitCode.BROKEN


def test_what_a_broken_tool_printed_cannot_be_accepted():
    applied = apply(Baseline(), [lint(1, "x = (")], BROKEN)
    with pytest.raises(BrokenError, match="ruff did not finish"):
        accept(Baseline(), applied.judged, BROKEN, all=True, reason="legacy")


def test_what_a_broken_check_found_cannot_be_accepted():
    finding = route()
    finished = Finished.of([check("HDR001", finding.subject, Outcome.BROKEN)])
    applied = apply(Baseline(), [finding], finished)
    with pytest.raises(BrokenError, match="HDR001"):
        accept(Baseline(), applied.judged, finished, rule="HDR001", reason="legacy")


def test_an_unknown_fingerprint_version_is_exit_2(tmp_path):
    path = tmp_path / "baseline.tsv"
    baselines.save(path, known([lint()]))
    path.write_text(path.read_text().replace("fingerprint_version: 1", "fingerprint_version: 2"))
    with pytest.raises(ConfigurationError, match="fingerprint_version 2 is not known") as error:
        baselines.load(path)
    assert error.value.exit_code is ExitCode.CONFIGURATION
    assert str(path) in str(error.value)


class TestRename:
    RENAMES = MappingProxyType({"app/web/views.py": "app/views.py"})

    def test_findings_of_a_renamed_file_are_known(self):
        baseline = known([lint(10), lint(20)])
        moved = [lint(10, path="app/web/views.py"), lint(20, path="app/web/views.py")]
        assert new(apply(baseline, moved, RUFF, renames=self.RENAMES)) == []

    def test_the_same_text_elsewhere_is_new(self):
        baseline = known([lint(10)])
        applied = apply(baseline, [lint(10, path="app/other.py")], RUFF, renames=self.RENAMES)
        assert len(new(applied)) == 1

    def test_one_more_in_the_renamed_file_is_new(self):
        baseline = known([lint(10)])
        moved = [lint(10, path="app/web/views.py"), lint(11, path="app/web/views.py")]
        assert [f.place.line for f in new(apply(baseline, moved, RUFF, renames=self.RENAMES))] == [11]

    def test_a_finding_that_is_known_where_it_is_takes_nothing_from_the_old_file(self):
        baseline = known([lint(10), lint(10, path="app/web/views.py")])
        applied = apply(baseline, [lint(10, path="app/web/views.py")], RUFF, renames=self.RENAMES)
        assert new(applied) == []
        assert [(one.entry.path, one.moved_to) for one in applied.stale] == [("app/views.py", None)]

    def test_the_entry_follows_so_that_the_next_run_needs_no_git(self):
        baseline = known([lint(10), lint(20)])
        moved = [lint(10, path="app/web/views.py"), lint(20, path="app/web/views.py")]
        settled = settle(baseline, apply(baseline, moved, RUFF, renames=self.RENAMES).stale, ci=False)
        assert (settled.pruned, settled.moved, settled.baseline.total) == (0, 2, 2)
        assert [entry.path for entry in settled.baseline.sorted()] == ["app/web/views.py"]
        again = apply(settled.baseline, moved, RUFF)
        assert (new(again), again.stale) == ([], [])

    def test_an_entry_that_should_follow_is_stale_in_ci(self):
        baseline = known([lint(10)])
        applied = apply(baseline, [lint(10, path="app/web/views.py")], RUFF, renames=self.RENAMES)
        assert "app/web/views.py" in settle(baseline, applied.stale, ci=True).stale[0].message
        assert exit_code(applied) is ExitCode.STALE

    def test_git_tells_it(self, tmp_path):
        def git(*arguments):
            identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
            subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

        (tmp_path / "app").mkdir()
        (tmp_path / "app/views ö.py").write_text("eval(user_input)\n" * 20)
        git("init", "-q")
        git("add", ".")
        git("commit", "-qm", "one")
        assert renames(tmp_path, "HEAD") == {}
        git("mv", "app/views ö.py", "app/web.py")
        assert renames(tmp_path, "HEAD") == {"app/web.py": "app/views ö.py"}
        # A target in a folder of the repository: paths are its own.
        assert renames(tmp_path / "app", "HEAD") == {"web.py": "views ö.py"}

    def test_without_git_there_are_none(self, tmp_path, monkeypatch):
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
        assert renames(tmp_path, "HEAD") == {}
        assert renames(tmp_path, "--output=/tmp/x") == {}
        assert renames(tmp_path / "missing", "HEAD") == {}
        monkeypatch.setenv("PATH", "")
        assert renames(tmp_path, "HEAD") == {}


class TestStale:
    """An entry is stale only if its rule finished on that subject in this run."""

    A, B = "GET /a a [owner]", "GET /b b [owner]"
    LINE = Place("app/templates/base.html", 3, "{{ user.team.name }}")

    def both(self):
        checks = [check("SQL001", self.A), check("SQL001", self.B)]
        findings = [route(s, rule="SQL001", place=self.LINE) for s in (self.A, self.B)]
        return known(findings, Finished.of(checks))

    def test_one_line_on_two_routes_has_two_entries(self):
        assert [entry.subject for entry in self.both().sorted()] == [self.A, self.B]

    @pytest.mark.parametrize("outcome", [Outcome.NOT_PROVED, Outcome.SKIPPED, Outcome.BROKEN])
    def test_what_did_not_finish_is_kept(self, outcome):
        finished = Finished.of([check("SQL001", self.A, Outcome.PASS), check("SQL001", self.B, outcome)])
        assert [one.entry.subject for one in apply(self.both(), [], finished).stale] == [self.A]

    def test_a_narrowed_run_keeps_the_rest(self):
        finished = Finished.of([check("SQL001", self.A, Outcome.PASS)])
        assert [one.entry.subject for one in apply(self.both(), [], finished).stale] == [self.A]

    def test_two_checks_of_one_subject_must_both_finish(self):
        finished = Finished.of([check("SQL001", self.A, Outcome.PASS), check("SQL001", self.A, Outcome.NOT_PROVED)])
        assert apply(self.both(), [], finished).stale == []

    def test_another_rule_proves_nothing(self):
        finished = Finished.of([check("SQL002", self.A, Outcome.PASS)])
        assert apply(self.both(), [], finished).stale == []

    def test_a_subject_that_a_whole_run_did_not_meet_is_gone(self):
        checks = [check("SQL001", self.A, Outcome.NOT_PROVED)]
        assert apply(self.both(), [], Finished.of(checks)).stale == []
        stale = apply(self.both(), [], Finished.of(checks, whole={"SQL001"})).stale
        assert [one.entry.subject for one in stale] == [self.B]

    def test_a_rule_that_is_off_proves_nothing(self):
        levels = {"SQL001": Level.OFF}
        checks = [check("SQL001", self.A), check("SQL001", self.B)]
        found = relevel([route(self.A, rule="SQL001", place=self.LINE)], levels)
        assert found == []
        assert apply(self.both(), found, Finished.of(checks, whole={"SQL001"}, levels=levels)).stale == []

    def test_a_rule_that_is_off_meets_nothing_and_that_proves_nothing(self):
        finished = Finished.of([], whole={"SQL001"}, levels={"SQL001": Level.OFF})
        assert apply(self.both(), [], finished).stale == []

    def test_a_subject_with_another_name_takes_the_room_of_its_line(self):
        """A view was renamed, its line was not: the old entry is neither stale nor the finding new."""
        renamed = "GET /a a2 [owner]"
        finished = Finished.of([check("SQL001", renamed), check("SQL001", self.B)], whole={"SQL001"})
        found = [route(s, rule="SQL001", place=self.LINE) for s in (renamed, self.B)]
        applied = apply(self.both(), found, finished)
        assert (new(applied), applied.stale) == ([], [])

    def test_paid_entries_give_way_before_those_not_looked_at(self):
        renamed = "GET /c c [owner]"
        finished = Finished.of([check("SQL001", self.B, Outcome.PASS), check("SQL001", renamed)])
        applied = apply(self.both(), [route(renamed, rule="SQL001", place=self.LINE)], finished)
        assert (new(applied), applied.stale) == ([], [])
