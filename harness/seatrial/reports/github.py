"""GitHub Actions (`--github`): annotations on standard output, and the job summary.

A step shows 10 errors and 10 warnings, a job 50 annotations; the rest is dropped in silence. So only what is new is
annotated, what blocks first, and one notice counts what was left to the summary.
"""

import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from seatrial.model.errors import ConfigurationError
from seatrial.model.outcomes import Level
from seatrial.model.result import Result
from seatrial.reports.json_report import broken_sentences
from seatrial.reports.markdown import LEFT_OUT, to_markdown
from seatrial.reports.order import stale_order
from seatrial.reports.rows import Row, line
from seatrial.verdict.files import write_atomic

PER_KIND = 10
"""Errors of one step that are shown, and as many warnings: GitHub Docs, Workflow commands."""
SUMMARY_BYTES = 1024 * 1024
"""Of one step; a longer summary is not uploaded at all."""
LONGEST = 4_000
TITLE = 200
VARIABLE = "GITHUB_STEP_SUMMARY"
WAY_OUT = f"Leave --github away, or give {VARIABLE} a file that can be written."


@dataclass(frozen=True, slots=True)
class Annotation:
    """One line of the log that GitHub shows beside the code, or over the run where it has no file."""

    kind: str
    """`error`, `warning` or `notice`."""
    message: str
    title: str = ""
    path: str = ""
    line: int = 0

    def __str__(self) -> str:
        properties = {"file": self.path, "line": str(self.line or ""), "title": self.title}
        given = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
        return f"::{self.kind}{' ' if given else ''}{given}::{_data(self.message[:LONGEST])}"


def annotations(result: Result, rows: Sequence[Row]) -> list[Annotation]:
    """At most 10 errors, 10 warnings and one notice; what kept the run from its end comes before any finding."""
    errors = [Annotation("error", line(text), "Seatrial: broken") for text in broken_sentences(result)]
    errors += [Annotation("error", line(text), "Seatrial: inconclusive") for text in result.inconclusive]
    errors += [_of(row, "error") for row in _spread([row for row in rows if row.blocks])]
    errors += [
        Annotation("error", line(f"{entry.subject}: {entry.message}"), f"{line(entry.rule)} stale"[:TITLE])
        for entry in sorted(result.stale, key=stale_order)
    ]
    warned = [row for row in rows if row.new and row.level is Level.WARN]
    warnings = [_of(row, "warning") for row in _spread(warned)]
    shown = [*errors[:PER_KIND], *warnings[:PER_KIND]]
    left = [(len(errors) - PER_KIND, "error"), (len(warnings) - PER_KIND, "warning")]
    more = " and ".join(f"{number:,} {kind}{'' if number == 1 else 's'}" for number, kind in left if number > 0)
    if more:
        shown.append(Annotation("notice", f"and {more} more: see the summary of this job", "Seatrial"))
    return shown


@contextlib.contextmanager
def harmless(stream: TextIO) -> Iterator[None]:
    """Between these two lines GitHub reads no commands: text of the app's that begins with `::` stays text."""
    token = secrets.token_hex(16)
    stream.write(f"::stop-commands::{token}\n")
    try:
        yield
    finally:
        stream.write(f"\n::{token}::\n")


def write_annotations(result: Result, rows: Sequence[Row], stream: TextIO) -> None:
    for annotation in annotations(result, rows):
        # Where the log cannot show a sign (an ASCII locale), the annotation is worth more than the sign.
        text = f"{annotation}\n"
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def write_summary(result: Result, rows: Sequence[Row], environ: Mapping[str, str], *, where: str = "") -> str:
    """Add the report to the job's summary. Returns a sentence where that could not be done, else an empty one."""
    name = environ.get(VARIABLE, "")
    if not name:
        return f"no job summary: {VARIABLE} is not set, so this is no step of GitHub Actions; --markdown writes a file"
    path = Path(name)
    try:
        # Other commands of the same step may have written to it.
        before = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}. {WAY_OUT}") from error
    room = SUMMARY_BYTES - len(before.encode()) - 2
    if room < 2 * len(LEFT_OUT.encode()):
        return f"no job summary: what this step has written to {VARIABLE} already is as long as GitHub takes"
    joint = "\n\n" if before.strip() else ""
    write_atomic(path, before + joint + to_markdown(result, rows, limit=room, where=where), way_out=WAY_OUT)
    return ""


def _spread(rows: Sequence[Row]) -> list[Row]:
    """One of each rule before a second of any, those with a line of their own first: ten of one rule tell but one."""
    met: Counter[str] = Counter()
    turns = []
    for row in sorted(rows, key=lambda row: not row.exact):
        met[row.rule] += 1
        turns.append((met[row.rule], row))
    return [row for _, row in sorted(turns, key=lambda turn: (turn[0], not turn[1].exact))]


def _of(row: Row, kind: str) -> Annotation:
    told = row.sentence + (f"\n→ {row.remedy}" if row.remedy else "")
    return Annotation(kind, told, f"{row.rule} {row.name}".strip()[:TITLE], row.path, row.line)


def _data(text: str) -> str:
    """toolkit/packages/core/src/command.ts, escapeData."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """The same, escapeProperty: a comma ends a property, a colon the properties."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
