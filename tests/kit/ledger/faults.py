"""Faults at the boundaries of one delivery or retry, in a forked process, so that nothing of it survives a SIGKILL.

Boundaries are numbered as they are crossed: before every statement, before and after every commit, before and after
every mail, and before the answer.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from kit.ledger.shop import Shop

Kind = Literal["kill", "error", "count"]


@dataclass(frozen=True)
class Told:
    """What a forked process said before it ended: its answer, None if it was killed, and the boundaries it crossed."""

    answer: Any
    crossed: list[str]


def forked(
    shop: Shop, work: Callable[[], Any], kind: Kind = "count", at: frozenset[int] | set[int] = frozenset()
) -> Told:
    """Run `work` in a child; the faults happen at the numbers in `at`."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            crossed = _hooked(shop, kind, at, writing)
            answer = work()
            crossed("answer")
            os.write(writing, json.dumps({"answer": answer}).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        lines = [json.loads(line) for line in pipe]
    os.waitpid(child, 0)
    answers = [line["answer"] for line in lines if "answer" in line]
    return Told(answers[0] if answers else None, [line["crossed"] for line in lines if "crossed" in line])


def _hooked(shop: Shop, kind: Kind, at: frozenset[int] | set[int], writing: int) -> Callable[[str], None]:
    number = 0
    dialect = shop.engine.dialect
    failure = dialect.loaded_dbapi.OperationalError

    def crossed(name: str) -> None:
        nonlocal number
        number += 1
        os.write(writing, json.dumps({"crossed": name}).encode() + b"\n")
        if number not in at:
            return
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif name == "mail":
            raise ConnectionError("injected")
        elif name != "answer":
            raise failure("injected")

    def commit(connection: Any, whole: Callable[[Any], None] = dialect.do_commit) -> None:
        crossed("commit")
        whole(connection)
        crossed("committed")

    def send(key: str, text: str, whole: Callable[[str, str], None] = shop.outbox.send) -> None:
        crossed("mail")
        whole(key, text)
        crossed("mail")

    # Connected once before: a first connection asks for the server's version, which is no boundary of the app's.
    shop.engine.connect().close()
    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        sa.event.listen(shop.engine, name, lambda *_: crossed("statement"))
    dialect.do_commit = commit  # type: ignore[method-assign]
    shop.outbox.send = send  # type: ignore[method-assign]
    return crossed
