"""What locust runs: senders of an open loop, told by the plan that `seatrial load` writes.

A team's own locustfiles can be given to locust beside this one (`-f locustfile.py,theirs.py`, or `seatrial load
--users theirs.py`): their tasks then come in the same open loop.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from locust import events

from seatrial.load.conductor import Conductor
from seatrial.load.plan import VARIABLE, Plan

if VARIABLE not in os.environ:
    raise SystemExit(f"{VARIABLE} is not set: this file is run by `seatrial load URL`, see docs/load.md")

conductor = Conductor(Plan.read(Path(os.environ[VARIABLE])))
if conductor.plan.tasks:
    SeatrialUser = conductor.generated()


@events.init.add_listener
def begin(environment: Any, **_: Any) -> None:
    conductor.attach(environment)
