"""Scopes that follow the work into threads which it starts.

A scope lives in a ContextVar, and a new thread begins with an empty context: statements that a request sends from its
own threads would be nobody's. `install()` wraps `threading.Thread.start` and `ThreadPoolExecutor.submit` once; while
a scope is open in the caller, the new thread (or the task) runs inside it. Without an open scope both do what they
always did.

A pool's worker thread outlives the request that made the pool start it, so the worker itself is started outside of
every scope; only the task is taken inside. Threads of other pools (`multiprocessing.pool.ThreadPool`) that are
started inside a request keep its scope for good, and a scope that is closed counts nothing more.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, Token
from typing import Any, Protocol


class Scope(Protocol):
    """What a carried ContextVar holds."""

    def follow(self, work: "threading.Thread | Future[Any]") -> None:
        """Told of each thread or task that was started inside."""


_carried: list[ContextVar[Any]] = []
_lock = threading.Lock()
_installed = False


def carry(variable: ContextVar[Any]) -> None:
    """Let the value of this variable (a Scope or None) follow into threads."""
    with _lock:
        if variable not in _carried:
            _carried.append(variable)


def install() -> None:
    """Wrap the two entry points. Idempotent; never undone, because others may have wrapped them on top."""
    global _installed
    with _lock:
        if _installed:
            return
        _installed = True
        threading.Thread.start = _carrying_start(threading.Thread.start)  # type: ignore[assignment, method-assign]
        ThreadPoolExecutor.submit = _carrying_submit(ThreadPoolExecutor.submit)  # type: ignore[method-assign]


def _open_scopes() -> list[tuple[ContextVar[Any], Scope]]:
    return [(variable, scope) for variable in _carried if (scope := variable.get(None)) is not None]


def _carrying_start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(start)
    def carrying(self: threading.Thread) -> None:
        scopes = _open_scopes()
        if scopes:
            run = self.run

            def run_inside() -> None:
                del self.run  # break the cycle thread -> closure -> thread
                for variable, scope in scopes:
                    variable.set(scope)
                run()

            self.run = run_inside  # type: ignore[method-assign]
            for _, scope in scopes:
                scope.follow(self)
        start(self)

    return carrying


def _carrying_submit(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    @functools.wraps(submit)
    def carrying(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        scopes = _open_scopes()
        if not scopes:
            return submit(self, fn, *args, **kwargs)
        # submit() may start a worker thread, which must not stay in this scope for the rest of its life
        outside = [(variable, variable.set(None)) for variable, _ in scopes]
        try:
            future = submit(self, _run_inside, scopes, fn, args, kwargs)
        finally:
            for variable, token in outside:
                variable.reset(token)
        for _, scope in scopes:
            scope.follow(future)
        return future

    return carrying


def _run_inside(
    scopes: list[tuple[ContextVar[Any], Scope]], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    tokens: list[tuple[ContextVar[Any], Token[Any]]] = [(variable, variable.set(scope)) for variable, scope in scopes]
    try:
        return fn(*args, **kwargs)
    finally:
        for variable, token in tokens:
            variable.reset(token)
