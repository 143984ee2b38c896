"""The tutorial, walked: its commands and its edit, in an empty virtual environment, on the legacy example app.

What the reader has of their own is replaced: the app, the package index (by the wheel of this checkout), and the
fingerprint of the finding that is looked at. Everything else is taken from the page as it stands.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from docs.pages import ROOT, Block, blocks, job

PAGE = [block for block in blocks("console", "toml") if block.page == "docs/tutorial.md"]
STEPS = (
    ("pip install 'seatrial[all]'", 0),
    ("seatrial init --app shop:create_app", 0),
    ("[tool.seatrial]", 0),
    ("[[tool.seatrial.identities]]", 0),
    ("export TRIAL_PASSWORD=sea-trial-pass", 0),
    ("seatrial check --static", 1),
    ("seatrial check --json seatrial.json", 1),
    ("seatrial explain SQL006", 0),
    ("seatrial check --replay 8978dcef", 1),
    ('seatrial baseline accept --all --reason "debt of the day we adopted Seatrial"', 0),
    ("seatrial check --json seatrial.json", 0),
    ("git add pyproject.toml .seatrial", 0),
    ("seatrial init --ci github", 0),
)
"""Each step of the page, by its first line, and the exit code that the page tells the reader to expect."""


def steps(block: Block) -> list[str]:
    return [block.text] if block.language == "toml" else [line.removeprefix("$ ") for line in block.text.splitlines()]


def test_page_has_the_steps_that_are_walked() -> None:
    written = [step.splitlines()[0] for block in PAGE for step in steps(block)]
    assert written == [first for first, _ in STEPS]


def test_finding_that_is_looked_at_is_explained_before() -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert text.index("seatrial explain SQL006") < text.index("seatrial check --replay")


class Reader:
    """Somebody with an app and an empty virtual environment, who does what the page says."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.app, self.venv, self.wheel = folder / "app", folder / "venv", wheel
        shutil.copytree(ROOT / "examples" / "stockroom", self.app, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        for name in ("legacy.toml", "repairs.toml"):
            (self.app / name).unlink()
        shutil.rmtree(self.app / "tests")  # the new app's; the legacy app never had any
        pyproject = self.app / "pyproject.toml"
        pyproject.write_text(re.split(r"^\[tool\.seatrial", pyproject.read_text(), maxsplit=1, flags=re.MULTILINE)[0])
        requirements = tomllib.loads(pyproject.read_text())["project"]["dependencies"]
        uv = Path(sys.executable).parent / "uv"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("CI", "PYTHONPATH", "VIRTUAL_ENV") and not name.startswith(("PYTEST", "COV"))
        } | {"PATH": f"{self.venv / 'bin'}:{os.environ['PATH']}", "COLUMNS": "120"}
        self.does([str(uv), "venv", "-q", "--seed", "--python", sys.executable, str(self.venv)])
        theirs = [one for one in requirements if not one.startswith("seatrial")]
        self.does(
            [
                str(uv),
                "pip",
                "install",
                "-q",
                "--compile-bytecode",
                "--python",
                str(self.venv / "bin" / "python"),
                *theirs,
            ]
        )
        self.does(["git", "init", "-q", "."])

    def does(self, command: list[str]) -> tuple[int, str]:
        done = subprocess.run(command, cwd=self.app, env=self.environment, capture_output=True, text=True, timeout=1500)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr

    def follows(self, step: str) -> tuple[int, str]:
        if step.startswith("["):
            self.edits(step.replace("shop.seeds:demo", "stockroom.seeds:seed"))
            return 0, ""
        step = step.replace("seatrial[all]", f"{self.wheel}[all]")
        step = step.replace("shop:create_app", "stockroom_legacy:create_legacy_app")
        if "--replay" in step:
            step = step.replace("8978dcef", self.finding("SQL006"))
        words = shlex.split(step)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.environment[name] = value
            return 0, ""
        return self.does(words)

    def edits(self, block: str) -> None:
        """A block whose table is there already adds its lines to it; another stands at the end."""
        path = self.app / "pyproject.toml"
        text = path.read_text()
        table = block.splitlines()[0] + "\n"
        path.write_text(text.replace(table, block, 1) if f"\n{table}" in text else f"{text}\n{block}")

    def result(self) -> dict[str, object]:
        read: dict[str, object] = json.loads((self.app / "seatrial.json").read_text())
        return read

    def finding(self, rule: str) -> str:
        findings = self.result()["findings"]
        assert isinstance(findings, list)
        return next(str(one["fingerprint"])[:8] for one in findings if one["rule"] == rule)


@pytest.mark.matrix
def test_tutorial_reaches_a_verdict(tmp_path: Path) -> None:
    (wheel,) = job("wheel_job").built(tmp_path / "dist", "wheel")
    reader = Reader(tmp_path, wheel)
    codes = []
    verdicts = []
    for block in PAGE:
        for step in steps(block):
            code, said = reader.follows(step)
            first = step.splitlines()[0]
            codes.append((first, code))
            assert (first, code) == STEPS[len(codes) - 1], said[-4000:]
            if "--json" in step:
                verdicts.append(reader.result()["verdict"])
                assert f"exit {code}" in said
    assert verdicts == ["fail", "pass"]
    assert (reader.app / ".github" / "workflows" / "seatrial.yml").is_file()
    rows = reader.result()["routes"]
    assert isinstance(rows, list)
    assert "owner" in {row["identity"] for row in rows}  # the edit of step 3 worked
    where = reader.does([str(reader.venv / "bin" / "python"), "-c", "import seatrial; print(seatrial.__file__)"])[1]
    assert str(reader.venv) in where
