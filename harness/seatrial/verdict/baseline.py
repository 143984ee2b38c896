"""The ratchet over findings: what is new, what is known, what is paid off.

Equal findings are counted (three equal ones need a count of three), and an entry counts as paid off only where its rule
really finished on its subject in this run: a crash, a skipped route or a narrowed run proves nothing fixed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from seatrial.model.errors import BrokenError, ConfigurationError
from seatrial.model.findings import Check, Finding, fingerprint
from seatrial.model.outcomes import Level, Outcome, State, ToolState
from seatrial.model.result import Judged, StaleEntry, ToolRun
from seatrial.verdict.baseline_file import Baseline, Entry, Key, load, save

__all__ = [
    "Applied",
    "Baseline",
    "Entry",
    "Finished",
    "Settled",
    "Stale",
    "accept",
    "apply",
    "load",
    "prune",
    "save",
    "settle",
]

OURS = "seatrial"


@dataclass(frozen=True, slots=True)
class Finished:
    """What ran to its end in this run, and so may prove debt to be gone."""

    verified: frozenset[tuple[str, str]] = frozenset()
    """(rule, subject) of the checks that ended in pass or fail, and in nothing else beside."""
    met: frozenset[tuple[str, str]] = frozenset()
    """(rule, subject) of every check, however it ended."""
    tools: frozenset[str] = frozenset()
    """External tools that ended ok or with findings."""
    whole: frozenset[str] = frozenset()
    """Rules that were asked of everything there is: a subject they did not meet does not exist any more."""

    @classmethod
    def of(
        cls,
        checks: Iterable[Check],
        tools: Iterable[ToolRun] = (),
        *,
        whole: Iterable[str] = (),
        levels: Mapping[str, Level] | None = None,
    ) -> "Finished":
        """Read it off the results. A rule whose level is `off` finished nothing: its findings were thrown away."""
        off = {code for code, level in (levels or {}).items() if level is Level.OFF}
        outcomes: defaultdict[tuple[str, str], set[Outcome]] = defaultdict(set)
        for check in checks:
            outcomes[check.rule, check.subject].add(check.outcome)
        return cls(
            # One rule may ask about one subject twice (two profiles): both answers are needed.
            verified=frozenset(
                key
                for key, seen in outcomes.items()
                # What does not apply to one way of asking takes nothing from the others.
                if (asked := seen - {Outcome.SKIPPED}) and asked <= {Outcome.PASS, Outcome.FAIL} and key[0] not in off
            ),
            met=frozenset(outcomes),
            tools=frozenset(tool.name for tool in tools if tool.state is not ToolState.BROKEN and tool.level != "off"),
            whole=frozenset(whole) - off,
        )

    def verifies(self, entry: Entry) -> bool:
        """Whether this run could tell that the entry's debt is gone."""
        if entry.tool != OURS:
            return entry.tool in self.tools
        asked = (entry.rule, entry.subject)
        return asked in self.verified or (entry.rule in self.whole and asked not in self.met)

    def broke(self, finding: Finding) -> bool:
        """Whether the finding comes from something that did not end properly; then it may never be accepted."""
        if finding.tool != OURS:
            return finding.tool not in self.tools
        asked = (finding.rule, finding.subject)
        return asked in self.met and asked not in self.verified


@dataclass(frozen=True, slots=True)
class Stale:
    """An entry that allows `surplus` more than was found; `moved_to` where git says that its file was renamed."""

    entry: Entry
    surplus: int
    moved_to: Entry | None = None

    def report(self) -> StaleEntry:
        times = f"{self.surplus} of {self.entry.count} " if self.entry.count > 1 else ""
        if self.moved_to is not None:
            message = f"its file is now {self.moved_to.path}; `seatrial baseline prune` moves the entry"
        else:
            message = f"{times}no longer found; `seatrial baseline prune` takes it off the list"
        return StaleEntry("baseline", self.entry.rule, self.entry.subject, message)


class Applied(NamedTuple):
    """Findings in the order they came in, each with its state, and what the baseline lists beyond them."""

    judged: list[Judged]
    stale: list[Stale]


class Settled(NamedTuple):
    """What is left after automatic pruning: `stale` is empty outside CI, `baseline` is unchanged in CI."""

    baseline: Baseline
    pruned: int
    """Findings taken off the list."""
    moved: int
    """Findings whose entry followed a renamed file."""
    stale: list[StaleEntry]


def apply(
    baseline: Baseline,
    findings: Sequence[Finding],
    finished: Finished,
    *,
    renames: Mapping[str, str] | None = None,
) -> Applied:
    """Match findings with entries as multisets. Pure; the baseline is not changed.

    A finding is known while entries of its fingerprint have room: first the entry of its own subject, then any other
    (a function's name may change around its line), then the entry of the same rule and text in the file that
    `renames` (new path → old path) says was renamed to this one, and nowhere else.
    """
    room = _Room(baseline, finished)
    known: dict[int, bool] = {}
    # In the order of lines, so that of a line and its copies the last ones are the new ones.
    order = sorted(range(len(findings)), key=lambda index: _position(findings[index]))
    prints = [finding.fingerprint for finding in findings]
    for index in order:
        known[index] = room.take_own((prints[index], findings[index].subject))
    for index in order:
        known[index] = known[index] or room.take_any(prints[index]) is not None
    moves: defaultdict[tuple[Key, Key], list[Finding]] = defaultdict(list)
    for index in order:
        finding = findings[index]
        old = _old_fingerprint(finding, renames or {})
        if known[index] or old is None:
            continue
        if taken := room.take_key(old, finding.subject):
            known[index] = True
            moves[taken, (prints[index], finding.subject)].append(finding)
    judged = [Judged(f, State.KNOWN if known[index] else State.NEW) for index, f in enumerate(findings)]
    stale = [_move(baseline.entries[source], moved) for (source, _), moved in moves.items()]
    stale += [Stale(entry, surplus) for entry, surplus in room.left() if finished.verifies(entry)]
    return Applied(judged, sorted(stale, key=lambda one: (one.entry.order, one.moved_to is not None)))


