"""A finding of every family of the legacy app is found again by its fingerprint alone, and shown without a secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stockroom.runs import EXAMPLE, check, copy_to, table
from stockroom.test_flaws import applied, limiter_on

from seatrial.rules import registered

NO_TOOLS = ("--skip", "ruff,mypy,bandit,pytest")
FLAWED = {
    code[:3] for name in ("Blocking", "Warnings and information") for code, *_ in table(EXAMPLE / "FLAWS.md", name)
}
FAMILIES = sorted(FLAWED & {rule.family for rule in registered() if not rule.passive} - {"RTL"})
"""Those of the flaws that the example app has; its limiter is off."""
ASKED = {"SQL", "HDR", "CKE", "CSR", "ERR", "RTL", "SES", "RED", "OAU", "WHK", "IDM"}
"""Families that send something: the others read the built app."""
SECRETS = re.compile(r"\bIj[\w-]{20,}|\.ey|session=[^…<]|eyJ")
"""How tokens of Flask-WTF and cookies of Flask begin."""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    root = copy_to(tmp_path_factory.mktemp("legacy") / "stockroom")
    return root, check(root, "--config", "legacy.toml", *NO_TOOLS, expected=(1,))


@pytest.mark.matrix
@pytest.mark.parametrize("family", FAMILIES)
def test_one_of_each_family(family: str, legacy: tuple[Path, dict[str, Any]]) -> None:
    root, result = legacy
    finding = next(f for f in result["findings"] if f["rule"].startswith(family))
    shown(root, finding)


@pytest.mark.matrix
def test_a_limit_once_it_is_on(tmp_path: Path) -> None:
    root = applied(limiter_on(), tmp_path)
    result = check(root, "--config", "legacy.toml", "--only", "RTL003", *NO_TOOLS, expected=(1,))
    out = shown(root, result["findings"][0])
    assert "429; the body of the view was not entered" in out
    assert "203.0.113.77" in out


def shown(root: Path, finding: dict[str, Any]) -> str:
    """What a replay prints."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "seatrial", "check", ".", "--config", "legacy.toml"),
            *("--replay", finding["fingerprint"][:8], "--only", finding["rule"][:3]),
        ],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, (done.stdout[-2000:], done.stderr[-2000:])
    for said in (finding["rule"], finding["fingerprint"], "REPRODUCED"):
        assert said in done.stdout, said
    assert ("What was asked" in done.stdout) == (finding["rule"][:3] in ASKED)
    assert not SECRETS.search(done.stdout)
    return done.stdout
