"""Whether this process may be forked: what a child would share with its parent by accident. Linux only (/proc)."""

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Hygiene:
    """What was open at one moment."""

    native_threads: int
    """Entries of /proc/self/task. Threads of C libraries count; Python does not know them."""
    python_threads: int
    sockets: int
    """A connection that is checked out survives `Engine.dispose()`."""
    database_files: int
    """Open descriptors of the trial's SQLite file, its journal and its WAL: a leak without a socket."""

    @property
    def clean(self) -> bool:
        return self.native_threads == 1 and not self.sockets and not self.database_files

    def problem(self) -> str:
        """Empty when clean; otherwise what stands in the way of a fork, and the way out."""
        found = []
        if self.native_threads != 1:
            hidden = max(0, self.native_threads - self.python_threads)
            note = f", {hidden} of them not started by Python" if hidden else ""
            found.append(f"{self.native_threads} threads{note}")
        if self.sockets:
            found.append(f"{self.sockets} open sockets")
        if self.database_files:
            found.append(f"{self.database_files} open descriptors of the database file")
        if not found:
            return ""
        return (
            f"this process has {', '.join(found)}, which a forked child would share; close sessions and pools "
            "(`Engine.dispose()` leaves a connection that is checked out open) and end the threads first"
        )


def hygiene(database_file: str | Path | None = None) -> Hygiene:
    """Look before every fork. `database_file`: the trial's SQLite database, if it has one."""
    wanted = os.path.realpath(database_file) if database_file else None
    names = {wanted, f"{wanted}-wal", f"{wanted}-shm", f"{wanted}-journal"} if wanted else set()
    sockets = files = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the descriptor that listed the folder is gone already
            link = os.readlink(f"/proc/self/fd/{descriptor}")
            sockets += link.startswith("socket:")
            files += link.removesuffix(" (deleted)") in names
    return Hygiene(len(os.listdir("/proc/self/task")), threading.active_count(), sockets, files)
