"""Which findings a reader sees, and in what order: pure functions over a result, no drawing."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seatrial.model.findings import Check, Finding, fingerprint
from seatrial.model.outcomes import Level, Outcome, State
from seatrial.model.result import Judged, Result, RouteRow
from seatrial.reports.order import LEVELS, finding_order

OF_A_CAUSE = 4
"""Findings that are shown of one cause: the rest are more of the same."""
SHORT = 8
"""Digits of a fingerprint that a reader sees."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Findings of one rule with one cause, as far as that can be told: the same line, or the same sentence."""

    level: Level
    message: str
    """Of the first."""
    findings: tuple[Finding, ...]
    """Those that are shown, worst first."""
    place: str = ""
    """`path:line` where that is what they share: a line of the layout is the cause of a finding on every page."""
    more: int = 0
    """How many more there are of it."""


@dataclass(frozen=True, slots=True)
class Group:
    """All new findings of one rule, and how many more there are."""

    rule: str
    name: str
    level: Level
    """Of its worst finding."""
    tool: str
    remedy: str
    clusters: tuple[Cluster, ...]
    """What is shown, worst first."""
    new: int
    known: int
    lesser: int = 0
    """Of the new ones, those of a lower level than the group's."""

    @property
    def printed(self) -> int:
        return sum(len(cluster.findings) for cluster in self.clusters)

    @property
    def hidden(self) -> int:
        """Those of causes that are not shown at all."""
        return self.new - sum(len(cluster.findings) + cluster.more for cluster in self.clusters)


@dataclass(frozen=True, slots=True)
class Reason:
    """Checks that ended the same way for the same reason."""

    text: str
    count: int
    rules: tuple[tuple[str, int], ...]
    """(code, checks), most first."""


def groups(result: Result, *, per_rule: int, in_all: int, per_info: int = 3) -> list[Group]:
    """New findings by rule: blocking rules first, then warnings, then info; the most findings first within a level.

    At most `per_rule` findings of a rule are kept (`per_info` where it only informs) and `in_all` together, so the
    blocking ones are the last to be cut.
    """
    known = Counter(judged.finding.rule for judged in result.findings if judged.state is State.KNOWN)
    by_rule: defaultdict[str, list[Judged]] = defaultdict(list)
    for judged in result.findings:
        if judged.state is State.NEW:
            by_rule[judged.finding.rule].append(judged)
    ranked = sorted(by_rule.items(), key=lambda item: (_worst(item[1]), -len(item[1]), item[0]))
    shown: list[Group] = []
    for rule, found in ranked:
        cap = min(in_all, per_info if _worst(found) >= LEVELS.index(Level.INFO) else per_rule)
        group = _group(rule, found, known[rule], cap)
        in_all -= group.printed
        shown.append(group)
    return shown


def handles(result: Result) -> dict[int, str]:
    """What `--replay` takes, by `id` of the finding: as few digits as tell all apart, `#2` for the second of a kind."""
    ours = [(j.finding, j.finding.fingerprint) for j in sorted(result.findings, key=finding_order) if _is_ours(j)]
    times = Counter(print_ for _, print_ in ours)
    length = next(n for n in range(SHORT, 17) if len({print_[:n] for print_ in times}) == len(times))
    met: Counter[str] = Counter()
    found = {}
    for finding, print_ in ours:
        met[print_] += 1
        number = f"#{met[print_]}" if times[print_] > 1 else ""
        found[id(finding)] = print_[:length] + number
    return found


def _is_ours(judged: Judged) -> bool:
    return judged.finding.tool == "seatrial"


def replaying(finding: Finding, handle: str) -> tuple[str, str]:
    """The command that shows one finding again, and the options that keep it to the finding's own subject.

    None are needed where rule and subject alone make the fingerprint.
    """
    method, _, rest = finding.subject.partition(" ")
    route = f"{method} {rest.partition(' ')[0]}" if method.isupper() and finding.subject.endswith("]") else ""
    if finding.fingerprint == fingerprint(finding.tool, finding.rule, finding.subject, ""):
        return f"seatrial check --replay {handle}", ""
    # The route says which one of equal findings is meant.
    handle = handle.partition("#")[0] if route else handle
    asked = f" --route {shlex.quote(route.replace('[', '[[]'))}" if route else ""
    return f"seatrial check --replay {handle}", f"--only {finding.rule}{asked}"


def where_known(result: Result) -> str:
    """Where debt that does not block is known from: the list, and the revision that `--since` names."""
    since = result.target.get("since")
    return f"in the baseline or at {since}" if since else "in the baseline"


def known_debt(result: Result) -> list[tuple[str, int]]:
    """(rule, findings) that the baseline covers, most first."""
    return _most(judged.finding.rule for judged in result.findings if judged.state is State.KNOWN)


def reasons(checks: Iterable[Check], outcome: Outcome) -> list[Reason]:
    """Checks of one outcome by reason, the most frequent first."""
    rules: defaultdict[str, list[str]] = defaultdict(list)
    for check in checks:
        if check.outcome is outcome:
            rules[check.reason or "no reason was given"].append(check.rule)
    found = [Reason(text, len(codes), tuple(_most(codes))) for text, codes in rules.items()]
    return sorted(found, key=lambda reason: (-reason.count, reason.text))


def dearest(routes: Iterable[RouteRow], count: int) -> list[RouteRow]:
    """The routes with the most statements, then the slowest; those that were never measured are left out."""
    measured = [row for row in routes if row.statements is not None or row.elapsed_ms is not None]
    return sorted(
        measured, key=lambda row: (-(row.statements or 0), -(row.elapsed_ms or 0.0), row.rule, row.method, row.identity)
    )[:count]


def _group(rule: str, found: Sequence[Judged], known: int, cap: int) -> Group:
    ordered = sorted(found, key=lambda judged: (LEVELS.index(judged.finding.level), finding_order(judged)))
    first = ordered[0].finding
    return Group(
        rule=rule,
        name=first.name,
        level=first.level,
        tool=first.tool,
        remedy=first.remedy,
        clusters=tuple(_clusters([judged.finding for judged in ordered], cap)),
        new=len(found),
        known=known,
        lesser=sum(judged.finding.level is not first.level for judged in found),
    )


def _clusters(ordered: Sequence[Finding], cap: int) -> Iterator[Cluster]:
    """By cause, the one with the most findings first within a level, at most `cap` findings in all."""
    met = Counter(_line(finding) for finding in ordered)
    causes: defaultdict[tuple[Level, str, str], list[Finding]] = defaultdict(list)
    for finding in ordered:
        line = _line(finding)
        shared = line if met[line] > 1 else ""
        causes[finding.level, shared, "" if shared else finding.message].append(finding)
    left = cap
    for (level, place, _), findings in sorted(causes.items(), key=lambda c: (LEVELS.index(c[0][0]), -len(c[1]))):
        if left <= 0:
            return
        shown = tuple(findings[: min(OF_A_CAUSE, left)])
        left -= len(shown)
        yield Cluster(level, shown[0].message, shown, place, len(findings) - len(shown))


def _line(finding: Finding) -> str:
    """Where it is mended, if a report names a line; a tool's findings are a line each."""
    if finding.place is None or finding.tool != "seatrial":
        return ""
    return f"{finding.place.path}:{finding.place.line}"


def _worst(found: Sequence[Judged]) -> int:
    return min(LEVELS.index(judged.finding.level) for judged in found)


def _most(codes: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(codes).items(), key=lambda item: (-item[1], item[0]))
