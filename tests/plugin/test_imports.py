"""What the command and the guards import, and when: a start is felt with every run."""

import json
import subprocess
import sys

import pytest

from seatrial.cli import guards

LIBRARIES = ["flask", "werkzeug", "alembic", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "rich"]


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        pytest.param("seatrial.cli.check, seatrial.cli.work", ["pytest", "sqlalchemy", "flask"], id="the command"),
        pytest.param(
            "seatrial.plugin.guards", [*LIBRARIES, "sqlalchemy", "seatrial.trials.pilot"], id="before the hosts start"
        ),
        pytest.param("seatrial.trials.pilot, seatrial.plugin.guarding", LIBRARIES, id="while they start"),
    ],
)
def test_each_process_leaves_to_the_others_what_is_theirs(imported: str, absent: list[str]) -> None:
    program = f"import json, sys, {imported}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout)
    assert imported.split(",")[0] in modules
    assert [name for name in absent if name in modules] == []


def test_the_numbers_are_pytests() -> None:
    meant = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    assert meant == guards._FINISHED
