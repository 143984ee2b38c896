"""What the release check would notice. The check itself, on real archives, is `make release-check`."""

import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from docs.pages import ROOT, job

release: Any = job("release_job")


def wheel(path: Path, names: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return path


def test_every_suite_and_every_rule_s_page_belongs_into_the_wheel() -> None:
    expected = release.expected_in_wheel()
    assert expected["seatrial/py.typed"] == "harness/seatrial/py.typed"
    assert expected["seatrial/shipped/rules/SQL001.md"] == "docs/rules/SQL001.md"
    assert expected["seatrial/shipped/ci/monitor/alerts.yml"] == "ci/monitor/alerts.yml"
    assert not [name for name in expected if "/tests/" in name]


def test_what_is_wrong_with_a_wheel_is_named(tmp_path: Path) -> None:
    license_ = (ROOT / "LICENSE").read_bytes()
    path = wheel(
        tmp_path / "seatrial.whl",
        {
            "seatrial/a.py": license_,
            "seatrial/b.py": b"changed",
            "seatrial/left.py": b"",
            "seatrial/__pycache__/a.pyc": b"",
            "seatrial-0.dist-info/WHEEL": b"",
        },
    )
    expected = {"seatrial/a.py": "LICENSE", "seatrial/b.py": "LICENSE", "seatrial/c.py": "LICENSE"}
    assert list(release.wheel_problems(path, expected)) == [
        "wheel: seatrial/c.py is missing",
        "wheel: seatrial/__pycache__/a.pyc is in no commit",
        "wheel: seatrial/left.py is in no commit",
        "wheel: seatrial/b.py is not what stands in LICENSE",
        "wheel: seatrial/py.typed is missing",
        "wheel: seatrial/__pycache__/a.pyc does not belong into a release",
        "wheel: it has no METADATA or no entry_points.txt",
    ]


def test_metadata_and_entry_points_are_held_against_the_project() -> None:
    metadata = Message()
    metadata["Name"] = "seatrial"
    metadata["Version"] = "9.9"
    said = list(release.metadata_problems(metadata))
    assert "metadata: Version is '9.9' and not '0.1.0'" in said
    assert "metadata: the README is not in it" in said
    assert "metadata: its extras are []" in said
    assert not [line for line in said if "Name" in line]
    [first, *_] = release.point_problems("[console_scripts]\nseatrial = elsewhere:main\n")
    assert first.startswith("entry points: console_scripts is not")


def test_version_is_the_same_in_its_three_places() -> None:
    assert list(release.version_problems()) == []


@pytest.mark.parametrize(
    ("asked", "known", "said"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], [], "1 packages looked up, 0 with known ones"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}],
            ["vulnerabilities: a 1: CVE-1, CVE-2"],
            "1 packages looked up, 1 with known ones",
        ),
        (
            [{"name": "a", "skip_reason": "no such package"}, {"name": "seatrial", "skip_reason": "not on PyPI"}],
            [],
            "0 packages looked up, 0 with known ones; not proved for 1 others (no such package)",
        ),
    ],
)
def test_a_package_that_nobody_knows_is_not_clean(asked: list[dict[str, Any]], known: list[str], said: str) -> None:
    assert release.judged(asked) == (known, f"vulnerabilities: {said}")
