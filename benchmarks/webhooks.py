"""What it costs to break a webhook, on embedded PostgreSQL: per crash point, per schedule, and for a whole handler.

| limit | |
|---|---|
| a crash point, of one clean delivery with its reset and snapshot | 2.5 times |
| a schedule of two deliveries, of one clean delivery | 4 times |
| all deaths and errors of a handler with fifteen boundaries | 8 s |
| two hundred schedules | 40 s |

A clean delivery is what a child costs: fork, connection, request, end. The ratios are of one run on one machine.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import project  # noqa: E402

from seatrial.config import load  # noqa: E402
from seatrial.model import webhooks as faults  # noqa: E402
from seatrial.model.profiles import Profile  # noqa: E402
from seatrial.target import Target  # noqa: E402
from seatrial.trials.opening import open_run, prepare  # noqa: E402
from seatrial.trials.webhooks import breaking  # noqa: E402
from seatrial.trials.webhooks.stand import stand  # noqa: E402

HANDLER = "specified"
PATH, EVENT = "/webhook", "invoice.paid"
ROUNDS = 15
POINT_LIMIT, SCHEDULE_LIMIT, HANDLER_LIMIT_S, SCHEDULES_LIMIT_S = 2.5, 4.0, 8.0, 40.0
BOUNDARIES, SCHEDULES = 15, 200
"""What the limits in seconds are for; what was measured is scaled to it."""


def clean(target: Target) -> tuple[float, float]:
    """Inside the host: medians of (a clean delivery, the reset and snapshot around it), in seconds."""
    found = stand(target, PATH)
    found.reference(EVENT)
    message, keeper = found.message(EVENT), found.bench.keeper
    deliveries, rest = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        keeper.reset()
        sent = time.perf_counter()
        found.bench.send(found.work(message))
        received = time.perf_counter()
        keeper.delta()
        ended = time.perf_counter()
        deliveries.append(received - sent)
        rest.append(ended - received + sent - began)
    keeper.reset()
    return statistics.median(deliveries), statistics.median(rest)


def timed(work: Callable[[], faults.Broken]) -> tuple[float, faults.Broken]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def main() -> int:
    from faults.matrix import CONFIG, HANDLERS, NOT_UNIQUE

    from benchmarks.webhooks import clean as clean_in_host

    os.environ["PYTHONPATH"] = str(ROOT)  # the host finds what it is to run by the name of its module
    with tempfile.TemporaryDirectory() as folder:
        names = " ".join(NOT_UNIQUE)
        config = CONFIG.format(database="embedded", variant=HANDLER, not_unique=names, env="", more="")
        root = project(Path(folder) / "app", {}, config=config)
        shutil.copy(HANDLERS, root)
        with open_run(load(root)) as run:
            prepare(run, Profile.PROTECTION)
            delivery, rest = run.call(Profile.PROTECTION, clean_in_host, 120)

            def broken(family: str) -> tuple[float, faults.Broken]:
                return timed(
                    lambda: run.call(Profile.PROTECTION, breaking.broken, 700, PATH, EVENT, family, 600.0, "", 0)
                )

            deaths, died = broken(faults.DEATH)
            errors, failed = broken(faults.ERRORS)
            schedules, raced = broken(faults.RACE)
    convicted = [*died.convicted, *failed.convicted, *raced.convicted]
    assert not convicted
    point = deaths / died.tried
    schedule = schedules / raced.tried
    boundaries = len(died.boundaries)
    handler = (deaths + errors) * BOUNDARIES / boundaries
    rows = [
        ("a crash point / (clean + reset + snapshot)", point / (delivery + rest), POINT_LIMIT, "times"),
        ("a schedule / clean", schedule / delivery, SCHEDULE_LIMIT, "times"),
        (f"deaths and errors, {BOUNDARIES} boundaries", handler, HANDLER_LIMIT_S, "s"),
        (f"{SCHEDULES} schedules", schedule * SCHEDULES, SCHEDULES_LIMIT_S, "s"),
    ]
    print(f"clean delivery {1000 * delivery:.0f} ms, reset and snapshot {1000 * rest:.0f} ms, {boundaries} boundaries")
    missed = False
    for what, measured, limit, unit in rows:
        missed = missed or measured > limit
        print(f"{what:45s} {measured:6.2f} {unit:5s} (limit {limit:g}){'  MISSED' if measured > limit else ''}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
