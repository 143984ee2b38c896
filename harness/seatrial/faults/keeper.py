"""The process that holds the trial's database, so that the parent of all forks has no connection of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from seatrial.faults import children
from seatrial.faults.shapes import Schema
from seatrial.faults.stores import Delta, Store, open_store
from seatrial.model.errors import BrokenError

PATIENCE_S = 30.0


class Keeper:
    """A child process; every method is a question to it. It ends with us."""

    def __init__(self, url: str) -> None:
        """Copies every row of the database. Raises BrokenError where that cannot be done."""
        we_read, it_writes = multiprocessing.Pipe(duplex=False)
        it_reads, we_write = multiprocessing.Pipe(duplex=False)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                children.begin(parent)
                we_read.close()
                we_write.close()
                _serve(url, it_reads, it_writes)
            finally:
                os._exit(0)
        it_reads.close()
        it_writes.close()
        self._read, self._write = we_read, we_write
        self._ends = {we_read.fileno(), we_write.fileno()}
        children.register(self._ends)
        self.schema: Schema = self._receive()

    def _ask(self, name: str, *arguments: Any) -> Any:
        try:
            self._write.send((name, arguments))
        except OSError:
            raise BrokenError("the process that holds the trial's database is gone; run the check again") from None
        return self._receive()

    def _receive(self) -> Any:
        try:
            if not self._read.poll(PATIENCE_S):
                raise BrokenError(f"the trial's database did not answer within {PATIENCE_S:g} s; run the check again")
            kind, value = self._read.recv()
        except (EOFError, OSError):
            raise BrokenError("the process that holds the trial's database is gone; run the check again") from None
        if kind == "error":
            raise BrokenError(f"the trial's database cannot be put back ({value}); use the embedded one (database.url)")
        return value

    def delta(self) -> Delta:
        """Rows that differ from the beginning. Ends what killed processes left open first."""
        found: Delta = self._ask("delta")
        return found

    def reset(self, *, bump: bool = False) -> None:
        """Every row as at the beginning. `bump`: sequences go on elsewhere, so that surrogate keys differ."""
        self._ask("reset", bump)

    def age(self, columns: Sequence[tuple[str, str]], seconds: int) -> None:
        """Let time pass for rows that are new or changed: their (table, column) values move into the past."""
        self._ask("age", list(columns), seconds)

    def blocked(self, backends: Sequence[int]) -> list[int]:
        """Of these server processes, those that wait for a lock."""
        found: list[int] = self._ask("blocked", list(backends)) if backends else []
        return found

    def working(self, backends: Sequence[int]) -> list[int]:
        """Of these server processes, those that work on a statement and wait for no lock."""
        found: list[int] = self._ask("working", list(backends)) if backends else []
        return found

    def texts(self, prefixes: Sequence[str]) -> list[str]:
        """Texts in the rows of the beginning that begin so: for each column at least the first."""
        found: list[str] = self._ask("texts", list(prefixes))
        return found

    @property
    def alive(self) -> bool:
        try:
            self._ask("ping")
        except BrokenError:
            return False
        return True

    def close(self) -> None:
        """Take the copies away and end."""
        with contextlib.suppress(BrokenError):
            self._ask("close")
        children.unregister(self._ends)
        for end in (self._read, self._write):
            end.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _serve(url: str, read: Connection, write: Connection) -> None:
    store: Store | None = None
    try:
        store = open_store(url)
        write.send(("ok", store.schema))
    except Exception as error:
        write.send(("error", _said(error)))
        return
    while True:
        try:
            name, arguments = read.recv()
        except (EOFError, OSError):
            break
        try:
            if name == "close":
                store.close()
            answer = None if name in ("ping", "close") else getattr(store, name)(*arguments)
            if name == "ping":
                store.blocked([0])
            write.send(("ok", answer))
        except Exception as error:
            write.send(("error", _said(error)))
        if name == "close":
            break


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
