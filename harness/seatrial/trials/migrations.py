"""The app's own history: run from empty to its end, each new revision down and up again, compared with the models."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
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
from seatrial.model.errors import BrokenError
from seatrial.model.migrations import Drift, Hazard, History, Revision
from seatrial.target.child import in_child

if TYPE_CHECKING:
    from seatrial.target import Target

T = TypeVar("T")

STEPS = 20
"""Of the newest revisions that are run down and up again: each takes three commands of Alembic's."""
_STATEMENT = re.compile(r"\s*(?!SELECT|SHOW|SET|PRAGMA|WITH|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)", re.IGNORECASE)
_VERSION = "alembic_version"

# Of squawk's rules those that are about a database that people use. Left out: matters of taste, and
# prefer-robust-stmts, which recommends IF NOT EXISTS: that keeps an invalid index as it is.
TASTE = (
    "prefer-robust-stmts",
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    "prefer-identity",
    "prefer-text-field",
    "prefer-timestamp-tz",
    "ban-char-field",
    "require-timeout-settings",
    "require-lock-timeout",
    "require-statement-timeout",
    "require-table-schema",
    "identifier-too-long",
)


def tried(target: Target, since: str) -> History:
    """Everything that needs the app; in a child of the host, on a database without tables.

    Raises BrokenError when the child ends before its time.
    """
    target.release()

    def work() -> History:
        for bind in target.binds:
            bind.engine.dispose(close=False)
        with target.app.app_context():
            return _tried(target, since)

    return in_child(work)


def _tried(target: Target, since: str) -> History:
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


# ---------------------------------------------------------------------------------------------------------- squawk
def linted(history: History) -> History:
    """With what squawk says of the SQL of each new revision. Needs no app."""
    if not history.revisions:
        return history
    if history.dialect != "postgresql":
        return replace(history, unlinted=f"squawk reads PostgreSQL, and the trial runs on {history.dialect}")
    program = Path(sys.executable).with_name("squawk")
    found = str(program) if program.is_file() else shutil.which("squawk")
    if found is None:
        return replace(history, unlinted="squawk is not installed: pip install 'seatrial[migrate]'")
    with tempfile.TemporaryDirectory(prefix="seatrial-squawk-") as folder:
        files: dict[str, int] = {}
        for number, revision in enumerate(history.revisions):
            path = Path(folder) / f"{number}.sql"
            path.write_text(revision.sql or "SELECT 1;")
            files[str(path)] = number
        done = subprocess.run(
            [found, "--reporter", "Json", *files],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
        )
        # 1: something was found. What it cannot do is told on stderr alone, and would look like a clean result.
        if done.returncode not in (0, 1) or not done.stdout.strip():
            raise BrokenError(f"squawk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[:200]}")
        told = json.loads(done.stdout)
    hazards: dict[int, list[Hazard]] = {}
    unread: set[int] = set()
    for one in told:
        number = files[one["file"]]
        script = history.revisions[number].sql.splitlines()
        line = script[one["line"]] if one["line"] < len(script) else ""
        code = one.get("rule_name") or "error"
        if "syntax" in code:
            unread.add(number)
        # Here and not by --exclude: squawk refuses to run where a version does not know a name.
        if code in TASTE or "syntax" in code:
            continue
        hazards.setdefault(number, []).append(
            Hazard(code, one["message"], one.get("help") or "", " ".join(line.split())[:160])
        )
    return replace(
        history,
        revisions=tuple(
            replace(revision, hazards=None if number in unread else tuple(hazards.get(number, ())))
            for number, revision in enumerate(history.revisions)
        ),
    )
