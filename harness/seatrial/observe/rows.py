"""How many rows a statement fetched or changed, for a recording that asked for it (`record(rows=True)`).

| driver | select | dml |
|---|---|---|
| sqlite3 | rows as they are fetched: its `rowcount` says -1 | `rowcount`; with RETURNING, rows as they are fetched |
| psycopg, server-side cursor | rows as they are fetched | – |
| others (psycopg, psycopg2, pymysql …) | `rowcount`: all rows that the server sent | `rowcount` |

None where the driver does not say. Rows are counted by a row factory on the **cursor**, which SQLAlchemy makes anew
for each execution: the connection and its row factory stay as they are, the app's own factory (`sqlite3.Row`, a
function) still makes the row, and there is nothing to restore.
"""

from typing import Any

try:
    from sqlite3 import Cursor as _SQLiteCursor
except ImportError:  # a Python built without SQLite
    _SQLiteCursor = None  # type: ignore[assignment, misc]


class RowCount:
    """The rows of one execution. Made before the cursor executes, read after the request."""

    __slots__ = ("ask_driver", "fetched", "ran", "rows")

    def __init__(self, cursor: Any, context: Any) -> None:
        self.fetched = 0
        self.rows: int | None = None
        self.ask_driver = False
        self.ran = False
        if _SQLiteCursor is not None and isinstance(cursor, _SQLiteCursor):
            self._count_in_sqlite(cursor)
        elif getattr(context, "_is_server_side", False) and type(cursor).__module__.partition(".")[0] == "psycopg":
            self._count_in_psycopg(cursor)
        else:
            self.ask_driver = True

    def executed(self, cursor: Any) -> None:
        """The statement has run: take the driver's word where rows are not counted one by one."""
        self.ran = True
        if self.ask_driver or cursor.description is None:
            self.ask_driver = True
            said = cursor.rowcount
            # -1: unknown. Unbuffered MySQL cursors say 2**64 - 1 instead.
            self.rows = said if isinstance(said, int) and 0 <= said < 2**62 else None

    def total(self) -> int | None:
        """Rows so far; None where the driver does not say and where the statement failed."""
        return self.fetched if self.ran and not self.ask_driver else self.rows

    def _count_in_sqlite(self, cursor: Any) -> None:
        make = cursor.row_factory

        def count(of: Any, row: Any) -> Any:
            self.fetched += 1
            return row if make is None else make(of, row)

        cursor.row_factory = count

    def _count_in_psycopg(self, cursor: Any) -> None:
        factory = cursor.row_factory

        def counting_factory(of: Any) -> Any:
            make = factory(of)

            def count(values: Any) -> Any:
                self.fetched += 1
                return make(values)

            return count

        cursor.row_factory = counting_factory
