"""ruff check and ruff format, as one gate: both are one binary with one configuration."""

import json
import re
from typing import Any

from seatrial.gates.bench import Bench, Report
from seatrial.gates.exits import Broken, settle
from seatrial.gates.processes import Finished
from seatrial.model.findings import Finding, Place
from seatrial.model.outcomes import Level, ToolState

# `--no-fix` because a target's own `fix = true` would rewrite its files; the cache is worth nothing at this speed.
_CHECK = ("check", "--no-cache", "--no-fix", "--no-fix-only", "--force-exclude", "--output-format", "json")
_FORMAT = ("format", "--check", "--no-cache", "--force-exclude")
# How versions call a file that they could not read: 0.4 says E999, later ones null and `invalid-syntax`.
_UNREAD = frozenset({None, "E999", "E902", "invalid-syntax", "io-error"})
_WOULD = re.compile(r"^Would reformat: (.+)$", re.MULTILINE)


def check(bench: Bench) -> Report:
    """
    Raises:
        Broken: ruff could not finish, or a file could not be parsed: what it would have said of it is unknown.
    """
    sources = tuple(bench.settings.sources)
    finished = bench.run(*_CHECK, "--", *sources)
    state = settle("ruff", finished, bench.tidy(_reason(finished.stderr)))
    items = _items(finished)
    _refuse_unread(bench, items)
    if state is ToolState.FINDINGS and not items:
        raise Broken("ruff reported findings and listed none; update ruff")
    files = _files(bench, sources)
    if not files:
        raise Broken(f"ruff found no Python file under {', '.join(sources)}; name your code in sources")
    findings = [_finding(bench, item) for item in items]
    if bench.level_of("ruff:format") is not Level.OFF:
        findings += [_unformatted(bench, path) for path in _badly_formatted(bench, sources)]
    return Report(tuple(finding for finding in findings if finding is not None), files)


def _items(finished: Finished) -> list[dict[str, Any]]:
    try:
        items = json.loads(finished.stdout)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise ValueError
    except ValueError:
        raise Broken("ruff's output cannot be read; update ruff") from None
    return items


def _refuse_unread(bench: Bench, items: list[dict[str, Any]]) -> None:
    unread = [item for item in items if item.get("code") in _UNREAD]
    if unread:
        path = bench.sources.relative(str(unread[0].get("filename"))) or "a file"
        raise Broken(
            f"ruff cannot read {path}:{_row(unread[0])}: {bench.tidy(str(unread[0].get('message')))}; "
            "mend the file, or exclude it in [tool.ruff]"
        )


def _files(bench: Bench, sources: tuple[str, ...]) -> int:
    """How many files were checked. pyproject.toml is among them, but it is no code."""
    finished = bench.run("check", "--no-cache", "--force-exclude", "--show-files", "--", *sources)
    settle("ruff", finished, bench.tidy(_reason(finished.stderr)))
    return sum(1 for line in finished.stdout.splitlines() if line.strip() and not line.endswith("pyproject.toml"))


def _finding(bench: Bench, item: dict[str, Any]) -> Finding | None:
    path = bench.sources.relative(str(item.get("filename")))
    if path is None:
        return None
    code = str(item["code"])
    fix = item.get("fix")
    applicable = isinstance(fix, dict) and fix.get("applicability") == "safe"
    url = str(item.get("url") or "")
    return bench.finding(
        code,
        # Versions before `name` have it at the end of the address of the rule's page.
        str(item.get("name") or url.rstrip("/").rpartition("/")[2] or code),
        str(item.get("message") or code),
        subject=path,
        place=bench.sources.place(path, _row(item)),
        remedy=f"ruff check --fix --select {code} {path}" if applicable else (url and f"see {url}"),
    )


def _row(item: dict[str, Any]) -> int:
    location = item.get("location")
    row = location.get("row") if isinstance(location, dict) else None
    return row if isinstance(row, int) else 0


def _badly_formatted(bench: Bench, sources: tuple[str, ...]) -> list[str]:
    """Files that ruff would reformat, relative. JSON where this ruff can, else its older text."""
    finished = bench.run(*_FORMAT, "--output-format", "json", "--", *sources)
    if finished.code == 2 and "output-format" in finished.stderr:
        finished = bench.run(*_FORMAT, "--", *sources)
        state = settle("ruff", finished, bench.tidy(_reason(finished.stderr)))
        names = _WOULD.findall(finished.stdout)
    else:
        state = settle("ruff", finished, bench.tidy(_reason(finished.stderr)))
        items = _items(finished)
        unread = [item for item in items if item.get("code") in _UNREAD]
        _refuse_unread(bench, unread)
        names = [str(item.get("filename")) for item in items]
    if state is ToolState.FINDINGS and not names:
        raise Broken("ruff format would change files and listed none; update ruff")
    return sorted({path for name in names if (path := bench.sources.relative(name)) is not None})


def _unformatted(bench: Bench, path: str) -> Finding | None:
    return bench.finding(
        "format",
        "unformatted",
        "ruff format would change this file",
        subject=path,
        # Without the line's text: the file as a whole is meant, and its first line changes for other reasons.
        place=Place(path, 1),
        remedy=f"ruff format {path}",
        detail="format",
    )


def _reason(stderr: str) -> str:
    """The innermost cause of a configuration error, or the first line that is no warning."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    causes = [line.removeprefix("Cause: ") for line in lines if line.startswith("Cause: ")]
    if causes:
        # The sentence that names the key stands on its own, below the excerpt.
        tail = lines[-1] if not lines[-1].startswith(("Cause:", "|")) else ""
        return f"{causes[0]}: {tail}" if tail else ": ".join(causes)
    return next((line for line in lines if not line.startswith("warning:")), "")
