"""Which provider stands behind a port: chosen once per app, swapped in tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")
EXTENSION = "seatrial_ports"


class PortMissing(LookupError):
    """Nobody said what stands behind a port."""


class Ports:
    """Interface → what gives it. Providers are made when they are first asked for, once."""

    def __init__(self, app: Flask | None = None) -> None:
        self._makers: dict[type[Any], Callable[[], Any]] = {}
        self._made: dict[type[Any], Any] = {}
        self._lock = threading.RLock()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self

    def provide(self, port: type[T], provider: T | Callable[[], T]) -> None:
        """Put a provider, or a function without arguments that makes one, behind a port.

        Raises:
            TypeError: It is neither.
        """
        if not isinstance(provider, port) and (isinstance(provider, type) or not callable(provider)):
            raise TypeError(f"{provider!r} is neither a {port.__name__} nor a function that makes one")
        made = provider
        with self._lock:
            self._makers[port] = (lambda: made) if isinstance(provider, port) else cast(Callable[[], T], provider)
            self._made.pop(port, None)

    def get(self, port: type[T]) -> T:
        """What stands behind the port.

        Raises:
            PortMissing: Nothing does.
            TypeError: What was made is no such provider.
        """
        with self._lock:
            if port not in self._made:
                if port not in self._makers:
                    raise PortMissing(f"nothing stands behind {port.__name__}: call provide({port.__name__}, …) first")
                made = self._makers[port]()
                if not isinstance(made, port):
                    raise TypeError(f"{made!r} was made to stand behind {port.__name__} and is none")
                self._made[port] = made
            return cast(T, self._made[port])

    @contextmanager
    def swapped(self, port: type[T], provider: T) -> Iterator[T]:
        """Another provider for the time of a test."""
        with self._lock:
            maker, made = self._makers.get(port), self._made.get(port)
            self.provide(port, provider)
        try:
            yield provider
        finally:
            with self._lock:
                self._makers.pop(port)
                self._made.pop(port, None)
                if maker is not None:
                    self._makers[port] = maker
                if made is not None:
                    self._made[port] = made


def ports(app: Flask | None = None) -> Ports:
    """The registry of the app.

    Raises:
        PortMissing: The app has none.
    """
    found = (app or current_app).extensions.get(EXTENSION)
    if not isinstance(found, Ports):
        raise PortMissing("this app has no ports: make them with Ports(app)")
    return found
