"""Service calls of a small Flask app, sound and leaking: nine as published leak detectors were tried on, ten others.

    python -m benchmarks.leak_scenarios NAME     prints what the guard says of one, as JSON

Each runs in a process of its own: what one has left behind must not be seen by the next.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import functools
import json
import logging
import os
import random
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import Any

import blinker
import sqlalchemy as sa
from flask import Flask, jsonify, render_template_string
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

from seatrial.observe.callsite import CallSites
from seatrial.observe.memory import grow
from seatrial.rules import mem

KEPT: list[Any] = []
BY_KEY: dict[Any, Any] = {}
RING: collections.deque[Any] = collections.deque(maxlen=200)
SIGNAL = blinker.Signal()
LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p


# ---------------------------------------------------------------------- sound
def clean(_: int) -> None:
    pass


def clean_cycle(_: int) -> None:
    cycle: list[Any] = ["c" * 500]
    cycle.append(cycle)


@functools.lru_cache(maxsize=128)
def _remembered(n: int) -> dict[str, Any]:
    return {"n": n, "text": "y" * 300 + str(n)}


def clean_lru(n: int) -> None:
    _remembered(n)


def clean_ring(n: int) -> None:
    RING.append({"n": n, "text": "q" * 400})


def clean_users(n: int) -> None:
    """One entry per user, and there are a hundred of them."""
    BY_KEY[f"user-{n % 100}"] = {"seen": n, "text": "u" * 200}


def clean_buffer(n: int) -> None:
    """A handler that collects thirty records and writes them."""
    KEPT.append("r" * 300 + str(n))
    if len(KEPT) >= 30:
        KEPT.clear()


def clean_sizes(_: int) -> None:
    """Answers of very different sizes."""
    BY_KEY["last"] = bytes(random.randrange(1, 200_000))


def clean_weak(n: int) -> None:
    class Listener:
        def heard(self, sender: Any) -> None:
            pass

    listener = Listener()
    SIGNAL.connect(listener.heard)
    weakref.finalize(listener, int, n)


# ---------------------------------------------------------------------- leaking
def leak_list(n: int) -> None:
    KEPT.append("z" * 1000 + str(n))


def leak_dict(n: int) -> None:
    BY_KEY[f"user-{n}"] = n


def leak_native(_: int) -> None:
    """As a C extension that forgets to free."""
    ctypes.memset(LIBC.malloc(2048), 1, 2048)


def leak_lru(n: int) -> None:
    _unbounded(n)


@functools.cache
def _unbounded(n: int) -> str:
    return f"page {n} " * 5


def leak_signal(n: int) -> None:
    """A receiver per call that is held strongly."""
    SIGNAL.connect(functools.partial(print, n), weak=False)


def leak_file(_: int) -> None:
    KEPT.append(open(os.devnull, "rb"))  # noqa: SIM115


def leak_thread(_: int) -> None:
    """A thread per call that waits for ever."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()


def leak_logger(n: int) -> None:
    """A logger per call: the logging module keeps each for ever; no line of the app allocates it."""
    logging.getLogger(f"request.{n}")


def leak_bytes(_: int) -> None:
    """One object that grows, by a little."""
    BY_KEY.setdefault("log", bytearray()).extend(b"l" * 100)


class App:
    """The scenarios that need more than a call."""

    def __init__(self, name: str, database: str) -> None:
        self.name = name
        self.count = 0
        engine = sa.create_engine(f"sqlite:///{database}", poolclass=NullPool)
        self.sessions = sessionmaker(engine)
        with engine.begin() as connection:
            connection.execute(sa.text("create table t(id integer primary key, v text)"))
            connection.execute(sa.text("insert into t(v) values (:v)"), [{"v": "x" * 50} for _ in range(50)])
        self.flask = Flask(__name__)
        self.flask.add_url_rule("/call", view_func=self.view)

    def view(self) -> Any:
        self.count += 1
        session = self.sessions()
        rows = session.execute(sa.text("select id, v from t limit 10")).all()
        if self.name == "leak_session":
            KEPT.append(session)  # never closed, and still referenced: holds its connection
        else:
            session.close()
        if self.name == "leak_handler":
            self.flask.logger.handlers.append(logging.NullHandler())
        PARTS.get(self.name, clean)(self.count)
        return jsonify(rows=[{"id": r.id, "v": r.v} for r in rows], html=render_template_string("<b>{{ x }}</b>", x=1))


SOUND = (clean, clean_cycle, clean_lru, clean_ring, clean_users, clean_buffer, clean_sizes, clean_weak)
LEAKING = (
    leak_list, leak_dict, leak_native, leak_lru, leak_signal, leak_file, leak_thread, leak_logger, leak_bytes,
)  # fmt: skip
PARTS: dict[str, Callable[[int], None]] = {function.__name__: function for function in (*SOUND, *LEAKING)}
PUBLISHED = (
    "clean", "clean_cycle", "clean_lru", "clean_ring", "leak_list", "leak_dict", "leak_handler", "leak_session",
    "leak_native",
)  # fmt: skip
"""The nine that detectors were compared on; the limits were set after seeing them."""
ALL = (*PARTS, "leak_session", "leak_handler")


def judged(name: str) -> dict[str, Any]:
    """What the guard says of one scenario."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SystemExit):
        client = App(name, os.path.join(folder, "app.db")).flask.test_client()

        def call() -> None:
            assert client.get("/call").status_code == 200

        trial = grow(name, call, CallSites(os.path.dirname(os.path.abspath(__file__))).at)
        judgement = mem.leak(trial)
        return {
            "outcome": judgement.outcome.value,
            "grows": [name for f in judgement.findings for name in f.evidence["grows"]],
            "lines": [f"{line.place.path}:{line.place.line} {line.place.text.strip()}" for line in trial.lines],
            "series": {series.name: series.per_call for series in trial.series},
            "calls": trial.calls,
            "reason": judgement.reason,
        }
    raise AssertionError("not reached")


if __name__ == "__main__":
    print(json.dumps(judged(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)  # threads of a scenario wait for ever
