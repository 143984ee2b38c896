"""One order for all reports, so that two equal runs give equal files."""

from seatrial.model.findings import Check
from seatrial.model.outcomes import Level, State
from seatrial.model.result import Judged, RouteRow, StaleEntry

LEVELS = (Level.BLOCK, Level.WARN, Level.INFO, Level.OFF)


def finding_order(judged: Judged) -> tuple[str, str, str, int, str, str, str]:
    finding = judged.finding
    path, line = (finding.place.path, finding.place.line) if finding.place else ("", 0)
    return finding.rule, finding.subject, path, line, finding.detail, finding.message, judged.state.value


def check_order(check: Check) -> tuple[str, str, str, str]:
    return check.rule, check.subject, check.outcome.value, check.reason


def route_order(row: RouteRow) -> tuple[str, str, str, str]:
    return row.rule, row.method, row.endpoint, row.identity


def stale_order(entry: StaleEntry) -> tuple[str, str, str, str]:
    return entry.kind, entry.rule, entry.subject, entry.message


def severity(judged: Judged) -> tuple[int, int]:
    """Worst first: new before known, then by level."""
    return int(judged.state is not State.NEW), LEVELS.index(judged.finding.level)
