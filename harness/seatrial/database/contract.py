"""What a trial may ask of its throw-away databases."""

import atexit
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from seatrial.database.names import Ledger
from seatrial.model.errors import BrokenError, SeatrialError


@dataclass(frozen=True, slots=True)
class Recipe:
    """How another process of the same run reaches these databases; see `join_databases`. Plain data.

    It holds the server's password: hand it over privately.
    """

    dialect: str
    run: str
    """Of the owner. A process that joins takes a name that begins with it, such as `<run>_gw0`."""
    template: str
    """What may be cloned besides what the joining process makes itself."""
    place: str = field(repr=False)
    """URL of the server, or the folder."""
    description: str
    private: bool = False
    """The server is an embedded one, which ends with its owner."""


class Databases(ABC):
    """The databases of one run: made, cloned and dropped here, and by nobody else. A context manager."""

    dialect: str
    """"postgresql" or "sqlite"."""
    description: str
    """For a report: "embedded PostgreSQL 15.18 (system binaries)"; holds no password."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._ledger = Ledger(run)
        self._closed = False
        self._owner = os.getpid()
        # Left open, they are closed with the interpreter; a killed one is the watcher's matter.
        atexit.register(self.close)

    def name(self, purpose: str) -> str:
        """The name of the database for `purpose`: "seatrial_<run>_<purpose>". Makes nothing."""
        return self._ledger.name(purpose)

    @abstractmethod
    def url(self, name: str) -> str:
        """SQLAlchemy URL of `name`, password in clear text, with a driver that is importable here.

        Raises BrokenError for a name that `name()` does not give.
        """

    @abstractmethod
    def create(self, name: str) -> None:
        """Make `name`, empty. Raises BrokenError when there is one already."""

    @abstractmethod
    def clone(self, template: str, name: str) -> None:
        """Make `name` a copy of `template`, in place of what this run made under that name.

        Sessions on `name` are ended. Raises BrokenError when a session stays on `template`, when `template` was not
        made by this run, and when `name` is there and was not.
        """

    @abstractmethod
    def recipe(self, template: str) -> Recipe:
        """For other processes of this run, which may clone `template`. These databases must outlive theirs.

        Raises BrokenError when `template` was not made by this run.
        """

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove `name`, ending the sessions on it. Raises BrokenError unless this run made it."""

    def close(self) -> None:
        """Drop everything that was made and stop what was started; again, or in a forked child: nothing.

        Raises BrokenError that names what is left.
        """
        # A forked child inherits this object and its atexit handler, but not the right to drop anything.
        if not self._closed and os.getpid() == self._owner:
            self._closed = True
            atexit.unregister(self.close)
            self._close()

    @abstractmethod
    def _close(self) -> None:
        """What `close` does, once, in the process that opened the databases."""

    def _require_open(self) -> None:
        if self._closed:
            raise BrokenError("the databases of this run are closed: call open_databases() for new ones.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except SeatrialError as left:
            # What went wrong inside the block matters more than what could not be tidied up after it.
            if error is None:
                raise
            error.add_note(str(left))
