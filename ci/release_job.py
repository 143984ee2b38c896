"""What must be true of a release, before anybody uploads it. Leaves in build/release: wheel, sdist, SBOM.

python ci/release_job.py

Exit code 1 where something is wrong. What needs the network and has none is said to be not proved, and fails nothing.
"""

import configparser
import email.message
import email.parser
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wheel_job

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
TOOLS = ROOT / "build" / "envs" / "release"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STRAY = re.compile(r"(^|/)(__pycache__|\.git|\.venv|\.[a-z_]+_cache|build|node_modules)(/|$)|\.pyc$|\.db$")
"""What must be in no archive."""


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Of the group `release`."""
    return run(TOOLS / "bin" / name, *arguments)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)


def uv(*arguments: str | Path) -> None:
    """Raises SystemExit with what it said."""
    if (done := run(Path(sys.executable).parent / "uv", *arguments)).returncode:
        raise SystemExit(f"release job: {done.stderr.strip()[-2000:]}")


def make_tools() -> None:
    """In an environment of their own: what they need makes `import jsonschema` take seconds in every test."""
    uv("venv", "-q", "--clear", "--python", sys.executable, TOOLS)
    python = TOOLS / "bin" / "python"
    uv("pip", "install", "-q", "--python", python, "-c", ROOT / "constraints.txt", "--group", "release")


def tracked(folder: str) -> set[str]:
    """Files of a folder of this checkout, as git knows them."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


# ---------------------------------------------------------------------- contents
def expected_in_wheel() -> dict[str, str]:
    """Path in the wheel → path in the checkout: the package, and every suite that is shipped."""
    target = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    places = {"harness/seatrial": "seatrial", **target["force-include"]}
    return {f"{place}{name.removeprefix(folder)}": name for folder, place in places.items() for name in tracked(folder)}


def wheel_problems(path: Path, expected: dict[str, str]) -> Iterator[str]:
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
        for name in sorted(expected.keys() - names):
            yield f"wheel: {name} is missing"
        info = {name for name in names if name.split("/")[0].endswith(".dist-info")}
        for name in sorted(names - info - expected.keys()):
            yield f"wheel: {name} is in no commit"
        for name in sorted(expected.keys() & names):
            if wheel.read(name) != (ROOT / expected[name]).read_bytes():
                yield f"wheel: {name} is not what stands in {expected[name]}"
        if "seatrial/py.typed" not in names:
            yield "wheel: seatrial/py.typed is missing"
        yield from (f"wheel: {name} does not belong into a release" for name in sorted(names) if STRAY.search(name))
        metadata = next((name for name in info if name.endswith("/METADATA")), "")
        points = next((name for name in info if name.endswith("/entry_points.txt")), "")
        if not metadata or not points:
            yield "wheel: it has no METADATA or no entry_points.txt"
            return
        yield from metadata_problems(email.parser.Parser().parsestr(wheel.read(metadata).decode()))
        yield from point_problems(wheel.read(points).decode())


def metadata_problems(metadata: email.message.Message) -> Iterator[str]:
    wanted = PROJECT["project"]
    pairs = {
        "Name": wanted["name"],
        "Version": wanted["version"],
        "Requires-Python": wanted["requires-python"],
        "License-Expression": wanted["license"],
        "Summary": wanted["description"],
    }
    for field, value in pairs.items():
        if metadata[field] != value:
            yield f"metadata: {field} is {metadata[field]!r} and not {value!r}"
    if metadata["Description-Content-Type"] is None or "# Seatrial" not in str(metadata.get_payload()):
        yield "metadata: the README is not in it"
    extras = set(metadata.get_all("Provides-Extra") or ())
    if extras != set(wanted["optional-dependencies"]):
        yield f"metadata: its extras are {sorted(extras)}"


def point_problems(text: str) -> Iterator[str]:
    points = configparser.ConfigParser()
    points.read_string(text)
    wanted = {"console_scripts": PROJECT["project"]["scripts"], **PROJECT["project"]["entry-points"]}
    for group, named in wanted.items():
        if not points.has_section(group) or dict(points[group]) != named:
            yield f"entry points: {group} is not {named}"


