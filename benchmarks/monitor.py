#!/usr/bin/env python3
"""What `seatrial.monitor` costs a production app: requests per second of a route with ten ORM statements.

    python -m benchmarks.monitor [--rounds 80] [--n 6] [--beside]

The route selects ten times five rows through Flask-SQLAlchemy and answers them as JSON; it is called through WSGI, in
the process, on SQLite in memory and in a file. Every configuration has a forked process of its own, and they work in
turn (the machinery of benchmarks/recorder.py). Each process holds the app twice, with and without, and asks them
alternately: what is reported is the CPU time that a request with it takes more than the one beside it. Processes
compared with each other, tried first, differed by 4 to 10 % with the same app in both: where the system puts a process
matters more than what is measured. (The app without it shares the monitor's listeners, which find no open tally and
return: 0.2 µs per statement.)

`--beside` shows what monitor/tally.py chose between: an empty pair of cursor listeners, and the recorder of the trials.

Exit code 1 when the monitor, with or without Prometheus, takes more than 5 % of the requests per second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from time import process_time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask, Response, jsonify
from flask_sqlalchemy import SQLAlchemy
from prometheus_client import CollectorRegistry
from sqlalchemy import event
from werkzeug.test import create_environ

from benchmarks.recorder import Loops, Values, Worker, take_turns
from seatrial.monitor import Monitor
from seatrial.observe import statements

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LIMIT = 0.05
STATEMENTS, ROWS = 10, 5
OURS, PROMETHEUS = "monitor", "monitor, Prometheus"
SAME, PAIR, RECORDER = "nothing", "empty listener pair", "recorder of the trials"
JUDGED = (OURS, PROMETHEUS)
BESIDE = (SAME, PAIR, RECORDER)
WORKLOADS = ("memory", "file")
WITHOUT = ", without"


def make_app(url: str) -> tuple[Flask, sa.Engine]:
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
        return app, db.engine


def start(configuration: str, app: Flask, engine: sa.Engine) -> None:
    if configuration == OURS:
        Monitor(app, token="a-token-of-the-benchmark")
    elif configuration == PROMETHEUS:
        Monitor(app, token="a-token-of-the-benchmark", prometheus=True, registry=CollectorRegistry())
    elif configuration == PAIR:
        event.listen(engine, "before_cursor_execute", lambda *sent: (sent[2], sent[3]), retval=True)
        event.listen(engine, "after_cursor_execute", lambda *_: None)
    elif configuration == RECORDER:
        # on this engine alone, not on all: the app beside it has to stay without
        event.listen(engine, "before_cursor_execute", statements._before, retval=True)
        event.listen(engine, "after_cursor_execute", statements._after)
        inner = app.wsgi_app

        def recorded(environ: Any, start_response: Any) -> Any:
            with statements.Recording().resume():
                return inner(environ, start_response)

        app.wsgi_app = recorded  # type: ignore[method-assign]


def request(app: Flask, environ: WSGIEnvironment) -> float:
    """CPU seconds of one request, its body read and closed."""
    started = process_time()
    body = app(environ, lambda *_: lambda _: None)
    for _ in body:
        pass
    body.close()  # type: ignore[attr-defined]
    return process_time() - started


def prepare(configuration: str) -> tuple[Loops, Any]:
    """Loops of pairs: one for what is added, one for the app without it."""
    folder = tempfile.TemporaryDirectory(prefix="seatrial-bench-")
    loops: Loops = {}
    for workload in WORKLOADS:
        urls = ("sqlite://",) * 2 if workload == "memory" else [f"sqlite:///{folder.name}/{n}.sqlite" for n in "ab"]
        bare, _ = make_app(urls[0])
        with_it, engine = make_app(urls[1])
        start(configuration, with_it, engine)
        loops[workload], loops[workload + WITHOUT] = pairs(bare, with_it)
        loops[workload](30)
    return loops, folder


def pairs(bare: Flask, with_it: Flask) -> tuple[Callable[[int], float], Callable[[int], float]]:
    environ = create_environ("/items")

    def added(count: int) -> float:
        differences = []
        for number in range(count):
            if number % 2:
                first = request(bare, dict(environ))
                differences.append(request(with_it, dict(environ)) - first)
            else:
                first = request(with_it, dict(environ))
                differences.append(first - request(bare, dict(environ)))
        return count * statistics.median(differences)

    def alone(count: int) -> float:
        return count * statistics.median(request(bare, dict(environ)) for _ in range(count))

    return added, alone


def run(rounds: int, n: int, beside: bool = False) -> Values:
    workers = {name: Worker(name, prepare) for name in (*JUDGED, *(BESIDE if beside else ()))}
    for name, worker in workers.items():
        if reason := worker.ready():
            raise SystemExit(f"BROKEN  {name}: {reason}")
    return take_turns(workers, [workload + part for workload in WORKLOADS for part in ("", WITHOUT)], rounds, n)


def loss(values: Values, workload: str, configuration: str) -> float:
    """Share of the requests per second that are lost."""
    added, alone = (statistics.median(values[name][configuration]) for name in (workload, workload + WITHOUT))
    return added / (alone + added)


def judge(values: Values) -> int:
    """Print what was measured and how the limit ended; the exit code."""
    print(f"CPU µs per request, {STATEMENTS} ORM statements, SQLAlchemy {sa.__version__}\n")
    print("| with | memory | added | requests/s | file | added | requests/s |")
    print("|---|---|---|---|---|---|---|")
    for configuration in values[WORKLOADS[0]]:
        cells = [configuration]
        for workload in WORKLOADS:
            added, alone = (statistics.median(values[name][configuration]) for name in (workload, workload + WITHOUT))
            cells += [f"{alone:.0f}", f"{added:+.0f}", f"{-loss(values, workload, configuration):+.1%}"]
        print("| " + " | ".join(cells) + " |")
    print()
    missed = False
    for configuration in JUDGED:
        for workload in WORKLOADS:
            lost = loss(values, workload, configuration)
            missed |= lost > LIMIT
            word = "MISSED" if lost > LIMIT else "held"
            print(f"{word}  {configuration}, {workload}: {lost:.1%} fewer requests per second, limit {LIMIT:.0%}")
    return int(missed)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--n", type=int, default=6, help="requests per turn")
    parser.add_argument("--beside", action="store_true", help="measure the alternatives too")
    options = parser.parse_args()
    return judge(run(options.rounds, options.n, options.beside))


if __name__ == "__main__":
    sys.exit(main())
