"""Ties an open loop to locust: its events, the reports between processes, the end of the run and the result file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import gevent
import locust.runners
from locust import FastHttpUser
from locust.runners import MasterRunner, WorkerRunner

from seatrial.load import senders
from seatrial.load.open_loop import OpenLoop, fine_buckets
from seatrial.load.plan import Plan
from seatrial.load.tally import Tally

REPORT_S = 1.0
"""Between two reports of a worker; locust's own default is 3."""
START_S = 60.0
"""For starting the senders and logging in, beyond which the run is ended."""


class Conductor:
    """One per process of the generator."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loop = OpenLoop(plan)
        self.total = Tally()
        """Of all processes; filled on the master, or where there is but one."""
        self._ended: set[str] = set()
        self._written = False
        fine_buckets()
        locust.runners.WORKER_REPORT_INTERVAL = REPORT_S

    def generated(self) -> type[FastHttpUser]:
        """The user class that sends the plan's tasks."""
        return senders.generated(self.loop, weight=max(1, round(sum(task.weight for task in self.plan.tasks))))

    def attach(self, environment: Any) -> None:
        """Called once locust knows its user classes and what kind of process it is."""
        for user_class in environment.user_classes:
            if not hasattr(user_class, "arrive"):
                senders.adopt(self.loop, user_class)
        events = environment.events
        events.quitting.add_listener(self._quitting)
        if isinstance(environment.runner, WorkerRunner):
            events.report_to_master.add_listener(self._report)
            return
        events.worker_report.add_listener(self._reported)
        events.test_start.add_listener(lambda **_: gevent.spawn(self._watch, environment))

    # ------------------------------------------------------------------ workers
    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data["seatrial"] = {"delta": self._delta(), "done": self.loop.done}

    def _delta(self) -> dict[str, Any]:
        delta = self.loop.tally.take()
        delta["cpu"] = [(f"{os.uname().nodename}:{os.getpid()}", share) for _, share in delta["cpu"]]
        return delta

    # ------------------------------------------------------------------ the master, or the only process
    def _reported(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        told = data.get("seatrial")
        if told is None:
            return
        self.total.merge(told["delta"])
        if told["done"]:
            self._ended.add(client_id)

    def _watch(self, environment: Any) -> None:
        """End the run when everybody is done, or when nobody can be waited for any longer."""
        runner, plan = environment.runner, self.plan
        patience = gevent.Timeout(START_S + plan.warm_up_s + plan.duration_s + plan.timeout_s + 5 * REPORT_S)
        patience.start()
        try:
            while not self._over(runner):
                gevent.sleep(0.1)
        except gevent.Timeout as late:
            if late is not patience:
                raise
            self.total.problems.append("the generator did not come to an end in time and was stopped")
        finally:
            patience.close()
        self._write(runner)
        if environment.web_ui is None:
            runner.quit()

    def _over(self, runner: Any) -> bool:
        if self.total.mistakes or self.loop.tally.mistakes:
            return True
        if not isinstance(runner, MasterRunner):
            return self.loop.done
        missing = [client.id for client in runner.clients.values() if client.state == "missing"]
        gone = [identity for identity in missing if identity not in self._ended]
        for identity in gone:
            sentence = f"worker {identity} was lost: it was killed, or its machine or network failed"
            if sentence not in self.total.problems:
                self.total.problems.append(sentence)
        return len(self._ended) + len(gone) >= self.plan.workers

    def _quitting(self, environment: Any, **_: Any) -> None:
        if isinstance(environment.runner, WorkerRunner) or environment.runner is None:
            return
        self._write(environment.runner)
        environment.process_exit_code = 0  # the verdict is `seatrial load`'s, not that of one failed request

    def _write(self, runner: Any) -> None:
        """The result as JSON; once, however the run ended."""
        if self._written:
            return
        self._written = True
        distributed = isinstance(runner, MasterRunner)
        if not distributed:
            self.total.merge(self._delta())
        ended = len(self._ended) if distributed else int(self.loop.done)
        part = Path(f"{self.plan.result}.part")
        part.write_text(json.dumps({"delta": self.total.take(), "ended": ended}))
        part.replace(self.plan.result)
