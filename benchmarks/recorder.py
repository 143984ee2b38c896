#!/usr/bin/env python3
"""What the statement recorder costs: CPU microseconds per statement, beside an empty listener pair and its peers.

    python benchmarks/recorder.py [--rounds 100] [--n 150] [--strict] [--json FILE]

Each configuration lives in a forked process of its own. The parent lets them work in turn, a few milliseconds each,
every round in another order, so that a disturbance (neighbours on the machine, the clock of the processor)
hits all of them alike. The table shows medians of CPU time, and medians of the differences within one round: whole
runs one after the other, tried first, differed by more than the limits. SQLite in memory: the cheaper the statement,
the harder the comparison.

    core  Core primary-key SELECT on one Connection
    orm   session.execute(select(User).where(User.id == x)).scalar_one()

The loop runs inside a request to a Flask app, behind two decorators and three layers of services: some thirty frames
deep, as an app's own statements are. Exit code 1 when a limit is missed: ours at most 4 µs above the empty pair, and at
most 2 µs above the cheapest peer, per Core statement. Peers that are not installed leave the second limit **not
proved**: said in print, and exit code 1 with `--strict`. benchmarks/README.md says how to get them without touching the
project's environment.
"""

import argparse
import contextlib
import functools
import importlib
import io
import json
import os
import random
import statistics
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

DECORATORS, SERVICES = 2, 3
ROWS = 200
ABOVE_EMPTY_PAIR_US = 4.0
ABOVE_CHEAPEST_PEER_US = 2.0
REFERENCE_US = {"core": 13.6, "orm": 59.2}
"""A statement without any listener on the machine for which the limits were set."""

OURS = "seatrial"
REPEATS = "seatrial, repeats attributed"
EVERY = "seatrial, every statement attributed"
BARE = "no listener"
EMPTY = "empty pair"
PEERS = {
    # configuration -> modules that must be importable
    "queryspy": ["queryspy._recorder"],
    "queryspy, no stacks": ["queryspy._recorder"],
    "pytest-queryguard": ["pytest_queryguard", "pytest_queryguard.listeners"],
    "pytest-querycount": ["pytest_querycount.backends", "pytest_querycount.recorder"],
    "easy_profile": ["easy_profile"],
    "flask-sqlalchemy record_queries": ["flask", "flask_sqlalchemy"],
}
CONFIGURATIONS = [
    BARE,
    EMPTY,
    "seatrial, off",
    OURS,
    "seatrial, rows",
    REPEATS,
    EVERY,
    *PEERS,
]


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user_account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    posts: Mapped[list["Post"]] = relationship()


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey(User.id))


# ---------------------------------------------------------------------------------------------------- configurations
def start(configuration: str, engine: Engine) -> Any:
    """Switch a configuration on. Returns what has to stay alive."""
    if configuration == BARE or configuration.startswith("flask-sqlalchemy"):
        return None
    if configuration == EMPTY:
        event.listen(Engine, "before_cursor_execute", lambda *_: None)
        event.listen(Engine, "after_cursor_execute", lambda *_: None)
        return None
    if configuration.startswith(OURS):
        return start_ours(configuration)
    return start_peer(configuration, engine)


def start_ours(configuration: str) -> Any:
    from seatrial.observe import statements
    from seatrial.observe.attribution import attribution

    if configuration == "seatrial, off":
        return statements.install()
    scope = statements.record(
        rows=configuration == "seatrial, rows",
        attribute=attribution(Path(__file__).parent) if "attributed" in configuration else None,
        attributed=(1, sys.maxsize) if configuration == EVERY else (2, 6),
    )
    return scope, scope.__enter__()


def start_peer(configuration: str, engine: Engine) -> Any:
    if configuration.startswith("queryspy"):
        from queryspy._recorder import Recorder, start

        return start(Recorder(capture_stacks=configuration == "queryspy"))
    if configuration == "pytest-queryguard":
        from pytest_queryguard import listeners, record_queries

        listeners.install()
        scope = record_queries()
        return scope, scope.__enter__()
    if configuration == "pytest-querycount":
        from pytest_querycount import backends
        from pytest_querycount.recorder import Recorder

        backends.install_all()
        return backends.push(Recorder())
    if configuration == "easy_profile":
        from easy_profile import SessionProfiler

        profiler = SessionProfiler(engine)
        profiler.begin()
        return profiler
    raise ValueError(configuration)


def make_engine(configuration: str) -> Engine:
    if not configuration.startswith("flask-sqlalchemy"):
        return sa.create_engine("sqlite://", poolclass=StaticPool)
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask("benchmark")
    app.config.update(SQLALCHEMY_DATABASE_URI="sqlite://", SQLALCHEMY_RECORD_QUERIES=True)
    database = SQLAlchemy(app)
    app.app_context().push()
    return database.engine


# ---------------------------------------------------------------------------------------------------- measuring
WORKLOADS = ("core", "orm")


Loops = dict[str, Callable[[int], float]]
"""By workload: do a thing n times, give CPU seconds."""
Prepare = Callable[[str], tuple[Loops, Any]]
"""Sets a configuration up; gives its loops, and what has to stay alive."""


