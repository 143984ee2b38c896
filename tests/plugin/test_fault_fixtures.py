"""`webhook_trial` and `idempotency_trial` in a team's own tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from faults.matrix import CONFIG, HANDLERS, NOT_UNIQUE
from support import project

TESTS = """
    def test_duplicates(webhook_trial):
        evidence = webhook_trial("/webhook", event="invoice.paid", families=["duplicates", "death"])
        assert evidence["death"].tried == evidence["death"].planned > 0


    def test_elsewhere(webhook_trial):
        webhook_trial("/elsewhere", event="invoice.paid")


    def test_keys(idempotency_trial):
        idempotency_trial("POST /webhook")
"""


def run(tmp_path: Path, variant: str) -> str:
    config = CONFIG.format(database="sqlite", variant=variant, not_unique=" ".join(NOT_UNIQUE), env="", more="")
    root = project(tmp_path / variant, {"test_payments.py": TESTS}, config=config)
    shutil.copy(HANDLERS, root)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", "-rA"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.stdout + done.stderr


@pytest.mark.matrix
def test_a_sound_handler_passes_and_what_is_not_configured_fails_in_a_sentence(tmp_path: Path) -> None:
    told = run(tmp_path, "specified")
    assert "PASSED test_payments.py::test_duplicates" in told, told
    assert "webhook_trial: /elsewhere does not stand under [[tool.seatrial.webhooks]]" in told
    assert "idempotency_trial: POST /webhook does not stand under [[tool.seatrial.idempotency]]" in told
    assert "2 failed, 1 passed" in told


def test_a_flawed_handler_fails_with_its_findings(tmp_path: Path) -> None:
    told = run(tmp_path, "check_then_act")
    assert "FAILED test_payments.py::test_duplicates" in told, told
    assert "WHK003 event-lost: webhook /webhook: An event must have its effects once after a fault but" in told
    assert "invoice.paid was double-applied when the process died at boundary 8, after a commit" in told