def sdist_problems(path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    include = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    for name in sorted({name for folder in include for name in tracked(folder)} - names):
        yield f"sdist: {name} is missing"
    yield from (f"sdist: {name} does not belong into a release" for name in sorted(names) if STRAY.search(name))


def version_problems() -> Iterator[str]:
    """The version stands in three places."""
    version = PROJECT["project"]["version"]
    source = (ROOT / "harness" / "seatrial" / "__init__.py").read_text(encoding="utf-8")
    if f'__version__ = "{version}"' not in source:
        yield f"version: seatrial.__version__ is not {version}"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if f"## [{version}]" not in changelog and f"What will be {version}" not in changelog:
        yield f"version: CHANGELOG.md knows no {version}"


# ---------------------------------------------------------------------- what it brings along
def installed(folder: Path, wheel: Path) -> Path:
    """The interpreter of an environment with the wheel and all of its extras."""
    uv("venv", "-q", "--python", sys.executable, folder)
    uv("pip", "install", "-q", "--python", folder / "bin" / "python", f"{wheel}[all]")
    return folder / "bin" / "python"


def bill_of_materials(python: Path) -> tuple[list[str], int]:
    """Problems, and how many components build/release/sbom.json lists (CycloneDX, validated by its schema)."""
    file = RELEASE / "sbom.json"
    options = ("--pyproject", ROOT / "pyproject.toml", "--mc-type", "library", "--of", "JSON", "--validate", "-o", file)
    done = tool("cyclonedx-py", "environment", python, *options)
    if done.returncode:
        return [f"SBOM: {done.stderr.strip()[-1000:]}"], 0
    document = json.loads(file.read_text(encoding="utf-8"))
    names = {component["name"].lower() for component in document["components"]}
    required = {re.split(r"[\[>=<~! ]", one, maxsplit=1)[0].lower() for one in PROJECT["project"]["dependencies"]}
    return [f"SBOM: {name} is not in it" for name in sorted(required - names)], len(names)


def vulnerabilities(python: Path) -> tuple[list[str], str]:
    """Known ones in what a release brings along; and a sentence, not proved where nobody could be asked."""
    return audited("--path", next((python.parent.parent / "lib").glob("python*/site-packages")))


def locked_vulnerabilities() -> tuple[list[str], str]:
    """The same of constraints.txt, with which the project is developed."""
    known, said = audited("--no-deps", "--disable-pip", "-r", ROOT / "constraints.txt")
    return [f"constraints.txt: {one}" for one in known], f"constraints.txt: {said}"


def audited(*what: str | Path) -> tuple[list[str], str]:
    done = tool("pip-audit", *what, "--format", "json", "--progress-spinner", "off", "--timeout", "15")
    try:
        asked = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return [], f"vulnerabilities: not proved: pip-audit could not ask ({last[:160]})"
    return judged(asked)


def judged(asked: list[dict[str, Any]]) -> tuple[list[str], str]:
    """What pip-audit's answer comes to. An index that does not know a package says nothing of it: not proved."""
    known = [
        f"vulnerabilities: {one['name']} {one['version']}: {', '.join(found['id'] for found in one['vulns'])}"
        for one in asked
        if one.get("vulns")
    ]
    unknown = [one for one in asked if "skip_reason" in one and one["name"] != "seatrial"]
    answered = len(asked) - len([one for one in asked if "skip_reason" in one])
    said = f"vulnerabilities: {answered} packages looked up, {len(known)} with known ones"
    if unknown:
        said += f"; not proved for {len(unknown)} others ({unknown[0]['skip_reason'][:160]})"
    return known, said


def main() -> int:
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    make_tools()
    sdist, wheel = sorted(wheel_job.built(RELEASE, "sdist", "wheel"), key=lambda path: path.suffix == ".whl")
    problems = [*version_problems(), *wheel_problems(wheel, expected_in_wheel()), *sdist_problems(sdist)]
    checked = tool("twine", "check", "--strict", sdist, wheel)
    if checked.returncode:
        problems.append(f"twine: {checked.stdout.strip()}")
    with tempfile.TemporaryDirectory(prefix="seatrial-release-") as folder:
        python = installed(Path(folder) / "venv", wheel)
        missing, components = bill_of_materials(python)
        known, said = vulnerabilities(python)
    locked, of_the_lock = locked_vulnerabilities()
    problems += missing + known + locked
    for problem in problems:
        print(problem)
    print(said)
    print(of_the_lock)
    print(f"release job: {wheel.name}, {sdist.name}, sbom.json with {components} components")
    print(f"release job: {len(problems)} problems" if problems else "release job: nothing wrong")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