def prepare(configuration: str) -> tuple[Loops, Any]:
    """The loops of one configuration: n statements each."""
    engine = make_engine(configuration)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(User), [{"id": i, "name": f"n{i}"} for i in range(1, ROWS + 1)])
    kept = start(configuration, engine)
    core = sa.select(User.__table__).where(User.__table__.c.id == sa.bindparam("x"))
    orm = sa.select(User).where(User.id == sa.bindparam("x"))

    def run_core(count: int) -> float:
        with engine.connect() as connection:
            execute = connection.execute
            started = process_time()
            for i in range(count):
                execute(core, {"x": i % ROWS + 1}).fetchall()
            return process_time() - started

    def run_orm(count: int) -> float:
        with Session(engine) as session:
            started = process_time()
            for i in range(count):
                session.execute(orm, {"x": i % ROWS + 1}).scalar_one()
            return process_time() - started

    def run_lazy(count: int) -> float:
        with Session(engine) as session:
            users = session.scalars(sa.select(User).limit(count)).all()
            started = process_time()
            for user in users:
                len(user.posts)
            return process_time() - started

    loops: Loops = {
        "core": in_a_request(run_core),
        "orm": in_a_request(run_orm),
        "lazy": in_a_request(run_lazy),
    }
    for loop in loops.values():
        loop(ROWS)
    return loops, kept


def in_a_request(loop: Callable[[int], float]) -> Callable[[int], float]:
    """The same, run by a view."""
    app = Flask(__name__)
    took: list[float] = []

    def service(count: int, below: int = SERVICES) -> float:
        return loop(count) if below == 1 else service(count, below - 1)

    def view(count: int) -> str:
        took.append(service(count))
        return ""

    for _ in range(DECORATORS):
        view = functools.wraps(view)(functools.partial(_decorated, view))
    app.add_url_rule("/<int:count>", "view", view)
    client = app.test_client()

    def asked(count: int) -> float:
        client.get(f"/{count}")
        return took.pop()

    return asked


def _decorated(view: Callable[..., str], *arguments: Any, **named: Any) -> str:
    return view(*arguments, **named)


class Worker:
    """A forked process that holds one configuration and measures when asked. Imports are shared with the parent."""

    def __init__(self, configuration: str, prepare: Prepare = prepare) -> None:
        asked, self._ask = os.pipe()
        self._answer, answered = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                sys.stdout = io.StringIO()  # some peers print
                self._serve(configuration, prepare, asked, answered)
            finally:
                os._exit(0)
        os.close(asked)
        os.close(answered)
        self._answers = os.fdopen(self._answer)

    @staticmethod
    def _serve(configuration: str, prepare: Prepare, asked: int, answered: int) -> None:
        try:
            loops, kept = prepare(configuration)
            os.write(answered, b'"ready"\n')
            with os.fdopen(asked) as questions:
                for question in questions:
                    task = json.loads(question)
                    if task is None:
                        break
                    workload, n = task
                    loops[workload](min(n, 20))  # the processor's caches belong to the last worker
                    os.write(answered, f"{loops[workload](n) / n * 1e6}\n".encode())
            del kept
        except BaseException as error:
            os.write(answered, (json.dumps({"error": f"{type(error).__name__}: {error}"[:200]}) + "\n").encode())

    def ready(self) -> str:
        """Empty, or why this configuration cannot run."""
        answer = json.loads(self._answers.readline() or '{"error": "the process ended"}')
        return answer["error"] if isinstance(answer, dict) else ""

    def measure(self, workload: str, n: int) -> float:
        """CPU microseconds per turn of the loop."""
        os.write(self._ask, (json.dumps([workload, n]) + "\n").encode())
        answer = json.loads(self._answers.readline() or '{"error": "the process ended"}')
        if isinstance(answer, dict):
            raise RuntimeError(answer["error"])
        return float(answer)

    def end(self) -> None:
        # closing is not enough: workers forked later hold a copy of this pipe's end
        with contextlib.suppress(BrokenPipeError):
            os.write(self._ask, b"null\n")
        os.close(self._ask)
        os.waitpid(self.pid, 0)


def missing(configuration: str) -> str:
    """Import what a configuration needs, before the forks. Empty, or why it cannot run."""
    for module in PEERS.get(configuration, []):
        try:
            importlib.import_module(module)
        except ImportError as error:
            # a module of the peer itself: not installed; another: the peer cannot start here
            own = (error.name or "").partition(".")[0] == module.partition(".")[0]
            return "not installed" if own else f"cannot be imported: {error}"
        except Exception as error:
            return f"cannot be imported: {type(error).__name__}: {error}"
    return ""


Values = dict[str, dict[str, list[float]]]
"""CPU µs per turn of the loop, by workload, configuration and round."""


