"""Findings as reports for other programs show them: without secrets, each with a place, numbered among its equals."""

import math
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seatrial.model.findings import Finding, Place
from seatrial.model.outcomes import Level, State
from seatrial.model.result import Judged, Result
from seatrial.reports import grouping
from seatrial.reports.order import LEVELS, finding_order
from seatrial.reports.redact import scrub, scrub_value

LONGEST = 2_000
"""Characters of one text of the evidence: a report should not grow to the size of an attack."""
MOST = 40
"""Entries of one list of the evidence."""
DEEPEST = 6
OF_A_FAMILY = 2

# Escape sequences and the signs that turn the direction of text around: in a log, a comment or a page they would draw.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# The same without the ends of lines and tabs, which a statement may have.
_DRAWING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One finding."""

    rule: str
    name: str
    level: Level
    state: State
    tool: str
    subject: str
    message: str
    remedy: str
    path: str
    """Relative to the repository, POSIX; never empty."""
    line: int
    exact: bool
    """The place is the finding's own. Otherwise it has none, and this is where its subject stands."""
    text: str
    """The line as it stands in the file; empty where it is not known."""
    fingerprint: str
    occurrence: int
    """1 for the first of equal ones, in the order of the report."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON, bounded in size; `requests` last."""
    replay: str = ""
    """The command that shows it again; empty where there is none."""

    @property
    def new(self) -> bool:
        return self.state is State.NEW

    @property
    def blocks(self) -> bool:
        return self.new and self.level is Level.BLOCK

    @property
    def family(self) -> str:
        """`SQL` of `SQL001`, `ruff` of `ruff:F401`."""
        return self.rule.partition(":")[0] if ":" in self.rule else self.rule[:3]

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def sentence(self) -> str:
        """Subject and message, where the subject says more than the place does."""
        return self.message if self.subject in ("", self.path) else f"{self.subject}: {self.message}"


def rows(result: Result, *, prefix: str = "") -> list[Row]:
    """Every finding, worst first: what is new before what is known, then by level.

    Args:
        result: With its exit code set.
        prefix: Folder of the target in its repository, POSIX; empty where they are the same.
    """
    handles = grouping.handles(result)
    met: Counter[str] = Counter()
    found = []
    for judged in sorted(result.findings, key=finding_order):
        print_ = judged.finding.fingerprint
        met[print_] += 1
        found.append(_row(judged, result, prefix, print_, met[print_], handles.get(id(judged.finding), "")))
    return sorted(found, key=lambda row: (not row.new, LEVELS.index(row.level)))


def first(rows: Sequence[Row], most: int) -> list[int]:
    """Which findings to mend first: one each of the worst rules, by their number in `rows`.

    What blocks comes before what warns; then what a trial measured (a series, states, a statement) before what every
    answer lacks, which is mended in one place; then what is found most often. Two rules of a family, as long as there
    are others.
    """
    times = Counter(row.rule for row in rows if row.new)
    of_rule: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row.new and row.level in (Level.BLOCK, Level.WARN):
            known = of_rule.setdefault(row.rule, number)
            if _measured(row) > _measured(rows[known]) and row.level is rows[known].level:
                of_rule[row.rule] = number

    def urgency(number: int) -> tuple[bool, int, int, str]:
        row = rows[number]
        return not row.blocks, -_measured(row), -times[row.rule], row.rule

    ordered = sorted(of_rule.values(), key=urgency)
    families: Counter[str] = Counter()
    shown: list[int] = []
    others: list[int] = []
    for number in ordered:
        family = rows[number].family
        families[family] += 1
        (shown if families[family] <= OF_A_FAMILY else others).append(number)
    return sorted((shown + others)[:most], key=urgency)


def line(text: str) -> str:
    """Somebody else's text on one line, without secrets and without anything that could draw."""
    joined = " ".join(scrub(text).split())
    return joined if joined.isprintable() else _CONTROL.sub(_named, joined)


