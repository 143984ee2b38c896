"""`.seatrial/budgets.tsv`: what each route may spend per request. They fall by themselves, rise only by `accept`."""

import hashlib
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from seatrial import __version__
from seatrial.model.errors import ConfigurationError
from seatrial.model.evidence import Budget, Exchange, Kind
from seatrial.model.inventory import Inventory
from seatrial.model.result import StaleEntry
from seatrial.verdict import table
from seatrial.verdict.files import write_atomic

TITLE = "seatrial budgets: statements and rows per request. Falls by itself, rises only by `seatrial budgets accept`."
COLUMNS = ("subject", "select", "dml", "rows", "statements", "reason")
VERSION_KEY = "budgets_version"
VERSION = 1
WAY_OUT = (
    "Restore the file with `git checkout -- .seatrial/budgets.tsv`, or delete it and run `seatrial budgets record`."
)
READ_ONLY = "Run `seatrial check` where the checkout can be written and commit the file."
RULE = "SQL002"


@dataclass(frozen=True, slots=True)
class Budgets:
    """Budgets by subject (`GET /items/ items.index [owner]`). Immutable."""

    entries: Mapping[str, Budget] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a budget was raised, by subject; only where it was."""
    versions: Mapping[str, str] = field(default_factory=dict)

    def of(self, subject: str) -> Budget | None:
        return self.entries.get(subject)


class Lowered(NamedTuple):
    budgets: Budgets
    subjects: tuple[str, ...]
    """Whose budget fell, sorted."""


class Settled(NamedTuple):
    """Budgets of routes that are gone: dropped outside CI, reported in CI."""

    budgets: Budgets
    pruned: int
    stale: list[StaleEntry]


def load(path: Path) -> Budgets:
    """Read the budgets; a missing file holds none.

    Raises:
        ConfigurationError: The file is damaged or of an unknown version.
    """
    read = table.parse(path, COLUMNS, version_key=VERSION_KEY, version=VERSION, way_out=WAY_OUT)
    if read is None:
        return Budgets()
    entries: dict[str, Budget] = {}
    reasons: dict[str, str] = {}
    lines: dict[str, int] = {}
    for row in read.rows:
        budget, reason = _budget(path, row)
        if budget.subject in entries:
            problem = f"the same subject as line {lines[budget.subject]}"
            raise table.damaged(path, row.number, problem, "Delete the line with the higher numbers.")
        entries[budget.subject] = budget
        lines[budget.subject] = row.number
        if reason:
            reasons[budget.subject] = reason
    return Budgets(entries, reasons, {key: value for key, value in read.header.items() if key != VERSION_KEY})


def save(path: Path, budgets: Budgets, *, tools: Mapping[str, str] | None = None, create: bool = False) -> bool:
    """Write in one step; say whether anything was written (nothing is while the budgets are the same).

    Raises:
        ConfigurationError: The file on disk is damaged, or the place cannot be written.
    """
    present = load(path)
    same = present.entries == dict(budgets.entries) and present.reasons == dict(budgets.reasons)
    if same and not (create and not path.exists()):
        return False
    versions = {**budgets.versions, **(tools or {}), "seatrial": __version__, "python": platform.python_version()}
    header = {VERSION_KEY: str(VERSION), **{name: versions[name] for name in sorted(versions)}}
    rows = [_fields(budgets.entries[subject], budgets.reasons.get(subject, "")) for subject in sorted(budgets.entries)]
    write_atomic(path, table.render(TITLE, header, COLUMNS, rows), way_out=READ_ONLY)
    return True


def measure(exchanges: Iterable[Exchange]) -> dict[str, Budget]:
    """What each subject spent, as the most over its exchanges (a cold and a warm one, say).

    Only plain requests that were answered 2xx; a subject of which any plain request failed is left out: half a request
    spends less than a whole one.
    """
    by_subject: defaultdict[str, list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.variant == "plain":
            by_subject[exchange.subject].append(exchange)
    return {subject: _spent(subject, seen) for subject, seen in by_subject.items() if all(one.ok for one in seen)}


def lower(budgets: Budgets, exchanges: Iterable[Exchange]) -> Lowered:
    """Let budgets fall to what was measured. A budget that was exceeded anywhere is left as it is: that is a finding.

    Where the budget knows of statements and none at all were seen, the recorder may have been blind; nothing falls.
    """
    fallen = {
        subject: spent
        for subject, spent in measure(exchanges).items()
        if (old := budgets.of(subject)) is not None and _falls(old, spent)
    }
    return Lowered(replace(budgets, entries={**budgets.entries, **fallen}), tuple(sorted(fallen)))


def record(budgets: Budgets, exchanges: Iterable[Exchange]) -> Budgets:
    """Take in routes that have no budget yet; those that have one can only fall."""
    seen = list(exchanges)
    lowered = lower(budgets, seen).budgets
    return replace(lowered, entries={**measure(seen), **lowered.entries})


def accept(budgets: Budgets, exchanges: Iterable[Exchange], subjects: Iterable[str], *, reason: str) -> Budgets:
    """Set the budgets of these subjects to what was measured, higher or not.

    Raises:
        ConfigurationError: The reason is empty, or a subject was not measured in this run.
    """
    reason = " ".join(reason.split())
    if not any(letter.isalnum() for letter in reason):
        raise ConfigurationError(
            "a budget rises only for a reason that a colleague can understand in a year: "
            'add --reason "…" to `seatrial budgets accept`'
        )
    measured = measure(exchanges)
    chosen = list(dict.fromkeys(subjects))
    if unknown := [subject for subject in chosen if subject not in measured]:
        raise ConfigurationError(
            *(f"{subject} was not measured in this run; `seatrial routes` lists what there is" for subject in unknown)
        )
    raised = [subject for subject in chosen if _rises(budgets.of(subject), measured[subject])]
    return replace(
        budgets,
        entries={**budgets.entries, **{subject: measured[subject] for subject in chosen}},
        reasons={**budgets.reasons, **dict.fromkeys(raised, reason)},
    )


def stale(budgets: Budgets, inventory: Inventory) -> list[str]:
    """Subjects whose route does not exist any more, sorted. A route that is skipped still exists."""
    keys = {route.key for route in inventory.routes}
    return sorted(subject for subject in budgets.entries if subject.rpartition(" [")[0] not in keys)


def settle(budgets: Budgets, inventory: Inventory, *, ci: bool) -> Settled:
    """Drop the budgets of routes that are gone; in CI only report them, which ends in exit code 4."""
    gone = stale(budgets, inventory)
    if ci:
        message = "this route no longer exists; `seatrial baseline prune` drops its budget"
        return Settled(budgets, 0, [StaleEntry("budget", RULE, subject, message) for subject in gone])
    return Settled(
        replace(
            budgets,
            entries={subject: budget for subject, budget in budgets.entries.items() if subject not in gone},
            reasons={subject: reason for subject, reason in budgets.reasons.items() if subject not in gone},
        ),
        len(gone),
        [],
    )


def short(fingerprint: str) -> str:
    """A statement's fingerprint as the file keeps it: itself where it is a short hash, else one made of it."""
    if re.fullmatch(r"[0-9a-f]{8,16}", fingerprint):
        return fingerprint
    return hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _spent(subject: str, exchanges: list[Exchange]) -> Budget:
    dearest = max(exchanges, key=lambda one: (one.count(Kind.SELECT) + one.count(Kind.DML), _rows(one)))
    times = Counter(short(statement.fingerprint) for statement in dearest.counted)
    return Budget(
        subject=subject,
        select=max(one.count(Kind.SELECT) for one in exchanges),
        dml=max(one.count(Kind.DML) for one in exchanges),
        rows=max(_rows(one) for one in exchanges),
        statements=tuple(sorted(times.items())),
    )


