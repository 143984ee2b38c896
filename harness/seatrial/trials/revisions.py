"""Runs an app's own history with Alembic: from empty to its end, each new revision down and up again, and compared with
the models at last. Imported in the app's process alone: Alembic is heavy, and the guards need nothing of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import event
from sqlalchemy.engine import Engine

from seatrial.kit.migrations import leave_to_seatrial, together
from seatrial.model.migrations import Drift, History, Revision

if TYPE_CHECKING:
    from seatrial.target import Target

T = TypeVar("T")

STEPS = 20
"""Of the newest revisions that are run down and up again: each takes three commands of Alembic's."""
_STATEMENT = re.compile(r"\s*(?!SELECT|SHOW|SET|PRAGMA|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)", re.IGNORECASE)
_VERSION = "alembic_version"


def run(target: Target, since: str) -> History:
    """On a database without tables, in an application context; `since`: the last revision that is old, or empty."""
    engine = target.binds[0].engine if target.binds else None
    if engine is None:
        return History(reason="the app has no SQLAlchemy engine")
    history = History(dialect=engine.dialect.name)
    config = _config(target)
    if config is None:
        return history
    folder = Path(str(config.get_main_option("script_location"))).resolve()
    history = replace(history, folder=_relative(folder, target.folder))
    try:
        script = ScriptDirectory.from_config(config)
        ordered = list(script.walk_revisions())[::-1]
        heads = tuple(script.get_heads())
    except Exception as error:  # revisions are the app's code
        return replace(history, reason=f"its revisions cannot be read ({_line(error)})")
    history = replace(history, heads=heads, count=len(ordered))
    if not ordered:
        return history
    try:
        new = _new(script, ordered, since)
    except CommandError:
        return replace(history, reason=f"since under [tool.seatrial.migrations] names no revision: {since}")
    return _Course(target, engine, config, history).run(ordered, new)


def _config(target: Target) -> Config | None:
    """Of Flask-Migrate, else of a plain alembic.ini; None: the app has no migrations."""
    extension = target.app.extensions.get("migrate")
    if extension is not None:
        directory = target.folder / str(getattr(extension, "directory", "migrations"))
        if not (directory / "env.py").is_file():
            return None
        owner = getattr(extension, "migrate", None)
        if owner is not None:
            found: Config = owner.get_config(str(directory))
            found.set_main_option("script_location", str(directory).replace("%", "%%"))
            return found
    ini = target.folder / "alembic.ini"
    if not ini.is_file():
        return None
    config = Config(str(ini))
    place = Path(str(config.get_main_option("script_location")))
    config.set_main_option("script_location", str(target.folder / place).replace("%", "%%"))
    return config if (target.folder / place / "env.py").is_file() else None


def _new(script: ScriptDirectory, ordered: Sequence[Script], since: str) -> set[str]:
    """Those that came after a revision, or all. Raises CommandError where there is no such revision."""
    if not since:
        return {found.revision for found in ordered}
    known = {found.revision for found in script.iterate_revisions(since, "base")}
    return {found.revision for found in ordered} - known