def bounded(value: Any, depth: int = 0) -> Any:
    """Evidence without secrets, of a size that a report can carry, as plain JSON; what was left out is counted."""
    match value:
        case str():
            whole = scrub(value)
            more = f"… ({len(whole) - LONGEST:,} characters more)" if len(whole) > LONGEST else ""
            kept = whole[:LONGEST]
            # What is printable has nothing in it that draws, and that is nearly every text.
            return (kept if kept.isprintable() else _DRAWING.sub(_named, kept)) + more
        case bool() | int() | None:
            return value
        case dict() | list() | tuple() if depth >= DEEPEST:
            return "…"
        case dict():
            pairs = list(value.items())[:MOST]
            kept_pairs = {bounded(str(key)[:200]): bounded(item, depth + 1) for key, item in pairs}
            return kept_pairs | ({"…": f"{len(value) - MOST:,} more"} if len(value) > MOST else {})
        case list() | tuple():
            kept_items = [bounded(item, depth + 1) for item in value[:MOST]]
            return kept_items + ([f"… {len(value) - MOST:,} more"] if len(value) > MOST else [])
        case float():
            return value if math.isfinite(value) else None
        case _:
            return bounded(scrub_value(value), depth)  # sets, bytes, other mappings: plain after that


def files(row: Row, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Other lines that the evidence names as `path:line` (`places`, `template`, `templates`)."""
    named: list[Any] = []
    for key in ("places", "templates"):
        if isinstance(value := row.evidence.get(key), Sequence) and not isinstance(value, str):
            named += value
    named.append(row.evidence.get("template"))
    seen = {(row.path, row.line)}
    for one in named:
        path, separator, number = str(one or "").rpartition(":")
        if not separator or not number.isdecimal() or not relative(path):
            continue
        found = posixpath.join(prefix, path), int(number)
        if found not in seen:
            seen.add(found)
            yield found


def relative(path: str) -> bool:
    """Whether this is a path inside of the project: what is absolute or climbs out of it is no place for a report."""
    return bool(path) and not path.startswith(("/", "~")) and ".." not in path.split("/") and ":" not in path[:3]


def _measured(row: Row) -> int:
    """How much of a trial is in its evidence: 2 for a series or states, 1 for a statement."""
    if any(isinstance(row.evidence.get(name), list) for name in ("sizes", "difference", "differences")):
        return 2
    return int(isinstance(row.evidence.get("sql"), str))


def _row(judged: Judged, result: Result, prefix: str, print_: str, occurrence: int, handle: str) -> Row:
    finding = judged.finding
    place, exact = _place(finding, result)
    replay = " ".join(grouping.replaying(finding, handle)).strip() if handle else ""
    return Row(
        rule=line(finding.rule),
        name=line(finding.name),
        level=finding.level,
        state=judged.state,
        tool=line(finding.tool),
        subject=line(finding.subject),
        message=line(finding.message),
        remedy=line(finding.remedy),
        path=line(posixpath.join(prefix, place.path)),
        line=max(place.line, 1),
        exact=exact,
        text=line(place.text) if exact else "",
        fingerprint=print_,
        occurrence=occurrence,
        evidence=_evidence(finding),
        replay=line(replay),
    )


def _place(finding: Finding, result: Result) -> tuple[Place, bool]:
    """Its own, else where its subject stands, else the configuration: programs that show reports want one."""
    if finding.place is not None and relative(finding.place.path):
        return finding.place, True
    if relative(finding.subject) and finding.tool != "seatrial":
        return Place(finding.subject, 1), False
    home = result.homes.get(finding.subject) or result.homes.get(finding.subject.rpartition(" [")[0])
    return home or Place(result.configuration, 1), False


def _evidence(finding: Finding) -> dict[str, Any]:
    requests = [request.told() for request in finding.requests[:MOST]]
    plain: dict[str, Any] = bounded({**finding.evidence, **({"requests": requests} if requests else {})})
    return plain


def _named(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"
