"""SQL008 in a real host: a line that reads objects at once is a doubt only where it ran."""

from pathlib import Path

import pytest
from rules.driver import IN_A_HOST, Specimen
from support import project

from seatrial.config import load
from seatrial.model.inventory import ANONYMOUS
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.rules.eager import unused_eager_load
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

DUMP = "def dump(order):\n    return len(vars(order))\n\n\n"


@pytest.mark.parametrize(
    ("shown", "outcome", "reason"),
    [
        ("order.number", Outcome.FAIL, ""),
        ("dump(order)", Outcome.NOT_PROVED, "flawed.py:15 reads the attributes of objects at once"),
    ],
)
def test_only_what_ran_is_a_doubt(tmp_path: Path, shown: str, outcome: Outcome, reason: str) -> None:
    source = Specimen("SQL008", "flawed").path.read_text()
    source = source.replace("class Order(", f"{DUMP}class Order(").replace("[order.number for", f"[{shown} for")
    root = project(tmp_path / "app", {"flawed.py": source}, config=IN_A_HOST.format(kind="flawed"))
    with open_run(load(root)) as run:
        route = prepare(run, Profile.SWEEP).by_key("GET /orders/ orders")
        visit = Pilot(run).visit(route, ANONYMOUS)
    judgement = unused_eager_load(visit.warm)
    assert judgement.outcome is outcome, judgement
    assert reason in judgement.reason
    assert [load.rows for load in visit.warm.eager] == [6]