def run(
    rounds: int, n: int, configurations: Sequence[str], workloads: Iterable[str] = WORKLOADS
) -> tuple[Values, dict[str, str]]:
    """(values, reason by configuration that did not run)."""
    absent = {c: reason for c in configurations if (reason := missing(c))}
    workers: dict[str, Worker] = {}
    for configuration in configurations:
        if configuration not in absent:
            worker = Worker(configuration)
            if reason := worker.ready():
                absent[configuration] = reason
                worker.end()
            else:
                workers[configuration] = worker
    return take_turns(workers, tuple(workloads), rounds, n), absent


def take_turns(workers: dict[str, Worker], workloads: Sequence[str], rounds: int, n: int) -> Values:
    """Let the workers measure in turn and end them.

    Every round has an order of its own: in a fixed one, reversed every second time, the first and the last follow
    themselves and find their caches warm.
    """
    shuffle = random.Random(1).shuffle
    values: Values = {workload: {configuration: [] for configuration in workers} for workload in workloads}
    for _ in range(rounds):
        for workload in workloads:
            order = list(workers)
            shuffle(order)
            for configuration in order:
                values[workload][configuration].append(workers[configuration].measure(workload, n))
    for worker in workers.values():
        worker.end()
    return values


def above(values: dict[str, list[float]], configuration: str, base: str) -> float:
    """Median of the differences within a round, µs."""
    return statistics.median(a - b for a, b in zip(values[configuration], values[base], strict=True))


# ---------------------------------------------------------------------------------------------------- judging
def print_table(values: Values, absent: dict[str, str], configurations: Sequence[str]) -> None:
    print(f"CPU µs per statement, SQLAlchemy {sa.__version__}, Python {sys.version.split()[0]}\n")
    heads = [f" {workload} | above empty pair | ratio to no listener |" for workload in values]
    print("| configuration |" + "".join(heads))
    print("|---|" + "---|---|---|" * len(heads))
    for configuration in configurations:
        if configuration in absent:
            print(f"| {configuration} | {absent[configuration]} |" + " | | |" * (len(heads) - 1) + " | |")
            continue
        cells = [configuration]
        for measured in values.values():
            value = statistics.median(measured[configuration])
            ratio = value / statistics.median(measured[BARE])
            cells += [f"{value:.1f}", f"{above(measured, configuration, EMPTY):+.1f}", f"{ratio:.2f}x"]
        print("| " + " | ".join(cells) + " |")
    print()


def slower(measured: dict[str, list[float]], workload: str) -> float:
    """How many times slower this machine is than the one the limits in µs were set for; at least 1, so that they hold
    as they are on every machine that is as fast."""
    factor = max(1.0, statistics.median(measured[BARE]) / REFERENCE_US[workload])
    if factor > 1.0:
        print(
            f"limits × {factor:.2f}: a bare {workload} statement takes that many times {REFERENCE_US[workload]} µs here"
        )
    return factor


def judge(values: Values, absent: dict[str, str], strict: bool) -> int:
    """Print the limits and how they ended; the exit code."""
    core = values["core"]
    if not {BARE, OURS, EMPTY} <= set(core):
        print(f"BROKEN  {absent}")
        return 1
    factor = slower(core, "core")
    above_empty_pair, above_peer = ABOVE_EMPTY_PAIR_US * factor, ABOVE_CHEAPEST_PEER_US * factor
    difference = above(core, OURS, EMPTY)
    missed = difference > above_empty_pair
    print(f"{_word(missed)}  ours − empty pair: {difference:+.1f} µs, limit {above_empty_pair:+.1f} µs")
    peers = [name for name in PEERS if name in core]
    if peers:
        cheapest = min(peers, key=lambda name: statistics.median(core[name]))
        difference = above(core, OURS, cheapest)
        dearer = difference > above_peer
        missed |= dearer
        print(f"{_word(dearer)}  ours − {cheapest}: {difference:+.1f} µs, limit {above_peer:+.1f} µs")
    absentees = [name for name in PEERS if name not in core]
    if absentees:
        print(f"NOT PROVED  against peers that did not run: {', '.join(absentees)} (see benchmarks/README.md)")
    return 1 if missed or (strict and absentees) else 0


def _word(missed: bool) -> str:
    return "MISSED" if missed else "held"


Judge = Callable[[Values, dict[str, str], bool], int]


def measure(
    document: str | None, configurations: Sequence[str], judge: Judge, workloads: Iterable[str] = WORKLOADS
) -> int:
    """The command line of a benchmark on these configurations; the exit code."""
    parser = argparse.ArgumentParser(description=(document or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--n", type=int, default=150, help=f"statements per turn, at most {ROWS}")
    parser.add_argument("--strict", action="store_true", help="exit 1 also when a peer did not run")
    parser.add_argument("--json", metavar="FILE", help="write the medians here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    values, absent = run(options.rounds, min(options.n, ROWS), configurations, workloads)
    print_table(values, absent, configurations)
    if options.json:
        medians = {w: {c: statistics.median(v) for c, v in m.items()} for w, m in values.items()}
        Path(options.json).write_text(json.dumps({"medians_us": medians, "absent": absent}, indent=1))
    return judge(values, absent, options.strict)


if __name__ == "__main__":
    sys.exit(measure(__doc__, CONFIGURATIONS, judge))
