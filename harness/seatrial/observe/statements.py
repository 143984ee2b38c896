"""The statement recorder: what one request sent to its databases.

    install()
    with record() as recording:
        response = client.get("/items/")
    recording.statements()          # tuple[Statement, ...], in the order sent

One pair of listeners on the `Engine` class sees every engine, bind and session, made before or after. It is never
removed: without an open scope it returns at once. The hot path keeps raw lists; text is read and described only
afterwards.

| situation | rule |
|---|---|
| nested scopes | a statement counts in the inner scope and in every outer one |
| threads and pool tasks started inside | count until the scope is left (`observe.threads`); `settle()` waits |
| asyncio tasks, SQLAlchemy's greenlets | count: they copy the context |
| greenlets of `gevent.spawn` | do not count: gevent starts them with an empty context |
| streamed bodies | `with recording.resume():` around the iteration |
| a statement that fails | counts; a statement that never reached the driver does not |
| savepoints, PRAGMA, SET, sequence values | recorded as `Kind.TRANSACTION`, never counted in a budget |
| an executemany, a batch of insertmanyvalues | one statement each time that the cursor executes, `many=True` |

Parameter values are hashed when a statement is sent and not kept. Hand-written SQL is kept as it is only until
`statements()` has replaced its literals. A scope with `keep` is the exception: `sent()` hands back what the driver got,
so that it can be explained on the trial's own database. It never leaves the process.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from time import perf_counter
from typing import Any, NamedTuple, Protocol
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import ExecuteStyle

from seatrial.model.evidence import Statement
from seatrial.observe import threads
from seatrial.observe.callsite import Origin
from seatrial.observe.parameters import parameters_hash
from seatrial.observe.rows import RowCount
from seatrial.observe.sql import Shape, cached_shape, shape

FIRST_ATTRIBUTED, LAST_ATTRIBUTED = 2, 6
"""Executions of one statement in one scope that are attributed: the first only counts, later ones tell nothing new."""


class Attribution(Protocol):
    """Says where statements come from: `note` keeps facts on the hot path, `read` explains them after the request."""

    def note(self, context: Any, nth: int) -> Any:
        """Facts of the current execution, or None for none.

        `context` is SQLAlchemy's ExecutionContext, or None. `nth` counts the executions of one statement, from 1.
        """

    def read(self, note: Any) -> Origin:
        """What a note of this object means."""


# One execution, as a list because it is the cheapest thing to make: see the indexes below.
_Entry = list[Any]
_TEXT, _COMPILED, _ENGINE, _PARAMETERS, _MANY, _SECONDS, _ROWS, _NOTE, _SENT = range(9)
# _SECONDS is minus the start while the statement runs, and the time it took afterwards: one number less to keep.


class Sent(NamedTuple):
    """A statement as the driver got it. Its parameters are values of the app: for this process only."""

    statement: Statement
    text: str
    parameters: Any


class Recording:
    """The statements of one scope. Made by `record()`."""

    __slots__ = (
        "_attribution", "_built", "_first", "_forms", "_keep", "_last", "_lock", "_loose", "_open", "_outer", "_raw",
        "_rows", "_seen", "_sent", "_work", "keeps", "lost",
    )  # fmt: skip

    def __init__(
        self,
        *,
        rows: bool = False,
        attribute: Attribution | None = None,
        attributed: tuple[int, int] = (FIRST_ATTRIBUTED, LAST_ATTRIBUTED),
        outer: "Recording | None" = None,
        keep: bool = False,
    ) -> None:
        self.lost = 0
        """Executions that the recorder failed to record. Not 0 means: trust no count of this recording."""
        self.keeps = keep
        self._sent: list[Sent] = []
        self._raw: list[_Entry] = []
        self._built: list[Statement] = []
        self._outer = outer
        self._rows: bool = rows or (outer is not None and outer._rows)
        self._attribution: Attribution | None = attribute
        self._first, self._last = attributed
        if attribute is None and outer is not None:
            self._attribution, self._first, self._last = outer._attribution, outer._first, outer._last
        self._seen: dict[str, int] = {}
        self._forms: dict[str, str] = {}
        self._loose: dict[int, _Entry] = {}  # by cursor, for executions without a context of their own
        self._work: list[threading.Thread | Future[Any]] = []
        self._lock = threading.Lock()
        self._open = 0
        self._keep: Callable[[_Entry], None] = _ignore

    # ------------------------------------------------------------------------------------------------ reading
    def statements(self) -> tuple[Statement, ...]:
        """What was sent, in order. Read it after the request: what is read is final, its raw facts are dropped.

        While the scope is open, statements in flight appear with 0 ms and nothing is dropped.
        """
        with self._lock:
            texts: dict[str, Shape] = {}
            raw = list(self._raw)
            built = [self._describe(entry, texts) for entry in raw]
            if self._open:
                return (*self._built, *built)
            self._sent += [
                Sent(statement, *entry[_SENT])
                for statement, entry in zip(built, raw, strict=True)
                if self.keeps and entry[_SENT] is not None
            ]
            self._built += built
            self._raw.clear()
            self._forms.clear()
            return tuple(self._built)

    def sent(self) -> tuple[Sent, ...]:
        """What a scope with `keep` sent, executemany left out. Read it after the request."""
        self.statements()
        return tuple(self._sent)

    def __len__(self) -> int:
        """How many statements of any kind, without describing them."""
        return len(self._built) + len(self._raw)

    def settle(self, timeout_s: float = 1.0) -> bool:
        """Wait for threads and pool tasks started inside, before the scope is left. True: all have ended."""
        deadline = time.monotonic() + timeout_s
        for work in list(self._work):
            left = max(0.0, deadline - time.monotonic())
            if isinstance(work, Future):
                if wait_for_futures([work], left).not_done:
                    return False
            elif work is not threading.current_thread():
                work.join(left)
                if work.is_alive():
                    return False
        return True

    @contextmanager
    def resume(self) -> Iterator["Recording"]:
        """Enter the scope again, from any thread or context: statements sent inside count as well."""
        token = _current.set(self)
        self._enter()
        try:
            yield self
        finally:
            self._leave()
            try:
                _current.reset(token)
            except ValueError:  # left in another context than it was entered in: a generator closed elsewhere
                _current.set(None)

    def follow(self, work: "threading.Thread | Future[Any]") -> None:
        """Told by `observe.threads` of each thread or pool task started inside."""
        self._work.append(work)

    # ------------------------------------------------------------------------------------------------ the scope
    def _enter(self) -> None:
        with self._lock:
            self._open += 1
            self._keep = self._raw.append if self._outer is None else self._keep_in_both

    def _leave(self) -> None:
        with self._lock:
            self._open -= 1
            if not self._open:
                # a thread that goes on is no longer part of this scope, but it is of an outer one that is still open
                self._keep = _ignore if self._outer is None else self._keep_outside

    def _keep_in_both(self, entry: _Entry) -> None:
        self._raw.append(entry)
        self._keep_outside(entry)

    def _keep_outside(self, entry: _Entry) -> None:
        if self._outer is not None:
            self._outer._keep(entry)

    # ------------------------------------------------------------------------------------------------ attribution
    def _note(self, attribution: Attribution, context: Any, entry: _Entry) -> tuple[Attribution, Any] | None:
        text: str = entry[_TEXT]
        if not entry[_COMPILED]:
            # Hand-written SQL differs in its literals: only its normal form repeats.
            form = self._forms.get(text)
            if form is None:
                form = self._forms[text] = shape(text).fingerprint
            text = form
        nth = self._seen[text] = self._seen.get(text, 0) + 1
        if not self._first <= nth <= self._last:
            return None
        note = attribution.note(context, nth)
        return None if note is None else (attribution, note)

    # ------------------------------------------------------------------------------------------------ describing
    def _describe(self, entry: _Entry, texts: dict[str, Shape]) -> Statement:
        text, compiled, engine, parameters, many, seconds, rows, note, _ = entry
        described = texts.get(text)
        if described is None:
            backslashes = engine is not None and engine.dialect.name in ("mysql", "mariadb")
            described = texts[text] = (cached_shape if compiled else shape)(text, backslashes=backslashes)
        origin = Origin()
        if note is not None:
            attribution, facts = note
            with suppress(Exception):  # no origin is better than no statement
                origin = attribution.read(facts)
        return Statement(
            sql=described.sql,
            fingerprint=described.fingerprint,
            kind=described.kind,
            rows=None if rows is None else rows.total(),
            elapsed_ms=max(0.0, seconds) * 1000,
            # hand-written SQL carries its values in the text: without it, two of them would seem identical
            parameters=hash((parameters, text)),
            engine=engine_label(engine),
            many=many,
            place=origin.place,
            relationship=origin.relationship,
            load=origin.load,
            to_many=origin.to_many,
            owner=origin.owner,
            entity=origin.entity,
            columns=origin.columns,
            api=origin.api,
            template=origin.template,
        )


def _ignore(entry: _Entry) -> None:
    """What a closed scope does with a statement that a thread sends late."""


_current: ContextVar[Recording | None] = ContextVar("seatrial_recording", default=None)


@contextmanager
def record(
    rows: bool = False,
    attribute: Attribution | None = None,
    attributed: tuple[int, int] = (FIRST_ATTRIBUTED, LAST_ATTRIBUTED),
    keep: bool = False,
) -> Iterator[Recording]:
    """Record the statements sent inside the `with` block.

    `rows` counts rows as well (costs more, see `observe.rows`). `attribute` is asked for the origin of executions
    `attributed[0]` to `attributed[1]` of each statement. Both also hold for the scopes nested inside. `keep` holds for
    this scope alone: see `Recording.sent`.
    """
    install()
    outer = _current.get()
    scope = Recording(rows=rows, attribute=attribute, attributed=attributed, outer=outer, keep=keep)
    with scope.resume() as recording:
        yield recording


def current_recording() -> Recording | None:
    """The innermost open scope of this thread or task."""
    return _current.get()


# ---------------------------------------------------------------------------------------------------- engine labels
_bind_names: "WeakKeyDictionary[Engine, str]" = WeakKeyDictionary()


def name_binds(engines: Mapping[str | None, Engine]) -> None:
    """Give engines the app's names for them (`db.engines` of Flask-SQLAlchemy; None is the default bind)."""
    for name, engine in engines.items():
        _bind_names[engine] = name or ""