class _Course:
    """One run from empty to the end."""

    def __init__(self, target: Target, engine: Engine, config: Config, history: History) -> None:
        self._target, self._engine, self._config, self._history = target, engine, config, history
        self._revisions: list[Revision] = []
        self._left: dict[str, Any] | None = None
        """The schema at the end of the last step, where it is known."""

    def run(self, ordered: Sequence[Script], new: set[str]) -> History:
        stepped = {found.revision for found in ordered if found.revision in new}
        late = {found.revision for found in ordered[-STEPS:]} & stepped
        for number, found in enumerate(ordered):
            following = ordered[number + 1] if number + 1 < len(ordered) else None
            if found.revision not in new and following is not None and following.revision not in new:
                continue  # old ones in one go, up to the last of them
            failure = self._step(found, judged=found.revision in new, back=found.revision in late)
            if failure:
                return replace(
                    self._history,
                    failed_at=found.revision,
                    failure=failure,
                    revisions=tuple(self._revisions),
                )
        drift, compared = self._drift() if len(self._history.heads) == 1 else ((), False)
        return replace(self._history, built=True, revisions=tuple(self._revisions), drift=drift, compared=compared)

    def _step(self, found: Script, *, judged: bool, back: bool) -> str:
        """Up one revision; returns what ended it. What can be said of the revision is kept."""
        before = (self._left or self._schema()) if back else None
        self._left = None
        with _recorded() as sent:
            failure = self._alembic(command.upgrade, found.revision)
        if judged:
            path = _relative(Path(found.path), self._target.folder)
            revision = Revision(found.revision, path, _line_of(Path(found.path)), sql=as_script(sent))
            if back and not failure and before is not None:
                why = self._back_and_forth(found, before)
                revision = replace(revision, tried=True, irreversible=why)
            self._revisions.append(revision)
        return failure

    def _back_and_forth(self, found: Script, before: dict[str, Any]) -> str:
        """Why a downgrade does not lead to where the revision began, or empty. Ends where the revision ends."""
        if isinstance(found.down_revision, tuple):
            return ""  # a merge changes nothing
        after = self._schema()
        failure = self._alembic(command.downgrade, str(found.down_revision or "base"))
        why = f"its downgrade fails: {failure}" if failure else ""
        left = self._schema()
        if not why and left != before:
            why = f"its downgrade leaves the schema changed: {difference(before, left)}"
        if left != after:
            failure = self._alembic(command.upgrade, found.revision)
            if failure and not why:
                why = f"after its downgrade it cannot be run again: {failure}"
            if failure:
                self._rebuild(found)
        self._left = after if not why else None  # from the same schema the same revision leads to the same one
        return why

    def _rebuild(self, found: Script) -> None:
        """From nothing to here: what a failed downgrade has left is nobody's ground to go on from."""
        with self._engine.connect() as connection:
            metadata = sa.MetaData()
            metadata.reflect(connection)
            metadata.drop_all(connection)
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("DROP SCHEMA public CASCADE")
                connection.exec_driver_sql("CREATE SCHEMA public")
            connection.commit()
        self._alembic(command.upgrade, found.revision)

    def _alembic(self, step: Any, revision: str) -> str:
        """What ended it, or empty."""
        try:
            with redirect_stdout(io.StringIO()):
                step(self._config, revision)
        except (Exception, SystemExit) as error:
            return _line(error)
        finally:
            self._engine.dispose()
        return ""

    def _schema(self) -> dict[str, Any]:
        with self._engine.connect() as connection:
            return schema_of(connection)

    def _drift(self) -> tuple[tuple[Drift, ...], bool]:
        metadata = self._target.binds[0].metadata
        if metadata is None or not metadata.tables:
            return (), False
        extension = self._target.app.extensions.get("migrate")
        arguments: dict[str, Any] = dict(getattr(extension, "configure_args", None) or {})
        filters = [found for found in (arguments.get("include_object"), leave_to_seatrial) if found]
        known = {name: arguments[name] for name in ("compare_type", "compare_server_default") if name in arguments}
        options: dict[str, Any] = {"compare_type": True, "include_object": together(*filters)} | dict(known)
        with self._engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"target_metadata": metadata, **options})
            return tuple(_differences(compare_metadata(context, metadata))), True


# ---------------------------------------------------------------------------------------------------- what was sent
@contextmanager
def _recorded() -> Iterator[list[tuple[str, bool]]]:
    """(statement, in a transaction) of everything that changes something."""
    sent: list[tuple[str, bool]] = []

    def before(connection: sa.Connection, _: Any, statement: str, *__: Any) -> None:
        if _STATEMENT.match(statement) and _VERSION not in statement:
            level = connection.get_execution_options().get("isolation_level")
            sent.append((statement.strip(), level != "AUTOCOMMIT"))

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", before)


