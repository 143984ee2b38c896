#!/usr/bin/env python3
"""What `seatrial.monitor` costs a production app: requests per second of a route with ten ORM statements.

    python -m benchmarks.monitor [--rounds 150] [--n 10] [--beside]

The route selects ten times five rows through Flask-SQLAlchemy and answers them as JSON; it is called through WSGI, in
the process. The same app without the monitor, with it, and with it and Prometheus, each in a forked process of its own
that works in turn with the others (the machinery of benchmarks/recorder.py): CPU time, medians of the ratios within a
round, on SQLite in memory and in a file. `--beside` shows what monitor/tally.py chose between: an empty pair of cursor
listeners, and the recorder of the trials.

Exit code 1 when the monitor, with or without Prometheus, takes more than 5 % of the requests per second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

import sqlalchemy as sa
from flask import Flask, Response, jsonify
from flask_sqlalchemy import SQLAlchemy
from prometheus_client import CollectorRegistry
from sqlalchemy import event
from sqlalchemy.engine import Engine
from werkzeug.test import create_environ

from benchmarks.recorder import Loops, Values, Worker, take_turns
from seatrial.monitor import Monitor
from seatrial.observe import statements

LIMIT = 0.05
STATEMENTS, ROWS = 10, 5
BARE, OURS, PROMETHEUS = "without", "monitor", "monitor, Prometheus"
PAIR, RECORDER = "empty listener pair", "recorder of the trials"
JUDGED = (OURS, PROMETHEUS)
BESIDE = (PAIR, RECORDER)
WORKLOADS = ("memory", "file")


def make_app(url: str) -> Flask:
    app = Flask("benchmark")
    app.config.update(SQLALCHEMY_DATABASE_URI=url)
    db = SQLAlchemy(app)

    class Item(db.Model):  # type: ignore[name-defined, misc]
        id = db.Column(db.Integer, primary_key=True)
        shelf = db.Column(db.Integer, index=True)
        name = db.Column(db.String(40))

    @app.get("/items")
    def items() -> Response:
        chosen = [sa.select(Item).where(Item.shelf == shelf) for shelf in range(STATEMENTS)]
        return jsonify([item.name for statement in chosen for item in db.session.scalars(statement)])

    with app.app_context():
        db.create_all()
        db.session.add_all([Item(shelf=n // ROWS, name=f"n{n}") for n in range(2 * STATEMENTS * ROWS)])
        db.session.commit()
    return app


def start(configuration: str, app: Flask) -> None:
    if configuration == OURS:
        Monitor(app, token="a-token-of-the-benchmark")
    elif configuration == PROMETHEUS:
        Monitor(app, token="a-token-of-the-benchmark", prometheus=True, registry=CollectorRegistry())
    elif configuration == PAIR:
        event.listen(Engine, "before_cursor_execute", lambda *sent: (sent[2], sent[3]), retval=True)
        event.listen(Engine, "after_cursor_execute", lambda *_: None)
    elif configuration == RECORDER:
        inner = app.wsgi_app

        def recorded(environ: Any, start_response: Any) -> Any:
            with statements.record():
                return inner(environ, start_response)

        statements.install(follow_threads=False)
        app.wsgi_app = recorded  # type: ignore[method-assign]


def prepare(configuration: str) -> tuple[Loops, Any]:
    folder = tempfile.TemporaryDirectory(prefix="seatrial-bench-")
    urls = {"memory": "sqlite://", "file": f"sqlite:///{Path(folder.name) / 'items.sqlite'}"}
    environ = create_environ("/items")
    loops: Loops = {}
    for workload in WORKLOADS:
        app = make_app(urls[workload])
        start(configuration, app)

        def loop(count: int, app: Flask = app) -> float:
            started = process_time()
            for _ in range(count):
                body = app(dict(environ), lambda *_: lambda _: None)
                for _chunk in body:
                    pass
                body.close()  # type: ignore[attr-defined]
            return process_time() - started

        loop(50)
        loops[workload] = loop
    return loops, folder


def run(rounds: int, n: int, beside: bool = False) -> Values:
    configurations = (BARE, *JUDGED, *(BESIDE if beside else ()))
    workers = {configuration: Worker(configuration, prepare) for configuration in configurations}
    for configuration, worker in workers.items():
        if reason := worker.ready():
            raise SystemExit(f"BROKEN  {configuration}: {reason}")
    return take_turns(workers, WORKLOADS, rounds, n)


def loss(measured: dict[str, list[float]], configuration: str) -> float:
    """Share of the requests per second that are lost: median of the ratios within a round."""
    pairs = zip(measured[BARE], measured[configuration], strict=True)
    return 1 - statistics.median(bare / ours for bare, ours in pairs)


def judge(values: Values) -> int:
    """Print what was measured and how the limit ended; the exit code."""
    print(f"CPU µs per request, {STATEMENTS} ORM statements, SQLAlchemy {sa.__version__}\n")
    print("| configuration | memory | requests/s | file | requests/s |")
    print("|---|---|---|---|---|")
    for configuration in next(iter(values.values())):
        cells = [configuration]
        for measured in values.values():
            cells += [f"{statistics.median(measured[configuration]):.0f}", f"{-loss(measured, configuration):+.1%}"]
        print("| " + " | ".join(cells) + " |")
    print()
    missed = False
    for configuration in JUDGED:
        for workload, measured in values.items():
            lost = loss(measured, configuration)
            missed |= lost > LIMIT
            word = "MISSED" if lost > LIMIT else "held"
            print(f"{word}  {configuration}, {workload}: {lost:.1%} fewer requests per second, limit {LIMIT:.0%}")
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=150)
    parser.add_argument("--n", type=int, default=10, help="requests per turn")
    parser.add_argument("--beside", action="store_true", help="measure the alternatives too")
    options = parser.parse_args()
    return judge(run(options.rounds, options.n, options.beside))


if __name__ == "__main__":
    sys.exit(main())
