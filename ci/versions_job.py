"""Run the test suite under other versions: `lowest`, `lowest-short`, `pythons`, `sqlalchemy-2.0`.

Environments live in build/envs.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVS = ROOT / "build" / "envs"
PYTHONS = ("3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def uv(*arguments: str | Path) -> int:
    return subprocess.run([Path(sys.executable).parent / "uv", *map(str, arguments)], cwd=ROOT).returncode


def interpreter(version: str) -> str | None:
    """A real interpreter of that version on this machine, or None: a shim that answers for none does not count."""
    for name in (f"python{version}", *map(str, sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))):
        found = shutil.which(name)
        if not found:
            continue
        done = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.strip()
    return None


# Flask 2.3 does not run on Werkzeug 3; direct requirements alone would not say so.
OLD_WERKZEUG = "werkzeug>=2.3.3,<3"
# Before 2.47 locust asks for any geventhttpclient from 2.3.1 on and works with those before 2.4.
OLD_HTTP = "geventhttpclient<2.4"
# A page shows a finding as the newest releases write it: 2.0 gives the columns of a lazy load other names.
OLD_PAGES = "not page_shows_what_the_flawed_specimen_really_gives"
# Before 1.9 Authlib itself lets two cases in, so that the specimens that leave them to it are not sound.
# LAT001 needs a server under load and says nothing of the libraries; squawk's report has a shape of its own before 2.
OLD_RELEASES = "not (test_specimens and (OAU or LAT001 or MIG))"
# The example app and the documentation are written for today's Flask; what must hold on old ones is the harness.
OLD_FLASK = (
    *("--ignore=tests/stockroom", "--ignore=tests/docs", "--ignore=tests/init"),
    *("-k", f"{OLD_PAGES} and {OLD_RELEASES}"),
)

OLD_SQLALCHEMY = ("-k", OLD_PAGES)

# What touches the libraries itself: the rest of the suite works on what these bring home. One file holds nearly all of
# it; of the rules that break a webhook, one shows that it can be broken.
OTHER_FAULTS = "not (test_specimens and (IDM or LAT or WHK) and not WHK003)"
NEAR_LIBRARIES = (
    *("tests/observe", "tests/target", "tests/monitor/test_counting.py", "tests/plugin/test_passive.py"),
    *("tests/rules/test_specimens.py", "--dist", "load"),
    *("-k", f"{OLD_PAGES} and {OLD_RELEASES} and {OTHER_FAULTS}"),
)


def run_suite(name: str, python: str, *requirements: str, lowest: bool = False, options: tuple[str, ...] = ()) -> bool:
    """Make the environment and run the suite in it; says so."""
    env = ENVS / name
    # The documentation is not built under the lowest versions: what builds it would raise some of them.
    resolution = ["--resolution", "lowest-direct"] if lowest else ["--group", "site"]
    if uv("venv", "-q", "--clear", "--python", python, env) or uv(
        # Compiled, because the app's process keeps nothing compiled: each would do it again.
        *("pip", "install", "-q", "--compile-bytecode", "--python", env / "bin" / "python"),
        *(*resolution, "-e", ".[all]", "--group", "dev", *requirements),
    ):
        print(f"versions job: {name}: the environment could not be made")
        return False
    code = subprocess.run(
        [
            *(env / "bin" / "python", "-m", "pytest", "-q", "-m", "not matrix", "-p", "no:cacheprovider"),
            *("-n", "3", "--dist", "loadfile", *options),
        ],
        cwd=ROOT,
    ).returncode
    print(f"versions job: {name}: {'passed' if code == 0 else f'failed ({code})'}")
    return code == 0


def main(jobs: list[str]) -> int:
    passed = []
    for job in jobs:
        match job:
            case "lowest":
                passed.append(
                    run_suite("lowest", sys.executable, OLD_WERKZEUG, OLD_HTTP, lowest=True, options=OLD_FLASK)
                )
            case "lowest-short":
                passed.append(
                    run_suite("lowest", sys.executable, OLD_WERKZEUG, OLD_HTTP, lowest=True, options=NEAR_LIBRARIES)
                )
            case "sqlalchemy-2.0":
                passed.append(run_suite("sqlalchemy-2.0", sys.executable, "sqlalchemy<2.1", options=OLD_SQLALCHEMY))
            case "pythons":
                for version in PYTHONS:
                    python = interpreter(version)
                    if version == OWN:
                        continue
                    if python is None:
                        print(f"versions job: Python {version} is not on this machine: not tried")
                        continue
                    passed.append(run_suite(f"python-{version}", python))
            case _:
                raise SystemExit(
                    f"versions job: unknown job {job}; there are lowest, lowest-short, pythons, sqlalchemy-2.0"
                )
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