def engine_label(engine: Any) -> str:
    """`postgresql`, or `sqlite:reports` for a named bind. Empty without an engine."""
    if engine is None:
        return ""
    # engine.execution_options() makes an engine of its own on top of the first
    bind = _bind_names.get(engine) or _bind_names.get(getattr(engine, "_proxied", engine)) or ""
    dialect: str = engine.dialect.name
    return f"{dialect}:{bind}" if bind else dialect


# ---------------------------------------------------------------------------------------------------- listeners
_installed = False
_install_lock = threading.Lock()


def install(*, follow_threads: bool = True) -> None:
    """Put the listeners on the Engine class, once and for good: adding and removing them costs more than they do."""
    global _installed
    if follow_threads:
        threads.carry(_current)
        threads.install()
    with _install_lock:
        if not _installed:
            # retval: SQLAlchemy calls the function itself instead of a wrapper around it
            event.listen(Engine, "before_cursor_execute", _before, retval=True)
            event.listen(Engine, "after_cursor_execute", _after)
            event.listen(Engine, "handle_error", _failed)
            _installed = True


def _before(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    recording = _current.get()
    if recording is None:
        return statement, parameters
    try:
        compiled = getattr(context, "compiled", None)
        if compiled is None:
            text, named = statement, False
        elif context.statement is statement:
            # What SQLAlchemy compiled, before IN lists were expanded: one text however long they are, and its hash is
            # already known.
            text, named = compiled.string, not context.is_text
        elif context.execute_style is ExecuteStyle.INSERTMANYVALUES and statement[:1] in "IiWw":
            text, named = compiled.string, True
        else:  # a sequence's or a default's own statement, or one that another listener has rewritten
            text, named = statement, False
        entry = [text, named, connection.engine, parameters_hash(parameters), many, 0.0, None, None, None]
        if recording.keeps and not many:
            entry[_SENT] = (statement, parameters)
        if recording._rows:
            entry[_ROWS] = RowCount(cursor, context)
        attribution = recording._attribution
        if attribution is not None:
            entry[_NOTE] = recording._note(attribution, context, entry)
        recording._keep(entry)
        try:
            context._seatrial_entry = entry
        except AttributeError:  # no context, or one that takes no attributes
            recording._loose[id(cursor)] = entry
        entry[_SECONDS] = -perf_counter()
    except Exception:  # a listener that raises would break the app
        recording.lost += 1
    return statement, parameters


def _after(connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:  # noqa: ARG001
    entry = getattr(context, "_seatrial_entry", None)
    if entry is None:
        recording = _current.get()
        if recording is None or not recording._loose:
            return
        entry = recording._loose.pop(id(cursor), None)
    if entry is not None and entry[_SECONDS] < 0:
        entry[_SECONDS] += perf_counter()
        if entry[_ROWS] is not None:
            _executed(entry, cursor)


def _executed(entry: _Entry, cursor: Any) -> None:
    try:
        entry[_ROWS].executed(cursor)
    except Exception:
        entry[_ROWS] = None  # the driver does not say


def _failed(context: Any) -> None:
    """handle_error: the statement is recorded already, it only ends here. (The error's own `cursor` may be unset.)"""
    entry = getattr(context.execution_context, "_seatrial_entry", None)
    if entry is not None and entry[_SECONDS] < 0:
        entry[_SECONDS] += perf_counter()