def as_script(sent: Sequence[tuple[str, bool]]) -> str:
    """The statements with BEGIN and COMMIT where they were sent in a transaction."""
    lines, inside = [], False
    for statement, transactional in sent:
        if transactional is not inside:
            lines.append("BEGIN;" if transactional else "COMMIT;")
            inside = transactional
        lines.append(re.sub(r"%\(\w+\)s(::\w+)?", "NULL", statement).replace("%%", "%").rstrip("; ") + ";")
    return "\n".join([*lines, *(["COMMIT;"] if inside else [])])


def schema_of(connection: sa.Connection) -> dict[str, Any]:
    """Tables, columns, keys and indexes: equal where nothing that matters differs."""
    inspector = sa.inspect(connection)
    found: dict[str, Any] = {}
    # Of all tables at once: on PostgreSQL one statement for each kind of thing, whatever the number of tables.
    for table, columns in _of_each(inspector.get_multi_columns()):
        for column in columns:
            known = (str(column["type"]), column["nullable"], str(column.get("default")))
            found[f"column {table}.{column['name']}"] = known
    for table, primary in _of_each(inspector.get_multi_pk_constraint()):
        found[f"primary key of {table}"] = tuple(primary["constrained_columns"])
    for table, keys in _of_each(inspector.get_multi_foreign_keys()):
        for key in keys:
            name = f"foreign key {table}({', '.join(key['constrained_columns'])})"
            found[name] = (key["referred_table"], tuple(key["referred_columns"]), str(key.get("options")))
    for table, uniques in _of_each(inspector.get_multi_unique_constraints()):
        for unique in uniques:
            found[f"unique {table}({', '.join(unique['column_names'])})"] = True
    for table, indexes in _of_each(inspector.get_multi_indexes()):
        for index in indexes:
            found[f"index {index['name']}"] = (table, tuple(index["column_names"]), index["unique"])
    if connection.dialect.name == "postgresql":
        for enum in inspector.get_enums():  # type: ignore[attr-defined]
            found[f"type {enum['name']}"] = tuple(enum["labels"])
    return found


def _of_each(read: Mapping[Any, T]) -> Iterator[tuple[str, T]]:
    """Table and what was read of it, in the order of the tables' names; Alembic's own table is left out."""
    for (_, table), what in sorted(read.items(), key=lambda item: str(item[0][1])):
        if table != _VERSION:
            yield table, what


def difference(before: dict[str, Any], after: dict[str, Any]) -> str:
    """The first few, in words."""
    gone = [f"{name} is gone" for name in before if name not in after]
    new = [f"{name} is left" for name in after if name not in before]
    other = [f"{name} is another" for name in before if name in after and before[name] != after[name]]
    found = [*gone, *new, *other]
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _differences(found: Sequence[Any]) -> Iterator[Drift]:
    for one in found:
        yield from (_drift(inner) for inner in one) if isinstance(one, list) else (_drift(one),)


def _drift(one: Any) -> Drift:
    kind, *rest = one
    if kind.startswith("modify"):
        _, table, column, *_ = rest
        return Drift(kind, f"{table}.{column}")
    if kind in ("add_column", "remove_column"):
        return Drift(kind, f"{rest[1]}.{rest[2].name}")
    item = rest[0]
    table = getattr(item, "table", None)
    name = getattr(item, "name", None) or ", ".join(column.name for column in getattr(item, "columns", ()))
    return Drift(kind, f"{table.name}.{name}" if table is not None and item is not table else str(name))


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(path)


def _line_of(path: Path) -> int:
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        if line.startswith("def upgrade"):
            return number
    return 1


def _line(error: BaseException) -> str:
    """What a person needs of an error: its kind and first line, without values."""
    original = getattr(error, "orig", None) or error
    text = str(original).strip().splitlines()
    return f"{type(original).__name__}: {text[0][:200]}" if text else type(original).__name__
