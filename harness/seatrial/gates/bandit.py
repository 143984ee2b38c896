"""bandit, once over the whole."""

import json
import re
from pathlib import Path
from typing import Any

from seatrial.gates.bench import Bench, Report, last_line
from seatrial.gates.exits import Broken, settle
from seatrial.gates.processes import Finished
from seatrial.model.findings import Finding
from seatrial.model.outcomes import ToolState

# As globs: a plain word is searched for anywhere in a path, so `build` would leave out `rebuild.py`.
_FOREIGN = (
    "*/.git/*",
    "*/.hg/*",
    "*/.svn/*",
    "*/.eggs/*",
    "*/.nox/*",
    "*/.tox/*",
    "*/.venv/*",
    "*/venv/*",
    "*/__pypackages__/*",
    "*/site-packages/*",
    "*/node_modules/*",
    "./build/*",
    "./dist/*",
)
# Every assert of a test is B101. Left out unless the target configures bandit itself and so has decided.
_TESTS = ("*/tests/*", "*/test/*", "*/test_*.py", "*/*_test.py", "*/conftest.py")
_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")
_PASSWORDS = frozenset({"B105", "B106", "B107"})


def check(bench: Bench) -> Report:
    """
    Raises:
        Broken: bandit could not finish, or skipped a file that it could not parse (its exit code says nothing of it).
    """
    finished = bench.run("-f", "json", "-q", "-r", *_configuration(bench), "--", *bench.settings.sources)
    document = _document(bench, finished)
    errors, results = document.get("errors") or [], document.get("results") or []
    if errors:
        path = bench.sources.relative(str(errors[0].get("filename"))) or "a file"
        raise Broken(
            f"bandit could not check {path}: {bench.tidy(str(errors[0].get('reason')))}; "
            "mend the file, or list it in exclude_dirs of [tool.bandit]"
        )
    checked = sum(1 for name in document.get("metrics") or {} if name != "_totals")
    if not checked:
        raise Broken(
            f"bandit found nothing but tests under {', '.join(bench.settings.sources)}; name your code in sources"
        )
    findings = (_finding(bench, result) for result in results)
    return Report(tuple(finding for finding in findings if finding is not None), checked)


def _document(bench: Bench, finished: Finished) -> dict[str, Any]:
    # A traceback of bandit ends with 1, as findings do: only its output tells them apart.
    reason = bench.tidy(last_line(finished.stderr, finished.stdout if finished.code not in (0, 1) else ""))
    state = settle("bandit", finished, reason)
    try:
        document = json.loads(finished.stdout)
        if not isinstance(document, dict):
            raise ValueError
    except ValueError:
        because = f": {reason}" if reason else ""
        raise Broken(f"bandit's output cannot be read{because}; run bandit by hand to see why") from None
    if state is ToolState.FINDINGS and not document.get("results"):
        raise Broken("bandit reported findings and listed none; run bandit by hand to see why")
    return document


def _finding(bench: Bench, result: dict[str, Any]) -> Finding | None:
    path = bench.sources.relative(str(result.get("filename")))
    if path is None:
        return None
    code, line = str(result.get("test_id")), result.get("line_number")
    message = str(result.get("issue_text") or code)
    if code in _PASSWORDS:
        # The message quotes the password, and reports carry none.
        message = _QUOTED.sub("'…'", message)
    return bench.finding(
        code,
        str(result.get("test_name") or code).replace("_", "-"),
        message,
        subject=path,
        place=bench.sources.place(path, line if isinstance(line, int) else 0),
        remedy=f"see {result['more_info']}" if result.get("more_info") else "",
        evidence={"severity": result.get("issue_severity"), "confidence": result.get("issue_confidence")},
    )


def _configuration(bench: Bench) -> list[str]:
    """The target's own configuration, and what is left out besides."""
    environments = [f"*/{mark.parent.name}/*" for mark in sorted(bench.root.glob("*/pyvenv.cfg"))]
    if _has_table(bench.root / "pyproject.toml"):
        return ["-c", "pyproject.toml", "-x", ",".join([*_FOREIGN, *environments])]
    if any((bench.root / source / ".bandit").is_file() for source in bench.settings.sources):
        # Its `exclude` counts only where the command line says nothing.
        return []
    return ["-x", ",".join([*_FOREIGN, *environments, *_TESTS])]


def _has_table(path: Path) -> bool:
    # By text: where the file does not parse, bandit shall say so.
    try:
        return re.search(r"^\s*\[tool\.bandit\b", path.read_text("utf-8", "replace"), re.MULTILINE) is not None
    except OSError:
        return False