def prune(baseline: Baseline, stale: Iterable[Stale]) -> Baseline:
    """Lower or remove what is stale. Never adds: a moved entry takes with it what its old one gives up."""
    for one in stale:
        entry = baseline.entries.get(one.entry.key)
        if entry is None or one.surplus <= 0:
            continue
        given_up = min(entry.count, one.surplus)
        baseline = baseline.replacing([replace(entry, count=entry.count - given_up)])
        if one.moved_to is not None:
            baseline = baseline.replacing([_added(baseline, replace(one.moved_to, count=given_up))])
    return baseline


def settle(baseline: Baseline, stale: Sequence[Stale], *, ci: bool) -> Settled:
    """Prune by itself on a developer's machine; in CI change nothing and report, which ends in exit code 4."""
    if ci:
        return Settled(baseline, 0, 0, [one.report() for one in stale])
    pruned = prune(baseline, stale)
    moved = sum(one.surplus for one in stale if one.moved_to is not None)
    return Settled(pruned, baseline.total - pruned.total, moved, [])


def accept(
    baseline: Baseline,
    judged: Iterable[Judged],
    finished: Finished,
    *,
    reason: str,
    rule: str | None = None,
    all: bool = False,  # the flag's own name
) -> Baseline:
    """Take new findings into the baseline: of one rule (`SQL001`, `ruff:F401`) or tool (`ruff`), or all.

    Raises:
        ConfigurationError: The reason is empty, or not exactly one of `rule` and `all` is given.
        BrokenError: A finding to accept comes from something that did not finish.
    """
    reason = " ".join(reason.split())
    if not any(letter.isalnum() for letter in reason):
        raise ConfigurationError(
            "debt needs a reason that a colleague can understand in a year: "
            'add --reason "…" to `seatrial baseline accept`'
        )
    if all == bool(rule):
        raise ConfigurationError("say what to accept: `seatrial baseline accept` with either --rule CODE or --all")
    chosen = [
        one.finding
        for one in judged
        if one.state is State.NEW and (all or rule in (one.finding.rule, _external(one.finding)))
    ]
    if broke := sorted({f.tool if f.tool != OURS else f.rule for f in chosen if finished.broke(f)}):
        raise BrokenError(
            f"{', '.join(broke)} did not finish, so what it found cannot be accepted. "
            "Mend that first (`seatrial check` says why) and run again."
        )
    counts = Counter((finding.fingerprint, finding.subject) for finding in chosen)
    firsts = {(finding.fingerprint, finding.subject): finding for finding in reversed(chosen)}
    added = [Entry.of(firsts[key], count=count, reason=reason) for key, count in counts.items()]
    return baseline.replacing(_added(baseline, entry) for entry in added)


class _Room:
    """How much every entry still allows, while findings are being matched."""

    def __init__(self, baseline: Baseline, finished: Finished) -> None:
        self._baseline = baseline
        self._left = {key: entry.count for key, entry in baseline.entries.items()}
        self._keys: defaultdict[str, list[Key]] = defaultdict(list)
        # Entries seen to be paid off give way first: the others may be found again when their rule runs.
        for entry in sorted(baseline.entries.values(), key=lambda e: (not finished.verifies(e), e.subject)):
            self._keys[entry.fingerprint].append(entry.key)

    def take_own(self, key: Key) -> bool:
        if self._left.get(key, 0) == 0:
            return False
        self._left[key] -= 1
        return True

    def take_any(self, print_: str) -> Key | None:
        return next((key for key in self._keys.get(print_, ()) if self.take_own(key)), None)

    def take_key(self, print_: str, subject: str) -> Key | None:
        own = (print_, subject)
        return own if self.take_own(own) else self.take_any(print_)

    def left(self) -> list[tuple[Entry, int]]:
        return [(self._baseline.entries[key], count) for key, count in self._left.items() if count]


def _position(finding: Finding) -> tuple[str, int, str]:
    place = finding.place
    return (place.path, place.line, finding.subject) if place else ("", 0, finding.subject)


def _old_fingerprint(finding: Finding, renames: Mapping[str, str]) -> str | None:
    place = finding.place
    if place is None or not place.text.strip() or place.path not in renames:
        return None
    return fingerprint(finding.tool, finding.rule, renames[place.path], place.text)


def _move(source: Entry, moved: Sequence[Finding]) -> Stale:
    return Stale(source, len(moved), Entry.of(moved[0], count=len(moved), reason=source.reason))


def _added(baseline: Baseline, entry: Entry) -> Entry:
    """The entry as it stands after adding: counts add up, and every reason is kept once."""
    present = baseline.entries.get(entry.key)
    if present is None:
        return entry
    reason = present.reason if entry.reason in present.reason else f"{present.reason}; {entry.reason}"
    return replace(present, count=present.count + entry.count, reason=reason)


def _external(finding: Finding) -> str | None:
    """The tool's name where it is not us: `--rule seatrial` would be `--all` by another name."""
    return finding.tool if finding.tool != OURS else None
