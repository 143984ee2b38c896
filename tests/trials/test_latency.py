"""A page that is slow is proved slow, however slow it is."""

from pathlib import Path

from support import project

from seatrial.config import load
from seatrial.model.outcomes import Outcome
from seatrial.model.profiles import Profile
from seatrial.model.rules import Context
from seatrial.rules import lat
from seatrial.trials.latency import FEWEST
from seatrial.trials.opening import open_run, prepare
from seatrial.trials.pilot import Pilot

SHOP = """
    import time

    from flask import Flask

    def create_app(config=None):
        app = Flask(__name__)
        app.config.update(config or {})

        @app.get("/")
        def index():
            time.sleep(0.3)
            return "at last"

        return app
    """
PATIENCE = "[tool.seatrial.deadlines]\nrequest_s = 0.5"


def test_so_many_calls_are_made_that_a_median_has_bounds(tmp_path: Path) -> None:
    settings = load(project(tmp_path, {"shop.py": SHOP}, top='hot = ["GET /"]', more=PATIENCE))
    with open_run(settings) as run:
        route = prepare(run, Profile.SWEEP).by_key("GET / index")
        found = Pilot(run).timings(route, "anonymous")
    assert len(found.calls_ms) == FEWEST == lat.smallest_median()
    judgement = lat.response_time(found, Context(limits=settings.limits, hot=frozenset(settings.hot)))
    assert judgement.outcome is Outcome.FAIL
