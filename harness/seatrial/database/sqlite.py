"""Throw-away SQLite databases: files in a watched temporary folder."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy.engine import URL

from seatrial.database.contract import Databases, Recipe
from seatrial.database.folder import WatchedFolder
from seatrial.model.errors import BrokenError

# What SQLite may keep beside a database; a stale one would be replayed into the next file of that name.
COMPANIONS = ("-journal", "-wal", "-shm")

# Seconds to wait for a writer to finish before a clone is given up.
LOCK_TIMEOUT = 2.0


class SqliteDatabases(Databases):
    """Each database is one file."""

    dialect = "sqlite"

    def __init__(self, run: str, folder: Path | None = None) -> None:
        """`folder`: another process's, which stays; by default one of our own."""
        self._folder: WatchedFolder | None = None
        if folder is None:
            self._folder = WatchedFolder("sqlite")
            folder = self._folder.path
        self._path = folder
        self.description = f"SQLite {sqlite3.sqlite_version} (files)"
        super().__init__(run)

    @classmethod
    def joined(cls, recipe: Recipe, run: str) -> "SqliteDatabases":
        """See `join_databases`."""
        made = cls(run, Path(recipe.place))
        made._ledger.adopt(recipe.template)
        return made

    def recipe(self, template: str) -> Recipe:
        """The folder."""
        self._require_open()
        self._ledger.require_made(template)
        return Recipe(self.dialect, self._run, template, str(self._path), self.description)

    def url(self, name: str) -> str:
        """`sqlite:////absolute/path`."""
        self._ledger.require_ours(name)
        return URL.create("sqlite", database=str(self._file(name))).render_as_string(hide_password=False)

    def create(self, name: str) -> None:
        """An empty file, which is an empty database."""
        self._require_open()
        self._ledger.require_ours(name)
        try:
            self._file(name).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise BrokenError(f"the database {name} is there already: drop it first, or clone onto it.") from None
        self._ledger.add(name)

    def clone(self, template: str, name: str) -> None:
        """What is committed in `template`; connections to a former `name` keep its unlinked file to themselves."""
        self._require_open()
        self._ledger.require_template(template)
        self._ledger.require_ours(name)
        if template == name:
            raise BrokenError(f"{name} cannot be cloned onto itself: name another database.")
        copy = self._file(name).with_suffix(".copy")
        copy.unlink(missing_ok=True)
        try:
            _copy(self._file(template), copy)
        except sqlite3.Error as error:
            copy.unlink(missing_ok=True)
            raise BrokenError(
                f"{template} could not be cloned ({error}): end the transactions of every connection to it first."
            ) from error
        self._remove(name)
        copy.rename(self._file(name))
        self._ledger.add(name)

    def drop(self, name: str) -> None:
        """Unlink the file."""
        self._require_open()
        self._ledger.require_made(name)
        self._remove(name)
        self._ledger.discard(name)

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()
            return
        for name in self._ledger.made():
            self._remove(name)

    def _file(self, name: str) -> Path:
        return self._path / f"{name}.sqlite"

    def _remove(self, name: str) -> None:
        for companion in ("", *COMPANIONS):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._file(name)}{companion}")


def _copy(source: Path, target: Path) -> None:
    """Copy by SQLite's backup, not by bytes: it sees what is still in a write-ahead log and waits for a writer.

    A plain copy also opens and closes the file, which drops the POSIX locks that this process holds on it.
    Raises sqlite3.Error.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT

    def give_up(status: int, _remaining: int, _total: int) -> None:
        # Python's backup() repeats for ever while the source is locked; only the callback can end it.
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise sqlite3.OperationalError("database is locked")

    with (
        contextlib.closing(sqlite3.connect(source, timeout=0)) as reading,
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        writing.execute("PRAGMA synchronous = OFF")
        writing.execute("PRAGMA journal_mode = OFF")
        reading.backup(writing, progress=give_up, sleep=0.02)