def _rows(exchange: Exchange) -> int:
    """Rows fetched. Affected rows are DML's own business; drivers that do not say count as none."""
    return sum(statement.rows or 0 for statement in exchange.statements if statement.kind is Kind.SELECT)


def _rises(old: Budget | None, new: Budget) -> bool:
    return old is not None and (new.select > old.select or new.dml > old.dml or new.rows > old.rows)


def _falls(old: Budget, new: Budget) -> bool:
    if _rises(old, new) or (new.select, new.dml, new.rows) == (old.select, old.dml, old.rows):
        return False
    return bool(new.select + new.dml) or not (old.select + old.dml)


def _fields(budget: Budget, reason: str) -> list[str]:
    statements = " ".join(f"{print_}x{times}" for print_, times in sorted(budget.statements))
    return [budget.subject, str(budget.select), str(budget.dml), str(budget.rows), statements, reason]


def _budget(path: Path, row: table.Row) -> tuple[Budget, str]:
    subject, *numbers, statements, reason = row.fields
    parsed = [table.positive(number) for number in numbers]
    if not subject.strip():
        raise table.damaged(path, row.number, "no subject", WAY_OUT)
    for name, text, number in zip(COLUMNS[1:4], numbers, parsed, strict=True):
        if number is None:
            raise table.damaged(path, row.number, f"{name} is `{text}`, not a whole number", WAY_OUT)
    times: list[tuple[str, int]] = []
    for item in statements.split():
        match = re.fullmatch(r"([0-9a-f]{8,16})x([1-9][0-9]{0,8})", item)
        if match is None:
            raise table.damaged(
                path, row.number, f"`{item}` is not a fingerprint and a count like `0f3a9c2b11d4x2`", WAY_OUT
            )
        times.append((match[1], int(match[2])))
    select, dml, rows = (number or 0 for number in parsed)
    return Budget(subject, select, dml, rows, tuple(sorted(times))), reason
