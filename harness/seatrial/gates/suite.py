"""The target's own pytest suite, in its own configuration, in a working copy: suites write files."""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.gates.bench import Bench, Report, last_line
from seatrial.gates.exits import Broken, settle, switch_off
from seatrial.gates.processes import Finished
from seatrial.gates.surroundings import in_copy
from seatrial.model.findings import Finding, Place

_COLLECTION = "collection failure"
_MEANING = {
    2: "it was interrupted",
    3: "an internal error of pytest or a plugin",
    4: "pytest was called wrongly",
}


@dataclass(frozen=True, slots=True)
class _Case:
    """One entry of the report that is not a pass."""

    node: str
    path: str
    line: int
    kind: str
    """`failed`, or `error` (set-up or tear-down)."""
    message: str


def check(bench: Bench) -> Report:
    """
    Raises:
        Broken: The suite could not be run as a whole: no tests, modules that cannot be imported, a crash.
    """
    if bench.copy is None or not bench.copy.is_dir():
        raise Broken(f"pytest needs a working copy of the target and has none; {switch_off('pytest')}")
    report = bench.scratch / "report.xml"
    finished = bench.run(
        *_arguments(bench, report), cwd=bench.copy, env=_environment(bench, bench.copy), safe_path=False
    )
    document = _parsed(report)
    _refuse(bench, finished, document)
    settle("pytest", finished, bench.tidy(_reason(finished)))
    if document is None:
        raise Broken("pytest's report cannot be read; run the suite by hand to see why")
    cases = list(document.iter("testcase"))
    skipped = sum(1 for case in cases if case.find("skipped") is not None)
    if not cases:
        raise Broken(_NO_TESTS)
    if skipped == len(cases):
        raise Broken(
            f"pytest ran no test: all {skipped} were skipped; give them what they need, or {switch_off('pytest')}"
        )
    found = [_finding(bench, case) for case in _failures(cases, bench.copy)]
    if not found and finished.code == 1:
        found = [_unexplained(bench, finished)]
    return Report(tuple(finding for finding in found if finding is not None), len(cases))


_NO_TESTS = f"pytest collected no tests; set testpaths in its configuration, or {switch_off('pytest')}"


def _arguments(bench: Bench, report: Path) -> list[str]:
    return [
        "-q",
        f"--junit-xml={report}",
        # The older family is the one that names file and line of each test.
        "-o",
        "junit_family=xunit1",
        # An own cache folder rather than no cache: suites use its fixture, and `--lf` in addopts must stay known.
        "-o",
        f"cache_dir={bench.scratch / 'cache'}",
        # `-x` in addopts would hide all failures but the first, and the ratchet would call the rest fixed.
        "--maxfail=0",
        "--color=no",
        f"--rootdir={bench.copy}",
    ]


def _environment(bench: Bench, copy: Path) -> dict[str, str]:
    temporary = bench.scratch / "tmp"
    temporary.mkdir()
    if os.geteuid() == 0:
        # Suites that run as root start servers as somebody else, who has to reach their folders.
        bench.scratch.chmod(0o711)
        temporary.chmod(0o1777)
    path = in_copy(bench.surroundings, bench.root, copy)
    # The plugin stays, because the suite may use its fixtures and markers; guards and passive mode are ours to run.
    return {"TMPDIR": str(temporary), "SEATRIAL_GATE": "1", **({"PYTHONPATH": path} if path else {})}


def _parsed(report: Path) -> ElementTree.Element | None:
    try:
        # Not a foreign document: pytest wrote it a moment ago into our own folder.
        return ElementTree.parse(report).getroot()
    except (OSError, ElementTree.ParseError):
        return None


def _refuse(bench: Bench, finished: Finished, document: ElementTree.Element | None) -> None:
    """Name what a bare exit code leaves in the dark."""
    if finished.code == 5:
        raise Broken(_NO_TESTS)
    # By the report, not by the code: `--continue-on-collection-errors` turns 2 into 1.
    broken = [
        case
        for case in (document.iter("testcase") if document is not None else ())
        if (error := case.find("error")) is not None and error.get("message") == _COLLECTION
    ]
    if broken:
        name = broken[0].get("file") or _module_path(broken[0].get("name") or "", bench.copy or bench.root)
        others = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        error = broken[0].find("error")
        why = bench.tidy(_cause(error.text if error is not None else ""))
        raise Broken(f"pytest could not collect {name}{others}{': ' + why if why else ''}; mend the import")


def _reason(finished: Finished) -> str:
    lines = [line for line in (finished.stderr + "\n" + finished.stdout).splitlines() if "error" in line.lower()]
    said = next((line.strip() for line in lines), "") or last_line(finished.stdout, finished.stderr)
    meaning = _MEANING.get(finished.code, "")
    said = re.sub(r"^(INTERNALERROR> ?|ERROR: (usage: )?)", "", said).strip()
    return f"{meaning}: {said}" if meaning and said else meaning or said


def _cause(trace: str | None) -> str:
    """The exception's own line of a pytest traceback."""
    lines = [line.removeprefix("E").strip() for line in (trace or "").splitlines() if line.startswith("E  ")]
    return lines[-1] if lines else ""


def _failures(cases: list[ElementTree.Element], copy: Path) -> Iterator[_Case]:
    for case in cases:
        for child in case:
            if child.tag not in ("failure", "error"):
                continue
            path = _module_path(case.get("classname") or "", copy) or case.get("file") or ""
            line = case.get("line") or ""
            yield _Case(
                node=_node(case, path),
                path=path,
                # The report counts from 0, and its line belongs to its own file: a test may be inherited from another.
                line=int(line) + 1 if line.isdigit() and case.get("file") == path else 1,
                kind="failed" if child.tag == "failure" else "error",
                message=(child.get("message") or "").strip() or "no message",
            )


def _module_path(dotted: str, copy: Path) -> str:
    """The test file that a dotted class name begins with: the longest one that exists."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end]) + ".py"
        if (copy / path).is_file():
            return path
    return ""


def _node(case: ElementTree.Element, path: str) -> str:
    """pytest's own id of the test: `path::Class::test[parameters]`."""
    dotted, name = case.get("classname") or "", case.get("name") or ""
    module = path.removesuffix(".py").replace("/", ".")
    classes = dotted.removeprefix(module).strip(".") if path and dotted.startswith(module) else ""
    return "::".join([path or dotted, *([c for c in classes.split(".") if c]), name])


def _finding(bench: Bench, case: _Case) -> Finding | None:
    return bench.finding(
        case.kind,
        "test-failed" if case.kind == "failed" else "test-error",
        # The first line says what happened; what follows are values, and they may be data.
        case.message.splitlines()[0],
        subject=case.node,
        # Without the line's text: a test is known by its id, and `def test_get(self):` stands in many classes.
        place=Place(case.path, case.line) if case.path else None,
        remedy=f'pytest "{case.node}"',
        detail=case.kind,
    )


def _unexplained(bench: Bench, finished: Finished) -> Finding | None:
    """Exit code 1 though every test passed: a plugin's own demand, such as `--cov-fail-under`."""
    said = [line.strip() for line in (finished.stdout + "\n" + finished.stderr).splitlines() if line.strip()]
    # Not only at the start of a line: what a hook prints follows the last dot of the progress.
    demands = (match.group() for line in said if (match := re.search(r"\b(FAIL|ERROR)\b.*", line)))
    demand = next(demands, said[-1] if said else "")
    return bench.finding(
        "session",
        "session-failed",
        f"every test passed, yet the run failed: {demand}",
        subject="pytest",
        place=None,
        remedy="pytest",
        detail="session",
    )
