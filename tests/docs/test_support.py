"""The table of supported versions says what the project's metadata and its jobs say."""

import re
import tomllib

from docs.pages import ROOT, job

PAGE = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ROWS = {line.split("|")[1].strip(): line.split("|")[2] for line in PAGE.splitlines() if line.count("|") == 4}


def least(name: str) -> str:
    return next(re.split("[>=]+", one)[1] for one in PROJECT["dependencies"] if re.match(rf"{name}[>=]", one))


def test_pythons_are_those_of_the_metadata_and_of_the_job() -> None:
    named = re.findall(r"3\.\d+", ROWS["Python"])
    classified = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d", one)]
    assert named == classified == list(job("versions_job").PYTHONS)
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_lowest_versions_are_those_that_are_required() -> None:
    assert ROWS["Flask"].strip().startswith(f"{least('flask')} ")
    assert ROWS["SQLAlchemy"].strip().startswith(f"{least('sqlalchemy')} ")
    assert ROWS["pytest"].strip().startswith(f"{least('pytest')} ")
