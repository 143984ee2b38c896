"""`.seatrial/baseline.tsv`: what is known, and how it is read and written."""

import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from seatrial import __version__
from seatrial.model.findings import FINGERPRINT_VERSION, Finding
from seatrial.verdict import table
from seatrial.verdict.files import write_atomic

TITLE = "seatrial baseline: known debt. Shrinks by `seatrial baseline prune`, grows only by `seatrial baseline accept`."
COLUMNS = ("tool", "rule", "path", "subject", "count", "fingerprint", "reason", "excerpt")
VERSION_KEY = "fingerprint_version"
WAY_OUT = (
    "Restore the file with `git checkout -- .seatrial/baseline.tsv`, or delete it and take the debt in again with "
    "`seatrial baseline accept --all --reason R`."
)
READ_ONLY = "Run `seatrial baseline prune` where the checkout can be written and commit the file."
EXCERPT = 120

Key = tuple[str, str]
"""(fingerprint, subject)."""


SECRET_LINES = frozenset({"bandit:B105", "bandit:B106", "bandit:B107", "ruff:S105", "ruff:S106", "ruff:S107"})
"""Rules whose very finding is a password in the line: it identifies the finding, but is not written down again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`count` equal findings on one subject.

    One line of code can be a finding on several subjects (a template line that runs a query on two routes); each
    subject has its own entry, because whether the debt is gone can be seen on each of them only by itself.
    """

    tool: str
    rule: str
    path: str
    """File of the finding, or empty where it has no line."""
    subject: str
    count: int
    fingerprint: str
    reason: str
    excerpt: str = ""
    """For the reader; never used for matching."""

    @property
    def key(self) -> Key:
        return self.fingerprint, self.subject

    @property
    def order(self) -> tuple[str, ...]:
        return self.tool, self.rule, self.path, self.subject, self.fingerprint

    @classmethod
    def of(cls, finding: Finding, *, count: int, reason: str) -> "Entry":
        place = finding.place
        text = " ".join((place.text if place and place.text.strip() else finding.detail or finding.message).split())
        if finding.rule in SECRET_LINES:
            text = "a line that holds a secret"
        return cls(
            tool=finding.tool,
            rule=finding.rule,
            path=place.path if place else "",
            subject=finding.subject,
            count=count,
            fingerprint=finding.fingerprint,
            reason=reason,
            excerpt=text if len(text) <= EXCERPT else text[: EXCERPT - 1] + "…",
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The known debt. Immutable: `prune` and `accept` return another one."""

    entries: Mapping[Key, Entry] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    """What findings depend on, as the file's header says: `seatrial`, `python`, and every tool by name."""

    @classmethod
    def of(cls, entries: Iterable[Entry], versions: Mapping[str, str] | None = None) -> "Baseline":
        return cls({entry.key: entry for entry in entries if entry.count > 0}, dict(versions or {}))

    @property
    def total(self) -> int:
        """Findings covered."""
        return sum(entry.count for entry in self.entries.values())

    def sorted(self) -> list[Entry]:
        return sorted(self.entries.values(), key=lambda entry: entry.order)

    def replacing(self, entries: Iterable[Entry]) -> "Baseline":
        """The same with other entries under their keys; a count of zero removes."""
        merged = {**self.entries, **{entry.key: entry for entry in entries}}
        return replace(self, entries={key: entry for key, entry in merged.items() if entry.count > 0})


def load(path: Path) -> Baseline:
    """Read the baseline; a missing file is an empty one.

    Raises:
        ConfigurationError: The file is damaged or of an unknown fingerprint version. It is never rebuilt silently.
    """
    read = table.parse(path, COLUMNS, version_key=VERSION_KEY, version=FINGERPRINT_VERSION, way_out=WAY_OUT)
    if read is None:
        return Baseline()
    entries: dict[Key, Entry] = {}
    lines: dict[Key, int] = {}
    for row in read.rows:
        entry = _entry(path, row)
        if entry.key in entries:
            problem = f"the same finding as line {lines[entry.key]}"
            raise table.damaged(path, row.number, problem, "Delete the line with the higher count.")
        entries[entry.key] = entry
        lines[entry.key] = row.number
    return Baseline(entries, {key: value for key, value in read.header.items() if key != VERSION_KEY})


def save(path: Path, baseline: Baseline, *, tools: Mapping[str, str] | None = None, create: bool = False) -> bool:
    """Write the baseline in one step and say whether anything was written.

    `tools` are name and version of what ran, for the header. Nothing is written while the entries are the same: a
    colleague's other Python must not change the file. `create` writes an empty baseline where there is no file yet.

    Raises:
        ConfigurationError: The file on disk is damaged, or the place cannot be written.
    """
    if load(path).entries == dict(baseline.entries) and not (create and not path.exists()):
        return False
    versions = {**baseline.versions, **(tools or {}), "seatrial": __version__, "python": platform.python_version()}
    write_atomic(path, render(baseline, versions), way_out=READ_ONLY)
    return True


def render(baseline: Baseline, versions: Mapping[str, str]) -> str:
    first = ("seatrial", "python")
    header = {VERSION_KEY: str(FINGERPRINT_VERSION)}
    header |= {name: versions[name] for name in first if name in versions}
    header |= {name: versions[name] for name in sorted(versions) if name not in first and versions[name]}
    return table.render(TITLE, header, COLUMNS, map(_fields, baseline.sorted()))


def _fields(entry: Entry) -> list[str]:
    """In the order of COLUMNS."""
    where = [entry.tool, entry.rule, entry.path, entry.subject]
    return [*where, str(entry.count), entry.fingerprint, entry.reason, entry.excerpt]


def _entry(path: Path, row: table.Row) -> Entry:
    tool, rule, where, subject, count, fingerprint, reason, excerpt = row.fields
    number = table.positive(count)
    if not number:
        raise table.damaged(path, row.number, f"the count `{count}` is not a whole number above zero", WAY_OUT)
    if not re.fullmatch(r"[0-9a-f]{16}", fingerprint):
        raise table.damaged(path, row.number, f"`{fingerprint}` is not a fingerprint of 16 hex digits", WAY_OUT)
    if not tool or not rule or not subject:
        raise table.damaged(path, row.number, "tool, rule and subject must not be empty", WAY_OUT)
    if not reason.strip():
        raise table.damaged(path, row.number, "debt without a reason", "Write the reason into the seventh column.")
    return Entry(tool, rule, where, subject, number, fingerprint, reason, excerpt)
