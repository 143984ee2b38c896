"""mypy, as a batch run: its daemon answers otherwise on import cycles, and a ratchet needs one answer each time."""

import configparser
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from seatrial.gates.bench import Bench, Report, first_line
from seatrial.gates.exits import Broken, settle, switch_off
from seatrial.gates.processes import Finished
from seatrial.model.findings import Finding
from seatrial.model.outcomes import ToolState

# Every display option that a target's configuration may set is set back: the text below is what is parsed. `--output
# json` would be no easier: it came with 1.11 and leaves out the line that counts the files.
_DISPLAY = (
    "--no-pretty",
    "--no-color-output",
    "--hide-error-context",
    "--show-error-codes",
    "--show-column-numbers",
    "--error-summary",
)
_LINE = re.compile(r"(?P<path>.+?)(?::(?P<line>\d+))?(?::\d+)*: error: (?P<message>.*?)(?:  \[(?P<code>[\w-]+)\])?")
_FOUND = re.compile(r"^Found (\d+) errors? in ", re.MULTILINE)
_CHECKED = re.compile(r"(?:\(checked|no issues found in) (\d+) source files?\)?", re.MULTILINE)
_BAD_CONFIGURATION = re.compile(r"^(?:\S*/)?(?:\.?mypy\.ini|pyproject\.toml|setup\.cfg): .+", re.MULTILINE)
_STALE_S = 30 * 24 * 3600.0
# Named like ordinary folders, so mypy would walk into them.
_ENVIRONMENT_MARK = "pyvenv.cfg"


def check(bench: Bench) -> Report:
    """
    Raises:
        Broken: mypy could not finish or not read its configuration: with strictness lost, findings would look fixed.
    """
    with _cache(bench) as cache:
        finished = bench.run(*_DISPLAY, "--cache-dir", str(cache), *_what(bench))
    if finished.code in (0, 1) and (bad := _BAD_CONFIGURATION.search(finished.stderr)):
        raise Broken(f"mypy cannot use its configuration: {bench.tidy(bad.group())}; mend it, or {switch_off('mypy')}")
    state = settle("mypy", finished, bench.tidy(_reason(finished)))
    matches = [match for line in finished.stdout.splitlines() if (match := _LINE.fullmatch(line))]
    checked = _believed(bench, finished, state, matches)
    findings = (_finding(bench, match) for match in matches)
    return Report(tuple(finding for finding in findings if finding is not None), checked)


def _believed(bench: Bench, finished: Finished, state: ToolState, matches: list[re.Match[str]]) -> int:
    """How many files were checked, if the output adds up."""
    syntax = next((match for match in matches if match["code"] == "syntax"), None)
    if syntax is not None or "errors prevented further checking" in finished.stdout:
        where = bench.tidy(syntax.group() if syntax else first_line(finished.stdout))
        raise Broken(f"mypy could not check everything: {where}; mend the file, or exclude it in [tool.mypy]")
    found, checked = _FOUND.search(finished.stdout), _CHECKED.search(finished.stdout)
    listed = state is ToolState.OK or (found is not None and 0 < int(found.group(1)) <= len(matches))
    if checked is None or not listed:
        raise Broken(f"mypy's output cannot be read; run mypy by hand, or {switch_off('mypy')}")
    return int(checked.group(1))


def _finding(bench: Bench, match: re.Match[str]) -> Finding | None:
    path = bench.sources.relative(match["path"])
    if path is None:
        return None
    code = match["code"] or "misc"
    return bench.finding(
        code,
        code,
        match["message"],
        subject=path,
        place=bench.sources.place(path, int(match["line"] or 0)),
        remedy=f"see https://mypy.readthedocs.io/en/stable/_refs.html#code-{code}",
    )


def _reason(finished: Finished) -> str:
    """Why mypy gave up: the error it printed, else the first line of its complaint."""
    errors = [line for line in (finished.stdout + finished.stderr).splitlines() if "error:" in line.lower()]
    return first_line("\n".join(errors), finished.stderr, finished.stdout)


def _what(bench: Bench) -> list[str]:
    """What to check: `sources`, or what mypy's own configuration names where `sources` was left as it is."""
    if "sources" not in bench.settings.model_fields_set and _names_its_files(bench.root):
        return []
    excluded: list[str] = []
    for mark in sorted(bench.root.glob(f"*/{_ENVIRONMENT_MARK}")):
        excluded += ["--exclude", f"^{re.escape(mark.parent.name)}/"]
    return [*excluded, "--", *bench.settings.sources]


def _names_its_files(root: Path) -> bool:
    keys = {"files", "packages", "modules"}
    for name in ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"):
        section = _section(root / name)
        if section is not None:
            return bool(keys & section)
    return False


def _section(path: Path) -> set[str] | None:
    """The keys of mypy's section in a file; None where it has none."""
    try:
        if path.suffix == ".toml":
            table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("mypy")
            return set(table) if isinstance(table, dict) else None
        parser = configparser.RawConfigParser()
        parser.read_string(path.read_text("utf-8"))
        return set(parser["mypy"]) if parser.has_section("mypy") else None
    except (OSError, ValueError, AttributeError, configparser.Error):
        return None


@contextlib.contextmanager
def _cache(bench: Bench) -> Iterator[Path]:
    """A cache folder that nobody else is writing to.

    The target's own `.mypy_cache` where there is one; else a folder of the user's cache, one for each tree, Python and
    mypy. Where another run holds that one, or it cannot be written, mypy works cold in the scratch folder.
    """
    own = bench.root / ".mypy_cache"
    if own.is_dir():
        yield own
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatrial" / "mypy"
    identity = (
        os.path.realpath(bench.root),
        bench.python,
        bench.surroundings.python,
        bench.surroundings.versions["mypy"],
    )
    folder = home / hashlib.sha256("\0".join(identity).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((folder / "lock").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            folder = bench.scratch / "mypy-cache"
        else:
            os.utime(folder)
            _forget_old(home)
        yield folder


def _forget_old(home: Path) -> None:
    """Drop the caches of trees that were not checked for a month: temporary checkouts would fill the disk."""
    for folder in home.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
