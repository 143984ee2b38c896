"""What the process of the guards imports, and when: a start is felt with every run."""

import json
import subprocess
import sys

import pytest

LIBRARIES = ["flask", "werkzeug", "alembic", "sqlalchemy.orm", "sqlalchemy.dialects.postgresql", "rich"]


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        pytest.param("seatrial.plugin.guards", [*LIBRARIES, "seatrial.trials.pilot"], id="before the hosts start"),
        pytest.param("seatrial.trials.pilot, seatrial.plugin.guarding", LIBRARIES, id="while they start"),
    ],
)
def test_the_guards_leave_the_apps_libraries_to_the_hosts(imported: str, absent: list[str]) -> None:
    program = f"import json, sys, {imported}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout)
    assert imported.split(",")[0] in modules
    assert [name for name in absent if name in modules] == []
