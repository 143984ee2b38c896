"""Findings of a run beside those of a base revision."""

from seatrial.model.findings import Finding, Place
from seatrial.model.outcomes import Level, State
from seatrial.model.result import Judged
from seatrial.verdict.since import known_there


def finding(line: int, *, path: str = "shop.py", text: str = "query()", subject: str = "GET / index") -> Finding:
    return Finding("SQL003", "repeated-statement", Level.BLOCK, subject, "twice", place=Place(path, line, text))


def states(head: list[Judged], base: list[Finding], **renames: str) -> list[str]:
    return [one.state.value for one in known_there(head, base, renames=renames)]


def new(*findings: Finding) -> list[Judged]:
    return [Judged(one, State.NEW) for one in findings]


def test_a_line_that_moved_is_known_and_a_copy_of_it_is_new() -> None:
    assert states(new(finding(40)), [finding(3)]) == ["known"]
    assert states(new(finding(40), finding(9)), [finding(3)]) == ["new", "known"]
    assert states(new(finding(40, text="other()")), [finding(3)]) == ["new"]


def test_a_renamed_file_takes_its_findings_along() -> None:
    head = new(finding(3, path="store.py"))
    assert states(head, [finding(3)]) == ["new"]
    assert states(head, [finding(3)], **{"store.py": "shop.py"}) == ["known"]


def test_what_the_baseline_and_the_base_both_know_counts_once() -> None:
    head = [Judged(finding(1), State.KNOWN), Judged(finding(2), State.KNOWN), *new(finding(3), finding(4))]
    assert states(head, [finding(7), finding(8), finding(9)]) == ["known", "known", "known", "new"]


def test_known_debt_stays_known_where_the_base_has_none() -> None:
    assert states([Judged(finding(1), State.KNOWN)], []) == ["known"]
