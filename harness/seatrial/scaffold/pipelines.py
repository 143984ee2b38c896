"""Jobs and fragments for the systems that run trials, from the templates that are shipped."""

import re
from dataclasses import dataclass
from pathlib import Path

from seatrial import suites
from seatrial.verdict.files import write_atomic

_WAY_OUT = "Copy the job by hand, or run `seatrial init --ci` where the checkout can be written."
_DEFAULT_PYTHON = "3.12"
SYSTEMS = {
    "github": (".github/workflows/seatrial.yml", "github.yml"),
    "gitlab": (".gitlab/seatrial.yml", "gitlab.yml"),
    "pre-commit": (".pre-commit-config.yaml", "pre-commit.yaml"),
    "make": ("seatrial.mk", "seatrial.mk"),
    "docker": ("Dockerfile.seatrial", "Dockerfile"),
    "kubernetes": ("seatrial-smoke.yml", "smoke-job.yml"),
}
"""System → the file that is written, and the template of it."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One job for one system."""

    system: str
    root: Path

    @property
    def path(self) -> Path:
        return self.root / SYSTEMS[self.system][0]

    @property
    def template(self) -> Path:
        return suites.path("ci") / "templates" / SYSTEMS[self.system][1]

    def write(self) -> bool:
        """Write the job; a file that is there already is the team's own and stays.

        Raises:
            ConfigurationError: The place cannot be written.
        """
        if self.path.exists():
            return False
        template = self.template.read_text(encoding="utf-8")
        text = template.replace("@PYTHON@", python_version(self.root)).replace("@INSTALL@", install_command(self.root))
        write_atomic(self.path, text, way_out=_WAY_OUT)
        return True


def python_version(root: Path) -> str:
    """The Python that the project names, else a current one; never below what Seatrial needs."""
    for file, pattern in (
        (".python-version", r"^\s*(3\.\d+)"),
        ("runtime.txt", r"python-(3\.\d+)"),
        ("pyproject.toml", r"requires-python\s*=\s*[\"'][^\"']*?(3\.\d+)"),
    ):
        match = re.search(pattern, _text(root / file))
        if match:
            minor = max(int(match[1].partition(".")[2]), 11)
            return f"3.{minor}"
    return _DEFAULT_PYTHON


def install_command(root: Path) -> str:
    """How the app's requirements get into the job's environment."""
    for name in ("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt"):
        if (root / name).is_file():
            return f"pip install -r {name}"
    if (root / "Pipfile.lock").is_file():
        return "pip install pipenv && pipenv install --system --deploy"
    pyproject = _text(root / "pyproject.toml")
    if re.search(r"^\[(project|tool\.poetry)\]", pyproject, re.MULTILINE) or (root / "setup.py").is_file():
        return "pip install -e ."
    return "pip install -r requirements.txt"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
