"""Markdown (`--markdown FILE`) for a comment on a pull request, and the summary of a job on GitHub.

The verdict first, then what to fix first, then tables, the details folded away. A comment may have 65,536 characters:
what does not fit is left out from the end, and a line says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from seatrial.model.outcomes import Level, Outcome, ToolState
from seatrial.model.result import Result
from seatrial.reports import advice, grouping
from seatrial.reports.json_report import broken_sentences
from seatrial.reports.marks import block, code, plain
from seatrial.reports.order import stale_order
from seatrial.reports.rows import Row, first, line
from seatrial.verdict.files import write_atomic

WAY_OUT = "Give `--markdown` a path in a folder that can be written."
COMMENT = 65_536
"""Characters of a comment on GitHub. Counted in bytes here, so that it holds however they are counted."""
MARKER = "<!-- seatrial -->"
"""First line: by it a job finds its own comment again, to replace it."""
LEFT_OUT = "\n_There is more than fits here: `seatrial check --html FILE` shows everything._\n"
FIRST = 5
"""Rules that are told in full."""
TABLE = 100
"""Findings in a table."""
REASONS = 20
_WORDS = {Level.BLOCK: "block", Level.WARN: "warn", Level.INFO: "info", Level.OFF: "off"}


def to_markdown(result: Result, rows: Sequence[Row], *, limit: int = COMMENT, where: str = "") -> str:
    """The report, at most `limit` bytes of UTF-8.

    Args:
        rows: Of `rows.rows`, worst first.
        where: Target and configuration file as given on the command line, for commands to paste.
    """
    room = limit - len(LEFT_OUT.encode())
    kept: list[str] = []
    for part in _parts(result, rows, where):
        size = len(part.encode())
        if size > room:
            kept.append(LEFT_OUT)
            break
        kept.append(part)
        room -= size
    return "".join(kept)


def write(result: Result, rows: Sequence[Row], path: Path, *, where: str = "") -> None:
    """Write the file in one step.

    Raises:
        ConfigurationError: The place cannot be written.
    """
    write_atomic(path, to_markdown(result, rows, where=where), way_out=WAY_OUT)


def _parts(result: Result, rows: Sequence[Row], where: str) -> Iterator[str]:
    """Pieces that stand or fall as a whole: a table or a fold is never cut open."""
    yield f"{MARKER}\n## Seatrial: {advice.title(result)}\n\n{plain(line(advice.sentence(result)))}.\n"
    yield _counts(result, rows)
    for sentence in broken_sentences(result):
        yield f"\n**Broken**: {plain(line(sentence))}\n"
    for sentence in result.inconclusive:
        yield f"\n**Inconclusive**: {plain(line(sentence))}\n"
    yield from _first(rows)
    yield from _steps(result, where)
    new = [row for row in rows if row.new]
    yield from _folded("New findings", len(new), _tables(new))
    yield from _folded("Stale entries", len(result.stale), _stale(result))
    unproved = grouping.reasons(result.checks, Outcome.NOT_PROVED)
    yield from _folded("Not proved", sum(reason.count for reason in unproved), _reasons(unproved))
    yield from _folded("Known debt", len(rows) - len(new), _known(result))
    yield from _folded("Tools", len(result.tools), _tools(result))
    yield from _folded("Dearest routes", len(result.routes), _routes(result))
    yield from _folded("Notes", len(result.notes), [f"- {plain(line(note))}\n" for note in result.notes])


def _counts(result: Result, rows: Sequence[Row]) -> str:
    counts = result.outcomes()
    new = [row for row in rows if row.new]
    cells = {
        "blocking": sum(row.blocks for row in new),
        "warnings": sum(row.level is Level.WARN for row in new),
        "known": len(rows) - len(new),
        "passed": counts[Outcome.PASS],
        "failed": counts[Outcome.FAIL],
        "not proved": counts[Outcome.NOT_PROVED],
        "skipped": counts[Outcome.SKIPPED],
        "broken": counts[Outcome.BROKEN],
    }
    head = f"\n| {' | '.join(cells)} | exit | time |\n|{'---:|' * (len(cells) + 2)}\n"
    values = " | ".join(f"{value:,}" for value in cells.values())
    return f"{head}| {values} | {int(result.exit_code)} | {result.elapsed_s:.1f} s |\n"


def _first(rows: Sequence[Row]) -> Iterator[str]:
    """One finding of each of the worst rules, with what proves it."""
    times = Counter(row.rule for row in rows if row.new)
    shown = [rows[number] for number in first(rows, FIRST)]
    if shown:
        yield "\n### Fix first\n"
    for number, row in enumerate(shown, start=1):
        more = f", and {times[row.rule] - 1:,} more" if times[row.rule] > 1 else ""
        where = code(row.place) if row.exact else code(row.subject)
        told = row.sentence if row.exact else row.message
        lines = [f"\n{number}. **{plain(row.rule)}** {plain(row.name)} ({_WORDS[row.level]}), {where}{more}  \n"]
        lines.append(f"   {plain(told)}\n")
        if row.remedy:
            lines.append(f"   → {plain(row.remedy)}\n")
        if isinstance(sql := row.evidence.get("sql"), str):
            lines.append("\n" + _indented(block(line(sql), "sql")) + "\n")
        if row.replay:
            lines.append(f"\n   Again: {code(row.replay)}\n")
        yield "".join(lines)
    worth = {row.rule for row in rows if row.new and row.level in (Level.BLOCK, Level.WARN)}
    if (left := len(worth) - len(shown)) > 0:
        yield f"\nAnd {left:,} more rules, in the tables below.\n"


def _steps(result: Result, where: str) -> Iterator[str]:
    steps = advice.next_steps(result, where)
    if steps:
        yield "\n### What next\n\n"
    for step in steps:
        command = f": {code(line(step.command))}" if step.command else ""
        yield f"- {plain(line(step.text))}{command}\n"


def _folded(title: str, count: int, parts: Iterable[str]) -> Iterator[str]:
    """One fold, whole: half of one would swallow what comes after it."""
    if count:
        inside = "".join(parts)
        yield f"\n<details><summary>{title} ({count:,})</summary>\n\n{inside}\n</details>\n"


def _tables(new: Sequence[Row]) -> Iterator[str]:
    yield "| level | rule | where | what |\n|---|---|---|---|\n"
    for row in new[:TABLE]:
        what = plain(_short(row.sentence if row.exact else row.message))
        where = code(row.place if row.exact else row.subject, cell=True)
        yield f"| {_WORDS[row.level]} | {plain(row.rule)} | {where} | {what} |\n"
    if (left := len(new) - TABLE) > 0:
        yield f"\nand {left:,} more: `seatrial check --html FILE` shows them all\n"


def _stale(result: Result) -> Iterator[str]:
    for entry in sorted(result.stale, key=stale_order)[:TABLE]:
        yield f"- **{plain(line(entry.rule))}** {code(line(entry.subject))}: {plain(line(entry.message))}\n"


def _reasons(reasons: Sequence[grouping.Reason]) -> Iterator[str]:
    yield "| checks | reason | rules |\n|---:|---|---|\n"
    for reason in reasons[:REASONS]:
        rules = ", ".join(f"{plain(line(code_))} {count:,}" for code_, count in reason.rules[:6])
        more = f" and {len(reason.rules) - 6} more" if len(reason.rules) > 6 else ""
        yield f"| {reason.count:,} | {plain(_short(line(reason.text)))} | {rules}{more} |\n"
    if (left := len(reasons) - REASONS) > 0:
        yield f"\nand {left:,} other reasons\n"


def _known(result: Result) -> Iterator[str]:
    yield ", ".join(f"{plain(line(rule))} {count:,}" for rule, count in grouping.known_debt(result)) + "\n"


def _tools(result: Result) -> Iterator[str]:
    yield "| tool | version | state | findings | time |\n|---|---|---|---:|---:|\n"
    for tool in sorted(result.tools, key=lambda one: one.name):
        found = "" if tool.state is ToolState.BROKEN else f"{tool.findings:,}"
        name, version = plain(line(tool.name)), plain(line(tool.version))
        yield f"| {name} | {version} | {tool.state.value} | {found} | {tool.elapsed_s:.1f} s |\n"


def _routes(result: Result) -> Iterator[str]:
    yield "| statements | rows | ms | status | route |\n|---:|---:|---:|---:|---|\n"
    for row in grouping.dearest(result.routes, 10):
        numbers = ["" if value is None else f"{value:,}" for value in (row.statements, row.rows)]
        numbers.append("" if row.elapsed_ms is None else f"{row.elapsed_ms:,.1f}")
        numbers.append("" if row.status is None else str(row.status))
        route = code(line(f"{row.method} {row.rule} [{row.identity}]"), cell=True)
        yield f"| {' | '.join(numbers)} | {route} |\n"


def _short(text: str, longest: int = 300) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _indented(text: str) -> str:
    return "\n".join(f"   {one}" for one in text.splitlines())
