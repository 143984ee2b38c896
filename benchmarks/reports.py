"""What reporting costs with ten thousand findings: every format, and the HTML of them in a browser.

    python -m benchmarks.reports [--findings 10000] [--rounds 5]

Each format alone and all of them together are written by a process of its own, from a result in memory; reported are
seconds of processor time and the largest memory of the process. Chromium opens the HTML from a file; a filter is
measured from the input event until style and layout are done. Without Chromium that part is NOT PROVED, and a miss.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ALL_S = 3.0
ALL_MB = 300.0
OPENS_S = 2.0
FILTERS_MS = 100.0
FORMATS = ("terminal", "json", "junit", "sarif", "gitlab", "markdown", "github", "html")
_WRITE = """
import io, os, resource, sys, time
from pathlib import Path
sys.path.insert(0, "tests")
from reports.samples import many
result = many(int(sys.argv[1]))
from seatrial import rules
from seatrial.collecting import without_collector
from seatrial.reports import github, gitlab, html_report, json_report, junit, markdown, sarif, terminal
from seatrial.reports.pen import make_console
from seatrial.reports.rows import rows
from seatrial.verdict import history
folder = Path(sys.argv[2])
wanted = sys.argv[3:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
started, wall = time.process_time(), time.perf_counter()
if "terminal" in wanted:
    stream = io.StringIO()
    claims = {rule.code: rule.claim for rule in rules.registered()}
    terminal.render(result, make_console(stream, environ={}), claims=claims)
    (folder / "report.terminal").write_text(stream.getvalue())
with without_collector():  # as in a check
    found = rows(result) if set(wanted) - {"terminal", "json", "junit"} else []
    run = history.of(result, scope="", commit="")
    source = html_report.Source(folder)
    for name in wanted:
        path = folder / f"report.{name}"
        match name:
            case "json":
                json_report.write(result, path)
            case "junit":
                junit.write(result, path)
            case "sarif":
                sarif.write(result, found, path)
            case "gitlab":
                gitlab.write(found, path)
            case "markdown":
                markdown.write(result, found, path)
            case "github":
                with path.open("w") as stream:
                    github.write_annotations(result, found, stream)
                github.write_summary(result, found, {github.VARIABLE: str(folder / "summary.md")})
            case "html":
                html_report.write(result, found, path, runs=[run], source=source)
spent, waited = time.process_time() - started, time.perf_counter() - wall
print(spent, waited, before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
_FILTER = """
async ([text]) => {
  const search = document.getElementById("search");
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  search.value = "";
  search.dispatchEvent(new Event("input"));
  await frame();
  const started = performance.now();
  search.value = text;
  search.dispatchEvent(new Event("input"));
  document.body.getBoundingClientRect();  // style and layout are part of it
  const done = performance.now() - started;
  await frame();
  return [done, document.getElementById("shown").textContent];
}
"""


def written(findings: int, folder: Path, *names: str) -> tuple[float, float, float, float]:
    """(processor seconds, wall seconds, MB before, MB at most)."""
    command = [sys.executable, "-c", _WRITE, str(findings), str(folder), *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    spent, waited, before, most = map(float, done.stdout.split())
    return spent, waited, before, most


def formats(findings: int, folder: Path, rounds: int) -> bool:
    print(f"{findings:,} findings, 1,000 routes")
    print(f"{'':>12} {'processor s':>12} {'wall s':>8} {'MB':>6} {'file MB':>8}")
    kept = True
    for names in [*((name,) for name in FORMATS), FORMATS]:
        runs = [written(findings, folder, *names) for _ in range(rounds if names == FORMATS else 1)]
        spent, waited = (statistics.median(run[i] for run in runs) for i in (0, 1))
        most = max(run[3] for run in runs)
        size = sum((folder / f"report.{name}").stat().st_size for name in names) / 1e6
        label = names[0] if len(names) == 1 else "all together"
        limit = f"   (limit: {ALL_S:g} s, {ALL_MB:g} MB)" if names == FORMATS else ""
        print(f"{label:>12} {spent:>12.2f} {waited:>8.2f} {most:>6.0f} {size:>8.2f}{limit}")
        kept = kept and spent <= ALL_S and most <= ALL_MB
    return kept


def browser(file: Path, rounds: int) -> bool:
    sys.path.insert(0, str(ROOT / "tests"))
    from reports.browsing import BROWSER, chromium

    if BROWSER is None:
        print("in a browser: NOT PROVED, there is no Chromium (apt-get install chromium)")
        return False
    opened: list[float] = []
    filtered: dict[str, list[float]] = {}
    with chromium() as found:
        for _ in range(rounds):
            page = found.new_page()
            page.goto(file.as_uri())
            entry: dict[str, Any] = json.loads(
                page.evaluate("JSON.stringify(performance.getEntriesByType('navigation')[0])")
            )
            opened.append(entry["loadEventEnd"] / 1000)
            for text in ("a", "items", "sql003 area7", "views.py:40", "nothing at all"):
                took, _ = page.evaluate(_FILTER, [text])
                filtered.setdefault(text, []).append(took)
            page.close()
    print(f"Chromium opens it in {statistics.median(opened):.2f} s, at most {max(opened):.2f}   (limit: {OPENS_S:g} s)")
    for text, times in filtered.items():
        middle, most = statistics.median(times), max(times)
        print(f"filter {text!r:>18}: {middle:>6.1f} ms, at most {most:.1f}   (limit: {FILTERS_MS:g})")
    return max(opened) <= OPENS_S and max(max(times) for times in filtered.values()) <= FILTERS_MS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        kept = formats(options.findings, Path(name), options.rounds)
        kept = browser(Path(name, "report.html"), options.rounds) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
